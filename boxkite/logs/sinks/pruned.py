"""A sink of files that also deletes what is past."""

from __future__ import annotations

from collections.abc import Callable

from boxkite.logs.sink import Batch
from boxkite.logs.sinks.files import FilesSink

__all__ = ["PrunedSink"]


class PrunedSink:
    """Delivers files, and after each delivery gives the pruning its turn.

    Args:
        files: the sink.
        prune: deletes what is past; it does not raise.
    """

    whole_minutes = True

    def __init__(self, files: FilesSink, prune: Callable[[], object]) -> None:
        self.name = files.name
        self._files = files
        self._prune = prune

    def deliver(self, batch: Batch) -> None:
        """Deliver a batch, as `FilesSink` does."""
        self._files.deliver(batch)

    def tidy(self) -> None:
        """Delete what is past."""
        self._prune()

    def close(self) -> None:
        """Let go of connections."""
        self._files.close()
