"""Read the prediction log as Arrow batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from boxkite.logs.reader.log_files import Moment
from boxkite.logs.reader.log_reader import LogReader

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["BATCH_SIZE", "read", "read_batches"]

BATCH_SIZE = 16_384
_MAX_CELLS = 4_000_000  # with a thousand features, a batch has fewer rows


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
    `created_at`; `features.NAME` for each feature (`features.0` if they are logged by position);
    `output`, or `output.NAME` for each of several outputs; `request_body` (JSON) and `truncated`
    (names with commas between them). Predictions come by endpoint and minute.

    The files are read twice, because the names and types of all features are only known at the end.
    With `schema`, or with `columns` that are neither features nor outputs, they are read once.

    Memory holds one batch, the files that are read ahead (32 MiB), the ids of one minute and the
    names of the files.

    Args:
        url: path or URL of the log, as `LOG` has it.
        endpoint: id of the endpoint; None for all.
        since: the first moment to read: a datetime with its time zone, a date, or ISO 8601 text.
            Text without a time zone is UTC. None for the beginning.
        until: the first moment not to read; None for the end.
        columns: names of the columns to read, in this order; None for all.
        schema: schema of the batches; by default one that holds all values. A column with values
            of several types is text.
        batch_size: most rows of a batch.
        strict: raise an error for a damaged line; by default it is left out with a
            `LogReadWarning`.

    Raises:
        LogReadError: if an argument is not valid, there is no log, a value does not have the type
            that `schema` gives it, or, with `strict`, a line is damaged.
        OSError: if the store cannot be reached.
        ModuleNotFoundError: if pyarrow is not installed.
    """
    _arrow_columns()  # raises here and not at the first batch if pyarrow is missing
    log = LogReader.open(url, endpoint, since, until, strict=strict)
    _, batches = read_batches(log, columns, schema, batch_size)
    return batches


def _arrow_columns() -> Any:
    """Import the module that needs pyarrow, which a service does not have to install."""
    try:
        from boxkite.logs.reader import arrow_columns
    except ModuleNotFoundError as error:
        message = f"{error}. boxkite.logs.read needs it: pip install 'boxkite[cli]'"
        raise ModuleNotFoundError(message, name=error.name) from None
    return arrow_columns


def read_batches(
    log: LogReader,
    columns: Sequence[str] | None = None,
    schema: pa.Schema | None = None,
    batch_size: int = BATCH_SIZE,
) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """Return the schema of a log's predictions, and their batches. See `read` for the arguments."""
    arrow = _arrow_columns()
    if schema is None:
        # Damage is reported in the second pass, which also yields the rows.
        silent = replace(log, damage=replace(log.damage, report=_ignore))
        schema = arrow.infer_schema(silent.chunks(batch_size), columns)
    width = max(1, len(schema or ()))
    rows = max(1, min(batch_size, _MAX_CELLS // width))
    return schema, (arrow.to_record_batch(chunk, schema) for chunk in log.chunks(rows))


def _ignore(_: object) -> None:
    """Report nothing."""
