"""Write files atomically: readers see the whole file or no file, even after a crash.

All functions write a temporary file in the target's folder first, because a rename or a hard link
is only atomic within one file system. Only then does the file get its real name.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import stat
import time
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import IO

from boxkite.system.file_lock import hold_lock

__all__ = ["create_file", "open_replacement", "remove_abandoned", "replace_file", "sync_folder"]

_TEMPORARY_NAME = re.compile(r"\.boxkite-[0-9a-f]{16}\.part")
_LOCK_NAME = ".boxkite-lock"
_LOCK_SECONDS = 10.0

_UNSUPPORTED = {errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}
# `link` fails with EPERM on FAT, and with EMLINK on file systems that allow one name per file.
_NO_HARD_LINKS = {errno.EPERM, errno.EMLINK, *_UNSUPPORTED}


def replace_file(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file, replacing an existing one, as `open_replacement` does.

    Raises:
        OSError: if the folder is missing, full or not writable. An existing file is unchanged.
    """
    with open_replacement(path) as file:
        file.write(content)


@contextlib.contextmanager
def open_replacement(path: str | os.PathLike[str]) -> Generator[IO[bytes]]:
    """Open a file that takes the name `path` when the `with` block ends without an exception.

    A new file gets the permissions that `open` would give it. A replacement keeps the permissions
    of the file that it replaces. A symbolic link stays a link; its target is replaced.

    Raises:
        OSError: if the folder is missing, full or not writable. An existing file is unchanged.
    """
    target = Path(os.fsdecode(path)).resolve()
    if not target.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "the folder does not exist", str(target.parent))
    temporary = _temporary_for(target)
    try:
        with open(temporary, "xb") as file:
            yield file
            # Without this, a power loss after the rename could leave an empty file under the name.
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            temporary.chmod(stat.S_IMODE(target.stat().st_mode))
        temporary.replace(target)
    except OSError as error:
        # Name the file that the caller asked for, not the temporary file. Leave errors of other
        # files unchanged, which code in the `with` block may raise.
        if error.errno is None or error.filename not in (None, str(temporary)):
            raise
        raise OSError(error.errno, error.strerror, os.fspath(path)) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # in place already; some systems cannot sync folders
        sync_folder(target.parent)


def create_file(
    path: Path,
    pieces: Iterable[bytes],
    *,
    mode: int = 0o640,
    lock: Path | None = None,
    sync: bool = True,
) -> bool:
    """Write a new file. Never overwrite one, even if several processes create it at once.

    The temporary file is linked to its real name, because `link` fails if the name is taken and
    `rename` does not. On a file system without hard links, processes take a lock in turn, check
    that the name is free, and rename. That lock only works between processes of one machine.

    Args:
        path: the file; its folder must exist.
        pieces: the content. If the name is taken already, no piece is used.
        mode: permissions, to which the umask applies.
        lock: the lock file for file systems without hard links. All processes that may create
            this file must use the same one. Default: `.boxkite-lock` in the file's folder.
        sync: write the file and its name to the disk, so that they survive a power loss.

    Returns:
        True if the file was created, False if the name was taken.

    Raises:
        OSError: if the file cannot be written or synced. If it exists afterwards, it is complete.
    """
    created = not _exists(path) and _create(path, pieces, mode, lock, sync)
    if sync:
        # Sync the folder even if the file existed. Its writer may have died before it synced the
        # name.
        sync_folder(path.parent)
    return created


def _create(path: Path, pieces: Iterable[bytes], mode: int, lock: Path | None, sync: bool) -> bool:
    temporary = _temporary_for(path)
    try:
        _write(temporary, pieces, mode, sync)
        try:
            os.link(temporary, path)
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in _NO_HARD_LINKS:
                raise
            return _rename_if_free(temporary, path, lock or path.with_name(_LOCK_NAME))
        return True
    finally:
        with contextlib.suppress(OSError):  # `remove_abandoned` removes it later
            os.unlink(temporary)


def _write(path: Path, pieces: Iterable[bytes], mode: int, sync: bool) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        for piece in pieces:
            rest = memoryview(piece)
            while rest:  # the system may take less than it is given
                rest = rest[os.write(descriptor, rest) :]
        if sync:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _rename_if_free(temporary: Path, path: Path, lock: Path) -> bool:
    with hold_lock(lock, _LOCK_SECONDS, mode=0o640):
        if _exists(path):
            return False
        os.rename(temporary, path)
    return True


def remove_abandoned(folder: Path, min_age_seconds: float) -> None:
    """Remove temporary files that killed writers left in a folder.

    A writer that is only slow gets an error when its file is removed, and can write it again.
    """
    latest = time.time() - min_age_seconds
    for path in folder.glob(".boxkite-*.part"):
        with contextlib.suppress(OSError):
            if _TEMPORARY_NAME.fullmatch(path.name) and path.lstat().st_mtime < latest:
                path.unlink()


def sync_folder(folder: Path) -> None:
    """Write a folder's entries to the disk, so that new names in it survive a power loss.

    Raises:
        OSError: if the disk fails. A file system that cannot sync folders is not an error.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _UNSUPPORTED:  # some network file systems only sync files
            raise
    finally:
        os.close(descriptor)


def _temporary_for(path: Path) -> Path:
    return path.with_name(f".boxkite-{secrets.token_hex(8)}.part")


def _exists(path: Path) -> bool:
    """Return whether a name is taken. Unlike `os.path.lexists`, raise if that is unknown."""
    try:
        os.lstat(path)
    except FileNotFoundError:
        return False
    return True
