"""Services whose scrapes are replayed through the rules by promtool, beside Python's numbers."""

import json
import math
import os
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from boxkite import Baseline, Monitor, Policy, VariableDrift
from boxkite.baseline import CategoryVariable
from boxkite.settings import Settings
from boxkite.variation import Variation
from boxkite.variation.deviation import smoothed_fractions

Row = dict[str, Any]
Scrape = dict[str, str]

HOSTILE = 'it\'s "naïve"\n\\ {x="1"} 😀'
# A short-lived process need not collect garbage as often, nor in parallel with other tests.
PROMTOOL_ENVIRONMENT = {**os.environ, "GOGC": "400", "GOMAXPROCS": "1"}
EDGES = [-1e21, -1e6, -123456.5, -1e-7, 0.0, 1e-7, 1e-4, 1.0, 100000.0, 1e6, 1234567.0, 1e16, 1e21]


class Replica:
    """One service: its monitor, and what each scrape of it saw.

    Args:
        baseline: What it serves.
        policy: What it judges by.
        settings: Of its monitor.
        labels: What the scrape configuration puts on it as a target, beside its instance.
    """

    def __init__(
        self,
        baseline: Baseline,
        policy: Policy | None = None,
        settings: Settings | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> None:
        self.baseline = baseline
        self.policy = policy
        self.settings = settings or Settings()
        self.labels = {"job": "models"} if labels is None else labels
        self.scrapes: list[Scrape] = []
        self.restart()

    def restart(self) -> None:
        self.monitor = Monitor(
            self.baseline, settings=self.settings, registry=None, policy=self.policy
        )

    def serve(self, rows: Iterable[Row]) -> None:
        for row in rows:
            self.monitor.log_prediction(row, row["plain"] / 10)

    def scrape(self) -> None:
        lines = self.monitor.export().body.decode().splitlines()
        pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
        self.scrapes.append({series: value for series, _, value in pairs})

    def miss(self) -> None:
        """Let a scrape find nothing."""
        self.scrapes.append({})


def known_to_vary_by_chance(baseline: Baseline, windows: Sequence[str] = ("1h",)) -> Baseline:
    """Return the baseline as if its training windows had differed by chance alone.

    Without known variation, a short window raises no alert on drift.
    """
    variables = [
        replace(
            each,
            variation={
                window: Variation(40, 1000.0, np.empty((0, len(each.counts)))) for window in windows
            },
        )
        for each in baseline.variables
    ]
    return Baseline.from_variables(
        variables, baseline.rows, model=baseline.model, version=baseline.version
    )


def quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


class Bench:
    """Compares the rules with Python.

    Args:
        promtool: its path.
        folder: for the files of a test.
    """

    hostile = HOSTILE
    edges = EDGES
    replica = Replica
    known_to_vary_by_chance = staticmethod(known_to_vary_by_chance)

    def __init__(self, promtool: str, folder: Path) -> None:
        self.promtool = promtool
        self.folder = folder

    @staticmethod
    def table(seed: int, rows: int, shift: float = 0.0) -> dict[str, list[Any]]:
        """Return rows of a model with every kind of variable; drifted if there is a shift."""
        random = np.random.default_rng(seed)
        normal = random.normal(shift, 1, rows)
        cities = ["Oslo", "Rome", HOSTILE, *(["Atlantis"] if shift else [])]
        return {
            "plain": normal.tolist(),
            "large": (random.lognormal(14, 1 + shift, rows) * 3).tolist(),
            "small": (random.normal(0, 1e-7, rows)).tolist(),
            "zero_inflated": np.where(normal > 0, np.floor(normal * 9), 0).tolist(),
            "powers": random.choice(EDGES, rows).tolist(),
            "constant": [7.0] * rows,
            "with_missing": np.where(normal > 1, math.nan, normal).tolist(),
            HOSTILE: random.normal(0, 1, rows).tolist(),
            "city": random.choice(cities, rows).tolist(),
            "flag": (normal > 0.5).tolist(),
            "never_given": [None] * rows,
        }

    def rows(self, seed: int, rows: int, shift: float = 0.0) -> list[Row]:
        columns = self.table(seed, rows, shift)
        values = zip(*columns.values(), strict=True)
        return [dict(zip(columns, each, strict=True)) for each in values]

    @staticmethod
    def selector(
        baseline: Baseline,
        variable: VariableDrift,
        window: str,
        label: str = "",
        segment: str | None = None,
    ) -> str:
        labels = {
            "model_name": baseline.model,
            "model_version": baseline.version,
            "variable_role": variable.role,
            "variable": variable.name,
        }
        if segment is not None:
            labels["segment"] = segment
        if window:
            labels |= {"job": "models", "window": window}
        if label:
            labels["direction" if label.isdigit() else "rate"] = label
        return "{" + ",".join(f"{name}={quoted(value)}" for name, value in labels.items()) + "}"

    def expected(
        self,
        baseline: Baseline,
        drifts: Iterable[VariableDrift],
        window: str,
        at: str,
        segment: str | None = None,
    ) -> list[dict[str, Any]]:
        """Return tests that each recorded number is Python's to 1e-9, or absent as Python's NaN.

        Args:
            baseline: What was served, or one segment of it.
            drifts: Python's numbers.
            window: The window of the rules.
            at: When the rules are evaluated.
            segment: The label of the segment; empty for all rows of a baseline with segments.
        """
        tests = []
        for each, variable in zip(drifts, baseline.variables, strict=True):
            numbers = recorded(each, categorical=isinstance(variable, CategoryVariable))
            for name, value in numbers.items():
                series, _, label = name.partition(" ")
                labels = self.selector(baseline, each, window, label, segment)
                tests.append(same(f"variable:boxkite_{series}", labels, value, at))
            without_window = self.selector(baseline, each, "", "", segment)
            rows = int(variable.counts.sum())
            tests.append(same("variable:boxkite_training_rows:sum", without_window, rows, at))
        version = f"model_name={quoted(baseline.model)},model_version={quoted(baseline.version)}"
        version += f",segment={quoted(segment)}" if segment is not None else ""
        chosen = f'{{job="models",{version},window="{window}"}}'
        critical = next(iter(drifts)).rate_critical
        return [*tests, same("version:boxkite_rate:critical", chosen, critical, at)]

    @staticmethod
    def most_moved(replica: Replica, name: str) -> str:
        """Return what an alert says of the cell whose share of the rows changed most."""
        place = [each.name for each in replica.baseline.variables].index(name)
        variable = replica.baseline.variables[place]
        tally = replica.monitor._counts.totals().tallies()[place]
        live, trained = (
            smoothed_fractions(counts, replica.monitor.policy.design_effect)
            for counts in (tally.cells, variable.counts)
        )
        most = int(np.argmax(abs(live - trained)))
        live, trained = (each / each.sum() for each in (tally.cells, variable.counts))
        if isinstance(variable, CategoryVariable):
            cell = f"the category {variable.categories[most]} makes"
        else:
            edges = ["-Inf", *variable.upper_bounds]
            low, high = edges[most], edges[most + 1]
            cell = f"values above {low} and up to {high} make"
            if low == "-Inf":
                cell = f"values up to {high} make"
            elif high == "+Inf":
                cell = f"values above {low} make"
        return (
            f"{cell} up {100 * live[most]:.3g} % of rows, and "
            f"{100 * trained[most]:.3g} % at training."
        )

    def input_series(self, replicas: Sequence[Replica]) -> list[dict[str, str]]:
        """Return all that was scraped, as `promtool test rules` takes it."""
        found = []
        for number, replica in enumerate(replicas):
            target = {"instance": str(number), **replica.labels}
            labels = ",".join(f"{name}={quoted(value)}" for name, value in target.items() if value)
            for series in dict.fromkeys(name for scrape in replica.scrapes for name in scrape):
                values = " ".join(scrape.get(series, "stale") for scrape in replica.scrapes)
                found.append({"series": f"{series.removesuffix('}')},{labels}}}", "values": values})
        return found

    def run(self, rules: str, replicas: Sequence[Replica], **tests: Any) -> None:
        """Replay the scrapes, 40 seconds apart, through the rules; fail with what promtool says."""
        self.run_series(rules, self.input_series(replicas), "40s", **tests)

    def run_series(
        self,
        rules: str,
        series: Sequence[dict[str, str]],
        interval: str,
        evaluation: str = "1m",
        order: Sequence[str] | None = None,
        **tests: Any,
    ) -> None:
        groups = re.findall("- name: (.+)", rules)
        (self.folder / "rules.yaml").write_text(rules)
        content = {
            "rule_files": ["rules.yaml"],
            "evaluation_interval": evaluation,
            "group_eval_order": order or groups,  # promtool's own order is random
            "tests": [{"interval": interval, "input_series": series, **tests}],
        }
        (self.folder / "test.yaml").write_text(json.dumps(content, ensure_ascii=False))
        command = [self.promtool, "test", "rules", self.folder / "test.yaml"]
        run = subprocess.run(command, capture_output=True, text=True, env=PROMTOOL_ENVIRONMENT)
        assert run.returncode == 0, (run.stdout + run.stderr)[:5000]


def recorded(drift: VariableDrift, *, categorical: bool) -> dict[str, float]:
    """Return the numbers that the rules should record of a variable.

    A key is the name after `variable:boxkite_`, with the label `rate` or `direction` after a space.
    """
    verdict = {"insufficient": math.nan, "ok": 0, "drift": 1}
    return {
        "live_rows:sum": drift.rows,
        "live_all_rows:sum": drift.rows + drift.missing + drift.invalid,
        "rate_rows:increase missing": drift.missing,
        "rate_rows:increase invalid": drift.invalid,
        "rate_rows:increase unseen": drift.unseen if categorical else math.nan,
        "rate_rows:increase outside": math.nan if categorical else drift.outside,
        "rate:difference missing": drift.missing_difference,
        "rate:difference unseen": drift.unseen_difference,
        "rate:difference outside": drift.outside_difference,
        "rate:difference invalid": drift.invalid_difference,
        "rate:evidence missing": drift.missing_evidence,
        "rate:evidence unseen": drift.unseen_evidence,
        "rate:evidence outside": drift.outside_evidence,
        "rate:evidence invalid": drift.invalid_evidence,
        "drift:psi": drift.psi,
        "drift:kl": drift.kl,
        "drift:js": drift.js,
        "drift:ks": drift.ks,
        "drift:critical": drift.critical,
        "drift:ks_critical": drift.ks_critical,
        "drift:excess": drift.excess,
        "drift:excess_critical": drift.excess_critical,
        "drift:moved": abs(drift.moved),
        "drift:verdict": verdict[drift.verdict],
        **{f"drift:score {i}": score for i, score in enumerate(drift.scores, 1)},
        **{f"drift:score_critical {i}": each for i, each in enumerate(drift.score_criticals, 1)},
    }


def same(series: str, labels: str, value: float, at: str) -> dict[str, Any]:
    """Return a test that a series has a value to 1e-9, or is absent where the value is NaN."""
    if math.isnan(value):
        return {"expr": series + labels, "eval_time": at, "exp_samples": []}
    # promtool takes an empty label for one that the sample must have.
    samples = [{"labels": labels.replace(',segment=""', ""), "value": 1}]
    expression = f"abs({series}{labels} - {value!r}) <= bool 1e-9"
    return {"expr": expression, "eval_time": at, "exp_samples": samples}


@pytest.fixture
def bench(promtool: str, tmp_path: Path) -> Bench:
    """Compares the rules with Python."""
    return Bench(promtool, tmp_path)


@pytest.fixture(scope="session")
def baseline() -> Baseline:
    """A model with every kind of variable and hostile names."""
    columns = Bench.table(seed=1, rows=4000)
    score = [value / 10 for value in columns["plain"]]
    with pytest.warns(match="never_given"):
        return Baseline.fit(columns, {"score": score}, model=HOSTILE, bins={"powers": EDGES})
