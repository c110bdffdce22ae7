"""Count the failures of monitoring per stage, and log each stage at most once a minute."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from boxkite.system.forks import call_after_fork

__all__ = ["STAGES", "ErrorReporter", "LastingError"]

STAGES = ("baseline", "features", "output", "log", "journal", "outcome", "signal", "export")
"""Stages at which monitoring can fail. Each is a series of `boxkite_errors_total`."""

_QUIET_SECONDS = 60.0
_MAX_TEXT = 1000
_LASTING_SECONDS = 86_400.0
_MAX_LASTING = 1000

_logger = logging.getLogger("boxkite")


class LastingError(OSError):
    """A failure that lasts until somebody changes the setup, such as a folder of another user.

    Each one is counted and logged at most once a day, however often it is reported.
    """


class ErrorReporter:
    """Count and log the failures of one monitor.

    Args:
        raises: returns whether failures are raised as well, as under a framework's `TESTING`.
    """

    def __init__(self, raises: Callable[[], bool] = lambda: False) -> None:
        self.raises = raises
        self._logged_at: dict[str, float] = {}
        self._lasting: dict[str, float] = {}
        self.after_fork()
        call_after_fork(self)

    def after_fork(self) -> None:
        """In a forked process, start at zero, because the parent counted the failures so far."""
        self._counts: dict[str, int] = dict.fromkeys(STAGES, 0)
        self._lock = threading.RLock()

    def report(self, stage: str, error: Exception, what: str = "") -> None:
        """Count and log one failure, and raise it if failures are raised.

        Args:
            stage: one of `STAGES`.
            error: the failure.
            what: where it happened, for example "view 'score'".
        """
        self.count(stage, error, what)
        if self.raises():
            raise error

    def count(self, stage: str, error: Exception, what: str = "") -> None:
        """Count one failure. Log it unless one of the same stage was logged in the last minute.

        A `LastingError` that was reported in the last day, at any stage, is neither counted nor
        logged.

        Args:
            stage: one of `STAGES`.
            error: the failure.
            what: what was being done, for example "view 'score'".
        """
        now = time.monotonic()
        with self._lock:
            if isinstance(error, LastingError):
                if self._is_known(str(error), now):
                    return
                silent = False
            else:
                silent = now - self._logged_at.get(stage, -_QUIET_SECONDS) < _QUIET_SECONDS
                if not silent:
                    self._logged_at[stage] = now
            self._counts[stage] += 1
            count = self._counts[stage]
        # Log outside the lock, because a log handler may be the user's code and may report again.
        if not silent:
            where = f"{what}: " if what else ""
            _logger.warning("boxkite %s: %s%s (%d so far)", stage, where, _text(error), count)

    def _is_known(self, text: str, now: float) -> bool:
        """Return whether a lasting failure was reported in the last day. If not, remember it."""
        if now - self._lasting.get(text, -_LASTING_SECONDS) < _LASTING_SECONDS:
            return True
        self._lasting.pop(text, None)
        if len(self._lasting) >= _MAX_LASTING:
            del self._lasting[next(iter(self._lasting))]  # the oldest
        self._lasting[text] = now
        return False

    def counts(self) -> dict[str, int]:
        """Return the number of failures per stage."""
        with self._lock:
            return dict(self._counts)


def _text(error: Exception) -> str:
    """Return an error's message as one line of limited length."""
    try:
        message = str(error)
    except Exception:  # noqa: BLE001 - `__str__` of an error is any code of the user's
        message = ""
    line = " ".join(message[:_MAX_TEXT].split())
    return f"{line} …" if len(message) > _MAX_TEXT else line or type(error).__name__
