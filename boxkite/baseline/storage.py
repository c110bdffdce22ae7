"""Files and URLs: a whole file written at once or not at all, a bounded one read."""

from __future__ import annotations

import contextlib
import errno
import http.client
import os
import secrets
import stat
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from boxkite.errors import BaselineError

__all__ = ["read_bounded", "write_atomically"]

_TIMEOUT_SECONDS = 30.0


def write_atomically(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file so that a reader, or a crash at any moment, sees the old one or the new one.

    The content goes to a temporary file beside it, is flushed to the disk, and takes the name.
    A new file gets the permissions that `open` would give it, an old one keeps its own.

    Raises:
        OSError: if the folder is missing, full or not writable; an old file is left as it was.
    """
    target = Path(os.fsdecode(path)).resolve()  # a symbolic link stays one
    if not target.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "no folder to write into", str(target.parent))
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    try:
        with open(temporary, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            temporary.chmod(stat.S_IMODE(target.stat().st_mode))
        temporary.replace(target)
    except OSError as error:
        error.filename = os.fspath(path)  # what was asked for, not the name aside
        raise
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    """Make the new name itself survive a power loss, where the system can open folders."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def read_bounded(path_or_url: str | os.PathLike[str], max_bytes: int) -> bytes:
    """Read a file, or a `file:`, `http:` or `https:` URL, of at most `max_bytes`.

    Raises:
        FileNotFoundError: if there is no such file.
        BaselineError: if it is too large, or the URL cannot be fetched.
        OSError: if the file cannot be read.
    """
    text = os.fsdecode(path_or_url)
    scheme = urllib.parse.urlsplit(text).scheme
    if scheme in ("http", "https"):
        content = _fetch(text, max_bytes + 1)
    else:
        if scheme == "file":
            text = urllib.request.url2pathname(urllib.parse.urlsplit(text).path)
        elif scheme and "://" in text:
            raise BaselineError(f"cannot read {text}: a path or a file:, http: or https: URL")
        with open(text, "rb") as file:
            content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise BaselineError(f"{path_or_url} is larger than {max_bytes:,} bytes")
    return content


def _fetch(url: str, length: int) -> bytes:
    """Return the first `length` bytes of what an `http:` or `https:` URL names."""
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as response:
            content: bytes = response.read(length)
            absent = response.length  # of what the answer's head promised
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason: object = error
        if isinstance(error, urllib.error.HTTPError):
            error.close()  # it holds the connection
        elif isinstance(error, urllib.error.URLError):
            reason = getattr(error.reason, "strerror", None) or error.reason
        raise BaselineError(f"cannot fetch {url}: {reason}") from error
    if absent and len(content) < length:
        raise BaselineError(f"cannot fetch {url}: it ended {absent} bytes short")
    return content
