"""The log of one monitor: on what terms records go to it, and the shipper that takes them there."""

from __future__ import annotations

import atexit
import os
import secrets
import socket
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from boxkite.baseline import Baseline
from boxkite.error_reporter import ErrorReporter
from boxkite.errors import ConfigError
from boxkite.live.counter import Counter
from boxkite.live.inheritance import Inheritance
from boxkite.live.state import StateFolder
from boxkite.logs.rejected import RejectedFile
from boxkite.logs.shipper import Shipper
from boxkite.logs.sink import Sink
from boxkite.logs.sinks.sink_url import NO_LOG, open_sink, scheme_of
from boxkite.logs.terms import LogTerms
from boxkite.settings import Settings

__all__ = ["PredictionLog", "open_log"]

_EXIT_SECONDS = 2.0


def open_log(
    log: Any,
    settings: Settings,
    baseline: Baseline,
    state: StateFolder,
    reporter: ErrorReporter,
) -> PredictionLog | None:
    """Return the log that an argument or the setting names; None for none.

    Args:
        log: URL of a sink, a `Sink`, or an exporter of 0.0.5, which has one; None for the setting.
        settings: of the monitor.
        baseline: of the monitor.
        state: of the monitor.
        reporter: of the monitor.

    Raises:
        ConfigError: if there is no such sink, or it cannot be used.
    """
    given = settings.log if log is None else log
    if not isinstance(given, str | os.PathLike):
        sink: Sink = getattr(given, "sink", given)
        if not hasattr(sink, "deliver"):
            raise ConfigError(f"log={given!r}; give the URL of a sink, or an object that is one")
        # Exporters get rows as they were given.
        bare = Baseline(baseline.model, baseline.version, 0, ())
        named = baseline if sink is given else bare
        return PredictionLog(lambda: sink, type(given).__name__, settings, named, state)
    url = os.fspath(given)
    if scheme_of(url) == NO_LOG or not url:
        return None

    def opened() -> Sink:
        return open_sink(url, settings, state, reporter)

    return PredictionLog(opened, url, settings, baseline, state)


class PredictionLog:
    """Takes records from the journal to a sink, in the background.

    Args:
        open_sink: makes the sink, here and in each forked process.
        sink: its URL or name; records that wait for a sink are adopted by whoever has the same.
        settings: of the monitor.
        baseline: whose variables name the values.
        state: where records of the dead may wait.
    """

    def __init__(
        self,
        open_sink: Callable[[], Sink],
        sink: str,
        settings: Settings,
        baseline: Baseline,
        state: StateFolder,
    ) -> None:
        self._open_sink = open_sink
        self._settings = settings
        self._state = state
        self._terms = LogTerms(
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
        self.name = open_sink().name
        self._shipper: Shipper | None = None
        _logs.add(self)

    def includes(self, entity_id: str) -> bool:
        """Tell whether a prediction is in the sample that is logged."""
        return self._terms.includes(entity_id)

    def new_terms(self) -> bytes:
        """Return the terms of one process, encoded; a logger without a name is given one."""
        logger_id = self._terms.logger_id or secrets.token_hex(6)
        return msgspec.json.encode(msgspec.structs.replace(self._terms, logger_id=logger_id))

    def start(
        self, counter: Counter, reporter: ErrorReporter, tell_dropped: Callable[[int, str], object]
    ) -> None:
        """Ship what a counter takes from now on.

        Args:
            counter: of the monitor, made with these terms.
            reporter: where failures are reported.
            tell_dropped: called with a number of records and the reason.
        """
        self._shipper = Shipper(
            counter,
            Inheritance(counter, self._state, self._settings.state_max_bytes),
            self._open_sink,
            self._terms.sink,
            RejectedFile(Path(self._state.log_folder().parent / "rejected.jsonl")),
            reporter,
            tell_dropped,
            self._settings.state_max_bytes,
        )
        # Anew and therefore last, so that it comes before what removes a run's folder.
        atexit.unregister(_close_at_exit)
        atexit.register(_close_at_exit)

    def ask(self, dropped: int = 0) -> None:
        """Have what waits be shipped soon; `dropped` records were given up by the journal."""
        if self._shipper is not None:
            self._shipper.ask(dropped)

    def flush(self, timeout: float) -> bool:
        """Ship what waits within `timeout` seconds; returns whether all of it was."""
        return self._shipper is None or self._shipper.flush(timeout)

    def close(self, timeout: float) -> None:
        """Ship what can be shipped within `timeout` seconds, and stop."""
        if self._shipper is not None:
            self._shipper.close(timeout)

    def after_fork(self) -> None:
        """In the child: leave thread and connections to the parent."""
        if self._shipper is not None:
            self._shipper.begin()


_logs: weakref.WeakSet[PredictionLog] = weakref.WeakSet()


def _after_fork() -> None:
    for log in list(_logs):
        log.after_fork()


def _close_at_exit() -> None:
    deadline = time.monotonic() + _EXIT_SECONDS
    for log in list(_logs):
        log.close(max(0.0, deadline - time.monotonic()))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
