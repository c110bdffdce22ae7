"""Read the rows of a compacted day."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from boxkite.errors import LogReadError
from boxkite.logs.compaction.arrow_numbers import as_microseconds
from boxkite.logs.compaction.line_rows import lines_of
from boxkite.logs.compaction.manifest import CompactedDay, Part
from boxkite.logs.compaction.row_layout import RowLayout
from boxkite.logs.log_line import LoggedPrediction, parse_line
from boxkite.logs.reader.log_days import LogDay, check_unchanged
from boxkite.logs.reader.log_files import Interval
from boxkite.logs.stores.store import Store

__all__ = ["CompactedRows", "read_rows"]

_ROWS = 32_768
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class CompactedRows:
    """Rows of a compacted day, in the order of time.

    Attributes:
        batch: the rows.
        layout: what the columns hold.
    """

    batch: pa.RecordBatch
    layout: RowLayout

    def __len__(self) -> int:
        return len(self.batch)

    @property
    def first(self) -> datetime:
        """Time of the first row."""
        return self._moment(0)

    @property
    def last(self) -> datetime:
        """Time of the last row."""
        return self._moment(-1)

    def _moment(self, index: int) -> datetime:
        return _EPOCH + int(self.microseconds()[index]) * _MICROSECOND

    def predictions(self) -> Iterator[tuple[bytes, LoggedPrediction]]:
        """Yield the predictions with their lines, as they were logged."""
        for line in lines_of(self.batch, self.layout):
            yield line, parse_line(line)

    def values(self) -> list[LoggedPrediction]:
        """Return the features and outputs of the predictions. Other fields may be empty."""
        return [prediction for _, prediction in self.predictions()]

    def entity_ids(self) -> set[str]:
        """Return the ids of the predictions."""
        return set(self.batch.column("entity_id").to_pylist())

    def before(self, moment: datetime) -> CompactedRows:
        """Return the rows before a moment."""
        return replace(self, batch=self.batch.slice(0, self._index(moment)))

    def since(self, moment: datetime) -> CompactedRows:
        """Return the rows from a moment on."""
        return replace(self, batch=self.batch.slice(self._index(moment)))

    def _index(self, moment: datetime) -> int:
        """Return the index of the first row that is not before a moment."""
        return int(np.searchsorted(self.microseconds(), (moment - _EPOCH) // _MICROSECOND))

    def microseconds(self) -> NDArray[np.int64]:
        """Return the times of the rows in microseconds since 1970."""
        return as_microseconds(self.batch.column("created_at"))


def read_rows(
    store: Store,
    day: LogDay,
    interval: Interval,
    progress: Callable[[int], object] | None = None,
    columns: Collection[str] | None = None,
) -> Iterator[CompactedRows]:
    """Yield the rows of a compacted day that belong to an interval, in the order of time.

    One part at a time is in memory.

    Args:
        store: the store of the log.
        day: the day.
        interval: times of the predictions.
        progress: called with the size of each part after it was read.
        columns: names of the columns to read; None for all. Fields without their columns are empty.

    Raises:
        ChangedLogError: if the day was compacted again in the meantime.
        LogReadError: if a part is missing or damaged.
        OSError: if a part cannot be read.
    """
    if day.compacted is None:
        return
    for part in day.compacted.manifest.parts:
        if part.last >= interval.since and part.first < interval.until:
            for rows in _read_part(store, day, day.compacted, part, columns):
                wanted = rows
                # Look for the ends of the interval only in parts that hold one.
                if part.first < interval.since:
                    wanted = wanted.since(interval.since)
                if part.last >= interval.until:
                    wanted = wanted.before(interval.until)
                if len(wanted):
                    yield wanted
        if progress is not None:
            progress(part.size)


def _read_part(
    store: Store,
    day: LogDay,
    compacted: CompactedDay,
    part: Part,
    columns: Collection[str] | None,
) -> Iterator[CompactedRows]:
    try:
        content = store.read(part.path)
    except FileNotFoundError:
        check_unchanged(store, day.endpoint, day.day, day.folder)
        raise _damaged(compacted, part, "is missing") from None
    if hashlib.sha256(content).hexdigest() != part.sha256:
        raise _damaged(compacted, part, "is damaged: its SHA-256 is not the one in the manifest")
    file = pq.ParquetFile(pa.BufferReader(content))
    layout = RowLayout.of(file.schema_arrow)
    names = [name for name in file.schema_arrow.names if columns is None or name in columns]
    for batch in file.iter_batches(_ROWS, columns=names):
        yield CompactedRows(batch, layout)


def _damaged(compacted: CompactedDay, part: Part, what: str) -> LogReadError:
    folder = compacted.path.rpartition("/")[0]
    return LogReadError(
        f"{part.path} {what}. Restore it. If the day's lines are still there, you can instead "
        f"delete {folder} and compact the day again."
    )
