"""Where a service keeps its state: one folder for all of its workers, and no other service's."""

from __future__ import annotations

import hashlib
import itertools
import multiprocessing
import os
import re
import shutil
import sys
import tempfile
import time
import weakref
from pathlib import Path

from boxkite.baseline import Baseline, NumericVariable
from boxkite.live.counts_file import FORMAT
from boxkite.live.leftover import waits
from boxkite.live.peers import lock_if_dead
from boxkite.system.file_lock import release, require_locks

__all__ = ["StateFolder"]

_YOUNG_SECONDS = 60.0

_ordinals = itertools.count()

_RUN = re.compile(r"(\d+)-(\d+)-\d+")
"""The name of a run's folder: process, its start time, ordinal of the monitor."""


class StateFolder:
    """Names the folder of a monitor's population.

    With a setting it is below that folder, and counts go on where the last run of the service left
    them. Without one it is below the system's folder for temporary files that outlive a reboot,
    and belongs to this run: the workers that one process started find each other by that process.

    Args:
        setting: the folder, or None.
    """

    def __init__(self, setting: str | None) -> None:
        self._setting = setting
        # Monitors are made in the same order in each worker of a service.
        self._ordinal = next(_ordinals)

    def keep_tidy(self) -> None:
        """Remove what is of no use any more: without a setting, the folder of a run that has ended.

        A run's own folder goes when the process that names it ends; one that was killed leaves its
        folder to the next run.
        """
        if self._setting:
            return
        root = self._root()
        if root.name.partition("-")[0] == str(os.getpid()):
            weakref.finalize(self, _remove, root, os.getpid())
        for other in root.parent.iterdir():
            if other != root and _is_abandoned(other):
                shutil.rmtree(other, ignore_errors=True)

    def population(self, baseline: Baseline) -> Path:
        """Return the folder of those that count into this baseline's cells.

        Raises:
            OSError: if this system, or the folder for temporary files, cannot be used for it.
        """
        require_locks()
        # Files of another format stay where they are.
        digest = hashlib.sha256(f"{FORMAT}\0{baseline.model}\0{baseline.version}".encode())
        for variable in baseline.variables:
            if isinstance(variable, NumericVariable):
                cells = variable.edges.tobytes()
            else:
                cells = repr(variable.categories).encode()
            digest.update(f"\0{variable.role}\0{variable.name}\0".encode() + cells)
        model = re.sub(r"[^A-Za-z0-9_-]+", "_", baseline.model)[:40]
        return self._root() / f"{model}-{digest.hexdigest()[:16]}"

    def log_folder(self) -> Path:
        """Return the folder of a log for which no other place is given.

        Raises:
            OSError: if the folder for temporary files cannot be used for it.
        """
        return (Path(self._setting) if self._setting else _temporary_root()) / "log"

    def populations(self) -> list[Path]:
        """Return the folders of all populations, of other baselines and ended runs too, in which
        records may wait that this service can ship.

        Raises:
            OSError: if they cannot be listed.
        """
        root = self._root()
        runs = [root] if self._setting else list(root.parent.iterdir())
        return [folder for run in runs for folder in _inside(run)]

    def _root(self) -> Path:
        if self._setting:
            return Path(self._setting)
        return _temporary_root() / f"{service_process()}-{self._ordinal}"


