"""Every query of the dashboard has an answer in a real Prometheus.

Grafana's own transformations turn the answers into the tables that the panels show.
"""

import json
import math
import os
import re
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import boxkite.prometheus
from boxkite import Baseline, Monitor
from boxkite.baseline import CategoryVariable
from boxkite.prometheus.rules import RuleOptions, render_rules
from boxkite.settings import Settings
from boxkite.variation.deviation import smoothed_fractions as smoothed

HOSTILE = 'it\'s "naïve"\n\\ 😀'
ATTEMPTS = 20
DASHBOARD = Path(boxkite.prometheus.__file__).with_name("dashboard.json")
TRANSFORM = Path(__file__).with_name("transform.cjs")
PACKAGES = ("@grafana/data@11.6.0", "react@18", "react-dom@18")

Table = dict[str, list[Any]]


def asked(api: str, path: str, **parameters: str) -> Any:
    url = f"http://{api}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
    with urllib.request.urlopen(url, timeout=30) as response:
        return json.load(response)["data"]


def interpolated(expression: str, **values: str) -> str:
    """Return an expression as Grafana sends it, with values escaped for quoted strings."""
    quoted = {
        name: value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
        for name, value in {**values, "__rate_interval": "15s"}.items()
    }
    return re.sub(r"\$(\w+)", lambda match: quoted.get(match[1], match[0]), expression)


def answered(system: Any, expression: str) -> bool:
    """Tell whether an answer arrives within a few scrapes and evaluations."""
    for _ in range(ATTEMPTS):
        values = [value for _, value in system.query(expression)]
        if values and not any(math.isnan(value) for value in values):
            return True
        time.sleep(0.5)
    return False


@pytest.fixture(scope="module")
def transform(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Table]:
    """Turn the answers to a panel's queries into its table, as Grafana does."""
    folder = tmp_path_factory.mktemp("transform")
    npm = shutil.which("npm") or "npm"
    install = [npm, "install", "--no-audit", "--no-fund", *PACKAGES]
    try:
        done = subprocess.run(install, cwd=folder, capture_output=True, text=True, check=False)
        reporter = done.stderr[-300:] if done.returncode else ""
    except FileNotFoundError as error:
        reporter = str(error)
    if reporter:
        message = f"the test needs npm install {' '.join(PACKAGES)}: {reporter}"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(message)
    shutil.copy(TRANSFORM, folder)

    def transform(panel: Any, answers: Mapping[str, list[tuple[dict[str, str], float]]]) -> Table:
        frames = [frame(name, rows, len(answers)) for name, rows in answers.items()]
        given = json.dumps({"transformations": panel["transformations"], "frames": frames})
        made = subprocess.run(
            ["node", TRANSFORM.name], cwd=folder, input=given, capture_output=True, text=True,
            check=True,
        )  # fmt: skip
        (table,) = json.loads(made.stdout)
        return dict(table)

    return transform


def frame(name: str, rows: list[tuple[dict[str, str], float]], queries: int) -> dict[str, Any]:
    """Return an answer as a table, as Grafana's Prometheus data source does."""
    labels = sorted({label for each, _ in rows for label in each})
    columns = [
        {"name": each, "type": "string", "values": [row.get(each, "") for row, _ in rows]}
        for each in labels
    ]
    value = f"Value #{name}" if queries > 1 else "Value"
    times = {"name": "Time", "type": "time", "values": [0] * len(rows)}
    values = {"name": value, "type": "number", "values": [number for _, number in rows]}
    return {"refId": name, "fields": [times, *columns, values]}


def with_data(dashboard: Any) -> list[Any]:
    """Return the panels of a model without segments whose service takes no labels."""
    row, found = "", []
    for panel in dashboard["panels"]:
        row = panel["title"] if panel["type"] == "row" else row
        if not row.startswith("Quality") and "egments" not in panel["title"]:
            found.append(panel)
    return found


def table_of(system: Any, panel: Any, chosen: dict[str, str], transform: Any) -> Table:
    answers = {
        target["refId"]: system.query(interpolated(target["expr"], **chosen))
        for target in panel["targets"]
    }
    table: Table = transform(panel, answers)
    return table


