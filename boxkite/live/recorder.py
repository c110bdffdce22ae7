"""Write a prediction to the journal. This is the only work that a request waits for."""

from __future__ import annotations

from typing import Any, NamedTuple

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
from boxkite.rows.segment_values import SegmentValues
from boxkite.rows.unknown_fields import UnknownFields
from boxkite.settings import Settings
from boxkite.signals import EventSender

__all__ = ["NAMED", "Named", "Recorder"]


class Named(NamedTuple):
    """Which parts of a prediction the service's code has named.

    It has not named a part that is a whole request body or a whole answer, because then others
    decide which fields are in it. This only matters for a part without variables in the baseline.

    Attributes:
        features: whether it has named the features.
        output: whether it has named the output.
    """

    features: bool
    output: bool


NAMED = Named(features=True, output=True)
"""Both parts are named, as in a call of `Monitor.log_prediction`."""


class Recorder:
    """Write predictions to the journal. Values that do not fit count as invalid and are reported.

    Unless the setting `LOG_UNKNOWN` is on, records hold only the baseline's variables. If the
    baseline has no features or no outputs, they hold those that the service's code has named.

    Args:
        baseline: the baseline, whose variables the values belong to.
        settings: settings of the monitor.
        reporter: reports failures.
        context: decides which predictions are logged. None logs none of them.
        counter: takes the encoded records.
        events: sends the signal `prediction_logged`.

    Attributes:
        unknown: counts the fields that were left out. None if `LOG_UNKNOWN` is on.
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
        self.unknown = None if settings.log_unknown else UnknownFields()
        self._intake = Intake(baseline, reporter, settings.max_rows, self.unknown)
        # Values without a variable are kept if they are named. Nested values of a variable hold
        # fields of their own, which the baseline does not have.
        self._is_open = Named(not baseline.features, not baseline.outputs)
        self._nested = NAMED if settings.log_unknown else self._is_open
        self._hides_unnamed = self.unknown is not None and any(self._is_open)
        self._segments = SegmentValues(baseline, reporter)
        names = settings.log_redact
        self._redaction = Redaction(names, baseline) if names else None
        self._log_body = settings.log_request_body
        self._max_bytes = settings.log_record_max_bytes
        self._reporter = reporter
        self._context = context
        self._counter = counter
        self._events = events

    def take(
        self,
        identity: Identity,
        features: Any,
        output: Any,
        request_body: Any,
        view: str,
        named: Named = NAMED,
        segments: Any = None,
    ) -> str:
        """Take one prediction and return its id. See `Monitor.log_prediction`."""
        own = None if segments is None else self._segments.of(segments, 1, view)[0]
        row, answer = self._intake.features(features, view), self._intake.output(output, view)
        if self._hides_unnamed and named is not NAMED:
            row, answer = self._known(row, answer, named)
        return self._write(identity, row, answer, features, output, request_body, own)

    def take_all(
        self,
        identity: Identity,
        features: Any,
        outputs: Any,
        request_body: Any,
        view: str,
        named: Named = NAMED,
        segments: Any = None,
    ) -> list[str]:
        """Take several predictions, or a single one. See `Monitor.log_predictions`."""
        # Most requests have one row of plain values, so check for that case first.
        batch = None if is_flat(features) else self._intake.batch(features, outputs, view)
        if batch is None:
            return [self.take(identity, features, outputs, request_body, view, named, segments)]
        if batch.rows is None:
            _, answer = self._known(None, self._intake.output(outputs, view), named)
            return [self._write(identity, None, answer, features, outputs, request_body)]
        each_segments = self._segments.of(segments, len(batch.rows), view)
        ids: list[str] = []
        for number, each in enumerate(identity.rows(len(batch.rows))):
            output = batch.outputs[number] if batch.outputs is not None else None
            answer = self._intake.output(output, view) if batch.outputs is not None else None
            row, body = batch.rows[number], None if number else request_body
            values = self._intake.features(row, view)
            if self._hides_unnamed and named is not NAMED:
                values, answer = self._known(values, answer, named)
            own = each_segments[number]
            ids.append(self._write(each, values, answer, row, output, body, own))
        return ids

    def row_count(self, features: Any) -> int:
        """Return the number of predictions that features stand for: one per row."""
        return self._intake.row_count(features)

    def _known(
        self, row: Row | None, answer: Row | None, named: Named
    ) -> tuple[Row | None, Row | None]:
        """Return the parts of a prediction that may be written.

        Both count the same without their values, because the baseline has no variables for them.
        """
        if self.unknown is not None:
            if self._is_open.features and not named.features:
                row = self.unknown.all_left_out(row, "features", "features=['age', 'income']")
            if self._is_open.output and not named.output:
                answer = self.unknown.all_left_out(answer, "output", "output='score'")
        return row, answer

    def _write(
        self,
        identity: Identity,
        row: Row | None,
        answer: Row | None,
        features: Any,
        output: Any,
        request_body: Any,
        segments: dict[str, Any] | None = None,
    ) -> str:
        """Write one prediction to the journal.

        Args:
            identity: identity of the prediction.
            row: values of the features. None counts as invalid.
            answer: values of the output. None counts as invalid.
            features: the features as the service gave them.
            output: the output as the service gave it.
            request_body: body of the request, if this record may hold it.
            segments: values of segment columns by name.
        """
        # Decide now and store the decision in the record, so that all readers of it agree.
        logged = self._context is not None and self._context.includes(identity.entity_id)
        body = request_body if logged and self._log_body else None
        if self._redaction is not None:
            segments = self._redaction.segments(segments, row)
            row, answer = self._redaction.row(row), self._redaction.output(answer, output)
            body = None if body is None else self._redaction.body(body)
        record = Record(
            identity.entity_id, identity.created_at, row, answer, body, logged, (), segments
        )
        try:
            self._counter.append(encode(record, self._max_bytes, *self._nested))
        except Exception as error:  # noqa: BLE001 - monitoring never breaks the request
            self._reporter.report("journal", error)
        prediction_id = identity.prediction_id
        if signals.prediction_logged.receivers:
            self._events.prediction_logged(prediction_id, features, output)
        return prediction_id
