"""What tells one prediction from all others."""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime
from typing import NamedTuple

__all__ = ["Identity"]


class Identity(NamedTuple):
    """Names one prediction.

    Attributes:
        server_id: of the service that made it.
        created_at: nanoseconds since 1970, UTC.
        entity_id: a random UUID, as text.
    """

    server_id: str
    created_at: int
    entity_id: str

    @classmethod
    def new(cls, server_id: str) -> Identity:
        """Return an identity for a prediction made now."""
        return cls(server_id, time.time_ns(), str(uuid.uuid4()))

    @property
    def prediction_id(self) -> str:
        """The id that is returned and logged: `{server_id}/{time to the second}/{entity_id}`."""
        moment = datetime.fromtimestamp(self.created_at // 1_000_000_000, UTC)
        return f"{self.server_id}/{moment.replace(tzinfo=None).isoformat()}/{self.entity_id}"
