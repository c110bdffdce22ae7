"""The manifest of a compacted day: the files of lines that it covers, and the parts it consists of.

A compaction writes its parts first and its manifest last. Readers see a part only if the manifest
with the highest number names it, so they see all parts of a compaction or none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

import msgspec

from boxkite.errors import LogReadError
from boxkite.logs.stores.store import Store, StoredFile
from boxkite.system.cached_property import cached_property

__all__ = [
    "COMPACTED",
    "CompactedDay",
    "CompactedFolder",
    "Manifest",
    "Part",
    "Source",
    "compacted_folder",
    "compacted_folders",
    "manifest_path",
    "part_path",
    "read_day",
]

COMPACTED = "compacted"
"""The folder of the compacted days in a store."""

_FORMAT = 1
_PATH = re.compile(
    rf"{COMPACTED}/endpoint=(?P<endpoint>[A-Za-z0-9_-]+)/dt=(?P<day>\d{{4}}-\d\d-\d\d)/"
    r"(_manifest-(?P<manifest>\d{6})\.json|part-(?P<part>\d{6})-[0-9a-f]{8}-\d{5}\.parquet)",
    re.ASCII,
)


class Source(msgspec.Struct, frozen=True):
    """A file of lines that a compacted day covers.

    Attributes:
        path: path in the store.
        size: number of bytes.
        etag: see `StoredFile`.
    """

    path: str
    size: int
    etag: str


class Part(msgspec.Struct, frozen=True):
    """A Parquet file of a compacted day.

    Attributes:
        path: path in the store.
        size: number of bytes.
        rows: number of predictions.
        sha256: digest of the content.
        first: time of the first prediction.
        last: time of the last prediction.
    """

    path: str
    size: int
    rows: int
    sha256: str
    first: datetime
    last: datetime


class Manifest(msgspec.Struct, frozen=True):
    """What a compacted day consists of.

    Attributes:
        format: version of this format and of the layout of the parts.
        rows: number of predictions.
        parts: the parts, in the order of time.
        sources: the files of lines whose predictions are in the parts.
    """

    format: int
    rows: int
    parts: tuple[Part, ...]
    sources: tuple[Source, ...]

    @classmethod
    def of(cls, parts: list[Part], sources: list[Source]) -> Manifest:
        """Return the manifest of these parts and sources."""
        return cls(_FORMAT, sum(part.rows for part in parts), tuple(parts), tuple(sources))

    def to_bytes(self) -> bytes:
        """Return the manifest as JSON."""
        return msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n"


@dataclass(frozen=True)
class CompactedDay:
    """The compacted predictions of one endpoint and day.

    Attributes:
        path: path of the manifest.
        manifest: the manifest.
    """

    path: str
    manifest: Manifest

    @cached_property
    def _sources(self) -> frozenset[Source]:
        return frozenset(self.manifest.sources)

    def covers(self, path: str, size: int, etag: str) -> bool:
        """Return whether the parts hold the predictions of a file of lines.

        A service can use a name again after its file was deleted, so size and tag must match too.
        If they differ, readers read the file, and drop the predictions that the parts have.
        """
        return Source(path, size, etag) in self._sources


@dataclass
class CompactedFolder:
    """The files in the folder of one compacted day.

    Attributes:
        manifests: the manifests by number. Only the one with the highest number counts.
        parts: the number of the manifest that each part was written for.
    """

    manifests: dict[int, StoredFile] = field(default_factory=dict[int, StoredFile])
    parts: dict[StoredFile, int] = field(default_factory=dict[StoredFile, int])

    @property
    def number(self) -> int:
        """Number of the manifest that counts; 0 if the day is not compacted."""
        return max(self.manifests, default=0)

    @property
    def files(self) -> Iterator[StoredFile]:
        """The files in an order in which they can be deleted.

        Older manifests come first, then the manifest that counts, and the parts last. So no
        manifest ever names a part that is already deleted.
        """
        yield from (self.manifests[number] for number in sorted(self.manifests))
        yield from self.parts


class _Path(NamedTuple):
    endpoint: str
    day: str
    manifest: int
    part: int


def _parse(path: str) -> _Path | None:
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    try:
        date.fromisoformat(match["day"])
    except ValueError:
        return None
    numbers = (int(match[name] or 0) for name in ("manifest", "part"))
    return _Path(match["endpoint"], match["day"], *numbers)


def compacted_folder(endpoint: str | None = None, day: str | None = None) -> str:
    """Return the folder of all compacted days, of one endpoint's days, or of one day.

    Args:
        endpoint: id of the endpoint as it is written in paths; None for all.
        day: a day such as `2026-11-23`; None for all.
    """
    folder = COMPACTED if endpoint is None else f"{COMPACTED}/endpoint={endpoint}"
    return folder if day is None else f"{folder}/dt={day}"


def manifest_path(folder: str, number: int) -> str:
    """Return the path of a manifest. Tools that read Hive partitions skip names with a `_`."""
    return f"{folder}/_manifest-{number:06d}.json"


def part_path(folder: str, number: int, run: str, index: int) -> str:
    """Return the path of a part.

    Args:
        folder: folder of the day.
        number: number of the manifest that will name the part.
        run: eight random hexadecimal digits, so that compactions at the same time never clash.
        index: number of the part.
    """
    return f"{folder}/part-{number:06d}-{run}-{index:05d}.parquet"


def compacted_folders(
    store: Store, folder: str = COMPACTED
) -> dict[tuple[str, str], CompactedFolder]:
    """Return the folders of compacted days, by endpoint (as written in paths) and day.

    Args:
        store: the store of the log.
        folder: the folder to look in, from `compacted_folder`.

    Raises:
        OSError: if the store cannot be reached.
    """
    found: dict[tuple[str, str], CompactedFolder] = {}
    for file in store.list(folder):
        parsed = _parse(file.path)
        if parsed is None:
            continue
        of_day = found.setdefault((parsed.endpoint, parsed.day), CompactedFolder())
        if parsed.manifest:
            of_day.manifests[parsed.manifest] = file
        else:
            of_day.parts[file] = parsed.part
    return found


def read_day(store: Store, folder: CompactedFolder) -> CompactedDay | None:
    """Return the day of a folder; None if it is not compacted.

    Raises:
        FileNotFoundError: if the manifest was replaced in the meantime.
        LogReadError: if the manifest is damaged, or from a newer boxkite.
        OSError: if the store cannot be reached.
    """
    if not folder.manifests:
        return None
    path = folder.manifests[folder.number].path
    try:
        manifest = _decoder.decode(store.read(path))
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise LogReadError(
            f"{path} is damaged: {error}. Restore it. If the day's lines are still there, you can "
            "instead delete its folder and compact the day again."
        ) from None
    if manifest.format != _FORMAT:
        raise LogReadError(
            f"{path} has format {manifest.format}, and this boxkite reads format {_FORMAT}. "
            "Install a newer boxkite."
        )
    return CompactedDay(path, manifest)


_decoder = msgspec.json.Decoder(Manifest)
