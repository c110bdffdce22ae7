"""Exporters of 0.0.5 as sinks of the prediction log."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from boxkite.logs.log_record import LogRecord
from boxkite.logs.sink import Batch, RejectedError
from boxkite.monitoring.context import PredictionContext

__all__ = ["ExporterSink", "prediction_of"]


def prediction_of(record: LogRecord) -> PredictionContext:
    """Return a record as an exporter gets it.

    Raises:
        ValueError: if its id or its time has another form.
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
    """Hands the records to an exporter, one after another.

    An exporter that raises OSError, as it does when a disk is full or nobody answers, gets the
    same record again later, and not those before it. Any other error refuses the record.

    Args:
        exporter: of one's own, as 0.0.5 takes it: anything with `emit(prediction)`.
    """

    name = "exporter"
    whole_minutes = False

    def __init__(self, exporter: _Exporter) -> None:
        self._exporter = exporter
        # Why each record of a batch that is not through was refused; empty if it was taken.
        self._outcomes: dict[str, str] = {}

    def deliver(self, batch: Batch) -> None:
        """Emit the records of a batch that were not emitted when it came before.

        Raises:
            OSError: from the exporter.
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
        """Do nothing: the exporter is its owner's to close."""
