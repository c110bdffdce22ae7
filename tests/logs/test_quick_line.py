"""Test that the fast path gives the same bytes as the slow one."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boxkite.live.log_context import LogContext
from boxkite.live.mark import Mark
from boxkite.live.record import Record, decode, encode
from boxkite.logs.log_line import to_line
from boxkite.logs.log_record import to_log_record
from boxkite.logs.quick_line import QuickLines, UndecodedRecord

ID = "8c0e6ba4-8f1f-4b4e-9d6b-0a1b2c3d4e5f"
NOW = 1_795_450_000_000_001_999


def context(
    *features: str, outputs: tuple[str, ...] = ("score",), max_bytes: int = 4096
) -> LogContext:
    return LogContext(
        sink="file:",
        server_id="server \u2028",
        endpoint_id="endpoint",
        logger_id="logger",
        replica_id="replica",
        model='flights "2013"',
        version="3f9c1a2b",
        features=features,
        outputs=outputs,
        max_bytes=max_bytes,
    )


def lines(of: LogContext, record: Record) -> tuple[bytes | None, bytes]:
    """Return the quick line of a record, and the slow one."""
    content = encode(record)
    quick = QuickLines(of).line(msgspec.msgpack.decode(content, type=UndecodedRecord))
    return quick, to_line(to_log_record(of, decode(content)), of.max_bytes)


def test_a_row_of_numbers_and_texts_is_ordinary() -> None:
    record = Record(ID, NOW, [1.5, 2, "UA", True, None, float("nan")], [0.25], None, True)
    quick, sure = lines(context("a", "b", "c", "d", "e", "f"), record)
    assert quick == sure
    assert msgspec.json.decode(sure) == {
        "prediction_id": f"server \u2028/2026-11-23T16:06:40/{ID}",
        "entity_id": ID,
        "server_id": "server \u2028",
        "endpoint_id": "endpoint",
        "model": 'flights "2013"',
        "version": "3f9c1a2b",
        "created_at": "2026-11-23T16:06:40.000001Z",
        "features": {"a": 1.5, "b": 2, "c": "UA", "d": True, "e": None, "f": None},
        "output": 0.25,
    }


@pytest.mark.parametrize(
    "record",
    [
        Record(ID, NOW, [1.5, float("inf")], [0.5]),
        Record(ID, NOW, [1.5, 2.0], [float("-inf")]),
        Record(ID, NOW, [1.5, Mark(3)], [0.5]),
        Record(ID, NOW, [1.5, [2.0]], [0.5]),
        Record(ID, NOW, [1.5, b"bytes"], [0.5]),
        Record(ID, NOW, [1.5], [0.5]),
        Record(ID, NOW, {"a": 1.5, "b": 2.0}, [0.5]),
        Record(ID, NOW, None, [0.5]),
        Record(ID, NOW, [1.5, 2.0], [0.5, 0.5]),
        Record(ID, NOW, [1.5, 2.0], None),
        Record(ID, NOW, [1.5, 2.0], [0.5], {"inputs": []}),
        Record(ID, NOW, [1.5, 2.0], [0.5], truncated=("request_body",)),
        Record(ID, NOW, [1.5, "x" * 4096], [0.5]),
    ],
    ids=str,
)
def test_any_other_record_has_no_quick_line(record: Record) -> None:
    assert lines(context("a", "b"), record)[0] is None


@pytest.mark.parametrize("names", [(), ("a", "a"), ("a", 'b"'), ("a", "b\n")])
def test_names_that_no_struct_can_have_give_no_quick_lines(names: tuple[str, ...]) -> None:
    assert lines(context(*names), Record(ID, NOW, [1.5] * len(names), [0.5]))[0] is None


values = st.one_of(
    st.floats(),
    st.integers(-(2**63), 2**64 - 1),
    st.text(max_size=5),
    st.sampled_from([None, True, False, "null", b"1", [1.0], {"a": 1}, Mark(0)]),
)


@given(
    st.lists(st.text(min_size=1, max_size=4), max_size=4, unique=True),
    st.one_of(st.lists(values, max_size=4), st.dictionaries(st.text(max_size=3), values)),
    st.lists(values, max_size=2),
    st.integers(-(2**63), 2**63 - 1),
    st.integers(0, 600),
)
def test_a_quick_line_has_the_same_bytes_as_the_slow_one(
    names: list[str], features: Any, output: Any, created_at: int, max_bytes: int
) -> None:
    of = context(*names, max_bytes=max_bytes)
    quick, sure = lines(of, Record(ID, created_at, features, output))
    assert quick in (None, sure)
