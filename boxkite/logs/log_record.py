"""One prediction as it is logged: the fields of section "prediction log" of docs/log.md."""

from __future__ import annotations

from typing import Any

import msgspec

__all__ = ["LogRecord"]


class LogRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A prediction in the log, in the order of its fields there.

    Attributes:
        prediction_id: `{server_id}/{created_at to the second}/{entity_id}`.
        entity_id: UUID, text; tells duplicates.
        server_id: of the service.
        endpoint_id: of the service.
        model: the model's name.
        version: the baseline's.
        created_at: RFC 3339, UTC, always with six digits of a second:
            `2026-11-23T14:05:59.000001Z`.
        features: by name where the names are known, else a list.
        output: one value, or several by name.
        request_body: of the request; UNSET where it is not logged.
        truncated: names of the fields that were too large and are left out; UNSET if none is.
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
    request_body: Any = msgspec.UNSET
    truncated: Any = msgspec.UNSET
