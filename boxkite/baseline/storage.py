"""Read files and URLs, with a limit on their size."""

from __future__ import annotations

import http.client
import os
import urllib.error
import urllib.parse
import urllib.request

from boxkite.errors import BaselineError
from boxkite.system.safe_url import safe_url

__all__ = ["read_bounded"]

_TIMEOUT_SECONDS = 30.0


def read_bounded(path_or_url: str | os.PathLike[str], max_bytes: int) -> bytes:
    """Read a file, or a `file:`, `http:` or `https:` URL, of at most `max_bytes`.

    Raises:
        FileNotFoundError: if there is no such file.
        BaselineError: if the content is too large, or the URL cannot be fetched.
        OSError: if the file cannot be read.
    """
    text = os.fsdecode(path_or_url)
    scheme = urllib.parse.urlsplit(text).scheme
    if scheme in ("http", "https"):
        content = _fetch(text, max_bytes + 1)
    else:
        path = text
        if scheme == "file":
            path = urllib.request.url2pathname(urllib.parse.urlsplit(text).path)
        elif scheme and "://" in text:
            raise BaselineError(
                f"cannot read {safe_url(text)}: its scheme is not supported. Pass a path, or a "
                "file:, http: or https: URL"
            )
        with open(path, "rb") as file:
            content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise BaselineError(f"{safe_url(text)} is larger than {max_bytes:,} bytes")
    return content


def _fetch(url: str, length: int) -> bytes:
    """Return the first `length` bytes of an `http:` or `https:` URL."""
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as response:
            content: bytes = response.read(length)
            # Bytes that Content-Length promised and that did not arrive, or None without it.
            absent = response.length
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason: object = error
        if isinstance(error, urllib.error.HTTPError):
            error.close()  # the error object keeps the connection open
        elif isinstance(error, urllib.error.URLError):
            reason = getattr(error.reason, "strerror", None) or error.reason
        # Some errors quote the URL, whose query may hold a signature.
        query = urllib.parse.urlsplit(url).query
        said = str(reason).replace(query, "…") if query else reason
        raise BaselineError(f"cannot fetch {safe_url(url)}: {said}") from None
    if absent and len(content) < length:
        raise BaselineError(f"cannot fetch {safe_url(url)}: the last {absent} bytes are missing")
    return content
