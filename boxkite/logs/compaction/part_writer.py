"""Write the parts of a compacted day."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import pyarrow as pa
import pyarrow.parquet as pq

from boxkite.logs.compaction.line_rows import rows_of
from boxkite.logs.compaction.manifest import Part, part_path
from boxkite.logs.compaction.row_layout import RowLayout
from boxkite.logs.log_line import LoggedPrediction
from boxkite.logs.stores.store import Store

__all__ = ["write_parts"]

# A part is built and read in memory as a whole, and must pass a slow link within 30 seconds.
_PART_BYTES = 32 * 2**20
_CHUNK_ROWS = 16_384
_CHUNK_BYTES = 16 * 2**20
_GROUP_ROWS = 131_072


def write_parts(
    store: Store,
    folder: str,
    number: int,
    run: str,
    lines: Iterable[tuple[bytes, LoggedPrediction]],
    layout: RowLayout,
) -> Iterator[Part]:
    """Write lines as Parquet, and yield each part once it is durable.

    Args:
        store: store of the log.
        folder: folder of the day.
        number: number of the manifest that will name the parts.
        run: random digits of this compaction.
        lines: lines in the order of time, with their parsed content.
        layout: layout of the rows.

    Raises:
        OSError: if the store cannot be reached or is full.
    """
    part = _OpenPart(layout.schema)
    index = 0
    for chunk in _chunks(lines):
        texts, predictions = zip(*chunk, strict=True)
        part.add(rows_of(texts, predictions, layout), predictions)
        if part.size >= _PART_BYTES:
            yield part.put(store, part_path(folder, number, run, index))
            part, index = _OpenPart(layout.schema), index + 1
    if part.rows:
        yield part.put(store, part_path(folder, number, run, index))


class _OpenPart:
    """A part in memory."""

    def __init__(self, schema: pa.Schema) -> None:
        self._content = pa.BufferOutputStream()
        self._writer = pq.ParquetWriter(self._content, schema, compression="zstd")
        self._group: list[pa.RecordBatch] = []
        self._group_rows = 0
        self._group_bytes = 0
        self._moments: list[datetime] = []
        self.rows = 0

    @property
    def size(self) -> int:
        """Number of bytes written so far, without the open row group."""
        return int(self._content.tell())

    def add(self, batch: pa.RecordBatch, predictions: Sequence[LoggedPrediction]) -> None:
        """Add rows."""
        self.rows += len(batch)
        self._moments = [
            *self._moments[:1],
            *(each.created_at for each in (predictions[0], predictions[-1])),
        ]
        self._group.append(batch)
        self._group_rows += len(batch)
        self._group_bytes += batch.nbytes
        # A few large row groups are fast to read. The limit in bytes is for large rows, which
        # would otherwise fill the memory.
        if self._group_rows >= _GROUP_ROWS or self._group_bytes >= 4 * _CHUNK_BYTES:
            self._write_group()

    def _write_group(self) -> None:
        if self._group:
            self._writer.write_table(pa.Table.from_batches(self._group), _GROUP_ROWS)
        self._group, self._group_rows, self._group_bytes = [], 0, 0

    def put(self, store: Store, path: str) -> Part:
        """Write the part to the store."""
        self._write_group()
        self._writer.close()
        content = self._content.getvalue().to_pybytes()
        # A client repeats a put whose answer was lost. The name is then taken by its own put.
        if not store.put_new(path, [content]) and store.read(path) != content:
            raise OSError(f"{store!r} refuses the new name '{path}' because it is taken.")
        digest = hashlib.sha256(content).hexdigest()
        first, last = self._moments[0], self._moments[-1]
        return Part(path, len(content), self.rows, digest, first, last)


def _chunks(
    lines: Iterable[tuple[bytes, LoggedPrediction]],
) -> Iterator[list[tuple[bytes, LoggedPrediction]]]:
    chunk: list[tuple[bytes, LoggedPrediction]] = []
    size = 0
    for each in lines:
        if chunk and (len(chunk) >= _CHUNK_ROWS or size >= _CHUNK_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(each)
        size += len(each[0])
    if chunk:
        yield chunk
