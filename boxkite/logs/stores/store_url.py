"""URLs of stores: a folder's path, `file:`, `s3:`, `gs:` or `az:`."""

from __future__ import annotations

import os
import re
from urllib.parse import unquote_to_bytes, urlsplit

from boxkite.errors import ConfigError
from boxkite.logs.stores.local_store import LocalStore
from boxkite.logs.stores.object_store import ObjectStore
from boxkite.system.safe_url import safe_url

__all__ = ["OBJECT_SCHEMES", "open_store", "scheme_of"]

OBJECT_SCHEMES = ("s3", "gs", "az")

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_FORMS = "Write a folder, file:///FOLDER, s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or az://CONTAINER/PREFIX."


def scheme_of(url: str) -> str:
    """Return the scheme of a URL in lower case, or "file" for a path."""
    match = _SCHEME.match(url)
    return match[1].lower() if match else "file"


def open_store(url: str) -> LocalStore | ObjectStore:
    """Return the store of a URL. This reads, writes and connects to nothing.

    Args:
        url: the path of a folder; or `file:///var/log/x`, `file:/var/log/x` or `file:relative`,
            which may contain escapes such as `%20`; or `s3://bucket/prefix`, `gs://bucket/prefix`
            or `az://container/prefix`.

    Raises:
        ConfigError: if it is none of these, or cannot be used on this machine.
    """
    scheme = scheme_of(url)
    if scheme in OBJECT_SCHEMES:
        return ObjectStore(url)
    if scheme != "file":
        raise ConfigError(f"{safe_url(url)!r} does not name a store of files. {_FORMS}")
    return LocalStore(_folder_of_url(url) if _SCHEME.match(url) else _folder_of_path(url))


def _folder_of_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.netloc not in ("", "localhost"):
        raise ConfigError(
            f"{safe_url(url)!r} names a folder of the host {parts.hostname!r}. For a folder of "
            "this machine, write file:///FOLDER, with three slashes."
        )
    if parts.query or parts.fragment or "?" in url or "#" in url:
        raise ConfigError(f"{safe_url(url)!r} contains ? or #. Write them as %3F and %23.")
    return _checked(os.fsdecode(unquote_to_bytes(parts.path)), url)


def _folder_of_path(path: str) -> str:
    """Return a path, unless it is more likely a URL with a mistake.

    If `s3//bucket` were taken as a folder, the log would silently go to the container's disk.
    """
    if not path.startswith(("/", "./", "../")) and "//" in path.strip():
        raise ConfigError(
            f"{path!r} is neither a URL nor the path of a folder. Put a colon after the scheme, "
            f"as in s3://BUCKET, or write ./{path} for a folder."
        )
    if path.strip().lower() in (*OBJECT_SCHEMES, "file", "fluentd", "http", "https"):
        raise ConfigError(
            f"{path!r} is only the scheme of a URL. {_FORMS} Write ./{path} for a folder."
        )
    return _checked(path, path)


def _checked(folder: str, url: str) -> str:
    if not folder.strip() or "\0" in folder:
        raise ConfigError(f"{url!r} does not name a folder. {_FORMS}")
    return folder
