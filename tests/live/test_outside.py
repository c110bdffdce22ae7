"""Finite values outside the range of training are counted, whichever way they come."""

import datetime as dt
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from boxkite import Baseline, Monitor
from boxkite.baseline.capture import capture_column
from boxkite.baseline.numeric_variable import NumericVariable
from boxkite.baseline.tally import tally_column
from boxkite.baseline.text_writer import render
from boxkite.live.counts import Counts
from boxkite.live.fold import fold, fold_encoded, mark_of
from boxkite.live.mark import Mark
from boxkite.live.record import Record, decode, encode
from boxkite.settings import Settings

TRAINING = {
    "few": np.linspace(-1, 2, 200),
    "constant": np.full(200, 3.0),
    "many": np.linspace(-4, 4, 200),
    "unknown": np.linspace(0, 1, 200),
}
FITTED = Baseline.fit(
    TRAINING,
    {"score": np.linspace(0, 1, 200)},
    bins={"few": 8, "many": np.linspace(-3, 3, 99).tolist(), "unknown": 4},
)
WIDTH = len(TRAINING)


def _without_range(variable: Any) -> Any:
    """Return the variable as it is read from series, which do not give its range."""
    return replace(variable, minimum=np.nan, maximum=np.nan)


BASELINE = Baseline(
    "default",
    "1",
    FITTED.rows,
    tuple(_without_range(each) if each.name == "unknown" else each for each in FITTED.variables),
)
NUMERIC = [each for each in BASELINE.features if isinstance(each, NumericVariable)]

edge_values = [-4.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0]
beside_edges = [float(np.nextafter(each, way)) for each in edge_values for way in (-9, 9)]
values = st.one_of(
    st.floats(-5, 5),
    st.floats(),
    st.sampled_from([*edge_values, *beside_edges, -0.0, np.nan, np.inf, -np.inf]),
)
rows_of_values = arrays.arrays(
    np.float64, st.tuples(st.integers(0, 30), st.just(WIDTH)), elements=values
)


def expected(rows: np.ndarray) -> list[int]:
    """Return numpy's count for each feature, and none for the output."""
    counts = [
        np.sum(np.isfinite(column) & ((column < trained.min()) | (column > trained.max())))
        for column, trained in zip(rows.T, TRAINING.values(), strict=True)
    ]
    return [*map(int, counts[:-1]), 0, 0]


@given(rows_of_values)
def test_rows_of_floats_are_counted_as_numpy_counts_them(rows: np.ndarray) -> None:
    counts = Counts.zero(BASELINE)
    records = [Record("0" * 36, 2**60, row, [0.5]) for row in rows.tolist()]
    fold_encoded(BASELINE, [encode(record) for record in records], counts)
    assert counts.outside.tolist() == expected(rows)


@given(rows_of_values, st.sampled_from([float, str, np.float64, repr]))
def test_rows_by_name_are_counted_as_numpy_counts_them(rows: np.ndarray, write: Any) -> None:
    counts = Counts.zero(BASELINE)
    records = [
        Record("", 0, {name: write(value) for name, value in zip(TRAINING, row, strict=True)}, [0])
        for row in rows.tolist()
    ]
    fold(BASELINE, [decode(encode(record)) for record in records], counts)
    assert counts.outside.tolist() == expected(rows)


@given(rows_of_values)
def test_redacted_values_are_counted_as_numpy_counts_them(rows: np.ndarray) -> None:
    counts = Counts.zero(BASELINE)
    marked = [
        [mark_of(variable, value) for variable, value in zip(NUMERIC, row, strict=True)]
        for row in rows.tolist()
    ]
    records = [Record("", 0, row, [0]) for row in marked]
    fold(BASELINE, [decode(encode(record)) for record in records], counts)
    assert counts.outside.tolist() == expected(rows)


