"""Every query of the dashboard, and of its variables, has an answer in a real Prometheus."""

import json
import math
import re
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from boxkite import Baseline, Monitor
from boxkite.config import Settings
from boxkite.prometheus.dashboard import render_dashboard
from boxkite.prometheus.rules import render_rules

HOSTILE = 'it\'s "naïve"\n\\ 😀'
ATTEMPTS = 20


def asked(api: str, path: str, **parameters: str) -> Any:
    url = f"http://{api}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
    with urllib.request.urlopen(url, timeout=30) as response:
        return json.load(response)["data"]


def interpolated(expression: str, **values: str) -> str:
    """Return an expression as Grafana sends it: values escaped for what stands in quotes."""
    quoted = {
        name: value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
        for name, value in {**values, "__rate_interval": "15s"}.items()
    }
    return re.sub(r"\$(\w+)", lambda match: quoted.get(match[1], match[0]), expression)


def answered(system: Any, expression: str) -> bool:
    """Tell whether there is an answer within a few evaluations and scrapes."""
    for _ in range(ATTEMPTS):
        values = [value for _, value in system.query(expression)]
        if values and not any(math.isnan(value) for value in values):
            return True
        time.sleep(0.5)
    return False


@pytest.mark.slow
@pytest.mark.parametrize("variable", ["delay", HOSTILE])
def test_each_query_returns_data(
    alerting: Callable[..., Any], served: Callable[..., Any], tmp_path: Any, variable: str
) -> None:
    random = np.random.default_rng(1)
    trained = {
        "delay": random.normal(size=2000),
        HOSTILE: random.choice(["AA", HOSTILE], 2000).tolist(),
    }
    baseline = Baseline.fit(trained, {"score": trained["delay"]}, model="flights", version="7")
    settings = Settings(state_dir=str(tmp_path / "state"))
    monitor = Monitor(baseline, log=f"file:{tmp_path / 'log'}", settings=settings, registry=None)
    rules = render_rules(windows=["1m"], critical_windows={"1m": "1h"}, interval="1s")
    dashboard = json.loads(render_dashboard(["1m"]))
    with served(monitor) as target, alerting([target], rules) as system:
        system.up(1)
        for value in random.normal(1.0, 1.0, 500).tolist():
            monitor.log_prediction([value, "AA"], value)
        system.wait("drift", lambda: system.query("variable:boxkite_unseen_fraction:difference"))
        chosen: dict[str, str] = {}
        for each in dashboard["templating"]["list"][1:-1]:
            series, name = re.fullmatch(r"label_values\((.*), (\w+)\)", each["query"]).groups()
            assert name == each["name"]
            match = interpolated(series, **chosen)
            found = asked(system.prometheus, f"label/{name}/values", **{"match[]": match})
            chosen[name] = variable if name == "variable" else found[0]
            assert chosen[name] in found
        assert chosen == {
            "model": "flights", "version": "7", "role": "feature", "variable": variable
        }  # fmt: skip
        chosen["window"] = dashboard["templating"]["list"][-1]["query"]
        empty = [
            (panel["title"], target["refId"])
            for panel in dashboard["panels"]
            for target in panel.get("targets", [])
            if not answered(system, interpolated(target["expr"], **chosen))
        ]
    monitor.close()
    # Numbers have no unseen category, and categories no Kolmogorov-Smirnov distance.
    of_the_kind = (
        ("Missing, unseen and invalid beside training", "unseen")
        if variable == "delay"
        else ("K-S, Jensen-Shannon and Kullback-Leibler", "ks")
    )
    assert empty == [of_the_kind]
