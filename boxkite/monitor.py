"""The monitor: takes predictions, counts them into a baseline's bins, and shows the counts."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from blinker import Signal
from prometheus_client import REGISTRY, CollectorRegistry

from boxkite import signals
from boxkite.baseline import Baseline
from boxkite.baseline.loading import load_baseline
from boxkite.baseline.text_writer import Family
from boxkite.classic.classic_exposition import ClassicExposition
from boxkite.drift import Comparison, Policy
from boxkite.error_reporter import ErrorReporter
from boxkite.live.counter import Counter
from boxkite.live.identity import Identity
from boxkite.live.recorder import Recorder
from boxkite.live.state import StateFolder
from boxkite.live.verdict_changes import VerdictChanges
from boxkite.logs.prediction_log import open_log
from boxkite.logs.sink import LogTarget
from boxkite.prometheus.application import application_registry
from boxkite.prometheus.labelled import LabelledExposition
from boxkite.prometheus.scrape import Exposition, ModelSeries, Scrape, Scraper
from boxkite.report.cards import Report
from boxkite.report.drift_windows import DriftWindows
from boxkite.settings import Settings, from_environment

__all__ = ["Monitor"]


class Monitor:
    """Counts the predictions of one model beside the distributions of its training.

    Args:
        baseline: a `Baseline`, or the path or URL of a `histogram.prom`. By default the setting
            `BOXKITE_BASELINE`; where that file is missing or damaged the service runs without.
        log: where predictions are logged: URL of a sink, a `Sink`, or an exporter of 0.0.5; None
            for the setting `LOG`.
        model: the model's name; by default the baseline's.
        version: the baseline's version; by default the baseline's.
        settings: all settings, for adapters; by default from the environment `BOXKITE_…`.
        registry: the application's own metrics, shown in the same answer; None for none.
        policy: the false alarms allowed and the least effect that is drift; its design effect is
            that of the setting `DESIGN_EFFECT` where it says none.
        raises: tells whether a failure of monitoring is raised to the caller, as under a
            framework's TESTING; by default it is counted and told once a minute.
        sender: returns the sender of signals, an application; None for the monitor itself.

    Attributes:
        series: what a scrape shows of it.
        recorder: takes predictions, as the adapters hand them over.

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
        self._sender = sender
        self.reporter = ErrorReporter(raises)
        self.policy = _policy(policy, self.settings)
        found = load_baseline(baseline, self.settings.baseline, self.reporter)
        self.baseline = found.relabelled(
            model=model or self.settings.model, version=version or self.settings.version
        )
        state = StateFolder(self.settings.state_dir)
        given = self.settings.log if log is None else log
        self._log_url: Callable[[], str | None] = lambda: _log_url(given, state)
        self._log = open_log(log, self.settings, self.baseline, state, self._report_log)
        self._counter = Counter(
            self.baseline,
            state,
            self.reporter,
            self.settings.state_max_bytes,
            self.settings.state_sync_seconds,
            self._log.new_terms if self._log else None,
            self._log.ask if self._log else None,
            VerdictChanges(
                self.baseline,
                self.policy,
                lambda: bool(signals.drift_changed.receivers),
                functools.partial(self._send, signals.drift_changed),
                self.reporter,
            ).hour_begun,
        )
        self.recorder = Recorder(
            self.baseline,
            self.settings,
            self.reporter,
            self._log.includes if self._log else lambda _: False,
            self._counter.append,
            functools.partial(self._send, signals.prediction_logged),
        )
        self._windows = DriftWindows(self.baseline, self._counter, self.policy)
        if self._log is not None:
            self._log.start(self._counter, self.reporter, self._tell_dropped)
        self._exposition = self._new_exposition()
        self.series = ModelSeries(self._exposition.static, self._live_series)
        self._scraper = Scraper([self.series], application_registry(registry), self.report_export)
        self._send(signals.baseline_loaded, baseline=self.baseline)

    @property
    def log_url(self) -> str | None:
        """Where the log can be read, a folder or URL; None where there is none."""
        return self._log_url() if self._log is not None else None

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
        identity: Identity | None = None,
        view: str = "",
    ) -> str:
        """Take one prediction: a few microseconds, whatever the number of bins.

        Args:
            features: one row, by position (list, tuple, 1-D array) or by name (mapping, row of a
                frame, object with named fields), as the model takes it.
            output: what the model answered: a number or label, or several for several outputs, as
                class probabilities.
            request_body: of the request, for the log, where the setting asks for it.
            identity: of the prediction, where it was named before; by default a new one.
            view: what made it, as "view 'score'", for reports.

        Returns:
            The prediction id, `{server_id}/{time}/{uuid}`. A row that does not fit the baseline
            is counted as invalid and reported; nothing is raised.
        """
        identity = identity or Identity.new(self.settings.server_id)
        return self.recorder.take(identity, features, output, request_body, view)

    def log_predictions(
        self,
        features: Any,
        outputs: Any = None,
        request_body: Any = None,
        *,
        identity: Identity | None = None,
        view: str = "",
    ) -> list[str]:
        """Take several predictions that were made at once, or the only one.

        Args:
            features: a 2-D array, a list of rows, a frame, or a mapping of columns under the
                names of the baseline's features; or one row, as of `log_prediction`.
            outputs: as many, in a list, an array, a frame or a mapping of columns.
            request_body: of the request; it is logged with the first prediction.
            identity: of the first prediction; those of the others count up from it.
            view: what made them, for reports.

        Returns:
            The prediction ids, one a row. Where rows and outputs are not as many, that is
            reported, and the output of each of the rows is counted as invalid.
        """
        identity = identity or Identity.new(self.settings.server_id)
        return self.recorder.take_all(identity, features, outputs, request_body, view)

    def row_count(self, features: Any) -> int:
        """Return how many predictions features are for: one, or one for each of several rows."""
        return self.recorder.row_count(features)

    def _send(self, signal: Signal, **values: Any) -> None:
        sender = self._sender()
        signals.emit(
            signal, self if sender is None else sender, self.reporter, monitor=self, **values
        )

    def export(
        self,
        *,
        accept: str = "",
        accept_encoding: str = "",
        names: Sequence[str] = (),
    ) -> Scrape:
        """Return the answer to a scrape, with every prediction whose id was returned.

        Args:
            accept: the request's `Accept`: Prometheus text 0.0.4, or OpenMetrics.
            accept_encoding: the request's `Accept-Encoding`.
            names: the request's `name[]`: samples or metrics to show; all if there are none.
        """

        return self._scraper.scrape(accept=accept, accept_encoding=accept_encoding, names=names)

    def _live_series(self) -> list[Family]:
        counts = self._counter.totals()
        if self._log is not None:
            self._log.ask()  # what another run has left is shipped before the first prediction
        return self._exposition.families(
            counts.tallies(), counts.predictions, counts.errors_by_stage(), counts.log_by_outcome()
        )

    def export_http(
        self,
        params: Mapping[str, Sequence[str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[bytes, str]:
        """Return body and content type for a `/metrics` view of one's own.

        Args:
            params: of the query; `name[]` chooses the metrics to show.
            headers: of the request; `Accept` chooses the format.
        """
        by_name = {name.lower(): value for name, value in (headers or {}).items()}
        scrape = self.export(
            accept=by_name.get("accept", ""), names=(params or {}).get("name[]", ())
        )
        return scrape.body, scrape.content_type

    def report_export(self, error: Exception) -> None:
        """Count that the application's own metrics could not be had."""
        self.reporter.report("export", error, "the application's metrics")

    def drift(self, window: str | None = None) -> Comparison:
        """Compare what all workers counted with the baseline.

        Args:
            window: how far back, as `1h` or `7d`, to the full hour before; the counts of a week
                are kept by the hour. None for everything since the start.

        Raises:
            ConfigError: if it is no such length.
        """
        return self._windows.drift(window)

    def report(self, window: str | None = None) -> Report:
        """Return `drift` with all that is drawn of it, as the drift page shows it.

        Args:
            window: as of `drift`.

        Raises:
            ConfigError: if it is no such length.
        """
        return self._windows.report(window)

    def flush(self, timeout: float = 5.0) -> bool:
        """Count what waits in the journal, and deliver what waits for the log.

        Returns:
            True once everything is counted, and delivered or dropped; False if that takes longer
            than `timeout` seconds. What waits goes on waiting.
        """
        self._counter.totals()
        return self._log is None or self._log.flush(timeout)

    def close(self, timeout: float = 5.0) -> None:
        """Count and log what waits and stop the background threads, within `timeout` seconds.

        Closing twice does nothing more. The counts can still be read. What could not be delivered
        stays in the journal, for another worker or the next start.
        """
        deadline = time.monotonic() + timeout
        if self._log is not None:
            self._log.close(timeout)
        self._counter.close(max(0.0, deadline - time.monotonic()))

    def _report_log(self, error: Exception) -> None:
        self.reporter.count("log", error)

    def _tell_dropped(self, number: int, reason: str) -> None:
        """Say that records of the log are given up."""
        dropped = BufferError(f"{number:,} records are not logged: {reason}")
        self.reporter.count("log", dropped)
        self._send(signals.log_dropped, number=number, reason=reason)


def _policy(given: Policy | None, settings: Settings) -> Policy:
    policy = given or Policy()
    if policy.design_effect == 1.0:
        return replace(policy, design_effect=settings.design_effect)
    return policy


def _log_url(log: Any, state: StateFolder) -> str | None:
    if not isinstance(log, str | os.PathLike):
        return None
    return os.fspath(log if log != "file:" else state.log_folder())
