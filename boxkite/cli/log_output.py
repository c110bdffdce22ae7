"""Predictions of a log written as JSON lines, CSV or Parquet."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from boxkite.logs.reader.arrow_batches import read_batches
from boxkite.logs.reader.log_reader import LogReader
from boxkite.system.atomic_file import open_replacement

__all__ = ["FORMATS", "LINES", "write_log"]

LINES = "jsonl"
FORMATS = (LINES, "csv", "parquet")


def write_log(log: LogReader, form: str, columns: Sequence[str] | None, path: Path | None) -> None:
    """Write predictions to a file, which is there whole or not at all, or to stdout.

    Args:
        log: the predictions.
        form: one of FORMATS.
        columns: names of those to write; None for all.
        path: of the file; None for stdout.

    Raises:
        LogReadError: if a column is not there.
        OSError: if the log cannot be read or the file not written.
    """
    with _opened(path) as file:
        if form == LINES:
            for line, _ in log.predictions():
                file.write(line if line.endswith(b"\n") else line + b"\n")
            return
        schema, batches = read_batches(log, columns)
        writers: dict[str, Any] = {"csv": pa.csv.CSVWriter, "parquet": pa.parquet.ParquetWriter}
        with writers[form](file, schema) as writer:
            for batch in batches:
                writer.write_batch(batch)


@contextlib.contextmanager
def _opened(path: Path | None) -> Iterator[IO[bytes]]:
    """Open stdout, a device or pipe, or a file that takes its name when all is written."""
    if path is None:
        yield sys.stdout.buffer
        return
    if path.exists() and not path.is_file():
        with path.open("wb") as file:
            yield file
        return
    with open_replacement(path) as file:
        yield file