@given(rows_of_values)
def test_columns_of_numbers_are_counted_as_numpy_counts_them(rows: np.ndarray) -> None:
    columns = [capture_column("x", column, categorical=False) for column in rows.T]
    found = [tally_column(each, column) for each, column in zip(NUMERIC, columns, strict=True)]
    assert [tally.outside for tally in found] == expected(rows)[:WIDTH]


@given(rows_of_values)
def test_columns_of_text_are_counted_as_numpy_counts_them(rows: np.ndarray) -> None:
    texts = [[*map(repr, column), "no number", None] for column in rows.T.tolist()]
    columns = [capture_column("x", column, categorical=True) for column in texts]
    found = [tally_column(each, column) for each, column in zip(NUMERIC, columns, strict=True)]
    assert [tally.outside for tally in found] == expected(rows)[:WIDTH]


def test_the_matrix_and_the_search_are_both_tried() -> None:
    matrix = BASELINE.feature_matrix
    assert [BASELINE.features[i].name for i in matrix.positions] == ["few", "constant", "unknown"]
    assert [BASELINE.features[i].name for i in matrix.others] == ["many"]


def test_a_mark_of_an_older_journal_has_no_sign_of_the_range() -> None:
    old = Mark(-2).extension().data
    assert (len(old), len(Mark(7, outside=True).extension().data)) == (4, 5)
    record = decode(encode(Record("", 0, [Mark(7, outside=True), Mark(-2)], None)))
    assert record.features == [Mark(7, outside=True), Mark(-2)]


def test_a_moment_before_or_after_training_is_outside() -> None:
    days = [dt.datetime(2026, 1, day, tzinfo=dt.UTC) for day in range(1, 29)]
    monitor = Monitor(Baseline.fit({"day": days}), settings=Settings(), registry=None)
    for value in (*days, "2026-03-01", dt.date(2025, 12, 31), "2026-01-02"):
        monitor.log_prediction({"day": value})
    assert exported(monitor) == {"day": 2}


def exported(monitor: Monitor) -> dict[str, int]:
    """Return `boxkite_outside_total` by variable."""
    lines = monitor.export(names=["boxkite_outside"]).body.decode().splitlines()
    series = [line for line in lines if not line.startswith("#")]
    return {line.split('variable="')[1].split('"')[0]: int(line.split()[-1]) for line in series}


def test_the_count_is_there_from_the_start_and_survives_the_process(tmp_path: Any) -> None:
    baseline = Baseline.fit({**TRAINING, "kind": ["a", "b"] * 100}, {"score": [0.0, 1.0] * 100})
    settings = Settings(state_dir=str(tmp_path), log="none:")

    def monitor() -> Monitor:
        return Monitor(baseline, settings=settings, registry=None)

    first = monitor()
    assert exported(first) == dict.fromkeys([*TRAINING, "score"], 0)
    for number in (-1.5, 0.5, 2.5):
        first.log_prediction({"few": number, "constant": 3.0, "kind": "c"}, 2.0)
    # A second worker counts the first one's rows, and a later process those of both.
    second = monitor()
    second.log_prediction({"few": 1e300}, -1.0)
    for each in (second, first):
        assert exported(each) == dict.fromkeys(TRAINING, 0) | {"few": 3, "score": 4}
    first.close()
    second.close()
    del first, second
    assert exported(monitor()) == dict.fromkeys(TRAINING, 0) | {"few": 3, "score": 4}


def test_a_baseline_of_the_classic_series_has_no_range_to_be_outside_of() -> None:
    series = render(Baseline.fit({"x": [1.0, 2.0, 3.0]}, [0.5, 0.5, 0.7]).families("classic"))
    baseline = Baseline.from_text(series)
    assert np.isnan(
        [each.minimum for each in baseline.variables if isinstance(each, NumericVariable)]
    ).all()
    monitor = Monitor(baseline, settings=Settings(), registry=None)
    for value in (-1e300, 1e300, np.inf):
        monitor.log_prediction([value], value)
    assert exported(monitor) == {"x": 0, "output": 0}
