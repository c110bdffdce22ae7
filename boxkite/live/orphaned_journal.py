"""The journal of a dead worker, with records that another process ships."""

from __future__ import annotations

from pathlib import Path

from boxkite.live.checkpoint import Checkpoint
from boxkite.live.counts import NO_LOG_COUNTS
from boxkite.live.counts_file import CountsFile, CountsFileError, Position, Progress
from boxkite.live.journal_files import JournalFiles
from boxkite.live.outbox import Outbox
from boxkite.live.worker_folder import ORPHAN, WORKER, WorkerFolder
from boxkite.system.file_lock import release
from boxkite.system.lazy_attribute import LazyLock

__all__ = ["OrphanedJournal"]


class OrphanedJournal(Outbox):
    """The outbox of a dead worker.

    Args:
        folder: the worker's folder.
        descriptor: the worker's lock, which is held and now belongs to this object. None if the
            caller holds it.

    Attributes:
        folder: the worker's folder.

    Raises:
        OSError: if its files cannot be used.
    """

    def __init__(self, folder: WorkerFolder, descriptor: int | None = None) -> None:
        self.folder = folder
        self._descriptor = descriptor
        # Skip damaged segments. They are reported when the worker's counts are merged.
        self._files = JournalFiles(folder.path, damaged=[])
        super().__init__(self._files, _OrphanCheckpoint(folder), folder.context(), LazyLock())

    @property
    def _end(self) -> Position | None:
        # Include the records that the worker had not counted, because it appends no more records.
        return None

    @property
    def is_shipped(self) -> bool:
        """Whether no record waits any more."""
        return not self.waiting(1, 1).contents

    def keep_log_only(self) -> None:
        """Turn the worker's folder into an orphan after its counts were merged.

        The order matters, because the process may die between any two steps. Until the folder has
        its new name, the merged counts name it as merged, and every reader skips it.

        Raises:
            OSError: if that is not possible now. The next merge tries again.
        """
        # Write a new file without counts. The merged counts already include this worker's counts
        # and its log outcomes so far. Replacing the file is atomic.
        new = self.folder.path / "counts.new"
        new.unlink(missing_ok=True)
        progress = self._checkpoint.progress._replace(folded=self._files.end)
        CountsFile(new, len(NO_LOG_COUNTS)).commit(NO_LOG_COUNTS, progress)
        new.replace(self.folder.counts_file)
        self._files.trim()
        self.folder.path.rename(orphan_path(self.folder.path))

    def close(self) -> None:
        """Release the worker's lock."""
        if self._descriptor is not None:
            release(self._descriptor)
            self._descriptor = None


def orphan_path(path: Path) -> Path:
    """Return the path that a worker's folder gets once its counts are merged."""
    return path.with_name(ORPHAN + path.name.removeprefix(WORKER))


class _OrphanCheckpoint(Checkpoint):
    """The state of a dead worker. Its counts file is only opened for writing when it must change.

    A process that only inspects a folder may not hold its lock, so it must not repair or create
    files.
    """

    def __init__(self, folder: WorkerFolder) -> None:
        self._folder = folder
        self._opened: CountsFile | None = None
        committed = folder.committed()
        # If the counts file is damaged, the position is unknown, so all records are shipped again.
        self.content = committed.content if committed else NO_LOG_COUNTS
        self.progress = committed.progress if committed else Progress()

    def commit(self, content: bytes, progress: Progress) -> None:
        """Store a new state."""
        if self._opened is None:
            self._opened = self._open()
        if len(content) < self._opened.size:  # the worker died before its first commit
            content += bytes(self._opened.size - len(content))
        self._opened.commit(content, progress)
        self.content, self.progress = content, progress

    def _open(self) -> CountsFile:
        path = self._folder.counts_file
        try:
            file = CountsFile(path)
            # Repair the file first. Otherwise this commit could overwrite its only intact state.
            file.repair()
        except CountsFileError:
            path.unlink()
        except FileNotFoundError:
            pass
        else:
            return file
        return CountsFile(path, len(NO_LOG_COUNTS))
