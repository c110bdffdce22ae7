"""Lets an exporter of 0.0.5 serve as a sink of the prediction log."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from boxkite.classic.prediction_context import PredictionContext
from boxkite.logs.log_record import LogRecord
from boxkite.logs.sink import Batch, RejectedError

__all__ = ["ExporterSink", "prediction_of"]


def prediction_of(record: LogRecord) -> PredictionContext:
    """Return a log record in the form that an exporter gets.

    Raises:
        ValueError: if the record's id is not a UUID, or its time is not ISO 8601.
    """
    body = None if record.request_body is msgspec.UNSET else record.request_body
    return PredictionContext(
        entity_id=UUID(record.entity_id),
        features=record.features,
        request_body=body,
        server_id=record.server_id,
        output=record.output,
        created_at=datetime.fromisoformat(record.created_at),
    )


class _Exporter(Protocol):
    def emit(self, prediction: PredictionContext) -> object: ...


class ExporterSink:
    """Passes records to an exporter, one after another.

    If the exporter raises OSError, for instance because a disk is full or a server is away, it
    gets the same record again later, without the records before it. Any other error rejects the
    record.

    Args:
        exporter: an object with a method `emit(prediction)`.
    """

    name = "exporter"
    whole_minutes = False

    def __init__(self, exporter: _Exporter) -> None:
        self._exporter = exporter
        # A batch that fails midway comes again as a whole. This remembers its finished records:
        # the reason why each was rejected, or "" if the exporter took it.
        self._outcomes: dict[str, str] = {}

    def deliver(self, batch: Batch) -> None:
        """Emit the records of a batch, except those that were emitted in an earlier attempt.

        Raises:
            OSError: if the exporter raises it.
            RejectedError: if the exporter raised another error for some records.
        """
        identities = [record.entity_id for record in batch.records]
        self._outcomes = {
            each: self._outcomes[each] for each in identities if each in self._outcomes
        }
        for record in batch.records:
            if record.entity_id not in self._outcomes:
                self._outcomes[record.entity_id] = self._emit(record)
        reasons = {
            index: self._outcomes[each]
            for index, each in enumerate(identities)
            if self._outcomes[each]
        }
        self._outcomes = {}
        if reasons:
            raise RejectedError(reasons)

    def _emit(self, record: LogRecord) -> str:
        try:
            self._exporter.emit(prediction_of(record))
        except OSError:
            raise
        except Exception as error:  # noqa: BLE001 - an exporter is the user's code
            return f"{type(error).__name__}: {error}"
        return ""

    def close(self) -> None:
        """Do nothing, because the exporter belongs to the user."""
