"""Create and check folders in which no other user can change anything."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

__all__ = ["make_private", "require_private", "use_given", "user_id"]

_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def user_id() -> int | None:
    """Return the id of the user that this process runs as, or None on Windows."""
    return os.geteuid() if hasattr(os, "geteuid") else None


def make_private(folder: Path, *, strict: bool = False) -> None:
    """Create a folder with the mode 0700 if it is missing, and check it like `require_private`.

    Missing parents get the mode 0755, whatever the umask.

    Raises:
        PermissionError: if another user owns the folder or can write to it, or if it is a link.
        OSError: if it cannot be created.
    """
    _make(folder, 0o700)
    require_private(folder, strict=strict)


def _make(folder: Path, mode: int) -> None:
    if not folder.exists():
        _make(folder.parent, 0o755)
        # Another worker may create it at the same time. A dangling link stays, and the check
        # refuses it.
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder, mode)


def require_private(folder: Path, *, strict: bool = False) -> None:
    """Check that a folder is this user's own, not a link, and that no other user can write to it.

    A group may write to it if this process belongs to that group, because a umask of 002 and
    Kubernetes volumes with `fsGroup` give that permission.

    Args:
        folder: the folder.
        strict: also refuse a folder to which this process's own groups can write.

    Raises:
        FileNotFoundError: if there is no such folder.
        PermissionError: if another user owns the folder or can write to it, or if it is a link.
        NotADirectoryError: if it is a file.
    """
    status = folder.lstat()
    if stat.S_ISLNK(status.st_mode):
        raise PermissionError(f"'{folder}' is a link")
    if not stat.S_ISDIR(status.st_mode):
        raise NotADirectoryError(f"'{folder}' is not a folder")
    if status.st_uid != user_id() and user_id() is not None:
        raise PermissionError(f"'{folder}' belongs to user {status.st_uid}")
    if _others_can_write(status, strict):
        mode = stat.S_IMODE(status.st_mode)
        raise PermissionError(f"other users can write to '{folder}' (mode {mode:o})")


def use_given(folder: Path) -> Path:
    """Create a folder that the user chose if it is missing, and check it.

    The folder may be a link, and it may belong to root, as the mount point of a volume does. If it
    belongs to this user and others can write to it, boxkite takes away their permission, so that
    they cannot replace the folders in it.

    Returns:
        The folder without links in its path.

    Raises:
        PermissionError: if it belongs to another user, or this user cannot write to it.
        OSError: if it cannot be created.
    """
    _make(folder, 0o755)
    real = Path(os.path.realpath(folder))
    for path, status in ((folder, folder.lstat()), (real, real.stat())):
        if user_id() is not None and status.st_uid not in (user_id(), 0):
            raise PermissionError(f"'{path}' belongs to user {status.st_uid}")
    status = real.stat()
    if not stat.S_ISDIR(status.st_mode):
        raise NotADirectoryError(f"'{folder}' is not a folder")
    # In a folder with the sticky bit, such as /tmp, users can replace only their own files.
    is_exposed = _others_can_write(status, strict=False) and not status.st_mode & stat.S_ISVTX
    if is_exposed and status.st_uid == user_id():
        real.chmod(stat.S_IMODE(status.st_mode) & ~_OTHERS_WRITE)
    if not os.access(real, os.W_OK | os.X_OK):
        raise PermissionError(f"'{folder}' is not writable")
    return real


def _others_can_write(status: os.stat_result, strict: bool) -> bool:
    if user_id() is None:
        return False  # on Windows, modes say nothing about other users
    if status.st_mode & stat.S_IWGRP and (strict or status.st_gid not in _groups()):
        return True
    return bool(status.st_mode & stat.S_IWOTH)


def _groups() -> set[int]:
    return {os.getegid(), *os.getgroups()}
