"""Files in an object store (S3, Google Cloud Storage, Azure Blob Storage), by obstore."""

from __future__ import annotations

import contextlib
import importlib
import os
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from boxkite.errors import ConfigError
from boxkite.logs.stores.paths import is_hidden, parts_of
from boxkite.logs.stores.store import Stored

__all__ = ["ObjectStore"]


class _Cloud(NamedTuple):
    """One kind of object store: its class in obstore, and its variables of the environment."""

    store: str
    options: dict[str, Any]
    endpoints: tuple[str, ...]
    allow_http: str
    advice: str


_CLOUDS = {
    "s3": _Cloud(
        "S3Store",
        {"conditional_put": "etag"},
        ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"),
        "AWS_ALLOW_HTTP",
        "look at the variables AWS_…",
    ),
    "gs": _Cloud(
        "GCSStore",
        {},
        ("GOOGLE_BASE_URL",),
        "GOOGLE_ALLOW_HTTP",
        "look at the variables GOOGLE_…",
    ),
    "az": _Cloud(
        "AzureStore",
        {},
        ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"),
        "AZURE_ALLOW_HTTP",
        "set AZURE_STORAGE_ACCOUNT_NAME",
    ),
}
_CLIENT = {"connect_timeout": timedelta(seconds=5), "timeout": timedelta(seconds=30)}
_RETRIES = {  # for a single hiccup; the shipper tries again, with pauses that grow
    "max_retries": 2,
    "retry_timeout": timedelta(seconds=30),
    "backoff": {
        "init_backoff": timedelta(milliseconds=100),
        "max_backoff": timedelta(seconds=2),
        "base": 2,
    },
}
_PAGE = 1000
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}

_threads_of: int | None = None
"""The process in which obstore has started its threads, which a fork does not take along."""


class ObjectStore:
    """Files in one bucket or container, below a prefix.

    A file is put with the condition that there is none of its name. Credentials, region and
    endpoint come from the variables that the tools of each cloud read: `AWS_…`, `GOOGLE_…`,
    `AZURE_STORAGE_…`, or from the machine's own identity.

    Args:
        url: `s3://bucket/prefix`, `gs://bucket/prefix` or `az://container/prefix`.

    Raises:
        ConfigError: if the URL or the environment cannot be used, or obstore is not installed.
    """

    def __init__(self, url: str) -> None:
        scheme, bucket, prefix = _parse(url)
        self.url = url
        cloud = _CLOUDS[scheme]
        try:
            self._obstore = importlib.import_module("obstore")
            made = getattr(importlib.import_module("obstore.store"), cloud.store)
        except ImportError as error:
            raise ConfigError(f"{url} needs obstore: pip install 'boxkite[objects]'") from error
        client = dict(_CLIENT, **_http_option(url, cloud))
        try:
            self._store = made(
                bucket,
                prefix=prefix or None,
                client_options=client,
                retry_config=_RETRIES,
                **cloud.options,
            )
        except Exception as error:  # noqa: BLE001 - the environment may hold anything
            raise ConfigError(f"{url} cannot be used: {_said(error)}; {cloud.advice}") from None

    def __repr__(self) -> str:
        return f"ObjectStore({self.url!r})"

    def put_new(self, path: str, content: bytes) -> bool:
        """Write a file, whole or not at all; False if there is one of that path already.

        Raises:
            OSError: if the outcome is not known to be good; the file may be there, and whole.
            ValueError: if the path is none.
        """
        parts_of(path)
        with self._errors():
            try:
                self._obstore.put(self._store, path, content, mode="create")
            except self._obstore.exceptions.AlreadyExistsError:
                return False
        return True

    def read(self, path: str) -> bytes:
        """Return a file's content.

        Raises:
            FileNotFoundError: if there is none.
            OSError: if it cannot be read.
            ValueError: if the path is none.
        """
        parts_of(path)
        with self._errors():
            return bytes(self._obstore.get(self._store, path).bytes())

    def list(self, prefix: str = "") -> Iterator[Stored]:
        """Yield the files below a folder, sorted by path; nothing if there is no such folder.

        All three services list names in order. Hidden names are left out, as in a local folder.

        Raises:
            OSError: if the store cannot be reached.
        """
        folder = prefix.strip("/")
        with self._errors():
            for page in self._obstore.list(self._store, folder or None, chunk_size=_PAGE):
                for found in page:
                    if not is_hidden(found["path"]):
                        yield Stored(found["path"], found["size"])

    def remove(self, path: str) -> None:
        """Delete a file; one that is gone already is no error.

        Raises:
            OSError: if it cannot be deleted.
            ValueError: if the path is none.
        """
        parts_of(path)
        with contextlib.suppress(FileNotFoundError), self._errors():
            self._obstore.delete(self._store, path)

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        """Raise what goes wrong as an OSError, in one line."""
        _claim_threads()
        refused = (
            self._obstore.exceptions.PermissionDeniedError,
            self._obstore.exceptions.UnauthenticatedError,
        )
        try:
            yield
        except FileNotFoundError as error:
            raise FileNotFoundError(f"{self.url}: {_said(error)}") from None
        except refused as error:
            raise PermissionError(f"{self.url}: {_said(error)}") from None
        except self._obstore.exceptions.BaseError as error:
            raise OSError(f"{self.url}: {_said(error)}") from None


def _claim_threads() -> None:
    """Refuse to use obstore where it would wait forever for threads that are not there.

    Raises:
        OSError: in a process that was forked from one that has used it.
    """
    global _threads_of
    _threads_of = _threads_of or os.getpid()
    if _threads_of != os.getpid():
        raise OSError(
            "the process from which this one was forked has used an object store, whose threads "
            "are not here; make the first use after the fork"
        )


def _parse(url: str) -> tuple[str, str, str]:
    """Return scheme, bucket and prefix.

    Raises:
        ConfigError: if it is no such URL.
    """
    try:
        parts = urlsplit(url)
        name = parts.netloc
        prefix = unquote(parts.path, errors="strict").strip("/")
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name) or parts.query or parts.fragment:
            raise ValueError("the bucket's name or what follows the path")
        if parts.scheme not in _CLOUDS:
            raise ValueError("the scheme")
        if prefix:
            parts_of(prefix)
    except ValueError as error:
        raise ConfigError(
            f"{url!r} is no URL of a bucket ({error}); give s3://BUCKET/PREFIX, "
            "gs://BUCKET/PREFIX or az://CONTAINER/PREFIX"
        ) from error
    return parts.scheme, name, prefix


def _http_option(url: str, cloud: _Cloud) -> dict[str, bool]:
    """Allow an unencrypted endpoint on this machine; elsewhere only if the user says so.

    Raises:
        ConfigError: if the endpoint is unencrypted, elsewhere, and not allowed.
    """
    for name in cloud.endpoints:
        endpoint = urlsplit(os.environ.get(name, ""))
        if endpoint.scheme == "http" and endpoint.hostname in _LOOPBACK:
            return {"allow_http": True}
        if endpoint.scheme == "http" and not os.environ.get(cloud.allow_http):
            raise ConfigError(
                f"{url} would go over unencrypted HTTP, as {name} says; give an https endpoint, "
                f"or set {cloud.allow_http}=true"
            )
    return {}


def _said(error: BaseException) -> str:
    """Return the first line of what obstore says, without queries, which may hold signatures."""
    return re.sub(r"\?\S*", "", str(error).partition("\n")[0]) or type(error).__name__
