"""Open the sink that a URL names: one of boxkite's, or one that a package adds."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Iterable
from datetime import timedelta
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from boxkite.error_reporter import ErrorReporter
from boxkite.errors import ConfigError
from boxkite.logs.pruners import HourlyPruner, SizePruner
from boxkite.logs.sink import Sink
from boxkite.logs.sinks.compression import Compression
from boxkite.logs.sinks.files_sink import FilesSink
from boxkite.logs.sinks.fluentd_sink import FluentdSink
from boxkite.logs.stores import open_store, store_url
from boxkite.logs.stores.local_store import LocalStore
from boxkite.logs.stores.store import Store
from boxkite.settings import Settings
from boxkite.system.safe_url import safe_url

__all__ = ["NO_LOG", "DefaultFolder", "open_sink", "scheme_of"]

NO_LOG = "none"
"""The scheme of `none:`, which switches the log off."""

_ENTRY_POINTS = "boxkite.sinks"
# The user did not ask for the default log, so it must not fill the disk.
_DEFAULT_MAX_BYTES = 256 << 20
_WORDS = ("none", "off", "file:", "s3://", "gs://", "az://", "fluentd://")
_OFF = frozenset({"", "none", "off", "no", "false", "0", "null", "disabled"})


class DefaultFolder(Protocol):
    """Knows the folder of `file:` without a path. The state folder is one."""

    def log_folder(self) -> Path:
        """Return the folder, which may be missing.

        Raises:
            OSError: if it cannot be used.
        """
        ...

    def open_log_folder(self) -> Path:
        """Check that the folder is safe from other users, and return it.

        Raises:
            OSError: if it cannot be used.
        """
        ...

    def explained(self, error: OSError) -> OSError:
        """Return the error that says what to do if the folder cannot be used."""
        ...


class _DefaultStore(LocalStore):
    """The default folder, which is checked before each file, because nobody chose it."""

    def __init__(self, place: DefaultFolder) -> None:
        super().__init__(place.log_folder())
        self._place_of_folder = place

    def put_new(self, path: str, pieces: Iterable[bytes]) -> bool:
        self._place_of_folder.open_log_folder()
        try:
            return super().put_new(path, pieces)
        except OSError as error:
            raise self._place_of_folder.explained(error) from error


def scheme_of(url: str) -> str:
    """Return the scheme of a sink's URL in lower case.

    A path has the scheme "file". Words that switch a setting off elsewhere, such as `off` or
    `false`, have the scheme "none", because they are hardly meant as the name of a folder.
    """
    return NO_LOG if url.strip().lower() in _OFF else store_url.scheme_of(url)


def open_sink(url: str, settings: Settings, state: DefaultFolder, reporter: ErrorReporter) -> Sink:
    """Return the sink of a URL. This writes and connects to nothing.

    Args:
        url: a URL with the scheme `file`, `s3`, `gs`, `az`, `fluentd`, `fluentd+tls` or
            `fluentd+unix`; the path of a folder, with a slash in it or a dot at its beginning; or a
            URL for a sink that a package adds. Such a package has an entry point in the group
            `boxkite.sinks`, named like the scheme. It is called with the URL and returns a sink.
        settings: the settings of the monitor.
        state: names the default folder.
        reporter: reports failures to delete old files.

    Raises:
        ConfigError: if the URL has a mistake, or a package is missing.
        OSError: if the default folder cannot be used.
    """
    scheme = scheme_of(url)
    if scheme == "file" and url.lower() == "file:":
        return _default_sink(state, settings, reporter)
    if scheme == "file":
        _check_folder(url)
    if scheme == "file" or scheme in store_url.OBJECT_SCHEMES:
        store = open_store(url)
        pruner = HourlyPruner(store, _ttl(settings), settings.endpoint_id, reporter)
        compression = _compression(settings, is_remote=scheme != "file")
        return FilesSink(store, scheme, compression, pruner, settings.log_file_minutes)
    if scheme.partition("+")[0] == "fluentd":
        return FluentdSink.from_url(url)
    return _added_sink(scheme, url)


def _check_folder(url: str) -> None:
    """Refuse a single word, which is more likely a misspelt one than the name of a folder.

    If `nonee` or `s3` were taken as a folder, the log would silently go to the container's disk.
    """
    separators = (":", "/", os.sep)
    if url.startswith(".") or any(each in url for each in separators):
        return
    near = difflib.get_close_matches(url.strip().lower(), _WORDS, n=1, cutoff=0.5)
    guess = f"Did you mean {near[0]!r}? " if near else ""
    raise ConfigError(
        f"LOG is {url!r}, which is neither a URL nor the path of a folder. {guess}Write "
        f"'./{url.strip()}' for a folder."
    )


def _default_sink(place: DefaultFolder, settings: Settings, reporter: ErrorReporter) -> FilesSink:
    store: Store = _DefaultStore(place)
    pruner = SizePruner(
        store, _ttl(settings), settings.endpoint_id, reporter, max_bytes=_DEFAULT_MAX_BYTES
    )
    compression = _compression(settings, is_remote=False)
    return FilesSink(store, "file", compression, pruner, settings.log_file_minutes)


def _compression(settings: Settings, *, is_remote: bool) -> Compression | None:
    """Return the compression of files. In an object store, bytes cost money, so compress them."""
    chosen = settings.log_compression
    if chosen is None and is_remote:
        return "zstd" if find_spec("zstandard") else "gzip"
    return None if chosen is None or chosen == "none" else chosen


def _ttl(settings: Settings) -> timedelta | None:
    return timedelta(seconds=settings.log_ttl) if settings.log_ttl else None


def _added_sink(scheme: str, url: str) -> Sink:
    """Return the sink that a package adds for a scheme."""
    added = {each.name: each for each in entry_points(group=_ENTRY_POINTS)}
    if scheme not in added:
        known = ", ".join(["file", *store_url.OBJECT_SCHEMES, "fluentd", NO_LOG, *sorted(added)])
        raise ConfigError(
            f"LOG is {safe_url(url)!r}, but no sink has the scheme {scheme!r}. Use one of {known}."
        )
    make: Callable[[str], Any] = added[scheme].load()
    sink: Sink = make(url)
    return sink
