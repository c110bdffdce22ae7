"""The monitor takes predictions, counts them into a baseline's bins, and shows the counts."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from prometheus_client import REGISTRY, CollectorRegistry

from boxkite.baseline import Baseline
from boxkite.baseline.loading import load_baseline
from boxkite.baseline.text_writer import Family
from boxkite.classic.classic_exposition import ClassicExposition
from boxkite.drift import Comparison, Policy
from boxkite.error_reporter import ErrorReporter
from boxkite.errors import ConfigError
from boxkite.live.drift_windows import DriftWindows
from boxkite.live.durable_counts import DurableCounts
from boxkite.live.finished_page import FinishedPage
from boxkite.live.identity import Identity
from boxkite.live.misfit_report import MisfitReport
from boxkite.live.orphan_recovery import OrphanRecovery
from boxkite.live.outcomes.outcome_intake import OutcomeIntake, join_options
from boxkite.live.outcomes.service_quality import DayQuality, ServiceQuality
from boxkite.live.prediction_counter import PredictionCounter
from boxkite.live.recorder import Recorder
from boxkite.live.state_folder import StateFolder
from boxkite.live.verdict_changes import VerdictChanges
from boxkite.logs.prediction_log import PredictionLog, open_log
from boxkite.logs.rejected import RejectedFile
from boxkite.logs.shipper import Shipper
from boxkite.logs.sink import LogTarget
from boxkite.prometheus.application import application_registry
from boxkite.prometheus.labelled import LabelledExposition
from boxkite.prometheus.outcome_exposition import OutcomeExposition
from boxkite.prometheus.scrape import Exposition, ModelSeries, Scrape, Scraper
from boxkite.quality import Quality
from boxkite.report.drift_report import Report
from boxkite.report.live_report import LiveReport
from boxkite.settings import Settings, from_environment
from boxkite.signals import EventSender

__all__ = ["Monitor"]


class Monitor:
    """Count the predictions of one model, and compare them with its training data.

    `log_prediction` passes a prediction to the `recorder`, which writes a record to the journal. In
    the background, the counter counts the records, and the shipper copies them to the log. A scrape
    (`export`) and the drift methods read the counts.

    Args:
        baseline: a `Baseline`, or the path or URL of a `histogram.prom`. Default: the setting
            `BOXKITE_BASELINE`. If that file is missing or damaged, the service runs without one.
        log: destination of the log: the URL of a sink, a `Sink`, or an exporter of 0.0.5.
            Default: the setting `LOG`.
        model: name of the model. Default: the baseline's.
        version: version of the baseline. Default: the baseline's.
        settings: all settings, as adapters resolve them. Default: the environment `BOXKITE_…`.
        registry: the application's own metrics, which appear in the same response, or None.
        policy: the allowed false alarms and the smallest effect that counts as drift. If it has no
            design effect, the setting `DESIGN_EFFECT` applies.
        raises: returns True if failures of monitoring must be raised to the caller, as under a
            framework's `TESTING`. By default they are counted, and logged once a minute.
        sender: returns the sender of signals, an application. Default: the monitor itself.

    Attributes:
        baseline: the baseline that predictions are compared with.
        policy: the policy that decides verdicts.
        settings: the settings of the monitor.
        reporter: counts and logs failures of monitoring.
        recorder: takes predictions from the adapters.
        series: the series of this monitor in a scrape.

    Raises:
        BaselineError: if the file that `baseline` names is missing or damaged.
        ConfigError: if a setting cannot be used.
    """

    def __init__(
        self,
        baseline: Baseline | str | os.PathLike[str] | None = None,
        log: LogTarget = None,
        model: str | None = None,
        version: str | None = None,
        *,
        settings: Settings | None = None,
        registry: CollectorRegistry | None = REGISTRY,
        policy: Policy | None = None,
        raises: Callable[[], bool] = lambda: False,
        sender: Callable[[], Any] = lambda: None,
    ) -> None:
        self.settings = settings or from_environment()
        self.reporter = ErrorReporter(raises)
        self.policy = _policy(policy, self.settings)
        found = load_baseline(baseline, self.settings.baseline, self.reporter)
        self.baseline = found.relabelled(
            model=model or self.settings.model, version=version or self.settings.version
        )
        self._check_policy()
        events = EventSender(self, sender, self.reporter)
        self._state = state = StateFolder(self.settings.state_dir)
        self._log = open_log(log, self.settings, self.baseline, state, self.reporter)
        joining = join_options(self.baseline, self.settings)
        self._counts = DurableCounts(
            self.baseline,
            state,
            self.reporter,
            self.settings.state_max_bytes,
            self._log.context if self._log else None,
            joining,
        )
        self._shipper = self._new_shipper(self._log, state, events) if self._log else None
        self._counter = PredictionCounter(
            self._counts,
            self.reporter,
            self.settings.state_sync_seconds,
            self._shipper,
            VerdictChanges(self.baseline, self.policy, events, self.reporter),
            MisfitReport(self.baseline, self._counts),
        )
        self.recorder = Recorder(
            self.baseline,
            self.settings,
            self.reporter,
            self._log.context if self._log else None,
            self._counter,
            events,
        )
        self._labels = OutcomeIntake(self.baseline, self.settings, self.reporter, self._counter)
        self._outcome_exposition = OutcomeExposition(self.baseline) if joining is not None else None
        self._windows = DriftWindows(self.baseline, self._counts, self.policy)
        self._quality = ServiceQuality(
            self.baseline, self._counts, self._labels, self.policy.quality
        )
        self._reports = LiveReport(self.baseline, self._counts, self.policy, self._windows)
        self._exposition = self._new_exposition()
        self._page = FinishedPage()
        self.series = ModelSeries(self._exposition.static, self._live_series)
        self._scraper = Scraper([self.series], application_registry(registry), self.report_export)
        events.baseline_loaded(self.baseline)

    def _check_policy(self) -> None:
        """Report a variable of the policy that the baseline lacks.

        It is no reason not to start: a new baseline may have lost a column.
        """
        if self.baseline.variables:
            try:
                self.policy.check_names(self.baseline.variables)
            except ConfigError as error:
                self.reporter.report("baseline", error)

    def _new_shipper(self, log: PredictionLog, state: StateFolder, events: EventSender) -> Shipper:
        max_bytes = self.settings.state_max_bytes
        return Shipper(
            log,
            self._counts,
            OrphanRecovery(self._counts, state, max_bytes),
            RejectedFile(state),
            events,
            self.reporter,
            max_bytes,
        )

    @property
    def unknown_fields(self) -> dict[str, int]:
        """Number of values that this process left out of the log, by name of the field.

        The baseline does not have these fields. Empty if the setting `LOG_UNKNOWN` is on.
        """
        return {} if self.recorder.unknown is None else self.recorder.unknown.counts

    @property
    def log_url(self) -> str | None:
        """Folder or URL where the log can be read, or None if there is none."""
        return self._log.opener.url if self._log is not None else None

    @property
    def log_name(self) -> str | None:
        """Name of the log's sink, or None if there is none."""
        return self._log.name if self._log is not None else None

    @property
    def state_place(self) -> str:
        """Where journals and counts are, for a log line."""
        return self._state.place

    def _new_exposition(self) -> Exposition:
        if self.settings.exposition == "classic":
            return ClassicExposition(self.baseline)
        return LabelledExposition(
            self.baseline,
            self.policy,
            self._log.name if self._log else None,
            export_baseline=self.settings.export_baseline,
        )

    def log_prediction(
        self,
        features: Any = None,
        output: Any = None,
        request_body: Any = None,
        *,
        segments: Any = None,
        identity: Identity | None = None,
        view: str = "",
    ) -> str:
        """Take one prediction. This takes a few microseconds, even with many bins.

        Args:
            features: one row as the model takes it, by position (list, tuple, 1-D array) or by name
                (mapping, row of a frame, object with named fields).
            output: the model's answer: a number or label, or several values for several outputs,
                such as class probabilities.
            request_body: body of the request. It is logged if the setting `LOG_REQUEST_BODY` is on.
            segments: values of the baseline's segment columns that are no features, by name.
            identity: identity of the prediction if it has one already. Default: a new one.
            view: source of the prediction for error messages, for example "view 'score'".

        Returns:
            The prediction id, `{server_id}/{time}/{uuid}`. If a row does not fit the baseline, it
            is counted as invalid and reported, and no error is raised.
        """
        identity = identity or Identity.new(self.settings.server_id)
        return self.recorder.take(identity, features, output, request_body, view, segments=segments)

    def log_predictions(
        self,
        features: Any,
        outputs: Any = None,
        request_body: Any = None,
        *,
        segments: Any = None,
        identity: Identity | None = None,
        view: str = "",
    ) -> list[str]:
        """Take the predictions of one request, one per row.

        Args:
            features: a 2-D array, a list of rows, a frame, or a mapping of columns with the names
                of the baseline's features. Or a single row, as in `log_prediction`.
            outputs: one output per row, in a list, an array, a frame or a mapping of columns.
            request_body: body of the request. It is logged with the first prediction.
            segments: values of the baseline's segment columns that are no features, by name: one
                for all rows, or a list with one for each row.
            identity: identity of the first prediction. The others count up from it.
            view: source of the predictions for error messages.

        Returns:
            One prediction id per row. If the number of outputs differs from the number of rows, the
            difference is reported and the output of each row is counted as invalid.
        """
        identity = identity or Identity.new(self.settings.server_id)
        return self.recorder.take_all(
            identity, features, outputs, request_body, view, segments=segments
        )

    def log_outcome(self, prediction_id: str, outcome: Any) -> None:
        """Take the true outcome of a prediction. This takes a few microseconds.

        The label may come before or after the prediction is counted, in any worker, and more than
        once. It counts once, and a different outcome replaces the one before. The series
        `boxkite_outcomes_total` tells what became of all labels.

        Args:
            prediction_id: the id that `log_prediction` returned, also in the header
                `X-Prediction-Id`.
            outcome: what really happened, as in `fit(outcome=)`: 0 or 1 for a score, a class, or a
                number.

        Raises:
            ConfigError: only under `TESTING`, if the setting `OUTCOME_TTL` is 0 or the baseline was
                fitted without outcomes. Otherwise this is counted and reported.
        """
        self._labels.take(prediction_id, outcome)

    def log_outcomes(self, outcomes: Iterable[tuple[str, Any]]) -> None:
        """Take the true outcomes of several predictions.

        Args:
            outcomes: pairs of a prediction id and an outcome, see `log_outcome`.
        """
        for prediction_id, outcome in outcomes:
            self._labels.take(prediction_id, outcome)

    @property
    def takes_outcomes(self) -> bool:
        """Whether the service takes labels: `OUTCOME_TTL` is set, and training had outcomes."""
        return self._labels.is_open

    def quality(self, window: str | None = None) -> Quality:
        """Compare the quality of the model, from all labels that have arrived, with training.

        For a score with a threshold, `Quality.estimated` holds the quality that the scores of all
        predictions let expect. If the service takes no labels, the result holds only this estimate.

        Args:
            window: length of time such as "1d" or "7d". The result then covers the predictions
                of today and the days before, in UTC: at most 40 days, and 7 for the estimate. None
                covers all labels since the start.

        Raises:
            ConfigError: if `window` is not a length, or the service takes no labels and there is
                nothing to estimate either.
        """
        return self._quality.over(window)

    def quality_by_segment(self) -> dict[str, Quality]:
        """Compare the quality of each segment with training, from all labels since the start.

        Returns:
            The quality by the label of the segment, such as "carrier=UA", with the estimates from
            the scores of the segment. Empty if the baseline was fitted without segments.

        Raises:
            ConfigError: if the service neither takes labels nor has a score to estimate from.
        """
        return self._quality.by_segment()

    def quality_by_day(self) -> list[DayQuality]:
        """Return the quality of each day's predictions, the oldest first, for 40 days at most.

        Raises:
            ConfigError: if the service takes no labels.
        """
        return self._quality.by_day()

    def row_count(self, features: Any) -> int:
        """Return the number of predictions that features stand for: one per row."""
        return self.recorder.row_count(features)

    def export(
        self,
        *,
        accept: str = "",
        accept_encoding: str = "",
        names: Sequence[str] = (),
    ) -> Scrape:
        """Return the response to a scrape. It includes every prediction whose id was returned.

        Args:
            accept: the request's `Accept`, which chooses Prometheus text 0.0.4 or OpenMetrics.
            accept_encoding: the request's `Accept-Encoding`.
            names: the request's `name[]`: samples or metrics to show. Default: all.
        """
        self._page.shown()
        return self._scraper.scrape(accept=accept, accept_encoding=accept_encoding, names=names)

    def _live_series(self) -> list[Family]:
        counts = self._counts.totals()
        self._page.counted(counts.predictions)
        if self._shipper is not None:
            # Ship the records of an earlier run, even if this run never gets a prediction.
            self._shipper.ask()
        # Join the labels last, because a failure of the join is counted as an error in the next
        # scrape.
        families = self._exposition.families(
            counts.tallies(), counts.predictions, counts.errors_by_stage(), counts.log_by_outcome()
        )
        if self._outcome_exposition is not None and (joined := self._counts.outcomes()) is not None:
            families += self._outcome_exposition.families(joined)
        return families

    def export_http(
        self,
        params: Mapping[str, Sequence[str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[bytes, str]:
        """Return body and content type of a scrape, for a `/metrics` view of your own.

        Args:
            params: parameters of the query. `name[]` chooses the metrics to show.
            headers: headers of the request. `Accept` chooses the format.
        """
        by_name = {name.lower(): value for name, value in (headers or {}).items()}
        scrape = self.export(
            accept=by_name.get("accept", ""), names=(params or {}).get("name[]", ())
        )
        return scrape.body, scrape.content_type

    def report_export(self, error: Exception) -> None:
        """Report that the application's own metrics could not be collected."""
        self.reporter.report("export", error, "the application's metrics")

    def drift(self, window: str | None = None) -> Comparison:
        """Compare the counts of all workers with the baseline, in all rows and in each segment.

        Args:
            window: length of the window, for example `1h` or `7d`. It begins at a full hour, and
                reaches back eight days at most. None takes everything since the start.

        Raises:
            ConfigError: if `window` is not a length, or is longer than eight days.
        """
        return self._windows.drift(window)

    def report(self, window: str | None = None, segment: str = "") -> Report:
        """Return the comparison with its drawings, as the drift page shows it.

        Args:
            window: length of the window, as in `drift`.
            segment: label of the segment to show, such as "carrier=UA"; empty for all rows.

        Raises:
            ConfigError: if `window` is not a length, or there is no such segment.
        """
        return self._reports.report(window, segment)

    def flush(self, timeout: float = 5.0) -> bool:
        """Count all records in the journal, and deliver them to the log.

        Returns:
            True once every record is counted, and delivered or dropped. False if that takes longer
            than `timeout` seconds. The remaining records then stay in the journal.
        """
        self._counts.fold()
        return self._shipper is None or self._shipper.flush(timeout)

    def close(self, timeout: float = 5.0) -> None:
        """Count and log waiting records, and stop the background threads, within `timeout` seconds.

        You can close a monitor twice and still read its counts. Records that could not be delivered
        stay in the journal, for another worker or the next start.
        """
        deadline = time.monotonic() + timeout
        if self._shipper is not None:
            self._shipper.close(timeout)
        self._counter.close(max(0.0, deadline - time.monotonic()))
        self._page.end()


def _policy(given: Policy | None, settings: Settings) -> Policy:
    policy = given or Policy()
    if policy.design_effect == 1.0:
        return replace(policy, design_effect=settings.design_effect)
    return policy
