"""The counts at each full hour of the last eight days, from which a window can be computed."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from boxkite.baseline import Baseline
from boxkite.live.counts import Counts
from boxkite.system.atomic_file import create_file, remove_abandoned

__all__ = ["KEPT", "History"]

KEPT = timedelta(days=8)
"""For how long the counts at each full hour are kept."""

# Clocks that are set by NTP differ by far less.
_CLOCK_SLACK = timedelta(minutes=5)
_NAME = re.compile(r"hour-(\d{8}T\d{2})")
_FORM = "%Y%m%dT%H"
_CRC_BYTES = 4
_STALE_SECONDS = 60.0


class History:
    """One file per hour with the counts of all workers at its beginning.

    The first worker that counts in an hour writes the file before it counts. An hour without
    predictions needs no file, because its counts are the same as in the next file.

    Args:
        folder: the folder of the worker group.
        baseline: the baseline whose cells are counted.

    Attributes:
        folder: the folder of the worker group.
    """

    def __init__(self, folder: Path, baseline: Baseline) -> None:
        self.folder = folder
        self._begun: datetime | None = None
        self._baseline = baseline
        self._hour = ""

    def is_due(self, now: datetime | None = None) -> bool:
        """Return whether an hour has begun that this process has not seen yet.

        Args:
            now: the time, with its zone. Default: the clock's.
        """
        return _hour_of(now or datetime.now(UTC)) != self._hour

    def keep(self, totals: Counts, now: datetime | None = None) -> None:
        """Write the counts for this hour unless another worker has.

        Remove the files of hours that are too long ago, or that have not begun yet.

        Args:
            totals: the counts of all workers.
            now: the time, with its zone. Default: the clock's.

        Raises:
            OSError: if the file cannot be written.
        """
        now = now or datetime.now(UTC)
        # Note the hour first, so that a full disk is tried once an hour and not with every fold.
        self._hour = _hour_of(now)
        path = self.folder / f"hour-{self._hour}"
        content = totals.to_bytes()
        crc = zlib.crc32(content).to_bytes(_CRC_BYTES, "little")
        # Do not sync the file, because this may run during a scrape. The checksum finds damage.
        if create_file(path, [crc, content], mode=0o600, sync=False):
            self._begun = now.replace(minute=0, second=0, microsecond=0)
        for beginning, old in self._files():
            # A file of a later hour was written while the clock was wrong. If it stayed, that hour
            # would begin with the counts of today.
            if now - beginning > KEPT or beginning - now > _CLOCK_SLACK:
                old.unlink(missing_ok=True)
        remove_abandoned(self.folder, _STALE_SECONDS)

    def take_begun(self) -> datetime | None:
        """Return the hour whose file this worker wrote. Each hour is returned once."""
        begun, self._begun = self._begun, None
        return begun

    def between(self, start: datetime, hour: datetime) -> Counts | None:
        """Return the counts from a moment until a full hour.

        If the files do not go back to `start`, the counts begin with the first file that is kept.

        Args:
            start: the moment.
            hour: the full hour.

        Returns:
            The counts, or None if the counts at that hour are not kept or are damaged.
        """
        moments = [(each, path) for each, path in self._files() if start <= each <= hour]
        # Without the file of `hour` itself, the counts at that time are unknown.
        if not moments or moments[-1][0] != hour:
            return None
        first, last = self._read(moments[0][1]), self._read(moments[-1][1])
        return None if first is None or last is None else last.since(first)

    def at(self, moment: datetime) -> tuple[datetime, Counts]:
        """Return the counts at the last full hour before a moment, and that hour.

        If the files do not go back to that moment, return the first one that is kept. If there is
        none, return zero counts and the moment itself. Damaged files are skipped.
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
        """Yield each hour that is kept with the counts at its beginning, the oldest first.

        Args:
            since: the first hour, or None for all.
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
        """Return the counts in a file. Return None if it is missing or damaged."""
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


def _hour_of(now: datetime) -> str:
    return f"{now:{_FORM}}"
