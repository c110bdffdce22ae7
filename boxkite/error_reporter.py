"""What went wrong in monitoring: counted by stage, and told once a minute."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

__all__ = ["STAGES", "ErrorReporter"]

STAGES = ("baseline", "features", "output", "log", "journal", "signal", "export")
"""Where monitoring can fail; each is a series of `boxkite_errors_total`."""

_QUIET_SECONDS = 60.0
_MAX_TEXT = 1000

_logger = logging.getLogger("boxkite")


class ErrorReporter:
    """Counts the failures of one monitor.

    Args:
        raises: tells whether failures are raised instead, as under a framework's TESTING.
    """

    def __init__(self, raises: Callable[[], bool] = lambda: False) -> None:
        self.raises = raises
        self._counts = dict.fromkeys(STAGES, 0)
        self._told: dict[str, float] = {}
        self._lock = threading.RLock()

    def report(self, stage: str, error: Exception, what: str = "") -> None:
        """Count and log one failure, as `count` does, or raise it where failures are raised."""
        self.count(stage, error, what)
        if self.raises():
            raise error

    def count(self, stage: str, error: Exception, what: str = "") -> None:
        """Count one failure and log it, unless one of its stage was logged within a minute.

        Args:
            stage: one of `STAGES`.
            error: what was raised.
            what: what was being done, as "view 'score'".
        """
        now = time.monotonic()
        with self._lock:
            self._counts[stage] += 1
            count = self._counts[stage]
            silent = now - self._told.get(stage, -_QUIET_SECONDS) < _QUIET_SECONDS
            if not silent:
                self._told[stage] = now
        if not silent:
            where = f"{what}: " if what else ""
            _logger.warning("boxkite %s: %s%s (%d so far)", stage, where, _text(error), count)

    def after_fork(self) -> None:
        """In a forked process: the failures so far are the parent's, and so is the lock."""
        self._counts = dict.fromkeys(STAGES, 0)
        self._lock = threading.RLock()

    def counts(self) -> dict[str, int]:
        """Return the failures of each stage so far."""
        with self._lock:
            return dict(self._counts)


def _text(error: Exception) -> str:
    """Return what an error says on one line of bounded length; the error may be hostile itself."""
    try:
        said = str(error)
    except Exception:  # noqa: BLE001 - an error's text is any code of the user's
        said = ""
    line = " ".join(said[:_MAX_TEXT].split())
    return f"{line} …" if len(said) > _MAX_TEXT else line or type(error).__name__
