"""URLs as they may be printed."""

from __future__ import annotations

import re

__all__ = ["safe_url"]

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*:)(//)?", re.DOTALL)
_AUTHORITY = re.compile(r"[^/?#]*")
_QUERY = re.compile(r"[?#].+", re.DOTALL)
_NO_PORT = re.compile(r":(?![0-9]*\Z)[^\]]*\Z")


def safe_url(url: str) -> str:
    """Return a URL for an error or a log line, with user, password, query and fragment hidden.

    Queries hold the signatures of presigned URLs, and users put passwords there. The text is not
    parsed, because it may be a URL with a mistake in it. A path without a scheme stays as it is.
    """
    scheme = _URL.match(url)
    if scheme is None:
        return url
    rest = url[scheme.end() :]
    if scheme[2] is None:
        return scheme[0] + _QUERY.sub("?…", rest)
    authority = _authority_of(rest)
    after = rest[len(authority) :]
    # A password may hold a "/", "?" or "#" that should have been escaped. Then the real host
    # comes after it, and everything before the last "@" may be secret.
    if ":" in authority and "@" not in authority and "@" in after:
        return f"{scheme[0]}…"
    user, _, host = authority.rpartition("@")
    # In place of a port, there may be the password of a URL that lacks its host.
    host = _NO_PORT.sub(":…", host)
    return f"{scheme[0]}{'…@' if user else ''}{host}{_QUERY.sub('?…', after)}"


def _authority_of(rest: str) -> str:
    match = _AUTHORITY.match(rest)
    return match[0] if match else ""
