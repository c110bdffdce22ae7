"""Match the columns that `boxkite logs cat` writes with the variables of a baseline."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from boxkite.baseline import Baseline
from boxkite.live.redaction import REDACTED

__all__ = ["named_like_baseline"]


def named_like_baseline(table: Any, baseline: Baseline) -> Any:
    """Return a table whose columns of a log have the names of the baseline's variables.

    `boxkite logs cat --format parquet` writes the feature `age` as `features.age`, and a single
    output as `output`. Redacted values become missing, as in the log itself.

    Args:
        table: a table of pyarrow.
        baseline: the baseline to compare the table with.
    """
    names: dict[str, str] = {}
    for position, each in enumerate(baseline.features):
        names |= {f"features.{position}": each.name, f"features.{each.name}": each.name}
    for position, each in enumerate(baseline.outputs):
        names |= {f"output.{position}": each.name, f"output.{each.name}": each.name}
    if len(baseline.outputs) == 1:
        names["output"] = baseline.outputs[0].name
    there = set(table.column_names)
    columns: dict[str, Any] = {}
    for name in table.column_names:
        # A table of rows may have a column of such a name itself.
        is_logged = name in names and names[name] not in there
        column = _unredacted(table[name]) if is_logged else table[name]
        columns.setdefault(names[name] if is_logged else name, column)
    return pa.table(columns)


def _unredacted(column: Any) -> Any:
    if not pa.types.is_string(column.type):
        return column
    return pc.if_else(pc.equal(column, REDACTED), pa.scalar(None, column.type), column)
