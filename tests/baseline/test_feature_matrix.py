"""The matrix counts rows as each variable would by itself."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from boxkite import Baseline
from boxkite.baseline.feature_matrix import FeatureMatrix
from boxkite.baseline.numeric_variable import NumericVariable
from boxkite.baseline.tally import tally_numbers

RANDOM = np.random.default_rng(7)
BASELINE = Baseline.fit(
    {
        "normal": RANDOM.normal(size=500),
        "label": ["a", "b"] * 250,
        "constant": np.zeros(500),
        "integers": RANDOM.integers(0, 5, 500).astype(float),
        "fine": RANDOM.normal(size=500),
        "two": np.arange(500.0),
    },
    np.arange(500.0),
    bins={"fine": np.linspace(-1, 1, 101).tolist(), "two": [250.0]},
)
values = st.one_of(
    st.floats(-5, 5), st.sampled_from([np.nan, np.inf, -np.inf, 0.0, -0.0, 250.0, 1e308, -1e308])
)


@given(arrays.arrays(np.float64, st.tuples(st.integers(0, 40), st.just(6)), elements=values))
def test_the_matrix_counts_what_each_variable_counts(rows: np.ndarray) -> None:
    matrix = BASELINE.feature_matrix
    found = matrix.tally(rows)
    alone = [
        tally_numbers(BASELINE.variables[i], rows[:, position])
        for i, position in zip(matrix.variables, matrix.positions, strict=True)
    ]
    assert found.cells.tolist() == np.concatenate([each.cells for each in alone]).tolist()
    assert found.missing.tolist() == [each.missing for each in alone]
    assert found.outside.tolist() == [each.outside for each in alone]
    np.testing.assert_allclose(found.sums, [each.sum for each in alone], rtol=1e-12, atol=1e-9)


def test_categories_and_very_many_bins_are_left_to_their_variables() -> None:
    matrix = BASELINE.feature_matrix
    assert [BASELINE.features[i].name for i in matrix.others] == ["label", "fine"]
    assert [BASELINE.features[i].name for i in matrix.positions] == [
        "normal",
        "constant",
        "integers",
        "two",
    ]


def test_cells_are_those_of_the_variables() -> None:
    matrix, bounds = BASELINE.feature_matrix, BASELINE.cell_bounds
    expected = [place for i in matrix.variables for place in range(bounds[i], bounds[i + 1])]
    assert matrix.cells.tolist() == expected


@pytest.mark.parametrize(
    "baseline", [Baseline.fit({"label": ["a", "b"]}), Baseline("m", "1", 0, ())]
)
def test_without_numbers_there_is_nothing_to_count(baseline: Baseline) -> None:
    matrix = FeatureMatrix(baseline.variables, baseline.cell_bounds)
    found = matrix.tally(np.zeros((3, len(baseline.features))))
    assert (found.cells.size, found.missing.size, found.sums.size, matrix.cells.size) == (
        0,
        0,
        0,
        0,
    )


def test_many_rows_are_counted_part_by_part() -> None:
    rows = RANDOM.normal(size=(20_000, 6))
    (index,) = np.flatnonzero(BASELINE.feature_matrix.positions == 0)
    variable = BASELINE.variables[0]
    assert isinstance(variable, NumericVariable)
    found = BASELINE.feature_matrix.tally(rows).cells[: len(variable.counts)]
    assert index == 0
    assert found.tolist() == tally_numbers(variable, rows[:, 0]).cells.tolist()
