"""Read files and URLs, with a limit on their size, and on the time that a URL may take."""

from __future__ import annotations

import http.client
import os
import threading
import urllib.error
import urllib.parse
import urllib.request

from boxkite.errors import BaselineError
from boxkite.system.safe_url import safe_url

__all__ = ["read_bounded"]

_STEP_SECONDS = 30.0
_TOTAL_SECONDS = 60.0


def read_bounded(path_or_url: str | os.PathLike[str], max_bytes: int) -> bytes:
    """Read a file, or a `file:`, `http:` or `https:` URL, of at most `max_bytes`.

    Raises:
        FileNotFoundError: if there is no such file.
        BaselineError: if the content is too large, or the URL cannot be fetched within a minute.
        OSError: if the file cannot be read.
    """
    text = os.fsdecode(path_or_url)
    scheme = urllib.parse.urlsplit(text).scheme
    if scheme in ("http", "https"):
        # A variable that was filled from a file often ends with a line break.
        content = _fetch(text.strip(), max_bytes + 1)
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
    """Return the first `length` bytes of an `http:` or `https:` URL.

    A timeout of a socket only limits each step, so a server that sends a byte a second, or a name
    server that never answers, would hold up the start of a service for ever. So a thread fetches,
    and is left alone when the time is up.
    """
    results: list[bytes | Exception] = []

    def fetch() -> None:
        try:
            results.append(_fetch_slowly(url, length))
        except Exception as error:  # noqa: BLE001 - it is raised below, in the caller's thread
            results.append(error)

    thread = threading.Thread(target=fetch, name="boxkite", daemon=True)
    thread.start()
    thread.join(_TOTAL_SECONDS)
    if not results:
        raise BaselineError(
            f"cannot fetch {safe_url(url)}: it took more than {_TOTAL_SECONDS:g} seconds. "
            "Download the file before the service starts, and pass its path"
        )
    (result,) = results
    if isinstance(result, Exception):
        raise result
    return result


def _fetch_slowly(url: str, length: int) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=_STEP_SECONDS) as response:
            content: bytes = response.read(length)
            # Bytes that Content-Length promised and that did not arrive, or None without it.
            absent = response.length
    except (OSError, ValueError, http.client.HTTPException) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()  # the error object keeps the connection open
        raise BaselineError(f"cannot fetch {safe_url(url)}: {_reason(error)}") from None
    if absent and len(content) < length:
        raise BaselineError(f"cannot fetch {safe_url(url)}: the last {absent} bytes are missing")
    return content


def _reason(error: Exception) -> str:
    """Return why a URL could not be fetched, without any part of the URL.

    Many errors quote the URL, or a piece of it. Its query may hold a signature, and its host a
    password.
    """
    if isinstance(error, urllib.error.HTTPError):
        return str(error)  # the status, and the server's words for it
    cause: object = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    if isinstance(cause, TimeoutError):
        return f"no answer within {_STEP_SECONDS:.0f} seconds"
    if isinstance(cause, ValueError | http.client.InvalidURL):
        return "it is not a valid URL. Check it for spaces, line breaks and a port"
    return f"the answer is not HTTP ({type(cause).__name__})"
