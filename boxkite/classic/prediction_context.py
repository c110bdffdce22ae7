"""A prediction in the form that exporters of 0.0.5 get."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

__all__ = ["PredictionContext"]


@dataclass(frozen=True)
class PredictionContext:
    """A prediction and its inputs.

    Attributes:
        entity_id: unique id of the prediction.
        features: copy of the features as plain values, by position or by name.
        request_body: body of the request, unchanged.
        server_id: id of the service.
        output: copy of the model's output as plain values.
        created_at: time of the prediction, UTC.
    """

    entity_id: UUID
    features: Any
    request_body: Any
    server_id: str
    output: Any
    created_at: datetime

    @property
    def prediction_id(self) -> str:
        """The id to look the prediction up by: `{server_id}/{time to the second}/{entity_id}`."""
        moment = self.created_at.replace(microsecond=0, tzinfo=None)
        return f"{self.server_id}/{moment.isoformat()}/{self.entity_id}"
