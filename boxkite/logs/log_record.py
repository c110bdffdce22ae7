"""One prediction as it is logged, and its conversion from a record of the journal.

docs/guides/log.md describes the fields. `log_line` writes a `LogRecord` as a line of JSON.
"""

# Values here may be any object of the user's. After `isinstance`, pyright does not know their type
# parameters. Type guards would tell it, but would cost a call for each value.
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec

from boxkite.live.log_context import LogContext
from boxkite.live.record import Record
from boxkite.live.redaction import shown

__all__ = ["LogRecord", "minute_of", "new_log_record", "to_log_record"]

_NANOSECONDS = 1_000_000_000
_MINUTE_LENGTH = len("2026-11-23T14:05")
_LAST_MOMENT = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp()) * _NANOSECONDS


class LogRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A prediction in the log. The fields have the same order in a line of JSON.

    Attributes:
        prediction_id: `{server_id}/{created_at to the second}/{entity_id}`.
        entity_id: UUID as text. Copies of one prediction have the same.
        server_id: id of the service.
        endpoint_id: id of the service's endpoint.
        model: name of the model.
        version: version of the baseline.
        created_at: time in RFC 3339 and UTC, always with six decimals:
            `2026-11-23T14:05:59.000001Z`.
        features: values by name, or a list if the names are not known.
        output: one value, or several by name.
        segments: values by name of the columns that divide the rows into segments, unless they are
            features; UNSET if there are none.
        request_body: body of the request; UNSET if bodies are not logged.
        truncated: names of the fields that were left out because the record was too large; UNSET
            if the record is complete.
    """

    prediction_id: str
    entity_id: str
    server_id: str
    endpoint_id: str
    model: str
    version: str
    created_at: str
    features: Any
    output: Any
    segments: Any = msgspec.UNSET
    request_body: Any = msgspec.UNSET
    truncated: Any = msgspec.UNSET


def to_log_record(context: LogContext, record: Record) -> LogRecord:
    """Convert a record of the journal to the form that is logged.

    Args:
        context: the log context of the worker that wrote the record.
        record: the decoded record. Redacted values become `[redacted]`.
    """
    body = record.request_body
    return new_log_record(
        context,
        record.entity_id,
        record.created_at,
        _by_name(shown(record.features), context.features),
        _single_or_by_name(shown(record.output), context.outputs),
        msgspec.UNSET if body is None else body,
        record.truncated or msgspec.UNSET,
        msgspec.UNSET if record.segments is None else shown(record.segments),
    )


def new_log_record(
    context: LogContext,
    entity_id: str,
    created_at: int,
    features: Any,
    output: Any,
    request_body: Any = msgspec.UNSET,
    truncated: Any = msgspec.UNSET,
    segments: Any = msgspec.UNSET,
) -> LogRecord:
    """Build a `LogRecord` from values that already have their logged form.

    Args:
        context: the log context of the worker that made the prediction.
        entity_id: UUID as text.
        created_at: nanoseconds since 1970, UTC. Years after 9999 become 31 December 9999.
        features: see `LogRecord`.
        output: see `LogRecord`.
        request_body: see `LogRecord`.
        truncated: see `LogRecord`.
        segments: see `LogRecord`.
    """
    # A clock may be set to any time, but Python's calendar ends in the year 9999.
    second, rest = divmod(min(max(created_at, 0), _LAST_MOMENT), _NANOSECONDS)
    text = _second_text(second)
    return LogRecord(
        prediction_id=f"{context.server_id}/{text}/{entity_id}",
        entity_id=entity_id,
        server_id=context.server_id,
        endpoint_id=context.endpoint_id,
        model=context.model,
        version=context.version,
        created_at=f"{text}.{rest // 1000:06d}Z",
        features=features,
        output=output,
        segments=segments,
        request_body=request_body,
        truncated=truncated,
    )


def minute_of(created_at: int) -> str:
    """Return the minute of a time in nanoseconds since 1970, such as `2026-11-23T14:05`."""
    return _second_text(min(max(created_at, 0), _LAST_MOMENT) // _NANOSECONDS)[:_MINUTE_LENGTH]


# Records are in the order of time, so a busy service formats each second only once.
@lru_cache(maxsize=64)
def _second_text(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).replace(tzinfo=None).isoformat()


def _by_name(row: Any, names: Sequence[str]) -> Any:
    """Name the values of a positional row. Return the row as it is if its length does not match."""
    if type(row) is list and names and len(row) == len(names):
        return dict(zip(names, row, strict=True))
    return row


def _single_or_by_name(output: Any, names: Sequence[str]) -> Any:
    """Return a single output as a bare value, and several outputs by name."""
    if not output:
        return None
    if len(output) > 1:
        return _by_name(output, names)
    if isinstance(output, list):
        return output[0]
    return output[names[0]] if list(output) == list(names) else output
