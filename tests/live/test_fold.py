"""Records folded into counts: each leaves one mark on each variable."""

import math
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boxkite import Baseline
from boxkite.live.counts import Counts
from boxkite.live.fold import fold, mark_of
from boxkite.live.mark import Mark
from boxkite.live.record import Record, decode, encode

BASELINE = Baseline.fit(
    {
        "number": np.arange(100.0),
        "label": ["a", "b", "c", "rare"] * 25,
        "code": ["1", "2", "0.1", "true"] * 25,
    },
    {"score": np.linspace(0, 1, 100)},
    bins=4,
    max_categories=5,
)
MOMENTS = Baseline.fit({"moment": pd.date_range("2013-01-01", periods=100)}, bins=2)


def folded(baseline: Baseline, *rows: Any, output: Any = None) -> Counts:
    """Return the counts of rows that went through their bytes; no output is a missing one."""
    counts = Counts.zero(baseline)
    records = [Record("", 0, row, {} if output is None else output) for row in rows]
    fold(baseline, [decode(encode(record)) for record in records], counts)
    return counts


def mark(baseline: Baseline, name: str, value: Any) -> str | int:
    """Return where the only value of a variable was counted."""
    names = [each.name for each in baseline.variables]
    index = names.index(name)
    tally = folded(baseline, {name: value}).tallies()[index]
    assert tally.rows + tally.missing + tally.invalid == 1
    if tally.missing or tally.invalid:
        return "missing" if tally.missing else "invalid"
    cell = int(tally.cells.argmax())
    categories = getattr(baseline.variables[index], "categories", None)
    return str(categories[cell]) if categories else cell


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, 0),
        (-0.0, 0),
        (12.5, 0),
        ("12.5", 0),
        (" 1.25e1 ", 0),
        (b"12.5", 0),
        (Decimal("12.5"), 0),
        (np.float32(12.5), 0),
        (np.int64(12), 0),
        (True, 0),
        (99, 3),
        (1e300, 3),
        (2**70, 3),
        (10**400, 3),
        (math.inf, 3),
        (-math.inf, 0),
        (-(10**400), 0),
        ("2013-07-04", 3),
        (None, "missing"),
        (math.nan, "missing"),
        ("nan", "missing"),
        (np.float32("nan"), "missing"),
        (pd.NA, "missing"),
        (pd.NaT, "missing"),
        (Decimal("NaN"), "missing"),
        ("", "invalid"),
        ("abc", "invalid"),
        ("\ud800", "invalid"),
        ("1" * 10_000_000, "invalid"),
        ("x" * 10_000_000, "invalid"),
        (b"\xff", "invalid"),
        ([1], "invalid"),
        ({}, "invalid"),
        ({"unsupported": "object"}, "invalid"),
        (1j, "invalid"),
        (object(), "invalid"),
    ],
)
def test_a_value_of_a_number_is_counted_in_its_bin_or_as_what_it_is(
    value: Any, expected: str | int
) -> None:
    assert mark(BASELINE, "number", value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a", "a"),
        (b"a", "a"),
        (np.str_("a"), "a"),
        ("rare", "rare"),
        ("A", "__unseen__"),
        ("", "__unseen__"),
        (7, "__unseen__"),
        ("\ud800", "__unseen__"),
        ("x" * 10_000_000, "__unseen__"),
        ("__unseen__", "__unseen__"),
        ("__other__", "__unseen__"),
        ("nan", "__unseen__"),
        (None, "missing"),
        (math.nan, "missing"),
        (Decimal("NaN"), "missing"),
        (pd.NaT, "missing"),
        (b"\xff", "invalid"),
        (["a"], "invalid"),
        ({"a": 1}, "invalid"),
        (1j, "invalid"),
        (object(), "invalid"),
    ],
)
def test_a_label_is_counted_in_its_category_or_as_what_it_is(value: Any, expected: str) -> None:
    assert mark(BASELINE, "label", value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, "1"),
        (1.0, "1"),
        ("1", "1"),
        ("1.0", "1"),
        (np.int32(1), "1"),
        (np.float32(1), "1"),
        (Decimal("1.00"), "1"),
        (0.1, "0.1"),
        (np.float32(0.1), "0.1"),
        ("0.10", "0.1"),
        (True, "true"),
        (np.bool_(True), "true"),
        (3, "__unseen__"),
        (-0.0, "__unseen__"),
    ],
)
def test_a_number_meets_the_category_that_spells_it(value: Any, expected: str) -> None:
    assert mark(BASELINE, "code", value) == expected


