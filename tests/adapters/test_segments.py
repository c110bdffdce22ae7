"""Segment columns that are no features: each way to pass them counts alike in each framework."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from boxkite import Baseline, current_prediction

JSON = {"content-type": "application/json"}
COUNTRIES = ["DE", "FR"] * 500
BASELINE = Baseline.fit(
    {"age": np.arange(1000.0)},
    {"score": np.arange(1000.0) / 1000},
    segments={"country": COUNTRIES},
    bins=5,
)


def score(_: Any) -> Any:
    return {"score": 0.5}


def setting(_: Any) -> Any:
    if current_prediction:
        current_prediction.segments = {"country": "FR"}
    return {"score": 0.5}


def scores(body: Any) -> Any:
    return {"score": [0.5] * len(body["rows"])}


ONE: dict[str, Any] = {"age": 30, "user": {"country": "DE"}, "where": ["DE"]}
BATCH: dict[str, Any] = {
    "rows": [{"age": 30, "from": "DE"}, {"age": 31, "from": "FR"}, {"age": 32}],
    "country": "FR",
    "each": ["DE", "DE", "US"],
}

CASES: list[tuple[str, Callable[[Any], Any], dict[str, Any], Any, dict[str, int]]] = [
    ("a key path", score, {"segments": "user.country"}, ONE, {"DE": 1}),
    ("a name", score, {"segments": {"country": "user.country"}}, ONE, {"DE": 1}),
    ("a callable", score, {"segments": lambda _: "FR"}, ONE, {"FR": 1}),
    ("a named callable", score, {"segments": {"country": lambda _: "FR"}}, ONE, {"FR": 1}),
    ("values by name", score, {"segments": lambda _: {"country": "FR"}}, ONE, {"FR": 1}),
    ("the view", setting, {"segments": "user.country"}, ONE, {"FR": 1}),
    ("the view alone", setting, {}, ONE, {"FR": 1}),
    ("nothing", score, {}, ONE, {"__missing__": 1}),
    ("an unseen value", score, {"segments": lambda _: "US"}, ONE, {"__other__": 1}),
    ("no such key", score, {"segments": "user.land"}, ONE, {"__missing__": 1, "errors": 1}),
    ("another name", score, {"segments": {"land": "age"}}, ONE, {"__missing__": 1, "errors": 1}),
    ("one for all rows", scores, {"segments": "country"}, BATCH, {"FR": 3}),
    ("one for each row", scores, {"segments": "each"}, BATCH, {"DE": 2, "__other__": 1}),
    ("in each row", scores, {"segments": "rows.from"}, BATCH, {"DE": 1, "FR": 1, "__missing__": 1}),
    ("too few", scores, {"segments": lambda _: ["DE"]}, BATCH, {"__missing__": 3, "errors": 1}),
]


@pytest.mark.parametrize(
    ("view", "sources", "body", "expected"),
    [pytest.param(*case, id=name) for name, *case in CASES],
)
def test_a_row_counts_in_its_segment(
    serve: Callable[..., Any],
    view: Callable[[Any], Any],
    sources: dict[str, Any],
    body: Any,
    expected: dict[str, int],
) -> None:
    features = "rows" if "rows" in body else ["age"]
    ask = serve(view, {"features": features, "output": "score", **sources}, baseline=BASELINE)
    assert ask("POST", "/predict", json.dumps(body).encode(), **JSON).status == 200
    counted: dict[str, int] = {}
    for line in ask("GET", "/metrics").body.decode().splitlines():
        series, _, number = line.rpartition(" ")
        if series.startswith("boxkite_value_count") and 'variable="score",segment="' in series:
            counted[series.partition('segment="country=')[2].partition('"')[0]] = int(float(number))
        if series.startswith("boxkite_errors_total") and 'failed_stage="features"' in series:
            counted["errors"] = int(float(number))
    assert {name: rows for name, rows in counted.items() if rows} == expected


@pytest.mark.parametrize("source", [7, ["country"], {"country": 7}, {"country": ["country"]}])
def test_what_is_no_source_is_refused_at_once(serve: Callable[..., Any], source: Any) -> None:
    with pytest.raises(TypeError, match=r"segments=.* is not a source; pass a key path, a call"):
        serve(score, {"segments": source}, baseline=BASELINE)
