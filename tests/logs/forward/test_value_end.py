"""Test where MessagePack values end, with values that msgpack from PyPI wrote."""

import datetime as dt

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boxkite.logs.forward.value_end import value_end

leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(width=32)
    | st.binary(max_size=300)
    | st.text(max_size=300)
    | st.builds(msgpack.ExtType, st.integers(0, 127), st.binary(max_size=300))
)
values = st.recursive(
    leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=3), inner)
)


@given(values, st.booleans(), st.binary(max_size=3))
def test_the_end_is_found_in_complete_values_only(value, single, rest):
    packed = msgpack.packb(value, use_single_float=single)
    assert value_end(packed + rest) == len(packed)
    assert all(value_end(packed[:length]) is None for length in range(len(packed)))


@pytest.mark.parametrize(
    "value",
    [
        "x" * 70_000,
        b"x" * 70_000,
        [None] * 70_000,
        {str(number): number for number in range(70_000)},
        msgpack.ExtType(5, b"x" * 70_000),
        *(msgpack.ExtType(5, b"x" * size) for size in (1, 2, 4, 8, 16)),
        msgpack.Timestamp.from_datetime(dt.datetime(2026, 11, 23, tzinfo=dt.UTC)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_end_of_a_long_value_is_found(value):
    packed = msgpack.packb(value)
    assert value_end(packed + b"\xc1") == len(packed)
    assert value_end(packed[:-1]) is None