def _inside(folder: Path) -> list[Path]:
    """Return what is in a folder; nothing if another process has removed it meanwhile."""
    try:
        return list(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _remove(root: Path, process: int) -> None:
    """Remove a run's folder, unless this process was only forked from the one that owns it, or
    records of the log wait in it for the next run."""
    if os.getpid() == process and not _holds_records(root):
        shutil.rmtree(root, ignore_errors=True)


def _is_abandoned(root: Path) -> bool:
    """Tell whether the run has ended: its process, and every worker below."""
    run = _RUN.fullmatch(root.name)
    if run is None:
        return False
    process, start_time = run.groups()
    if start_time != "0" and _stat(int(process), _START_TIME) == start_time:
        return False
    try:
        if time.time() - root.stat().st_mtime < _YOUNG_SECONDS:
            return False
    except OSError:
        return False
    for worker in root.glob("*/worker-*"):
        descriptor = lock_if_dead(worker)
        if descriptor is None:
            return False
        release(descriptor)
    return not _holds_records(root)


def _holds_records(root: Path) -> bool:
    return any(waits(folder) for folder in root.glob("*/[!.]*-*"))


def _temporary_root() -> Path:
    """Return a folder that only this user can write, and nobody else may have put there.

    Raises:
        OSError: if it belongs to somebody else.
    """
    user = os.getuid() if hasattr(os, "getuid") else "user"
    root = _temporary_base() / f"boxkite-{user}"
    root.mkdir(mode=0o700, exist_ok=True)
    status = root.lstat()
    if hasattr(os, "getuid") and (status.st_uid != os.getuid() or status.st_mode & 0o022):
        raise PermissionError(
            f"{root} can be written by others; set STATE_DIR to a folder of yours"
        )
    return root


def _temporary_base() -> Path:
    """Return the folder for temporary files: `TMPDIR` if it is set, else /var/tmp.

    /var/tmp outlives a reboot, and /tmp often does not.
    """
    for folder in (os.environ.get("TMPDIR"), "/var/tmp"):
        if folder and os.access(folder, os.W_OK):
            return Path(folder)
    # The last resort, because tempfile searches under a lock. A process that is forked while
    # another thread holds that lock could never take it.
    return Path(tempfile.gettempdir())


def service_process() -> str:
    """Return what names the process whose children the workers of this service are.

    That is the parent where multiprocessing started this process, as uvicorn does, or where the
    parent forked it, as gunicorn does; else it is this process itself. Where the parent is seen in
    part only, a number that this start of the interpreter alone has is in the name: a process that
    was orphaned could else be taken for a child of the one that adopted it.
    """
    parent = multiprocessing.parent_process()
    process = parent.pid if parent is not None and parent.pid else os.getpid()
    hidden = False
    while (ancestor := _forked_from(process)) is not None:
        process = ancestor
        hidden = hidden or _stat(process, _STACK_START) == "0"
    return f"{process}-{_interpreter() if hidden else _stat(process, _START_TIME)}"


_PARENT, _FLAGS, _START_TIME, _STACK_START = 4, 9, 22, 28
_FORKED_ONLY = 0x40  # PF_FORKNOEXEC in Linux' include/linux/sched.h


def _forked_from(process: int) -> int | None:
    """Return the parent of a process that runs its parent's program without having loaded it anew.

    The two then share the address of their stack, which Linux draws at random at each start of a
    program. It does not tell the address of a process with other rights, such as the master of
    `gunicorn --user`; a flag that everybody can read tells then who was only forked. Where the
    system tells nothing, as on macOS, gunicorn's workers have its master in memory.
    """
    stack = _stat(process, _STACK_START)
    if stack == "0" and process == os.getpid():
        return os.getppid() if "gunicorn.arbiter" in sys.modules else None
    parent = int(_stat(process, _PARENT))
    if parent <= 1:
        return None
    parents = _stat(parent, _STACK_START)
    if "0" not in (stack, parents):
        return parent if stack == parents else None
    # One that was spawned, or loaded anew, has not the number in common with the others.
    return parent if _is_only_forked(process) and _is_only_forked(os.getpid()) else None


def _is_only_forked(process: int) -> bool:
    return bool(int(_stat(process, _FLAGS)) & _FORKED_ONLY)


def _interpreter() -> int:
    """Return a number that a start of the interpreter has in common with the processes forked from
    it, and with no other: of the secret of its hashes, and an address."""
    digest = hashlib.sha256(f"{hash('boxkite')} {id(sys)}".encode()).digest()
    return int.from_bytes(digest[:8], "big")


def _stat(process: int, field: int) -> str:
    """Return a field of /proc/PID/stat by its number in proc(5); "0" where there is none."""
    if not sys.platform.startswith("linux"):
        return "0"
    try:
        text = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return "0"
    # The second field, the program's name, may hold spaces and brackets.
    fields = text.rpartition(")")[2].split()
    return fields[field - 3]
