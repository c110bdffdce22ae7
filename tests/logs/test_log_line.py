"""Test that every JSON parser reads a line in the same way."""

import datetime as dt
import io
import json
import math
from decimal import Decimal
from typing import Any

import duckdb
import msgspec
import numpy as np
import pyarrow.json
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boxkite.live.mark import Mark
from boxkite.logs.log_line import to_line
from boxkite.logs.log_record import LogRecord

LARGE = 1 << 20


def record(features: Any = None, output: Any = None, **changed: Any) -> LogRecord:
    whole: dict[str, Any] = {
        "prediction_id": "server/2013-11-23T14:05:59/id",
        "entity_id": "id",
        "server_id": "server",
        "endpoint_id": "endpoint",
        "model": "flights",
        "version": "3f9c1a2b",
        "created_at": "2013-11-23T14:05:59.000001Z",
        "features": features,
        "output": output,
        **changed,
    }
    return LogRecord(**whole)


def refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


def read(line: bytes) -> Any:
    """Return the content of a line, and check that all parsers read the same."""
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert len(line.decode().splitlines()) == 1
    content = json.loads(line, parse_constant=refuse, object_pairs_hook=unique)
    assert msgspec.json.decode(line) == content
    assert duckdb.execute("SELECT json_valid(?)", [line.decode()]).fetchall() == [(True,)]
    return content


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def test_a_line_holds_the_fields_in_their_order() -> None:
    line = to_line(record({"distance": 1.5, "carrier": "UA"}, 0.5, request_body={"a": 1}), LARGE)
    assert line == (
        b'{"prediction_id":"server/2013-11-23T14:05:59/id","entity_id":"id","server_id":"server",'
        b'"endpoint_id":"endpoint","model":"flights","version":"3f9c1a2b",'
        b'"created_at":"2013-11-23T14:05:59.000001Z",'
        b'"features":{"distance":1.5,"carrier":"UA"},"output":0.5,"request_body":{"a":1}}\n'
    )


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, None),
        (math.nan, None),
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
        (-0.0, -0.0),
        (1e300, 1e300),
        (2**64 - 1, 2**64 - 1),
        (10**5000, "Infinity"),
        (-(10**5000), "-Infinity"),
        ("null", "null"),
        ("a\nb\r\x00\x0b\x0c\x1c\x1e\x7f", "a\nb\r\x00\x0b\x0c\x1c\x1e\x7f"),
        ("\x85\u2028\u2029é", "\x85\u2028\u2029é"),
        ("\ud800é", "\\ud800é"),
        (b"\xff\x00", "/wA="),
        (Mark(3), "[redacted]"),
        (np.float32(0.5), 0.5),
        (Decimal("1.50"), "1.50"),
        (dt.date(2013, 7, 4), "2013-07-04"),
        (object(), {"unsupported": "object"}),
        (msgspec.msgpack.Ext(7, b"x"), {"unsupported": "Ext"}),
        ({1: 2, b"\xff": 3, None: 4, "\ud800": 5}, {"1": 2, "\\xff": 3, "None": 4, "\\ud800": 5}),
        ({1: "first", "1": "last"}, {"1": "last"}),
        ({"a": {b"YQ==": 1, "YQ==": 2}}, {"a": {"YQ==": 2}}),
        ((1, {2}), [1, [2]]),
        ([None, [math.inf, {"a": -math.inf}]], [None, ["Infinity", {"a": "-Infinity"}]]),
        ([nested(3), math.nan], [[[[1]]], None]),
        (nested(29), nested(29)),
    ],
    ids=lambda value: repr(value)[:20] if type(value) is not int else "",
)
def test_every_parser_reads_the_same_value(value: Any, written: Any) -> None:
    assert read(to_line(record(value), LARGE))["features"] == written
    assert read(to_line(record([value]), LARGE))["features"] == [written]
    assert read(to_line(record({"a": value}), LARGE))["features"] == {"a": written}
    assert read(to_line(record(output=value), LARGE))["output"] == written
    assert read(to_line(record(request_body={"a": [value]}), LARGE))["request_body"] == {
        "a": [written]
    }


