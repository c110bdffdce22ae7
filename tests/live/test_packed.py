"""Records read as a matrix count as those read one by one."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boxkite import Baseline
from boxkite.live.counts import Counts
from boxkite.live.fold import fold, fold_encoded
from boxkite.live.mark import Mark
from boxkite.live.packed import packed_records
from boxkite.live.record import Record, decode, encode

NOW = 1_795_450_000_000_000_000
ID = "8c0e6ba4-8f1f-4b4e-9d6b-0a1b2c3d4e5f"


def baseline(width: int) -> Baseline:
    """So many features, each third of them categorical, and an output."""
    columns: dict[str, Any] = {f"f{i}": np.arange(50.0) for i in range(width)}
    categories = [f"f{i}" for i in range(0, width, 3)]
    return Baseline.fit(columns, np.arange(50.0), categorical=categories)


BASELINES = {width: baseline(width) for width in (1, 3, 15, 16, 17, 40)}

# Large sums differ with the order in which they are added.
numbers = st.one_of(
    st.floats(-1e12, 1e12), st.sampled_from([float("nan"), float("inf"), float("-inf")])
)
values = st.one_of(
    numbers,
    st.integers(-5, 60),
    st.sampled_from([None, True, "3", "x", -0.0, Mark(2), Mark(Mark.MISSING)]),
)


@st.composite
def records(draw: st.DrawFn) -> tuple[int, list[Record]]:
    """A number of features, and records of which most are floats by position."""
    width = draw(st.sampled_from(sorted(BASELINES)))
    floats = st.lists(numbers, min_size=width, max_size=width)
    rows = st.one_of(
        floats,
        floats,
        st.lists(values, min_size=width, max_size=width),
        st.lists(numbers, max_size=width + 1),
        st.just({"f0": 1.0}),
        st.none(),
    )
    record = st.builds(
        Record,
        st.sampled_from([ID, ID, ID, "id", "é" * 18]),
        st.sampled_from([NOW, NOW, NOW, 1, 0]),
        rows,
        st.one_of(st.lists(values, min_size=1, max_size=1), st.none(), st.just({})),
        st.sampled_from([None, {"a": [1, "x"]}, b"raw"]),
        st.booleans(),
        st.sampled_from([(), ("request_body",)]),
    )
    return width, draw(st.lists(record, max_size=8))


def counted(counts: Counts) -> list[Any]:
    """All that is counted, but for sums, whose last digits depend on the order."""
    return [
        each.tolist() for each in (counts.cells, counts.missing, counts.invalid, counts.log)
    ] + [counts.predictions]


@given(records())
def test_the_matrix_counts_what_the_records_count(drawn: tuple[int, list[Record]]) -> None:
    width, made = drawn
    contents = [encode(record) for record in made]
    one_by_one, in_bulk = (Counts.zero(BASELINES[width]) for _ in range(2))
    for content in contents:
        record = decode(content)
        fold(BASELINES[width], [record], one_by_one)
        one_by_one.add_log(accepted=int(record.logged))
    fold_encoded(BASELINES[width], contents, in_bulk)
    assert counted(in_bulk) == counted(one_by_one)
    np.testing.assert_allclose(in_bulk.sums, one_by_one.sums, rtol=1e-9, atol=1.0)


@pytest.mark.parametrize("width", [1, 15, 16, 100, 70_000])
def test_floats_by_position_are_read_as_a_matrix(width: int) -> None:
    rows = np.random.default_rng(0).normal(size=(5, width))
    contents = [encode(Record(ID, NOW, row, [0.5], None, True)) for row in rows.tolist()]
    contents.insert(2, encode(Record(ID, NOW, {"f0": 1.0}, [0.5])))
    found = packed_records(contents, width)
    assert found.features.tolist() == rows.tolist()
    assert (found.outputs, found.logged, found.others) == ([[0.5]] * 5, 5, [contents[2]])
