"""A record of the journal as the record that is logged."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec

from boxkite.live.record import Record
from boxkite.live.redaction import shown
from boxkite.logs.log_record import LogRecord
from boxkite.logs.terms import LogTerms

__all__ = ["document", "log_record", "minute_of"]

_NANOSECONDS = 1_000_000_000
_MINUTE_LENGTH = len("2026-11-23T14:05")
_LAST = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp()) * _NANOSECONDS


def log_record(terms: LogTerms, record: Record) -> LogRecord:
    """Return a record of the journal as it is logged.

    Args:
        terms: of the worker that took the record.
        record: as decoded; what was redacted shows as `[redacted]`.
    """
    body = record.request_body
    return document(
        terms,
        record.entity_id,
        record.created_at,
        _named(shown(record.features), terms.features),
        _single(shown(record.output), terms.outputs),
        msgspec.UNSET if body is None else body,
        record.truncated or msgspec.UNSET,
    )


def document(
    terms: LogTerms,
    entity_id: str,
    created_at: int,
    features: Any,
    output: Any,
    request_body: Any = msgspec.UNSET,
    truncated: Any = msgspec.UNSET,
) -> LogRecord:
    """Return the logged form of a prediction with values that are as they are to be shown.

    Args:
        terms: of the worker that took it.
        entity_id: UUID, text.
        created_at: nanoseconds since 1970, UTC; one beyond the calendar is brought to its end.
        features: as of `LogRecord`, like those that follow.
        output: likewise.
        request_body: likewise.
        truncated: likewise.
    """
    second, rest = divmod(min(max(created_at, 0), _LAST), _NANOSECONDS)
    text = _second_text(second)
    return LogRecord(
        prediction_id=f"{terms.server_id}/{text}/{entity_id}",
        entity_id=entity_id,
        server_id=terms.server_id,
        endpoint_id=terms.endpoint_id,
        model=terms.model,
        version=terms.version,
        created_at=f"{text}.{rest // 1000:06d}Z",
        features=features,
        output=output,
        request_body=request_body,
        truncated=truncated,
    )


def minute_of(created_at: int) -> str:
    """Return the minute of nanoseconds since 1970, as `2026-11-23T14:05`."""
    return _second_text(min(max(created_at, 0), _LAST) // _NANOSECONDS)[:_MINUTE_LENGTH]


@lru_cache(maxsize=64)
def _second_text(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).replace(tzinfo=None).isoformat()


def _named(row: Any, names: Sequence[str]) -> Any:
    """Return a positional row by name, where there is a name for each value."""
    if type(row) is list and names and len(row) == len(names):
        return dict(zip(names, row, strict=True))
    return row


def _single(output: Any, names: Sequence[str]) -> Any:
    """Return several outputs by name, and an output that is the only one without its name."""
    if not output:
        return None
    if len(output) > 1:
        return _named(output, names)
    if isinstance(output, list):
        return output[0]
    return output[names[0]] if list(output) == list(names) else output
