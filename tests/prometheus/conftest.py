"""Services whose scrapes are replayed through the rules by promtool, beside Python's numbers."""

import json
import math
import os
import re
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from boxkite import Baseline, Monitor, Policy, VariableDrift
from boxkite.baseline import CategoryVariable
from boxkite.settings import Settings

Row = dict[str, Any]
Scrape = dict[str, str]

HOSTILE = 'it\'s "naïve"\n\\ {x="1"} 😀'
# A short-lived process need not collect garbage as often, nor in parallel with other tests.
PROMTOOL_ENVIRONMENT = {**os.environ, "GOGC": "400", "GOMAXPROCS": "1"}
EDGES = [-1e21, -1e6, -123456.5, -1e-7, 0.0, 1e-7, 1e-4, 1.0, 100000.0, 1e6, 1234567.0, 1e16, 1e21]


class Replica:
    """One service: its monitor, and what each scrape of it saw."""

    def __init__(self, baseline: Baseline, policy: Policy | None = None) -> None:
        self.baseline = baseline
        self.policy = policy
        self.scrapes: list[Scrape] = []
        self.restart()

    def restart(self) -> None:
        self.monitor = Monitor(
            self.baseline, settings=Settings(), registry=None, policy=self.policy
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
    def selector(baseline: Baseline, variable: VariableDrift, window: str) -> str:
        labels = {
            "model_name": baseline.model,
            "model_version": baseline.version,
            "variable_role": variable.role,
            "variable": variable.name,
        }
        if window:
            labels["window"] = window
        return "{" + ",".join(f"{name}={quoted(value)}" for name, value in labels.items()) + "}"

    def expected(
        self, baseline: Baseline, drifts: Iterable[VariableDrift], window: str, at: str
    ) -> list[dict[str, Any]]:
        """Return tests that each recorded number is Python's to 1e-9, or absent as Python's NaN."""
        tests = []
        for each, variable in zip(drifts, baseline.variables, strict=True):
            labels = self.selector(baseline, each, window)
            numbers = recorded(each, categorical=isinstance(variable, CategoryVariable))
            for name, value in numbers.items():
                tests.append(same(f"variable:boxkite_{name}", labels, value, at))
            without_window = self.selector(baseline, each, "")
            rows = int(variable.counts.sum())
            tests.append(same("variable:boxkite_training_rows:sum", without_window, rows, at))
        version = f"{{model_name={quoted(baseline.model)},model_version={quoted(baseline.version)}"
        chosen = f'{version},window="{window}"}}'
        critical = next(iter(drifts)).rate_critical
        return [*tests, same("version:boxkite_fraction:critical", chosen, critical, at)]

    def input_series(self, replicas: Sequence[Replica]) -> list[dict[str, str]]:
        """Return all that was scraped, as `promtool test rules` takes it."""
        return [
            {
                "series": f'{series.removesuffix("}")},instance="{number}"}}',
                "values": " ".join(scrape.get(series, "stale") for scrape in replica.scrapes),
            }
            for number, replica in enumerate(replicas)
            for series in dict.fromkeys(name for scrape in replica.scrapes for name in scrape)
        ]

    def run(self, rules: str, replicas: Sequence[Replica], **tests: Any) -> None:
        """Replay the scrapes, 40 seconds apart, through the rules; fail with what promtool says."""
        self.run_series(rules, self.input_series(replicas), "40s", **tests)

    def run_series(
        self,
        rules: str,
        series: Sequence[dict[str, str]],
        interval: str,
        evaluation: str = "1m",
        **tests: Any,
    ) -> None:
        (self.folder / "rules.yaml").write_text(rules)
        content = {
            "rule_files": ["rules.yaml"],
            "evaluation_interval": evaluation,
            "group_eval_order": re.findall("- name: (.+)", rules),  # else promtool's is by chance
            "tests": [{"interval": interval, "input_series": series, **tests}],
        }
        (self.folder / "test.yaml").write_text(json.dumps(content, ensure_ascii=False))
        command = [self.promtool, "test", "rules", self.folder / "test.yaml"]
        run = subprocess.run(command, capture_output=True, text=True, env=PROMTOOL_ENVIRONMENT)
        assert run.returncode == 0, (run.stdout + run.stderr)[:5000]


def recorded(drift: VariableDrift, *, categorical: bool) -> dict[str, float]:
    """Return what the rules should record of a variable, by the name after `variable:boxkite_`."""
    verdict = {"insufficient": math.nan, "ok": 0, "drift": 1}
    return {
        "live_rows:sum": drift.rows,
        "live_all_rows:sum": drift.rows + drift.missing + drift.invalid,
        "missing:increase": drift.missing,
        "invalid:increase": drift.invalid,
        "unseen:increase": drift.unseen if categorical else math.nan,
        "missing_fraction:difference": drift.missing_difference,
        "unseen_fraction:difference": drift.unseen_difference,
        "invalid_fraction:difference": drift.invalid_difference,
        "missing_fraction:evidence": drift.missing_evidence,
        "unseen_fraction:evidence": drift.unseen_evidence,
        "invalid_fraction:evidence": drift.invalid_evidence,
        "drift:psi": drift.psi,
        "drift:kl": drift.kl,
        "drift:js": drift.js,
        "drift:ks": drift.ks,
        "drift:critical": drift.critical,
        "drift:ks_critical": drift.ks_critical,
        "drift:verdict": verdict[drift.verdict],
    }


def same(series: str, labels: str, value: float, at: str) -> dict[str, Any]:
    """Return a test that a series has a value to 1e-9, or is absent where the value is NaN."""
    if math.isnan(value):
        return {"expr": series + labels, "eval_time": at, "exp_samples": []}
    samples = [{"labels": labels, "value": 1}]
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
