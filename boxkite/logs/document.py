"""A record of the journal as the record that is logged."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec

from boxkite.identity import Identity
from boxkite.live.record import Record
from boxkite.live.redaction import shown
from boxkite.logs.log_record import LogRecord
from boxkite.logs.terms import LogTerms

__all__ = ["log_record"]

_NANOSECONDS = 1_000_000_000
_LAST = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp()) * _NANOSECONDS


def log_record(terms: LogTerms, record: Record) -> LogRecord:
    """Return a record of the journal as it is logged.

    Args:
        terms: of the worker that took the record.
        record: as decoded; what was redacted shows as `[redacted]`.
    """
    created_at = min(max(record.created_at, 0), _LAST)
    second, rest = divmod(created_at, _NANOSECONDS)
    body = record.request_body
    return LogRecord(
        prediction_id=Identity(terms.server_id, created_at, record.entity_id).prediction_id,
        entity_id=record.entity_id,
        server_id=terms.server_id,
        endpoint_id=terms.endpoint_id,
        model=terms.model,
        version=terms.version,
        created_at=f"{_second_text(second)}.{rest // 1000:06d}Z",
        features=_named(shown(record.features), terms.features),
        output=_single(shown(record.output), terms.outputs),
        request_body=msgspec.UNSET if body is None else body,
        truncated=record.truncated or msgspec.UNSET,
    )


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