@pytest.mark.parametrize("depth", [40, 500, 5000])
def test_a_value_that_is_nested_too_deeply_is_cut(depth: int) -> None:
    found = read(to_line(record(nested(depth)), LARGE))["features"]
    for _ in range(33):
        assert len(found) == 1
        found = found[0]
    assert found == {"unsupported": "list"}


def test_a_list_that_holds_itself_is_cut() -> None:
    endless: list[Any] = []
    endless.append(endless)
    assert len(read(to_line(record(endless), LARGE))["features"]) == 1


def test_broken_unicode_anywhere_in_a_record_is_escaped() -> None:
    assert read(to_line(record(entity_id="\ud800", model="\udfff\n"), LARGE))["model"] == (
        "\\udfff\n"
    )


LONG = "x" * 1000


@pytest.mark.parametrize(
    ("max_bytes", "left_out"),
    [
        (5000, None),
        (2999, ["request_body"]),
        (1999, ["request_body", "features"]),
        (999, ["request_body", "features", "output"]),
        (0, ["request_body", "features", "output"]),
    ],
)
def test_a_line_that_is_too_long_loses_one_field_after_the_other(
    max_bytes: int, left_out: list[str] | None
) -> None:
    line = to_line(record([LONG], LONG, request_body=LONG), max_bytes)
    found = read(line)
    assert found.get("truncated") == left_out
    assert found["features"] == (None if "features" in (left_out or []) else [LONG])
    assert found["output"] == (None if "output" in (left_out or []) else LONG)
    assert ("request_body" in found) == ("request_body" not in (left_out or []))
    assert len(line) <= max_bytes or max_bytes == 0


def test_a_line_of_exactly_the_longest_length_stays_whole() -> None:
    whole = to_line(record([LONG]), LARGE)
    assert to_line(record([LONG]), len(whole)) == whole
    assert read(to_line(record([LONG]), len(whole) - 1))["truncated"] == ["features"]


def test_fields_that_were_left_out_before_stay_named() -> None:
    found = read(to_line(record([LONG], truncated=("request_body",)), 999))
    assert found["truncated"] == ["request_body", "features"]


def test_a_truncated_line_is_still_a_record() -> None:
    line = to_line(record([LONG], LONG), 0)
    assert msgspec.json.decode(line, type=LogRecord) == record(truncated=["features", "output"])


def test_arrow_reads_lines_of_unusual_values() -> None:
    rows = [
        record({"number": 1.5, "text": "\u2028\x00"}),
        record({"number": math.nan, "text": "a\nb"}),
        record({"number": -0.0, "text": b"\xff"}, request_body={1: 2, "1": 3}),
        record({"number": 1e300, "text": None}),
    ]
    lines = b"".join(to_line(row, LARGE) for row in rows)
    table = pyarrow.json.read_json(io.BytesIO(lines))
    assert table["features"].to_pylist() == [
        {"number": 1.5, "text": "\u2028\x00"},
        {"number": None, "text": "a\nb"},
        {"number": -0.0, "text": "/w=="},
        {"number": 1e300, "text": None},
    ]


TEXT = st.text(st.characters()) | st.text('\x85\u2028\u2029\n\r\ud800{}[]"\\')
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | TEXT
    | st.binary()
    | st.builds(Mark, st.integers(-2, 3)),
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner)
        | st.dictionaries(TEXT | st.integers() | st.binary() | st.none(), inner)
    ),
)


@given(VALUES, VALUES, VALUES, VALUES, TEXT, st.integers(0, 2000))
def test_any_values_make_a_line_that_every_parser_reads(
    features: Any, output: Any, segments: Any, request_body: Any, text: str, max_bytes: int
) -> None:
    names = {"entity_id": text, "endpoint_id": text, "model": text}
    row = record(features, output, segments=segments, request_body=request_body, **names)
    assert set(read(to_line(row, LARGE))) == set(LogRecord.__struct_fields__) - {"truncated"}
    read(to_line(row, max_bytes))
