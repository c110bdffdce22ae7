"""One prediction, as an exporter of 0.0.5 gets it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

__all__ = ["PredictionContext"]


@dataclass(frozen=True)
class PredictionContext:
    """A prediction with what led to it.

    Attributes:
        entity_id: tells this prediction from all others.
        features: as given, by position or by name; a copy, of plain values.
        request_body: as given.
        server_id: of the service.
        output: as given; a copy, of plain values.
        created_at: when it was made, UTC.
    """

    entity_id: UUID
    features: Any
    request_body: Any
    server_id: str
    output: Any
    created_at: datetime

    @property
    def prediction_id(self) -> str:
        """The id under which it is looked up: `{server_id}/{time to the second}/{entity_id}`."""
        moment = self.created_at.replace(microsecond=0, tzinfo=None)
        return f"{self.server_id}/{moment.isoformat()}/{self.entity_id}"
