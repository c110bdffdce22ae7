"""Arrow arrays as arrays of numpy, without pandas.

Methods of pyarrow such as `Array.to_numpy` and `pa.scalar` import pandas if it is installed. That
takes a second and 50 MiB, which is more than most comparisons need otherwise.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

__all__ = ["as_floats", "as_microseconds"]

_NAN = pa.Array.from_buffers(
    pa.float64(), 1, [None, pa.py_buffer(np.array([np.nan], dtype=np.float64))]
)[0]


def as_floats(array: pa.Array) -> NDArray[np.float64]:
    """Return numbers or booleans as floats, with NaN for missing values.

    Integers beyond 2^53 are rounded, as `float` rounds them.
    """
    # Booleans have no direct conversion.
    numbers = array.cast(pa.int8()) if pa.types.is_boolean(array.type) else array
    floats = pc.fill_null(numbers.cast(pa.float64(), safe=False), _NAN)
    return np.frombuffer(_values(floats), dtype=np.float64)


def as_microseconds(array: pa.Array) -> NDArray[np.int64]:
    """Return moments as microseconds since 1970. None may be missing."""
    return np.frombuffer(_values(array.cast(pa.timestamp("us", "UTC"))), dtype=np.int64)


def _values(array: pa.Array) -> memoryview:
    """Return the bytes of an array of values of 8 bytes."""
    begin, end = 8 * array.offset, 8 * (array.offset + len(array))
    return memoryview(array.buffers()[1])[begin:end]