@pytest.mark.parametrize(
    "value",
    [
        pd.Timestamp("2013-01-02"),
        pd.Timestamp("2013-01-02", tz="America/New_York"),
        pd.Timestamp("2013-01-02").to_pydatetime(),
        pd.Timestamp("2013-01-02").date(),
        np.datetime64("2013-01-02"),
        np.datetime64("2013-01-02T00:00:00", "ns"),
        "2013-01-02",
        "2013-01-02T00:00:00Z",
        1357084800,
    ],
)
def test_a_moment_of_any_type_meets_its_trained_bin(value: Any) -> None:
    assert mark(MOMENTS, "moment", value) == 0


def test_absent_names_are_missing_and_unknown_ones_nothing() -> None:
    counts = folded(BASELINE, {"number": 1, "other": 2}, {"label": "a"}, {})
    assert counts.predictions == 3
    assert counts.missing.tolist() == [2, 2, 3, 3]
    assert counts.invalid.tolist() == [0, 0, 0, 0]
    assert int(counts.cells.sum()) == 2


@pytest.mark.parametrize("row", [[], [1], [1, "a", "1", 2], None, "text", 7, [[1, "a", "1"]]])
def test_a_row_that_does_not_fit_is_invalid_for_each_of_its_variables(row: Any) -> None:
    counts = folded(BASELINE, row, output=[0.5])
    assert counts.invalid.tolist() == [1, 1, 1, 0]
    assert (int(counts.cells.sum()), counts.missing.tolist()) == (1, [0, 0, 0, 0])


def test_columns_of_plain_and_of_mixed_numbers_give_the_same_counts() -> None:
    plain = folded(BASELINE, *([n, "a", "1"] for n in range(50)))
    mixed = folded(BASELINE, *([n if n % 2 else str(n), "a", "1"] for n in range(50)))
    assert plain.to_bytes() == mixed.to_bytes()


def test_many_at_once_count_as_one_after_another() -> None:
    rows: list[Any] = [[n, "abc"[n % 3], None] for n in range(60)] + [[], {"label": b"\xff"}]
    together, apart = folded(BASELINE, *rows), Counts.zero(BASELINE)
    for row in rows:
        fold(BASELINE, [decode(encode(Record("", 0, row, {})))], apart)
    assert together.to_bytes() == apart.to_bytes()


def test_the_sum_is_of_finite_numbers_and_stays_finite() -> None:
    assert folded(BASELINE, *([n, "a", "1"] for n in (1, 2.5, math.inf, None))).sums[0] == 3.5
    most = float(np.finfo(np.float64).max)
    counts = Counts.zero(BASELINE)
    for _ in range(3):
        fold(BASELINE, [Record("", 0, [most, "a", "1"], None)], counts)
    assert counts.sums[0] == most


def test_one_feature_and_no_output_or_no_variable_at_all() -> None:
    alone = Baseline.fit({"only": ["x"]})
    assert folded(alone, ["x"], output=[1]).cells.tolist() == [1, 0]
    nothing = Baseline("default", "none", 0, ())
    assert folded(nothing, [1, 2], {"a": 1}, None, output=[1]).predictions == 3


def test_nothing_folded_changes_nothing() -> None:
    counts = Counts.zero(BASELINE)
    fold(BASELINE, [], counts)
    assert counts.to_bytes() == Counts.zero(BASELINE).to_bytes()


ANY = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.decimals()
    | st.text(st.characters())
    | st.binary()
    | st.sampled_from(["a", "rare", "1.0", 0.1, object(), [1], {}, 1j, np.float32(0.1), pd.NaT])
)


@given(st.lists(st.tuples(st.sampled_from(["number", "label", "code"]), ANY, st.booleans())))
def test_a_mark_is_counted_where_its_value_would_have_been(
    values: list[tuple[str, Any, bool]],
) -> None:
    variables = {each.name: each for each in BASELINE.variables}
    rows = [{name: value} for name, value, _ in values]
    marked = [
        {name: mark_of(variables[name], value) if is_marked else value}
        for name, value, is_marked in values
    ]
    expected, found = folded(BASELINE, *rows), folded(BASELINE, *marked)
    assert found.cells.tolist() == expected.cells.tolist()
    assert found.missing.tolist() == expected.missing.tolist()
    assert found.invalid.tolist() == expected.invalid.tolist()
    assert found.outside.tolist() == expected.outside.tolist()


def test_a_mark_adds_nothing_to_the_sum() -> None:
    marked = mark_of(BASELINE.variables[0], 40.0)
    assert folded(BASELINE, {"number": marked}, {"number": 2.5}).sums[0] == 2.5


@pytest.mark.parametrize("cell", [4, 1000, -3])
def test_a_mark_of_no_cell_is_invalid(cell: int) -> None:
    counts = folded(BASELINE, {"number": Mark(cell)})
    assert (counts.invalid.tolist(), int(counts.cells.sum())) == ([1, 0, 0, 0], 0)
