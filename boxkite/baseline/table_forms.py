"""Turns tables of other libraries into forms that `named_columns` reads."""

# The tables may be objects of any library, so their types are unknown.
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import narwhals as nw
import numpy as np

from boxkite.errors import BaselineError

__all__ = ["as_table"]


def as_table(data: Any) -> Any:
    """Return a table in a form that `named_columns` reads, and other data unchanged.

    Arrow datasets, scanners, batches and readers, other objects with `__arrow_c_stream__`, and
    Hugging Face datasets become Arrow tables. Sparse matrices, tensors and other objects with
    `__array__` become arrays. A list of rows becomes a mapping of columns.

    Raises:
        BaselineError: if a table of Arrow cannot be read because pyarrow is not installed.
    """
    if isinstance(data, np.ndarray | Mapping | str | bytes) or data is None:
        return data
    if isinstance(data, list) and data and all(isinstance(row, Mapping) for row in data):
        names = dict.fromkeys(name for row in data for name in row)
        return {str(name): [row.get(name) for row in data] for name in names}
    # narwhals refuses some column names of pandas, which `named_columns` reads or explains.
    if nw.dependencies.is_pandas_like_dataframe(nw.to_native(data, pass_through=True)):
        return data
    known = nw.from_native(data, allow_series=True, pass_through=True)
    if isinstance(known, nw.DataFrame | nw.LazyFrame | nw.Series):
        return data
    return _converted(data)


def _converted(data: Any) -> Any:
    if hasattr(data, "with_format") and hasattr(data, "column_names"):
        return data.with_format("arrow")[:]
    for method in ("to_table", "read_all"):  # of datasets and scanners, and of readers
        if type(data).__module__.startswith("pyarrow") and hasattr(data, method):
            return getattr(data, method)()
    if hasattr(data, "__arrow_c_stream__") or hasattr(data, "__arrow_c_array__"):
        return _arrow_table(data)
    if hasattr(data, "tocsc") and hasattr(data, "toarray"):
        return data.toarray()
    if hasattr(data, "__array__") and getattr(data, "shape", ()) != ():
        return np.asarray(data)
    return data


def _arrow_table(data: Any) -> Any:
    try:
        import pyarrow as pa
    except ImportError:
        raise BaselineError(
            f"reading {type(data).__name__} needs pyarrow. Install it with: pip install pyarrow"
        ) from None
    # A single array has an Arrow interface too, but it is a column.
    return data if isinstance(data, pa.Array) else pa.table(data)
