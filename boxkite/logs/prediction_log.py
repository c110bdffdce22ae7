"""The log of one monitor: its sink, and what its records have in common."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from typing import Any, Protocol

from boxkite.baseline import Baseline
from boxkite.error_reporter import ErrorReporter, LastingError
from boxkite.errors import ConfigError
from boxkite.live.log_context import LogContext
from boxkite.live.state_folder import StateFolder
from boxkite.logs.sink import LogTarget, Sink
from boxkite.logs.sinks.sink_url import NO_LOG, open_sink, scheme_of
from boxkite.settings import Settings

__all__ = ["PredictionLog", "SinkOpener", "open_log"]


class SinkOpener(Protocol):
    """Opens a sink, once in each process that ships records."""

    def open(self) -> Sink:
        """Return the sink."""
        ...

    @property
    def url(self) -> str | None:
        """Folder or URL where the log can be read. None if that is not known."""

    @property
    def opened(self) -> Sink | None:
        """The sink, if it was open from the start and must be closed even if nobody used it."""


@dataclass(frozen=True)
class PredictionLog:
    """Sink and context of one monitor's log.

    Attributes:
        opener: opens the sink.
        context: fields that all records share.
        name: name of the sink, the label of its series.
    """

    opener: SinkOpener
    context: LogContext
    name: str


def open_log(
    log: LogTarget,
    settings: Settings,
    baseline: Baseline,
    state: StateFolder,
    reporter: ErrorReporter,
) -> PredictionLog | None:
    """Return the log that an argument or the setting `LOG` names, or None if there is none.

    Args:
        log: URL of a sink, a `Sink`, or an exporter of 0.0.5. None uses the setting.
        settings: settings of the monitor.
        baseline: baseline of the monitor.
        state: the state folder, which holds the default log.
        reporter: reports failures while old files are deleted.

    Raises:
        ConfigError: if there is no such sink, or its URL cannot be used.
    """
    given = settings.log if log is None else log
    if not isinstance(given, str | os.PathLike):
        return _log_of_object(given, settings, baseline)
    # A path is certainly meant as one, so "log" as a path needs no slash.
    url = given if isinstance(given, str) else os.path.abspath(given)
    if scheme_of(url) == NO_LOG or not url:
        return None
    opener = _UrlOpener(url, settings, state, reporter)
    # Open the sink once here, so that a wrong URL fails at the start and not in the background.
    # Only the default folder can be unusable. Nobody asked for it, so it must not stop the service.
    # The records wait in memory, and the shipper reports it and tries again.
    try:
        name = opener.open().name
    except LastingError:
        name = "file"
    return PredictionLog(opener, _context(url, settings, baseline), name)


def _log_of_object(given: Any, settings: Settings, baseline: Baseline) -> PredictionLog:
    sink: Sink = getattr(given, "sink", given)
    if not hasattr(sink, "deliver"):
        raise ConfigError(
            f"`log=` is {given!r}, which is not a sink. Give the URL of a sink, or an object with "
            "a `deliver` method."
        )
    if sink is not given:
        # An exporter of 0.0.5 gets each row as the service gave it, without names.
        baseline = Baseline(baseline.model, baseline.version, 0, ())
    context = _context(type(given).__name__, settings, baseline)
    return PredictionLog(_ObjectOpener(sink), context, sink.name)


@dataclass(frozen=True)
class _ObjectOpener:
    """Returns a sink that is an object already."""

    sink: Sink

    url = None

    @property
    def opened(self) -> Sink:
        return self.sink

    def open(self) -> Sink:
        return self.sink


@dataclass(frozen=True)
class _UrlOpener:
    """Opens the sink of a URL."""

    given: str
    settings: Settings
    state: StateFolder
    reporter: ErrorReporter

    opened = None

    @property
    def url(self) -> str | None:
        if self.given != "file:":
            return self.given
        try:
            return str(self.state.log_folder())
        except LastingError:
            return None  # no folder can be used, which is reported when records are counted

    def open(self) -> Sink:
        return open_sink(self.given, self.settings, self.state, self.reporter)


def _context(sink: str, settings: Settings, baseline: Baseline) -> LogContext:
    return LogContext(
        sink=sink,
        server_id=settings.server_id,
        endpoint_id=settings.endpoint_id,
        logger_id=settings.logger_id,
        replica_id=settings.replica_id or socket.gethostname(),
        model=baseline.model,
        version=baseline.version,
        features=tuple(each.name for each in baseline.features),
        outputs=tuple(each.name for each in baseline.outputs),
        sample=settings.log_sample,
        max_bytes=settings.log_record_max_bytes,
    )
