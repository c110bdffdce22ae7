"""Test that a line becomes a row and the same line again, whatever it holds."""

import json
import math
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boxkite.live.log_context import LogContext
from boxkite.live.mark import Mark
from boxkite.live.record import Record
from boxkite.logs.compaction import row_layout
from boxkite.logs.compaction.line_rows import lines_of, rows_of
from boxkite.logs.compaction.row_layout import FieldLayout, LayoutFinder, RowLayout
from boxkite.logs.log_line import parse_line, to_line
from boxkite.logs.log_record import LogRecord, to_log_record

CONTEXT = LogContext(
    sink="", server_id="s", endpoint_id="e", logger_id="l", replica_id="r", model="m", version="1"
)
SECOND = 1_795_442_759_000_000_001


def line(features: Any, output: Any = 0.5, **fields: Any) -> bytes:
    record = to_log_record(CONTEXT, Record("id", SECOND, None, None))
    return to_line(
        msgspec.structs.replace(record, features=features, output=output, **fields), 2**20
    )


def converted(*lines: bytes) -> tuple[pa.Table, RowLayout]:
    """Return lines as a table that was written to Parquet and read again, and its layout."""
    predictions = [parse_line(each) for each in lines]
    finder = LayoutFinder()
    finder.add(predictions)
    batch = rows_of(lines, predictions, finder.layout())
    content = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_batches([batch]), content)
    table = pq.read_table(pa.BufferReader(content.getvalue()))
    layout = RowLayout.of(table.schema)
    assert layout == finder.layout()
    (read,) = table.to_batches()
    assert lines_of(read, layout) == list(lines)
    return table, layout


def kept(table: pa.Table) -> list[int]:
    """Return the indices of rows that keep their whole line."""
    return [i for i, each in enumerate(table["line"].to_pylist()) if each is not None]


ORDINARY = {
    "floats": [{"x": 0.1}, {"x": -0.0}, {"x": 5e-324}, {"x": 1.7976931348623157e308}, {"x": None}],
    "NaN and infinities": [{"x": math.nan}, {"x": math.inf}, {"x": -math.inf}, {"x": 1.5}],
    "integers": [{"x": 2**53 + 1}, {"x": -(2**63)}, {"x": 2**63 - 1}, {"x": 0}, {"x": None}],
    "whole numbers among floats": [{"x": 1}, {"x": 1.0}, {"x": 2.5}, {"x": 2**53}, {"y": 3.5}],
    "booleans": [{"x": True}, {"x": False}, {"x": None}],
    "texts": [{"x": "a\u2028b"}, {"x": ""}, {"x": "Infinity"}, {"x": "\U0001f600"}, {"x": "\0"}],
    "missing is not null": [{"x": 1.5, "y": 1.5}, {"x": 1.5}, {"x": None, "y": 1.5}, {}],
    "another order": [{"x": 1.5, "y": 2.5}, {"y": 2.5, "x": 1.5}, {"x": 1.5, "y": 2.5}],
    "nested": [{"x": {"a": [1, 2.0, None]}}, {"x": [1]}, {"x": "text"}, {"x": None}, {"x": [[]]}],
    "positions": [[1.5, 2.5], [1.5], [1, None], [], None],
    "redacted": [{"x": "[redacted]"}, {"x": "[redacted]"}, {"x": None}],
    "nothing": [None, None],
    "strange names": [{"": 1.5, "a.b": 1.5, 'a"b': 1.5, "é": 1.5, "\n": 1.5}],
}


@pytest.mark.parametrize("name", ORDINARY)
def test_columns_alone_give_ordinary_lines_back(name: str) -> None:
    table, _ = converted(*map(line, ORDINARY[name]))
    assert kept(table) == []


def test_features_and_output_are_typed_columns() -> None:
    rows = [{"f": 1.5, "i": 1, "b": True, "t": "a", "j": [1]}, {"f": math.inf, "i": None}]
    table, _ = converted(*(line(row, output) for row, output in zip(rows, (0.5, 1), strict=True)))
    assert table.schema.field("features").type == pa.struct(
        {
            "f": pa.float64(),
            "i": pa.int64(),
            "b": pa.bool_(),
            "t": pa.string(),
            "j": pa.string(),
        }
    )
    assert table["features"].to_pylist() == [
        {"f": 1.5, "i": 1, "b": True, "t": "a", "j": "[1]"},
        {"f": math.inf, "i": None, "b": None, "t": None, "j": None},
    ]
    assert table["output"].to_pylist() == [0.5, 1.0]
    assert kept(table) == []


