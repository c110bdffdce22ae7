"""A part that its engine counts into the bins of `like=` gives the bytes of one in memory."""

import math
from collections.abc import Callable
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pytest

from boxkite import Baseline
from boxkite.errors import BaselineError

RANDOM = np.random.default_rng(10)
ROWS = 500

pytestmark = pytest.mark.filterwarnings("ignore::boxkite.errors.BaselineWarning")


def duckdb_relation(frame: pl.DataFrame) -> Any:
    return duckdb.from_arrow(frame.to_arrow())


@pytest.fixture(params=[pl.DataFrame.lazy, duckdb_relation], ids=["polars", "duckdb"])
def lazy(request: pytest.FixtureRequest) -> Callable[[pl.DataFrame], Any]:
    found: Callable[[pl.DataFrame], Any] = request.param
    return found


def rows(shift: float, *labels: str) -> pl.DataFrame:
    number = shift + RANDOM.normal(size=ROWS)
    number[:5] = math.nan, math.inf, -math.inf, -0.0, 1e300
    probabilities = RANDOM.dirichlet([2, 1, 1], ROWS).round(1)
    rare = [f"r{int(each)}" for each in RANDOM.zipf(1.3, ROWS) % 90]
    return pl.DataFrame(
        {
            "number": number,
            "text": [*labels, None, *RANDOM.choice(["a", "b"], ROWS - len(labels) - 1)],
            "rare": [*labels, *rare[len(labels) :]],
            "digits": RANDOM.choice(["1", "2", "3.0", "many"], ROWS),
            "code": RANDOM.integers(0, 4, ROWS),
            "size": RANDOM.choice(["S", "M", "L"], ROWS),
            "flag": RANDOM.random(ROWS) < 0.3,
            "empty": [None if shift else float(i) for i in range(ROWS)],
            "null": [None] * ROWS,
            "yes": probabilities[:, 0],
            "no": probabilities[:, 1],
            "maybe": probabilities[:, 2],
        }
    )


def test_a_lazy_part_is_counted_as_in_memory(lazy: Callable[[pl.DataFrame], Any]) -> None:
    first = Baseline.fit(
        rows(0.0),
        ["yes", "no", "maybe"],
        classes=True,
        categorical=["code"],
        ordered={"size": ["S", "M", "L"]},
        max_categories=8,
    )
    # The labels are in no row of the first part. In the engine, the code is text and not a number.
    part = rows(1.5, "only here", "café").with_columns(pl.col("code").cast(pl.String))
    outputs = ["maybe", "yes", "no"]
    found = Baseline.fit(lazy(part), outputs, like=first)
    assert found.as_text() == Baseline.fit(part, outputs, like=first).as_text()
    assert Baseline.fit(lazy(part), outputs, like=first).merge(first) == first.merge(found)


def test_numbers_as_text_take_the_bins_of_numbers(lazy: Callable[[pl.DataFrame], Any]) -> None:
    first = Baseline.fit({"x": RANDOM.normal(size=ROWS)})
    part = pl.DataFrame({"x": ["1", "2.0", None, "-inf", "1"] * 20})
    assert Baseline.fit(lazy(part), like=first) == Baseline.fit(part, like=first)


def test_a_label_that_the_order_lacks_is_an_error(lazy: Callable[[pl.DataFrame], Any]) -> None:
    first = Baseline.fit({"size": ["S", "M", "L"] * 10}, ordered={"size": ["S", "M", "L"]})
    part = pl.DataFrame({"size": ["S", "XL"]})
    with pytest.raises(BaselineError) as in_memory:
        Baseline.fit(part, like=first)
    with pytest.raises(BaselineError, match="XL") as in_engine:
        Baseline.fit(lazy(part), like=first)
    assert str(in_engine.value) == str(in_memory.value)


def test_variation_of_a_lazy_part_is_learnt_as_in_memory(
    lazy: Callable[[pl.DataFrame], Any],
) -> None:
    times = pl.datetime_range(
        pl.datetime(2026, 3, 1), pl.datetime(2026, 3, 20), "55m", eager=True, time_unit="us"
    )[:ROWS]
    month = rows(0.0).select("number", "text").head(len(times)).with_columns(at=times)
    first = Baseline.fit(month, time="at", windows=["1d"])
    part = month.with_columns(pl.col("number") * 2)
    options: dict[str, Any] = {"like": first, "time": "at", "windows": ["1d"]}
    assert Baseline.fit(lazy(part), **options).as_text() == Baseline.fit(part, **options).as_text()
