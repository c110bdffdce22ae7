"""Segments and outcomes of a lazy frame give the bytes of a fit in memory."""

import datetime as dt
import math
from collections.abc import Callable
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pytest

from boxkite import Baseline, compare
from boxkite.errors import BaselineError

Lazy = Callable[[pl.DataFrame], Any]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::boxkite.errors.BaselineWarning"),
]

ROWS = 1200
START = dt.datetime.fromisoformat("2026-03-01T05:30:01.000500")


def duckdb_relation(frame: pl.DataFrame) -> Any:
    return duckdb.from_arrow(frame.to_arrow())


@pytest.fixture(params=[pl.DataFrame.lazy, duckdb_relation], ids=["polars", "duckdb"])
def lazy(request: pytest.FixtureRequest) -> Lazy:
    found: Lazy = request.param
    return found


def rows(seed: int = 5) -> pl.DataFrame:
    """Return columns to divide by, of every type, and others to count."""
    random = np.random.default_rng(seed)
    score = random.random(ROWS)
    return pl.DataFrame(
        {
            "holes": [
                None if i % 7 == 0 else math.nan if i % 11 == 0 else (i % 90) / 3
                for i in range(ROWS)
            ],
            "text": random.choice(["tea", "café", "", "__other__", "__missing__"], ROWS),
            "rare": [f"r{int(each)}" for each in random.zipf(1.3, ROWS) % 4],
            "flag": [None if i % 5 == 0 else i % 3 == 0 for i in range(ROWS)],
            "kind": pl.Series(random.choice(["a", "b"], ROWS), dtype=pl.Categorical),
            "floor": [None if i % 13 == 0 else math.nan if i % 17 == 0 else i % 4 + 0.5
                      for i in range(ROWS)],
            "whole": random.integers(0, 3, ROWS),
            "day": [(START + dt.timedelta(days=i % 3)).date() for i in range(ROWS)],
            "at": [START + dt.timedelta(minutes=37 * i) for i in range(ROWS)],
            "score": np.where(random.random(ROWS) < 0.02, np.nan, score),
            "paid": [None if i % 19 == 0 else bool(random.random() < score[i])
                     for i in range(ROWS)],
        }
    )  # fmt: skip


def same(lazy: Lazy, frame: pl.DataFrame, **options: Any) -> None:
    found, expected = (Baseline.fit(each, **options) for each in (lazy(frame), frame))
    assert found.as_text() == expected.as_text()


@pytest.mark.parametrize(
    "divided", [["text", "rare"], ["flag", "kind"], ["floor", "whole"], {"date": "day"}], ids=str
)
def test_segments_are_counted_as_in_memory(lazy: Lazy, divided: Any) -> None:
    frame = rows().drop("at", "paid")
    names = list(divided.values()) if isinstance(divided, dict) else divided
    kept = frame.select(*dict.fromkeys(["holes", "text", "score", *names]))
    same(lazy, kept, output="score", segments=divided)


def test_each_segment_has_its_own_natural_variation(lazy: Lazy) -> None:
    frame = rows().select("holes", "kind", "at")
    options = {"time": "at", "windows": ["1d"], "segments": ["kind"]}
    same(lazy, frame, **options)
    found = Baseline.fit(lazy(frame), **options).segment("kind=a")
    assert any(each.variation for each in found.variables)


@pytest.mark.parametrize(
    "options",
    [
        {"output": "score", "outcome": "paid"},
        {"output": "score", "outcome": "paid", "segments": {"kind": "kind"}, "threshold": 0.4},
        {"output": "score", "outcome": "paid", "time": "at", "windows": ["1d"]},
        {"output": "kind", "outcome": "text", "segments": ["flag"]},
        {"output": "holes", "outcome": "whole", "segments": ["flag"]},
    ],
    ids=["score", "segments", "time", "class", "number"],
)
def test_outcomes_are_counted_as_in_memory(lazy: Lazy, options: Any) -> None:
    frame = rows() if "time" in options else rows().drop("at")
    same(lazy, frame.drop("rare", "day", "floor"), **options, bins=5)


def test_class_probabilities_are_divided_too(lazy: Lazy) -> None:
    frame = rows().select("holes", "flag", no=1 - pl.col("score"), yes="score", was="kind")
    outcome = pl.when(pl.col("was") == "a").then(pl.lit("no")).otherwise(pl.lit("yes"))
    frame = frame.with_columns(was=outcome)
    same(lazy, frame, output=["no", "yes"], classes=True, outcome="was", segments=["flag"])


def test_parts_take_over_the_segments_of_another_baseline(lazy: Lazy) -> None:
    frame = rows().select("holes", "text", "rare", "score", "paid")
    options = {"output": "score", "outcome": "paid"}
    first = Baseline.fit(frame[:500], segments={"text": None, "rare": "rare"}, **options)
    same(lazy, frame[500:], like=first, **options)


def test_compare_divides_a_lazy_table_as_one_in_memory(lazy: Lazy) -> None:
    frame, live = rows(), rows(seed=6)
    names = ["holes", "text", "flag", "score"]
    baseline = Baseline.fit(
        frame.select(*names, "kind", "floor"),
        output="score",
        segments={"flag": None, "kind": "kind", "floor": None},
    )
    # The range of a segment differs from that of all rows, and a feature may be absent.
    live = live.with_columns(holes=pl.col("holes") * 1.2).drop("text")
    found, expected = (compare(baseline, each) for each in (lazy(live), live))
    assert found.as_dict() == expected.as_dict()
    assert any(each.outside for part in found.segments.values() for each in part)


def test_rows_of_different_tables_are_refused() -> None:
    frame = rows().select("holes", "kind", "score", "paid")
    features, outputs = frame.drop("score", "paid").lazy(), frame.select("score").lazy()
    with pytest.raises(BaselineError, match="are in different lazy frames"):
        Baseline.fit(features, outputs, segments=["kind"])
    with pytest.raises(BaselineError, match="segments= divides a lazy frame, but some columns are"):
        Baseline.fit(features, segments={"place": ["x"] * ROWS})
    for outcome in ("paid", [True] * ROWS):
        given = frame.drop("score").lazy()
        with pytest.raises(BaselineError, match="in one lazy frame, because rows of different"):
            Baseline.fit(given, outputs, outcome=outcome)
