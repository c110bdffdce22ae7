"""Records survive their bytes; what bytes cannot hold becomes the nearest that counts the same."""

import datetime as dt
import enum
import math
import sys
import uuid
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boxkite.live.mark import Mark
from boxkite.live.record import Record, decode, encode, plain

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
)
EAST = dt.timezone(dt.timedelta(hours=2))


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Raising:
    """Raises whatever is asked of it."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __len__ = __iter__ = __array__ = __eq__ = __ne__ = __str__  # type: ignore[assignment]
    __hash__ = object.__hash__


class RaisingList:
    def tolist(self) -> list[Any]:
        raise RuntimeError("no list")


@given(
    st.lists(JSON) | st.dictionaries(st.text(st.characters(codec="utf-8")), JSON) | st.none(),
    st.lists(JSON) | st.none(),
    JSON,
)
def test_a_record_of_json_values_comes_back_as_it_was(
    features: Any, output: Any, request_body: Any
) -> None:
    record = Record("id", 1, features, output, request_body)
    assert decode(encode(record)) == record


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (math.inf, math.inf),
        (b"\xff", b"\xff"),
        (bytearray(b"7"), b"7"),
        (memoryview(b"7"), b"7"),
        ("\ud800é", "\\ud800é"),
        (2**64, 2.0**64),
        (-(2**64), -(2.0**64)),
        (10**400, math.inf),
        (-(10**400), -math.inf),
        (np.float64(0.5), 0.5),
        (np.float32(0.5), 0.5),
        (np.longdouble(0.5), 0.5),
        (np.int8(-1), -1),
        (np.uint64(2**64 - 1), 2**64 - 1),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (np.bytes_(b"a"), b"a"),
        (np.array(3), 3),
        (np.array([1.5, 2.5]), [1.5, 2.5]),
        (pd.Series([1, 2]), [1, 2]),
        (Decimal("12.50"), "12.50"),
        (Decimal("3.00"), "3"),
        (Fraction(1, 4), 0.25),
        (Colour.RED, "red"),
        (Level.HIGH, 3),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (dt.date(2013, 7, 4), "2013-07-04"),
        (dt.datetime(2013, 7, 4, tzinfo=EAST), "2013-07-04T00:00:00+02:00"),
        (dt.time(1, 2), "01:02:00"),
        (dt.timedelta(milliseconds=1500), 1.5),
        (pd.Timestamp("2013-07-04"), "2013-07-04T00:00:00"),
        (pd.Timedelta("2s"), 2.0),
        (pd.Interval(0, 1), "(0, 1]"),
        (np.datetime64("2013-07-04"), "2013-07-04T00:00:00"),
        (np.datetime64("20000-01-01"), 568971820800.0),
        (np.timedelta64(5, "ms"), 0.005),
        ((1, (2,)), [1, [2]]),
        ({1: (2,), "a": {}}, {1: [2], "a": {}}),
    ],
)
def test_a_value_is_written_as_the_nearest_that_bytes_can_hold(value: Any, written: Any) -> None:
    assert plain([value]) == [written]
    assert plain({"name": value}) == {"name": written}


@pytest.mark.parametrize(
    "value",
    [None, pd.NA, pd.NaT, np.datetime64("NaT", "s"), np.ma.masked, Decimal("sNaN")],
)
def test_a_missing_value_is_written_as_none(value: Any) -> None:
    assert plain([value]) == [None]


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (Raising(), "Raising"),
        (RaisingList(), "RaisingList"),
        (object(), "object"),
        (1j, "complex"),
        (np.complex64(1j), "complex64"),
        (np.void(b"1"), "void"),
        (range(3), "range"),
        ((n for n in [1]), "generator"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_value_without_a_nearest_one_is_named_by_its_type(value: Any, name: str) -> None:
    unsupported = {"unsupported": name}
    assert plain([value, 1]) == [unsupported, 1]
    assert plain({"a": value}) == {"a": unsupported}
    assert plain([[value, {"b": value}]]) == [[unsupported, {"b": unsupported}]]


def test_one_broken_value_leaves_the_others_whole() -> None:
    row = [2**70, "\ud800", [1, Raising()], {("a", 1): 2, None: 3}, 0.5]
    assert plain(row) == [
        2.0**70,
        "\\ud800",
        [1, {"unsupported": "Raising"}],
        {"('a', 1)": 2, "None": 3},
        0.5,
    ]


def test_a_list_that_holds_itself_is_cut_where_it_begins_again() -> None:
    endless: list[Any] = [1]
    endless.append(endless)
    assert plain(endless) == [1, {"unsupported": "list"}]
    wide: list[Any] = []
    wide.extend([wide] * 100)
    assert plain([wide]) == [[{"unsupported": "list"}] * 100]


def test_a_list_that_doubles_at_every_level_is_cut() -> None:
    doubled: Any = "\ud800"
    for _ in range(100):
        doubled = [doubled, doubled]
    assert len(encode(Record("", 0, [doubled], None))) < 10_000_000


def test_a_record_nested_deeper_than_the_stack_loses_its_values_only() -> None:
    nested: Any = 1
    for _ in range(sys.getrecursionlimit() * 3 // 4):
        nested = [nested]
    content = encode(Record("id", 1, nested, None))

    def deeper(frames: int) -> Record:
        return deeper(frames - 1) if frames else decode(content)

    assert decode(content).features == nested
    # Newer interpreters count the calls of C apart, and have room for it.
    assert deeper(sys.getrecursionlimit() // 2).features in (nested, None)


@pytest.mark.parametrize("content", [b"", b"\xc1", b"\x90", b"\x95\x01\x02\x03\x04\x05"])
def test_bytes_that_are_no_record_are_an_error(content: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode(content)


def test_arrays_inside_a_record_keep_their_missing_values() -> None:
    masked = np.ma.array([1, 2], mask=[False, True])
    assert plain([masked, pd.array([1, None])]) == [
        [1, None],
        [1, None],
    ]


@given(
    st.lists(st.floats(allow_nan=False), min_size=14, max_size=40),
    st.lists(
        st.tuples(
            st.integers(0, 40),
            st.sampled_from([None, 1, "a", True, Decimal("0.50"), np.float64(0.5), [0.5], 2**70]),
        ),
        max_size=3,
    ),
)
def test_a_value_is_written_the_same_among_floats_as_alone(
    floats: list[Any], others: list[tuple[int, Any]]
) -> None:
    row = floats.copy()
    for place, value in others:
        row.insert(place, value)
    assert plain(row) == [plain([value])[0] for value in row]


def test_a_row_of_more_floats_than_sixteen_bits_count_comes_back_whole() -> None:
    row = [number / 2 for number in range(70_000)]
    assert plain(row) == row


@given(JSON)
def test_a_request_body_of_just_the_bytes_allowed_stays_and_a_longer_one_goes(body: Any) -> None:
    record = Record("id", 1, [0.5], [1], body)
    size = len(msgspec.msgpack.encode(body))
    assert decode(encode(record, size)) == record
    if body is not None:
        left_out = Record("id", 1, [0.5], [1], None, truncated=("request_body",))
        assert decode(encode(record, size - 1)) == left_out


@pytest.mark.parametrize("body", [{"a": Raising()}, ["\ud800" * 10], {"a": Decimal("1.5")}])
def test_a_request_body_of_any_objects_is_written_or_left_out(body: Any) -> None:
    record = Record("id", 1, ["\ud800"], None, body, True)
    assert decode(encode(record, 1000)) == decode(encode(record))
    assert decode(encode(record, 3)) == Record(
        "id", 1, ["\\ud800"], None, None, True, ("request_body",)
    )


def test_a_field_that_is_left_out_joins_those_that_were_before() -> None:
    record = Record("id", 1, None, None, "body", truncated=("output",))
    assert decode(encode(record, 0)).truncated == ("output", "request_body")


@pytest.mark.parametrize("fields", [4, 5, 6])
def test_a_record_of_an_older_journal_lacks_the_last_fields(fields: int) -> None:
    older = msgspec.msgpack.encode(["id", 1, [0.5], [1], None, False][:fields])
    assert decode(older) == Record("id", 1, [0.5], [1])


@pytest.mark.parametrize("cell", [0, 5, 2**31 - 1, Mark.MISSING, Mark.INVALID])
def test_a_mark_comes_back_from_any_row(cell: int) -> None:
    mark = Mark(cell)
    assert plain([mark]) == [mark]
    assert plain({"a": mark, "b": 1}) == {"a": mark, "b": 1}
    assert plain([0.5] * 20 + [mark]) == [0.5] * 20 + [mark]
    assert plain(["\ud800", mark]) == ["\\ud800", mark]


def test_an_extension_of_others_is_no_mark() -> None:
    extension = msgspec.msgpack.Ext(7, b"x")
    content = msgspec.msgpack.encode(["id", 1, [extension], None])
    assert decode(content).features == [extension]
