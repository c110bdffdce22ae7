"""What the tests of journals share: a log's context, numbered records, and a strict reporter."""

import contextlib
import signal
from collections.abc import Iterator
from typing import Any

from boxkite.error_reporter import ErrorReporter
from boxkite.live.log_context import LogContext
from boxkite.live.record import Record, encode

CONTEXT = LogContext(
    sink="sink",
    server_id="s",
    endpoint_id="e",
    logger_id="l",
    replica_id="r",
    model="m",
    version="1",
)


def record(number: int, logged: bool = True) -> bytes:
    """Return a record with a number. All records have the same length."""
    return encode(Record(f"{number:06}", 1, [1.0], None, logged=logged))


class Unexpected(ErrorReporter):
    """Fails a test that reports anything."""

    def count(self, stage: str, error: Exception, what: str = "") -> None:
        raise AssertionError(f"{stage}: {what}") from error


@contextlib.contextmanager
def interrupting(handler: Any, first: float, every: float) -> Iterator[None]:
    """Have a signal handler run again and again in between the lines of the main thread.

    Args:
        handler: the handler.
        first: seconds until it runs first.
        every: seconds between two runs.
    """
    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, first, every)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