def test_several_outputs_are_a_struct() -> None:
    table, layout = converted(line({"x": 1.5}, {"p": 0.5, "q": 1}), line({"x": 1.5}, None))
    assert layout.output == FieldLayout("object", {"p": "float", "q": "integer"})
    assert table["output"].to_pylist() == [{"p": 0.5, "q": 1}, None]
    assert kept(table) == []


STRANGE = {
    "a text among numbers": [*[{"x": 1.5}] * 3, {"x": "N/A"}],
    "an integer beyond 64 bits": [*[{"x": 1}] * 3, {"x": 2**64}],
    "an integer beyond 53 bits among floats": [*[{"x": 1.5}] * 3, {"x": 2**53 + 1}],
    "a list among rows with names": [*[{"x": 1.5}] * 3, [1.5]],
    "a single value among rows": [*[{"x": 1.5}] * 3, 1.5],
}


@pytest.mark.parametrize("name", STRANGE)
def test_a_row_that_does_not_fit_keeps_its_line_and_the_type_stays(name: str) -> None:
    table, layout = converted(*map(line, STRANGE[name]))
    assert kept(table) == [3]
    assert layout.features.kinds["x"] in ("float", "integer")


@pytest.mark.parametrize(
    "text",
    [
        b'{"entity_id":"a","created_at":"2026-11-23T09:00:00Z"}\n',
        b'{"created_at":"2026-11-23T10:00:00.000001+01:00","entity_id":"a", "new field": 1}\n',
        b'{"entity_id":"a","created_at":"2026-11-23T09:00:00.123456789Z","features":{"x":1e0}}\n',
        b'{"entity_id":"a","created_at":"2026-11-23T09:00:00Z","request_body":"\xff"}\n',
        b'{"entity_id":"a","created_at":"2026-11-23T09:00:00Z","features":{"x":1,"x":2}}\n',
        b'{"entity_id":"a","created_at":"0001-01-01T00:00:00Z","features":{"x":0.10}}\n',
    ],
)
def test_a_line_of_another_writer_is_kept_as_it_is(text: bytes) -> None:
    table, _ = converted(line({"x": 1.5}), text)
    assert kept(table) == [1]


def test_request_bodies_and_truncated_fields_are_kept() -> None:
    table, _ = converted(
        line({"x": 1.5}, request_body={"a": [1, 2.5, None, "\u2029"]}),
        line(None, None, truncated=["request_body", "features"]),
        line({"x": 1.5}, request_body=None),
    )
    assert table["request_body"].to_pylist() == [r'{"a":[1,2.5,null,"\u2029"]}', None, "null"]
    assert table["truncated"].to_pylist() == [None, "request_body,features", None]
    assert kept(table) == []


def test_a_log_with_random_names_has_a_bounded_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_layout, "_MAX_NAMES", 3)
    table, layout = converted(*(line({f"x{i}": 1.5}) for i in range(10)))
    assert list(layout.features.kinds) == ["x0", "x1", "x2"]
    assert kept(table) == list(range(3, 10))


def test_a_redacted_value_stays_redacted() -> None:
    record = to_log_record(CONTEXT, Record("id", SECOND, {"x": Mark(1)}, [1.5]))
    assert json.loads(to_line(record, 2**20))["features"] == {"x": "[redacted]"}
    converted(to_line(record, 2**20), line({"x": 1.5}), line({"x": 2.5}))


LEAVES = st.one_of(
    st.none(), st.booleans(), st.floats(), st.integers(), st.text(), st.just("Infinity")
)
VALUES = st.recursive(
    LEAVES, lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(), each, max_size=3)
)
ROWS = st.one_of(
    st.dictionaries(st.sampled_from("abc") | st.text(max_size=3), VALUES, max_size=4),
    st.lists(VALUES, max_size=4),
    VALUES,
)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(ROWS, ROWS, ROWS), min_size=1, max_size=8))
def test_any_line_comes_back_byte_for_byte(rows: list[tuple[Any, Any, Any]]) -> None:
    converted(*(line(row, output, request_body=body) for row, output, body in rows))


@given(st.lists(st.lists(st.floats(), min_size=2, max_size=2), min_size=1, max_size=20))
def test_floats_come_back_bit_for_bit(rows: list[list[float]]) -> None:
    table, _ = converted(*(line({"a": a, "b": b}, a) for a, b in rows))
    assert kept(table) == []


def test_it_uses_the_fields_of_a_record() -> None:
    last = ("features", "output", "segments", "request_body", "truncated")
    assert LogRecord.__struct_fields__[-5:] == last
