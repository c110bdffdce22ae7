"""The sink that a URL names: one of ours, or one that a package adds by an entry point."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from boxkite.errors import ConfigError
from boxkite.logs.pruning import HourlyPruner, prune
from boxkite.logs.sink import Sink
from boxkite.logs.sinks.files import FilesSink
from boxkite.logs.sinks.fluentd import FluentdSink
from boxkite.logs.sinks.pruned import PrunedSink
from boxkite.logs.stores.local import LocalStore
from boxkite.logs.stores.opening import open_store
from boxkite.logs.stores.store import Store
from boxkite.settings import Settings

__all__ = ["NO_LOG", "open_sink", "scheme_of"]

NO_LOG = "none"
_GROUP = "boxkite.sinks"
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
# Of the log that nobody asked for: a month of it could fill the disk.
_DEFAULT_MAX_BYTES = 256 << 20
_PRUNE_SECONDS = 2.0


def scheme_of(url: str) -> str:
    """Return a URL's scheme in small letters; "file" for a path."""
    match = _SCHEME.match(url)
    return match[1].lower() if match else "file"


def open_sink(
    url: str,
    settings: Settings,
    default_folder: Callable[[], Path],
    report: Callable[[Exception], object],
) -> Sink:
    """Return the sink of a URL. Nothing is connected to or written yet.

    Args:
        url: its scheme is `file`, `s3`, `gs`, `az`, `fluentd…`, or that of an entry point of the
            group `boxkite.sinks`, whose object is called with the URL and returns a sink.
        settings: of the monitor.
        default_folder: gives the folder of `file:` without a path.
        report: called with what goes wrong while old files are deleted.

    Raises:
        ConfigError: naming what is wrong with it, or the package that is missing.
    """
    scheme = scheme_of(url)
    if scheme == "file" and not url.removeprefix("file:"):
        return _default(default_folder(), settings, report)
    if scheme in ("file", "s3", "gs", "az"):
        return _files(url, scheme, settings, report)
    if scheme.startswith("fluentd"):
        return FluentdSink.from_url(url)
    return _added(scheme, url)


def _files(
    url: str, name: str, settings: Settings, report: Callable[[Exception], object]
) -> PrunedSink:
    """Return a sink of files, which are deleted when they are past."""
    store = open_store(url)
    pruner = HourlyPruner(store, _ttl(settings), settings.endpoint_id, report)
    return PrunedSink(_files_sink(store, name, settings), pruner.run)


def _default(folder: Path, settings: Settings, report: Callable[[Exception], object]) -> PrunedSink:
    """Return the sink of the log that nobody asked for, which stays small."""
    store = LocalStore(folder)

    def keep_small() -> None:
        try:
            prune(store, _ttl(settings), max_bytes=_DEFAULT_MAX_BYTES, seconds=_PRUNE_SECONDS)
        except OSError as error:
            report(error)

    return PrunedSink(_files_sink(store, "file", settings), keep_small)


def _files_sink(store: Store, name: str, settings: Settings) -> FilesSink:
    compression = None if settings.log_compression == "none" else settings.log_compression
    return FilesSink(store, name, compression)


def _ttl(settings: Settings) -> timedelta | None:
    return timedelta(seconds=settings.log_ttl) if settings.log_ttl else None


def _added(scheme: str, url: str) -> Sink:
    """Return the sink that a package adds for this scheme."""
    added = {each.name: each for each in entry_points(group=_GROUP)}
    if scheme not in added:
        known = ", ".join(["file", "s3", "gs", "az", "fluentd", NO_LOG, *sorted(added)])
        raise ConfigError(f"LOG is {url!r}; there is no sink {scheme!r}, but {known}")
    make: Callable[[str], Any] = added[scheme].load()
    sink: Sink = make(url)
    return sink
