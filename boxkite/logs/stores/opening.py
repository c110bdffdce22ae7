"""A store by its URL."""

from __future__ import annotations

import os
import re
from urllib.parse import unquote_to_bytes, urlsplit

from boxkite.errors import ConfigError
from boxkite.logs.stores.local import LocalStore
from boxkite.logs.stores.objects import ObjectStore

__all__ = ["open_store"]

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*(?=:)")
_FORMS = (
    "give a folder, file:///FOLDER, s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or az://CONTAINER/PREFIX"
)


def open_store(url: str) -> LocalStore | ObjectStore:
    """Return the store that a URL names. Nothing is read, written or connected to yet.

    Args:
        url: a folder's path; or `file:///var/log/x`, `file:/var/log/x`, `file:relative`, in which
            "%20" and the like stand for other characters; or `s3://bucket/prefix`,
            `gs://bucket/prefix`, `az://container/prefix`.

    Raises:
        ConfigError: if it is none of these, or cannot be used here.
    """
    match = _SCHEME.match(url)
    if match is None:
        return LocalStore(_folder(url, url))
    scheme = match[0].lower()
    if scheme == "file":
        return LocalStore(_folder_of_url(url))
    if scheme in ("s3", "gs", "az"):
        return ObjectStore(url)
    raise ConfigError(f"{url!r} is no store of files; {_FORMS}")


def _folder_of_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.netloc not in ("", "localhost"):
        raise ConfigError(
            f"{url!r} names a folder of the host {parts.netloc!r}; give file:///FOLDER, with "
            "three slashes, for one of this machine"
        )
    if parts.query or parts.fragment or "?" in url or "#" in url:
        raise ConfigError(f"{url!r} holds ? or #; write them as %3F and %23")
    return _folder(os.fsdecode(unquote_to_bytes(parts.path)), url)


def _folder(path: str, url: str) -> str:
    if not path.strip() or "\0" in path:
        raise ConfigError(f"{url!r} names no folder; {_FORMS}")
    return path
