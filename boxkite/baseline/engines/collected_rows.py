"""Columns of a lazy frame row by row in memory, for what an engine cannot count exactly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from boxkite.baseline.engines.engine_column import EngineColumn
from boxkite.errors import BaselineError

__all__ = ["collected_rows"]


def collected_rows(columns: Sequence[Any]) -> list[Any]:
    """Return columns of one lazy frame as columns in memory, in the same order of rows.

    Args:
        columns: columns of a lazy frame.

    Raises:
        BaselineError: if a column is not in that frame.
    """
    lazy = [each for each in columns if isinstance(each, EngineColumn)]
    origin = lazy[0].source.origin
    if len(lazy) < len(columns) or any(each.source.origin is not origin for each in lazy):
        raise BaselineError(
            "outcome= needs the outcome, the outputs, the times and the segments in one lazy "
            "frame, because rows of different tables cannot be matched. Pass one frame with all "
            "columns, and name them: output='score', outcome='paid_back'"
        )
    names = list(dict.fromkeys(each.name for each in lazy))
    # One query, because an engine may return the rows of two queries in different orders.
    rows = origin.collect(origin.frame.select(*names))
    return [rows[each.name].to_native() for each in lazy]
