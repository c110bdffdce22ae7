"""Counts the predictions of a log into a baseline's cells, as a service counts them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from boxkite.baseline import Baseline
from boxkite.baseline.tally import Tally
from boxkite.cli.column_counting import count_columns
from boxkite.live.counts import Counts
from boxkite.live.fold import fold
from boxkite.live.record import Record
from boxkite.live.redaction import REDACTED
from boxkite.logs.log_line import LoggedPrediction
from boxkite.logs.reader.compacted_rows import CompactedRows
from boxkite.logs.reader.log_reader import LogReader
from boxkite.rows.row import Row, ShapeError, output_row
from boxkite.system.type_guards import is_dict, is_list

__all__ = ["count_blocks", "count_log", "logged_output", "unredacted"]

_Piece: TypeAlias = CompactedRows | list[LoggedPrediction]

_ROWS = 10_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def count_log(baseline: Baseline, log: LogReader) -> Counts:
    """Count all predictions of a log, made with any version of the baseline.

    Redacted values, and features left out because they were too large, count as missing.

    Raises:
        OSError: If the log cannot be read.
    """
    counts = Counts.zero(baseline)
    for piece in log.pieces(_ROWS):
        _count(baseline, piece, counts)
    return counts


def count_blocks(baseline: Baseline, log: LogReader, length: timedelta) -> dict[int, list[Tally]]:
    """Count the predictions of a log in blocks of time, omitting blocks without any.

    Args:
        baseline: Baseline whose cells are counted.
        log: Predictions to count.
        length: Length of each block. Blocks are aligned to 1970, so days start at midnight UTC.

    Returns:
        One tally per variable, by the number of the block since 1970, in order.

    Raises:
        OSError: If the log cannot be read.
    """
    blocks: dict[int, Counts] = {}
    for piece in log.pieces(_ROWS):
        for block, piece_then in _by_block(piece, length):
            _count(baseline, piece_then, blocks.setdefault(block, Counts.zero(baseline)))
    return {block: blocks[block].tallies() for block in sorted(blocks)}


def _by_block(piece: _Piece, length: timedelta) -> Iterator[tuple[int, _Piece]]:
    """Split predictions into blocks of time."""
    if isinstance(piece, CompactedRows):
        while len(piece):
            block = (piece.first - _EPOCH) // length
            end = _EPOCH + (block + 1) * length
            yield block, piece.before(end)
            piece = piece.since(end)
        return
    by_block: dict[int, list[LoggedPrediction]] = {}
    for logged in piece:
        by_block.setdefault((logged.created_at - _EPOCH) // length, []).append(logged)
    yield from by_block.items()


def _count(baseline: Baseline, piece: _Piece, counts: Counts) -> None:
    if isinstance(piece, CompactedRows):
        rest = count_columns(baseline, piece, counts)
        if not len(rest):
            return
        piece = rest.values()
    outputs = [each.name for each in baseline.outputs]
    fold(baseline, [_record(logged, outputs) for logged in piece], counts)


def _record(logged: LoggedPrediction, outputs: Sequence[str]) -> Record:
    features: Any = {} if "features" in logged.truncated else unredacted(logged.features)
    segments = unredacted(logged.segments)
    output = logged_output(logged, outputs)
    return Record(logged.entity_id, 0, features, output, segments=segments)


def logged_output(logged: LoggedPrediction, names: Sequence[str]) -> Row | None:
    """Return the output of a logged prediction as a row, or None if it is no row of these outputs.

    Args:
        logged: Prediction of a log.
        names: Names of the output variables.
    """
    output = unredacted(logged.output)
    if output is None or not names:
        return {}
    try:
        return output_row(output, names)
    except ShapeError:
        return None  # counts as invalid, as in the service


def unredacted(values: Any) -> Any:
    """Return values with None in place of redacted ones."""
    if is_dict(values) and REDACTED in values.values():
        return {name: None if each == REDACTED else each for name, each in values.items()}
    if is_list(values) and REDACTED in values:
        return [None if each == REDACTED else each for each in values]
    return None if values == REDACTED else values