def is_training_beside_live(table: Table, monitor: Monitor, name: str) -> bool:
    """Tell whether a table holds a variable's smoothed fractions, bins from left to right."""
    counts = {variable.name: (variable, tally) for variable, tally in monitor.drift().counts}
    variable, tally = counts[name]
    trained, live = (smoothed(each) for each in (variable.counts, tally.cells))
    if list(table) != ["cell", "training", "live"]:
        return False
    if isinstance(variable, CategoryVariable):
        order = [variable.index[label] for label in table["cell"]]
    else:
        order = list(range(len(trained)))
        assert table["cell"][0] == f"(-Inf, {variable.upper_bounds[0]}]"
        assert table["cell"][-1] == f"({variable.upper_bounds[-2]}, +Inf]"
    return table["training"] == pytest.approx(trained[order].tolist()) and table[
        "live"
    ] == pytest.approx(live[order].tolist())


@pytest.mark.slow
@pytest.mark.parametrize("variable", ["delay", HOSTILE])
def test_each_query_returns_data(
    alerting: Callable[..., Any],
    served: Callable[..., Any],
    transform: Callable[..., Table],
    tmp_path: Any,
    variable: str,
) -> None:
    random = np.random.default_rng(1)
    trained = {
        "delay": random.normal(size=2000),
        HOSTILE: random.choice(["AA", HOSTILE], 2000).tolist(),
    }
    baseline = Baseline.fit(trained, {"score": trained["delay"]}, model="flights", version="7")
    settings = Settings(state_dir=str(tmp_path / "state"))
    monitor = Monitor(baseline, log=f"file:{tmp_path / 'log'}", settings=settings, registry=None)
    rules = render_rules(
        windows=["1m"], critical_windows={"1m": "1h"}, options=RuleOptions(interval="1s")
    )
    dashboard = json.loads(DASHBOARD.read_text("utf-8"))
    with served(monitor) as target, alerting([target], rules) as system:
        system.up(1)
        for value in random.normal(1.0, 1.0, 500).tolist():
            monitor.log_prediction([value, "AA"], value)
        system.wait(
            "drift", lambda: system.query('variable:boxkite_rate:difference{rate="unseen"}')
        )
        chosen: dict[str, str] = {}
        for each in dashboard["templating"]["list"][1:]:
            series, label = re.fullmatch(r"label_values\((.*), (\w+)\)", each["query"]).groups()
            name = each["name"]
            assert label == name.removeprefix("quality_")
            match = interpolated(series, **chosen)
            found = asked(system.prometheus, f"label/{label}/values", **{"match[]": match})
            if each.get("includeAll"):
                chosen[name] = each["allValue"]
                continue
            if name in ("quality_window", "statistic"):
                assert found == []  # the service takes no labels
                chosen[name] = "none"
                continue
            chosen[name] = variable if name == "variable" else found[0]
            assert chosen[name] in found
        assert chosen == {
            "cluster": ".*", "namespace": ".*", "job": ".*",
            "model_name": "flights", "model_version": "7", "window": "1m",
            "variable_role": "feature", "variable": variable,
            "quality_window": "none", "statistic": "none",
        }  # fmt: skip
        panels = {panel["title"]: panel for panel in dashboard["panels"]}
        for _ in range(ATTEMPTS):
            beside = table_of(system, panels["Training and live distribution"], chosen, transform)
            if is_training_beside_live(beside, monitor, variable):
                break
            time.sleep(0.5)
        else:
            pytest.fail(f"training and live are shown as {beside}")
        furthest = table_of(system, panels["Furthest from training now"], chosen, transform)
        assert list(furthest) == ["variable", "Value"]
        assert set(furthest["variable"]) == {"delay", HOSTILE, "score"}
        assert furthest["Value"] == sorted(furthest["Value"], reverse=True)
        empty = [
            (panel["title"], target["refId"])
            for panel in with_data(dashboard)
            for target in panel.get("targets", [])
            if not answered(system, interpolated(target["expr"], **chosen))
        ]
    monitor.close()
    # Numbers have no unseen category, and categories no Kolmogorov-Smirnov distance.
    of_the_kind = (
        [("Missing, unseen and invalid rows: difference from training", "unseen")]
        if variable == "delay"
        else [("PSI and K-S with their critical values", each) for each in ("ks", "ks_critical")]
    )
    assert empty == of_the_kind
