"""Errors of the state folder, in words that say what to do."""

from __future__ import annotations

import errno
from collections.abc import Sequence

from boxkite.error_reporter import LastingError
from boxkite.system.private_folder import user_id

__all__ = ["is_clear", "reason_of", "unreadable", "unusable"]

# Errors that the user can solve by choosing another folder.
_UNUSABLE = {
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT),
    *(errno.ENOENT, errno.ENOTDIR, errno.EEXIST, errno.ELOOP, errno.ENAMETOOLONG),
}


def is_clear(error: OSError) -> bool:
    """Return whether an error needs no explanation, because it has one or no folder would help.

    Such an error must be raised as it is. An error that is its own cause is never freed, and with
    it everything that its frames refer to, such as the locks of a worker.
    """
    if isinstance(error, LastingError):
        return True
    if error.errno is None:
        return not isinstance(error, PermissionError | NotADirectoryError)
    return error.errno not in _UNUSABLE


def reason_of(error: OSError) -> str:
    """Return an error's message in words for users, for example "'/state': Permission denied"."""
    if error.strerror is None:
        return str(error)
    return f"'{error.filename}': {error.strerror}" if error.filename else error.strerror


def unusable(reasons: Sequence[str]) -> LastingError:
    """Return the error that counts and journals stay in memory, and how to keep them on a disk."""
    return LastingError(
        f"Cannot keep counts and journals on the disk: {'; '.join(reasons)}. They stay in memory, "
        "so each process shows only its own counts, and they end with it. Set STATE_DIR "
        "(FLASK_BOXKITE_STATE_DIR under Flask, BOXKITE_STATE_DIR elsewhere) to a folder that "
        f"belongs to this service's user ({user_id()}) and that no other user can write to."
    )


def unreadable(error: Exception) -> LastingError:
    """Return an error that says that the counts of other workers cannot be read."""
    if isinstance(error, LastingError):
        return error
    reason = reason_of(error) if isinstance(error, OSError) else str(error)
    return LastingError(f"Cannot read the counts of other workers: {reason}.")
