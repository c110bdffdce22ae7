"""From what a service hands over to a record in the journal: all that a request waits for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from boxkite import signals
from boxkite.baseline import Baseline
from boxkite.error_reporter import ErrorReporter
from boxkite.live.identity import Identity
from boxkite.live.intake import Intake
from boxkite.live.record import Record, encode
from boxkite.live.redaction import Redaction
from boxkite.live.row import Row
from boxkite.settings import Settings

__all__ = ["Recorder"]


class Recorder:
    """Writes predictions to the journal; what does not fit is counted as invalid and reported.

    Args:
        baseline: whose variables they are values of.
        settings: of the monitor.
        reporter: where failures are reported.
        includes: tells by its id whether a prediction goes to the log.
        append: takes an encoded record.
        tell: sends the signal `prediction_logged`; called only where somebody listens.
    """

    def __init__(
        self,
        baseline: Baseline,
        settings: Settings,
        reporter: ErrorReporter,
        includes: Callable[[str], bool],
        append: Callable[[bytes], None],
        tell: Callable[..., object],
    ) -> None:
        self._intake = Intake(baseline, reporter)
        names = settings.log_redact
        self._redaction = Redaction(names, baseline) if names else None
        self._log_body = settings.log_request_body
        self._max_bytes = settings.log_record_max_bytes
        self._reporter = reporter
        self._includes = includes
        self._append = append
        self._tell = tell

    def take(
        self, identity: Identity, features: Any, output: Any, request_body: Any, view: str
    ) -> str:
        """Take one prediction, and return its id; see `Monitor.log_prediction`."""
        row, answer = self._intake.features(features, view), self._intake.output(output, view)
        return self._write(identity, row, answer, features, output, request_body)

    def take_all(
        self, identity: Identity, features: Any, outputs: Any, request_body: Any, view: str
    ) -> list[str]:
        """Take several predictions, or the only one; see `Monitor.log_predictions`."""
        batch = self._intake.batch(features, outputs, view)
        if batch is None:
            return [self.take(identity, features, outputs, request_body, view)]
        ids = []
        for number, each in enumerate(identity.rows(len(batch.rows))):
            output = batch.outputs[number] if batch.outputs is not None else None
            answer = self._intake.output(output, view) if batch.outputs is not None else None
            row, body = batch.rows[number], None if number else request_body
            values = self._intake.features(row, view)
            ids.append(self._write(each, values, answer, row, output, body))
        return ids

    def row_count(self, features: Any) -> int:
        """Return how many predictions features are for: one, or one for each of several rows."""
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
        """Write one prediction to the journal; None stands for what is counted as invalid."""
        logged = self._includes(identity.entity_id)
        body = request_body if logged and self._log_body else None
        if self._redaction is not None:
            row, answer = self._redaction.row(row), self._redaction.output(answer, output)
            body = None if body is None else self._redaction.body(body)
        record = Record(identity.entity_id, identity.created_at, row, answer, body, logged)
        try:
            self._append(encode(record, self._max_bytes))
        except Exception as error:  # noqa: BLE001 - monitoring never breaks the request
            self._reporter.report("journal", error)
        prediction_id = identity.prediction_id
        if signals.prediction_logged.receivers:
            self._tell(prediction_id=prediction_id, features=features, output=output)
        return prediction_id
