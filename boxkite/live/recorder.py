"""Write a prediction to the journal. This is the only work that a request waits for."""

from __future__ import annotations

from typing import Any

from boxkite import signals
from boxkite.baseline import Baseline
from boxkite.error_reporter import ErrorReporter
from boxkite.live.identity import Identity
from boxkite.live.log_context import LogContext
from boxkite.live.prediction_counter import PredictionCounter
from boxkite.live.record import Record, encode
from boxkite.live.redaction import Redaction
from boxkite.rows.intake import Intake
from boxkite.rows.row import Row, is_flat
from boxkite.settings import Settings
from boxkite.signals import EventSender

__all__ = ["Recorder"]


class Recorder:
    """Write predictions to the journal. Values that do not fit count as invalid and are reported.

    Args:
        baseline: the baseline, whose variables the values belong to.
        settings: settings of the monitor.
        reporter: reports failures.
        context: decides which predictions are logged. None logs none of them.
        counter: takes the encoded records.
        events: sends the signal `prediction_logged`.
    """

    def __init__(
        self,
        baseline: Baseline,
        settings: Settings,
        reporter: ErrorReporter,
        context: LogContext | None,
        counter: PredictionCounter,
        events: EventSender,
    ) -> None:
        self._intake = Intake(baseline, reporter, settings.max_rows)
        names = settings.log_redact
        self._redaction = Redaction(names, baseline) if names else None
        self._log_body = settings.log_request_body
        self._max_bytes = settings.log_record_max_bytes
        self._reporter = reporter
        self._context = context
        self._counter = counter
        self._events = events

    def take(
        self, identity: Identity, features: Any, output: Any, request_body: Any, view: str
    ) -> str:
        """Take one prediction and return its id. See `Monitor.log_prediction`."""
        row, answer = self._intake.features(features, view), self._intake.output(output, view)
        return self._write(identity, row, answer, features, output, request_body)

    def take_all(
        self, identity: Identity, features: Any, outputs: Any, request_body: Any, view: str
    ) -> list[str]:
        """Take several predictions, or a single one. See `Monitor.log_predictions`."""
        # Most requests have one row of plain values, so check for that case first.
        batch = None if is_flat(features) else self._intake.batch(features, outputs, view)
        if batch is None:
            return [self.take(identity, features, outputs, request_body, view)]
        if batch.rows is None:
            answer = self._intake.output(outputs, view)
            return [self._write(identity, None, answer, features, outputs, request_body)]
        ids: list[str] = []
        for number, each in enumerate(identity.rows(len(batch.rows))):
            output = batch.outputs[number] if batch.outputs is not None else None
            answer = self._intake.output(output, view) if batch.outputs is not None else None
            row, body = batch.rows[number], None if number else request_body
            values = self._intake.features(row, view)
            ids.append(self._write(each, values, answer, row, output, body))
        return ids

    def row_count(self, features: Any) -> int:
        """Return the number of predictions that features stand for: one per row."""
        return self._intake.row_count(features)

    def _write(
        self,
        identity: Identity,
        row: Row | None,
        answer: Row | None,
        features: Any,
        output: Any,
        request_body: Any,
    ) -> str:
        """Write one prediction to the journal.

        Args:
            identity: identity of the prediction.
            row: values of the features. None counts as invalid.
            answer: values of the output. None counts as invalid.
            features: the features as the service gave them.
            output: the output as the service gave it.
            request_body: body of the request, if this record may hold it.
        """
        # Decide now and store the decision in the record, so that all readers of it agree.
        logged = self._context is not None and self._context.includes(identity.entity_id)
        body = request_body if logged and self._log_body else None
        if self._redaction is not None:
            row, answer = self._redaction.row(row), self._redaction.output(answer, output)
            body = None if body is None else self._redaction.body(body)
        record = Record(identity.entity_id, identity.created_at, row, answer, body, logged)
        try:
            self._counter.append(encode(record, self._max_bytes))
        except Exception as error:  # noqa: BLE001 - monitoring never breaks the request
            self._reporter.report("journal", error)
        prediction_id = identity.prediction_id
        if signals.prediction_logged.receivers:
            self._events.prediction_logged(prediction_id, features, output)
        return prediction_id
