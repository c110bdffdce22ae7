"""Test that Arrow arrays become arrays of numpy."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from boxkite.logs.compaction.arrow_numbers import as_floats, as_microseconds

NAN = float("nan")
MOMENTS = pa.array([0, 1_795_442_759_000_001], pa.timestamp("us", "UTC"))


@pytest.mark.parametrize(
    ("array", "floats"),
    [
        (pa.array([1.5, None, float("inf"), NAN]), [1.5, NAN, float("inf"), NAN]),
        (pa.array([1.5, None, 2.5, None]).slice(1, 2), [NAN, 2.5]),
        (pa.array([1.5, 2.5, 3.5]).slice(1, 1), [2.5]),
        (pa.array([1, None, 2**53 + 1]), [1.0, NAN, 2.0**53]),
        (pa.array([3], pa.int8()), [3.0]),
        (pa.array([True, None, False]).slice(1), [NAN, 0.0]),
        (pa.nulls(2), [NAN, NAN]),
        (pa.array([], pa.float64()), []),
    ],
)
def test_numbers_become_floats(array: Any, floats: list[float]) -> None:
    assert np.array_equal(as_floats(array), floats, equal_nan=True)


def test_moments_become_microseconds() -> None:
    assert as_microseconds(MOMENTS).tolist() == [0, 1_795_442_759_000_001]
    assert as_microseconds(MOMENTS.slice(1)).tolist() == [1_795_442_759_000_001]
    assert as_microseconds(MOMENTS.slice(2)).tolist() == []
