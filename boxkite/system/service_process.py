"""Find the process that all workers of a service have in common."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import sys
from pathlib import Path

__all__ = ["is_running", "service_process"]

# Fields of /proc/PID/stat, see proc(5).
_PARENT, _FLAGS, _START_TIME, _STACK_START = 4, 9, 22, 28
_FORKED_ONLY = 0x40  # PF_FORKNOEXEC in Linux' include/linux/sched.h


def service_process() -> str:
    """Return a name for the process whose children are the workers of this service.

    That is the parent if multiprocessing started this process, as uvicorn does, or if the parent
    forked it, as gunicorn does. Otherwise it is this process itself.

    Returns:
        The process id and a second number, which tells two processes with the same id apart. The
        number is the start time of the process. If not all properties of the process are readable,
        it is a number that is unique to this start of the interpreter. Otherwise an orphaned
        process could be taken for a child of the process that adopted it.
    """
    parent = multiprocessing.parent_process()
    process = parent.pid if parent is not None and parent.pid else os.getpid()
    hidden = False
    while (ancestor := _forked_from(process)) is not None:
        process = ancestor
        hidden = hidden or _stat(process, _STACK_START) == "0"
    return f"{process}-{_interpreter() if hidden else _stat(process, _START_TIME)}"


def is_running(process: int, start_time: str) -> bool:
    """Return whether a process with this id and start time is running, as far as is known."""
    return start_time != "0" and _stat(process, _START_TIME) == start_time


def _forked_from(process: int) -> int | None:
    """Return the parent of a process if both run the same start of a program.

    A forked process has its stack at the same address as its parent. Linux draws that address at
    random whenever a program is loaded. The address is hidden if the parent has other rights, as
    the master under `gunicorn --user` does. In that case, a flag that anybody can read tells
    whether a process was only forked. macOS shows neither. There, a worker of gunicorn can be
    recognised because it inherits the master's modules.
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
    # A process that was spawned, or loaded another program, does not share the interpreter's number
    # with the others, so it may not use it.
    return parent if _is_only_forked(process) and _is_only_forked(os.getpid()) else None


def _is_only_forked(process: int) -> bool:
    return bool(int(_stat(process, _FLAGS)) & _FORKED_ONLY)


def _interpreter() -> int:
    """Return a number that only this start of the interpreter and its forked processes share.

    It combines the secret from which Python computes hashes with an address.
    """
    digest = hashlib.sha256(f"{hash('boxkite')} {id(sys)}".encode()).digest()
    return int.from_bytes(digest[:8], "big")


def _stat(process: int, field: int) -> str:
    """Return a field of /proc/PID/stat by its number, or "0" if it cannot be read."""
    if not sys.platform.startswith("linux"):
        return "0"
    try:
        text = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return "0"
    # The second field is the program's name, which may contain spaces and brackets.
    fields = text.rpartition(")")[2].split()
    return fields[field - 3]
