"""The prediction log, read back as Arrow batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from boxkite.errors import LogReadError
from boxkite.logs.log_files import Interval, Moment, log_files
from boxkite.logs.log_reader import LogReader
from boxkite.logs.stores import open_store

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["BATCH_SIZE", "open_log", "read", "read_log"]

BATCH_SIZE = 16_384
_MAX_CELLS = 4_000_000  # of a batch: with a thousand features it has fewer rows


def read(
    url: str,
    endpoint: str | None = None,
    since: Moment | None = None,
    until: Moment | None = None,
    *,
    columns: Sequence[str] | None = None,
    schema: pa.Schema | None = None,
    batch_size: int = BATCH_SIZE,
    strict: bool = False,
) -> Iterator[pa.RecordBatch]:
    """Yield the predictions of a log, each once, as Arrow batches of one schema.

    The columns are `prediction_id`, `entity_id`, `server_id`, `endpoint_id`, `model`, `version`,
    `created_at`, one for each feature, `features.NAME` (`features.0` where they are logged by
    position), `output` or one for each output, `output.NAME`, and `request_body` (JSON) and
    `truncated` (names, with commas between). The predictions come by endpoint and minute.

    The files are read twice, as names and types of the features are known only at the end; with
    `schema`, or with `columns` that are no features or outputs, once.

    In memory are a batch, the files read ahead (32 MiB, or one file if it is larger), the ids of
    one minute and the names of the files.

    Args:
        url: of the log: a folder's path, or a URL as the sink has it.
        endpoint: of the predictions; None for those of all.
        since: of the earliest prediction, UTC where it names no zone: a datetime with its zone, a
            date, or ISO 8601 text.
        until: of the first that is not read, likewise.
        columns: names of the columns to read, in this order; None for all.
        schema: the schema of the batches; by default what holds all values. Mixed ones are text.
        batch_size: rows of a batch at most.
        strict: raise for a damaged line; by default it is left out with a `LogReadWarning`.

    Raises:
        LogReadError: naming what is wrong with an argument, or the damaged file and line; if there
            is no log; if a value is not of the type that `schema` has.
        OSError: if the store cannot be reached.
        ModuleNotFoundError: if pyarrow is not installed.
    """
    _arrow()
    log = open_log(url, endpoint, since, until, strict=strict)
    _, batches = read_log(log, columns, schema, batch_size)
    return batches


def open_log(
    url: str,
    endpoint: str | None = None,
    since: Moment | None = None,
    until: Moment | None = None,
    **options: Any,
) -> LogReader:
    """Return a reader of a log, with arguments as `read` has them and `LogReader`'s others."""
    store, interval = open_store(url), Interval.of(since, until)
    try:
        files = list(log_files(store, endpoint, interval))
    except LogReadError as error:
        raise LogReadError(f"{url}: {error}") from None
    return LogReader(store, files, interval, **options)


def _arrow() -> Any:
    """Return the module of Arrow columns; it needs a package that the core does not."""
    try:
        from boxkite.logs import columns
    except ModuleNotFoundError as error:
        message = f"{error}; boxkite.logs.read needs it: pip install 'boxkite[cli]'"
        raise ModuleNotFoundError(message, name=error.name) from None
    return columns


def read_log(
    log: LogReader,
    columns: Sequence[str] | None = None,
    schema: pa.Schema | None = None,
    batch_size: int = BATCH_SIZE,
) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """Return the schema of predictions and their batches, with arguments as `read` has them."""
    arrow = _arrow()
    if schema is None:
        silent = replace(log, report=lambda _: None)
        schema = arrow.survey(silent.chunks(batch_size), columns)
    rows = max(1, min(batch_size, _MAX_CELLS // max(1, len(schema))))
    return schema, (arrow.to_batch(chunk, schema) for chunk in log.chunks(rows))
