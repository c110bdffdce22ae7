"""URLs as they may be printed."""

from __future__ import annotations

import re

__all__ = ["safe_url"]

_USER = re.compile(r"(?<=//)[^/?#]*@")
_QUERY = re.compile(r"[?#].+", re.DOTALL)


def safe_url(url: str) -> str:
    """Return a URL for an error or a log line, with user, password, query and fragment hidden.

    Queries hold the signatures of presigned URLs, and users put passwords there. The text is not
    parsed, because it may be a URL with a mistake in it. A path without a scheme stays as it is.
    """
    if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", url):
        return url
    return _QUERY.sub("?…", _USER.sub("…@", url))
