"""The state of one worker, in its file and in memory."""

from __future__ import annotations

from boxkite.live.counts_file import CountsFile, Progress

__all__ = ["Checkpoint"]


class Checkpoint:
    """The state of one worker: its counts and its progress, which only change together.

    Args:
        file: the worker's counts file, which only this process writes. None keeps the
            state in memory only.
        content: the counts so far.
        progress: the progress so far.

    Attributes:
        content: the counts, in the format of `Counts.to_bytes`.
        progress: progress through the journal.
    """

    def __init__(self, file: CountsFile | None, content: bytes, progress: Progress) -> None:
        self._file = file
        self.content = content
        self.progress = progress

    def leave_file(self) -> None:
        """Keep the state in memory only from now on, because the file is gone or damaged."""
        self._file = None

    def commit(self, content: bytes, progress: Progress) -> None:
        """Store a new state in the file, and then in memory."""
        if self._file is not None:
            self._file.commit(content, progress)
        # This comes last and is a single statement. If a signal handler raises before it, the next
        # commit starts from the old state again and includes everything in this one.
        self.content, self.progress = content, progress

    @property
    def sealed(self) -> bool:
        """Whether a batch of log records is sealed and not yet acknowledged."""
        return self.progress.sealed > self.progress.shipped
