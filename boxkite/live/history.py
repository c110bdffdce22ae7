"""Counts as they were at the full hours of the last week, so that a window can be asked for."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from boxkite.baseline import Baseline
from boxkite.live.counts import Counts
from boxkite.system.atomic_file import create_file, remove_abandoned

__all__ = ["History"]

_KEPT = timedelta(days=8)
_NAME = re.compile(r"hour-(\d{8}T\d{2})")
_FORM = "%Y%m%dT%H"
_CRC_BYTES = 4
_STALE_SECONDS = 60.0


class History:
    """One file an hour, of the counts of all workers at its beginning.

    It is written by the first worker that counts something in that hour, before it does: so an
    hour without predictions has no file, and needs none.

    Args:
        folder: of the population.
        baseline: whose cells are counted.

    Attributes:
        folder: likewise.
    """

    def __init__(self, folder: Path, baseline: Baseline) -> None:
        self.folder = folder
        self._begun: datetime | None = None
        self._baseline = baseline
        self._hour = ""

    def keep(self, totals: Callable[[], Counts], now: datetime | None = None) -> None:
        """Write the counts for this hour, if nobody has, and remove those that are too old.

        Args:
            totals: gives the counts of all workers; called once an hour.
            now: with its zone; by default the clock's.

        Raises:
            OSError: if they cannot be written.
        """
        now = now or datetime.now(UTC)
        hour = f"{now:{_FORM}}"
        if hour == self._hour:
            return
        self._hour = hour
        path = self.folder / f"hour-{hour}"
        if not path.exists():
            content = totals().to_bytes()
            crc = zlib.crc32(content).to_bytes(_CRC_BYTES, "little")
            # Not synced, because this may run during a scrape: the checksum finds a damaged file.
            if create_file(path, crc + content, mode=0o600, sync=False):
                self._begun = now.replace(minute=0, second=0, microsecond=0)
        for beginning, old in self._files():
            if now - beginning > _KEPT:
                old.unlink(missing_ok=True)
        remove_abandoned(self.folder, _STALE_SECONDS)

    def take_begun(self) -> datetime | None:
        """Return the hour that this worker was the first to find, once."""
        begun, self._begun = self._begun, None
        return begun

    def between(self, start: datetime, hour: datetime) -> Counts | None:
        """Return what was counted from a moment on until a full hour; None if that is not kept.

        An hour without a file had no predictions. Where nothing is kept from so early on, it is
        what was counted since the first hour that is.
        """
        moments = [(each, path) for each, path in self._files() if start <= each <= hour]
        if not moments or moments[-1][0] != hour:
            return None
        first, last = self._read(moments[0][1]), self._read(moments[-1][1])
        return None if first is None or last is None else last.since(first)

    def at(self, moment: datetime) -> tuple[datetime, Counts]:
        """Return the counts at the last full hour up to a moment, and that hour.

        Where there is none so early, those of the first hour that is kept; where there is none at
        all, no counts. A file that is damaged is passed over.
        """
        found: tuple[datetime, Counts] | None = None
        for hour, path in self._files():
            counts = self._read(path)
            if counts is None:
                continue
            if found is None or hour <= moment:
                found = hour, counts
            if hour > moment:
                break
        return found or (moment, Counts.zero(self._baseline))

    def hours(self, since: datetime | None = None) -> Iterator[tuple[datetime, Counts]]:
        """Yield the hours that are kept, with the counts at their beginning, the oldest first.

        Args:
            since: the first hour; None for all.
        """
        for hour, path in self._files():
            counts = self._read(path) if since is None or hour >= since else None
            if counts is not None:
                yield hour, counts

    def _files(self) -> list[tuple[datetime, Path]]:
        matches = ((_NAME.fullmatch(path.name), path) for path in self.folder.glob("hour-*"))
        return sorted(
            (datetime.fromisoformat(match[1]).replace(tzinfo=UTC), path)
            for match, path in matches
            if match
        )

    def _read(self, path: Path) -> Counts | None:
        counts = Counts.zero(self._baseline)
        try:
            file = path.read_bytes()
        except OSError:
            return None
        content = file[_CRC_BYTES:]
        crc = zlib.crc32(content).to_bytes(_CRC_BYTES, "little")
        if len(content) != counts.byte_size or file[:_CRC_BYTES] != crc:
            return None
        counts.add_bytes(content)
        return counts
