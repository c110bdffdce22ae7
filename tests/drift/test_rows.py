import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from boxkite import (
    Baseline,
    BaselineError,
    ConfigError,
    Monitor,
    Policy,
    VariablePolicy,
    compare,
)
from boxkite.settings import Settings


def columns(seed: int, rows: int, shift: float = 0.0) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    return {
        "x": random.normal(shift, 1, rows).tolist(),
        "n": random.integers(0, 5, rows).tolist(),
        "kind": random.choice(["a", "b", "c"], rows).tolist(),
        "score": random.random(rows).tolist(),
    }


@pytest.fixture(scope="module")
def baseline() -> Baseline:
    table = columns(seed=1, rows=2000)
    return Baseline.fit(table, {"score": table.pop("score")})


FORMS: list[Callable[[dict[str, Any]], Any]] = [
    dict,
    pd.DataFrame,
    pl.DataFrame,
    pa.table,
    lambda table: list(table.items()),
    lambda table: pl.LazyFrame(table),
]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_table_is_counted_as_the_service_counts_its_rows(
    baseline: Baseline, form: Callable[[dict[str, Any]], Any]
) -> None:
    table = columns(seed=2, rows=500, shift=0.7)
    monitor = Monitor(baseline, settings=Settings(), registry=None)
    for x, n, kind, score in zip(*table.values(), strict=True):
        monitor.log_prediction([x, n, kind], score)
    found = compare(baseline, form(table))
    assert found.as_dict() == monitor.drift().as_dict()
    assert [each.name for each in found.drifted] == ["x"]


def test_the_training_rows_themselves_are_ok(baseline: Baseline) -> None:
    found = compare(baseline, columns(seed=1, rows=2000))
    assert [(each.psi, each.verdict) for each in found] == [(0.0, "ok")] * 4


def test_a_variable_without_a_column_is_missing_in_every_row(baseline: Baseline) -> None:
    found = compare(baseline, {"x": [0.5] * 30, "of_no_variable": [1] * 30})
    assert found.predictions == 30
    assert [(each.name, each.rows, each.missing) for each in found] == [
        ("x", 30, 0),
        ("n", 0, 30),
        ("kind", 0, 30),
        ("score", 0, 30),
    ]
    assert math.isnan(found.variables[1].psi)


def test_values_of_another_kind_are_invalid_and_unseen_ones_counted(baseline: Baseline) -> None:
    found = compare(baseline, {"x": ["1.5", "many", None], "kind": ["a", "z", None]})
    x, _, kind, _ = found
    assert (x.rows, x.missing, x.invalid) == (1, 1, 1)
    assert (kind.rows, kind.missing, kind.invalid) == (2, 1, 0)


def test_an_array_is_compared_by_the_names_given(baseline: Baseline) -> None:
    table = columns(seed=3, rows=200)
    array = np.array([table["n"], table["x"]]).T
    by_name = compare(baseline, {"n": table["n"], "x": table["x"]})
    assert compare(baseline, array, names=["n", "x"]).as_dict() == by_name.as_dict()


def test_window_and_policy_set_the_critical_value_and_the_verdict(baseline: Baseline) -> None:
    table = columns(seed=4, rows=300, shift=0.7)
    lenient = Policy(min_effect=9.0, min_moved=1.0)
    hour, day = (compare(baseline, table, window=each, policy=lenient) for each in ("1h", "1d"))
    assert [each.critical for each in (hour.variables[0], day.variables[0])] == [
        lenient.critical(window, 4, baseline.variables[0]) * (1 / 2000 + 1 / 300)
        for window in ("1h", "1d")
    ]
    assert (compare(baseline, table).verdict, hour.verdict) == ("drift", "ok")


def test_a_variable_of_the_policy_that_the_baseline_lacks_is_refused(baseline: Baseline) -> None:
    policy = Policy(variables={"x": None, "knd": VariablePolicy(min_effect=0.2)})
    with pytest.raises(ConfigError) as raised:
        compare(baseline, {"x": [1.0]}, policy=policy)
    assert str(raised.value) == (
        "the policy names the variable 'knd', which the baseline does not have. Did you mean "
        "'kind'?"
    )


def test_columns_of_different_length_are_refused(baseline: Baseline) -> None:
    with pytest.raises(BaselineError) as raised:
        compare(baseline, {"x": [1.0] * 3, "kind": ["a"] * 2})
    assert str(raised.value) == (
        "all columns must have the same length: 'x' has 3 rows, 'kind' has 2"
    )


def test_a_path_in_place_of_a_baseline_is_refused() -> None:
    path: Any = "histogram.prom"
    with pytest.raises(BaselineError) as raised:
        compare(path, {"x": [1.0]})
    assert str(raised.value) == (
        "compare got 'histogram.prom' instead of a baseline. Pass Baseline.read(path)"
    )


def test_a_table_of_other_columns_is_refused(baseline: Baseline) -> None:
    with pytest.raises(BaselineError) as raised:
        compare(baseline, {"y": [1], "z": [2]})
    assert str(raised.value) == (
        "no column has the name of a variable: the table has 'y', 'z', "
        "the baseline has 'x', 'n', 'kind', 'score'"
    )
