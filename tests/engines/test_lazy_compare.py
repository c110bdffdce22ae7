"""Rows of a lazy frame are compared in their engine as they are in memory."""

import math
from collections.abc import Callable
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pytest

from boxkite import Baseline, compare

RANDOM = np.random.default_rng(8)


def duckdb_relation(frame: pl.DataFrame) -> Any:
    return duckdb.from_arrow(frame.to_arrow())


@pytest.mark.parametrize("lazy", [pl.DataFrame.lazy, duckdb_relation])
@pytest.mark.filterwarnings("ignore::boxkite.errors.BaselineWarning")
def test_lazy_rows_compare_as_in_memory(lazy: Callable[[pl.DataFrame], Any]) -> None:
    training = {
        "x": RANDOM.normal(size=2000),
        "empty": [math.nan] * 2000,
        "text": RANDOM.choice(["a", "b"], 2000),
        "digits": RANDOM.integers(0, 9, 2000).astype(float),
        "gone": RANDOM.normal(size=2000),
        "nulls": RANDOM.normal(size=2000),
    }
    baseline = Baseline.fit(training, RANDOM.normal(size=2000))
    rows = pl.DataFrame(
        {
            "x": [-math.inf, math.nan, math.inf, -99.0, 0.1, None] * 50,
            "empty": [1.0] * 300,
            "text": ["a", "c", None] * 100,
            "digits": ["1", "2.0", "many"] * 100,
            "output": RANDOM.normal(size=300),
            "other": [1] * 300,
            "nulls": [None] * 300,
        }
    )
    assert compare(baseline, lazy(rows)).as_dict() == compare(baseline, rows).as_dict()
