"""Test that columns of a compacted day give the same counts as its lines."""

import datetime as dt
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from boxkite import Baseline
from boxkite.cli import column_counting, log_counting
from boxkite.cli.log_counting import count_blocks, count_log
from boxkite.live.counts import Counts
from boxkite.logs.compaction.compactor import Compactor
from boxkite.logs.log_line import to_line
from boxkite.logs.log_record import LogRecord
from boxkite.logs.reader.log_reader import LogReader
from boxkite.logs.stores.local_store import LocalStore

NUMBERS = np.arange(100.0)
BASELINE = Baseline.fit(
    {
        "x": NUMBERS,
        "n": np.arange(100) % 7,
        "c": [["a", "b", "Infinity", "1", "true"][i % 5] for i in range(100)],
    },
    NUMBERS,
    categorical=["c"],
)
TWO = Baseline.fit({"x": NUMBERS}, {"p": NUMBERS, "q": NUMBERS})
MINUTE = "models/predictions/e/2026-11-23/0900_w-r.txt"


def write(folder: Path, rows: list[tuple[Any, Any]]) -> LogReader:
    """Write a log whose predictions are half an hour apart, and return its reader."""
    lines = []
    for number, (features, output) in enumerate(rows):
        moment = dt.datetime(2026, 11, 23, tzinfo=dt.UTC) + dt.timedelta(minutes=30 * number)
        is_cut = features == "truncated"
        record = LogRecord(
            prediction_id=str(number),
            entity_id=str(number),
            server_id="s",
            endpoint_id="e",
            model="m",
            version="1",
            created_at=f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}",
            features=None if is_cut else features,
            output=output,
            truncated=["features"] if is_cut else msgspec.UNSET,
        )
        lines.append(to_line(record, 2**20))
    LocalStore(folder).put_new(MINUTE, [b"".join(lines)])
    return LogReader.open(str(folder))


def compacted(folder: Path) -> LogReader:
    list(Compactor(LocalStore(folder), print).compact(dt.date(2026, 11, 23), delete=True))
    return LogReader.open(str(folder))


def same(one: Counts, other: Counts) -> None:
    for name in ("cells", "missing", "invalid", "outside", "predictions"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name
    assert one.sums == pytest.approx(other.sums)


CASES: dict[str, tuple[Baseline, list[tuple[Any, Any]]]] = {
    "ordinary": (BASELINE, [({"x": i + 0.5, "n": i, "c": "a"}, i / 2) for i in range(20)]),
    "by position": (BASELINE, [([i + 0.5, i, "b"], i / 2) for i in range(20)]),
    "missing and null": (
        BASELINE,
        [({"x": 1.5, "n": 1}, 0.5), ({"x": None, "c": "a"}, None), ({}, 1), (None, 0.5)],
    ),
    "infinities": (
        BASELINE,
        [({"x": each, "n": 1, "c": each}, each) for each in ("Infinity", "-Infinity", 1.5)],
    ),
    "redacted": (
        BASELINE,
        [({"x": "[redacted]", "n": 1, "c": "[redacted]"}, "[redacted]")] * 3
        + [("[redacted]", 0.5), ({"x": 1, "n": "[redacted]", "c": "a"}, [0.5])],
    ),
    "numbers as text": (BASELINE, [({"x": each, "c": 1}, each) for each in ("1", "x", "", "2.5")]),
    "text among numbers": (
        BASELINE,
        [({"x": 1.5, "n": 1, "c": "a"}, 0.5)] * 3 + [({"x": "N/A", "n": 2, "c": 1.0}, "x")],
    ),
    "large integers": (BASELINE, [({"x": 2**60 + 1, "n": 2**64, "c": 2**60 + 1}, 2**53 + 1)] * 2),
    "booleans": (BASELINE, [({"x": True, "n": False, "c": True}, each) for each in (True, False)]),
    "categories of numbers": (BASELINE, [({"c": each}, 1) for each in (1, 1.0, 2.5, -0.0, None)]),
    "nested": (BASELINE, [({"x": [1], "n": {"a": 1}, "c": ["a"]}, {"z": [1]})] * 2),
    "truncated": (BASELINE, [("truncated", 0.5), ({"x": 1.5, "n": 1, "c": "a"}, 0.5)]),
    "another width": (BASELINE, [([1.5, 2], 0.5), ([1.5, 2, "a"], 0.5), ([], 0.5)]),
    "single features": (BASELINE, [(1.5, 0.5), (2.5, 0.5)]),
    "no output": (BASELINE, [({"x": 1.5}, None)] * 2),
    "two outputs": (
        TWO,
        [({"x": 1.5}, {"p": 0.5, "q": 1})] * 3
        + [({"x": 1.5}, each) for each in ({"q": 1}, {"z": 1}, 0.5, [1, 2], [1], None)],
    ),
    "two outputs by position": (TWO, [({"x": 1.5}, [0.5, 1]), ({"x": 1.5}, [0.5])]),
    "one other output": (BASELINE, [({"x": 1.5}, {"score": 0.5}), ({"x": 1.5}, {"a": 1, "b": 2})]),
    "a single one of two outputs": (TWO, [({"x": 1.5}, 0.5), ({"x": 1.5}, None)]),
}


@pytest.mark.parametrize("name", CASES)
def test_columns_count_like_lines(name: str, tmp_path: Path) -> None:
    baseline, rows = CASES[name]
    log = write(tmp_path, rows)
    expected, hours = count_log(baseline, log), count_blocks(baseline, log, dt.timedelta(hours=1))
    log = compacted(tmp_path)
    same(count_log(baseline, log), expected)
    found = count_blocks(baseline, log, dt.timedelta(hours=1))
    assert list(found) == list(hours)
    for hour, tallies in found.items():
        assert [each.cells.tolist() for each in tallies] == [
            each.cells.tolist() for each in hours[hour]
        ]


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.floats(-10, 110),
    st.integers(-5, 105),
    st.sampled_from(["a", "1", "2.5", "Infinity", "[redacted]", "z", "", "NaN"]),
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rows=st.lists(
        st.tuples(
            st.dictionaries(st.sampled_from("xncz"), VALUES) | st.lists(VALUES, max_size=4),
            VALUES,
        ),
        min_size=1,
        max_size=12,
    )
)
def test_columns_count_any_rows_like_lines(
    rows: list[tuple[Any, Any]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("log")
    expected = count_log(BASELINE, write(folder, rows))
    same(count_log(BASELINE, compacted(folder)), expected)


def test_ordinary_rows_are_counted_by_columns_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    baseline, rows = CASES["ordinary"]
    write(tmp_path, rows)
    rest: list[int] = []
    count: Callable[..., Any] = column_counting.count_columns

    def noted(*arguments: Any) -> Any:
        found = count(*arguments)
        rest.append(len(found))
        return found

    monkeypatch.setattr(log_counting, "count_columns", noted)
    assert count_log(baseline, compacted(tmp_path)).predictions == 20
    assert rest == [0]


def test_late_lines_are_counted_once(tmp_path: Path) -> None:
    baseline, rows = CASES["ordinary"]
    log = write(tmp_path, rows)
    (line, *_) = log.store.read(MINUTE).splitlines(keepends=True)
    compacted(tmp_path)
    new = line.replace(b'"entity_id":"0"', b'"entity_id":"new"')
    log.store.put_new(MINUTE.replace("0900_w", "0000_late"), [line, new])
    assert count_log(baseline, LogReader.open(str(tmp_path))).predictions == 21


@pytest.mark.slow
def test_a_compacted_day_is_counted_without_pandas(tmp_path: Path) -> None:
    """Importing pandas takes longer than counting a few thousand predictions."""
    baseline, rows = CASES["ordinary"]
    write(tmp_path, rows)
    compacted(tmp_path)
    baseline.write(tmp_path / "histogram.prom")
    code = (
        "import atexit, sys; from boxkite.cli import main; "
        "atexit.register(lambda: print('pandas' in sys.modules, file=sys.stderr)); main()"
    )
    command = [sys.executable, "-c", code, "compare", tmp_path / "histogram.prom", tmp_path]
    shown = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "output" in shown.stdout
    assert shown.stderr == "False\n"
