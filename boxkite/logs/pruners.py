"""Delete old files of a log while a service runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol

from boxkite.error_reporter import ErrorReporter
from boxkite.logs.hour_marks import HourMarks
from boxkite.logs.pruning import Pruned, prune
from boxkite.logs.stores.store import Store

__all__ = ["HourlyPruner", "Pruner", "SizePruner"]

# The shipper delivers nothing while a pruner runs, so each run is short.
_HOURLY_SLICE_SECONDS = 5.0
_SIZE_SLICE_SECONDS = 2.0


class Pruner(Protocol):
    """Deletes old files. The shipper runs it about once a minute."""

    def run(self) -> object:
        """Delete what is due. Report errors, and never raise them."""


class HourlyPruner:
    """Deletes old files of one endpoint. Once an hour, one of its workers does it.

    Workers try to put a file that is named after the hour. The store lets only the first one
    succeed, even if workers run on different machines, and this worker takes the turn. A killed
    worker cannot block the others, because the next hour has a file of its own. Other endpoints in
    the store are left alone, because they may keep their files for longer.

    Args:
        store: the store of the log.
        ttl: age at which files are deleted; None keeps them.
        endpoint_id: id of the endpoint.
        reporter: reports failures.
    """

    def __init__(
        self, store: Store, ttl: timedelta | None, endpoint_id: str, reporter: ErrorReporter
    ) -> None:
        self._store = store
        self._ttl = ttl
        self._endpoint_id = endpoint_id
        self._reporter = reporter
        self._marks = HourMarks(store, endpoint_id)
        self._hour = ""
        self._unfinished = False

    def run(self, now: datetime | None = None) -> Pruned | None:
        """Delete old files for a few seconds, if it is this worker's turn.

        If the time is up, the next call continues. Most calls do nothing, because a worker asks the
        store only once an hour.

        Args:
            now: the current time; by default the clock's.

        Returns:
            The deleted files, or None if there was nothing to do or it failed.
        """
        now = now.astimezone(UTC) if now else datetime.now(UTC)
        try:
            if not self._unfinished and not self._takes_turn(now):
                return None
            self._unfinished = False
            confirmed = _is_confirmed(self._marks, now, self._ttl)
            pruned = prune(
                self._store,
                self._ttl,
                now,
                endpoint_id=self._endpoint_id,
                dry_run=not confirmed,
                seconds=_HOURLY_SLICE_SECONDS,
            )
            if not confirmed:
                _check_nothing_is_old(pruned, now)
            self._unfinished = not pruned.finished
        except Exception as error:  # noqa: BLE001 - deliveries must continue after any failure
            self._reporter.count("log", error, "deleting old files")
            return None
        return pruned

    def _takes_turn(self, now: datetime) -> bool:
        """Return whether this worker prunes in this hour."""
        hour = f"{now:%Y-%m-%dT%H}"
        if hour == self._hour:
            return False
        # Set this before the put. If the store is down, the next attempt is then in an hour and not
        # in a minute.
        self._hour = hour
        return self._marks.put(now)


class SizePruner:
    """Keeps the files of one endpoint below a total size, and deletes old ones.

    Unlike with `HourlyPruner`, every worker deletes files at every run, because a busy service can
    fill a disk within an hour. Use it for a local folder, where listing is cheap.

    Args:
        store: the store of the log.
        ttl: age at which files are deleted; None for no limit.
        endpoint_id: id of the endpoint.
        reporter: reports failures.
        max_bytes: total size above which the oldest files are deleted.
    """

    def __init__(
        self,
        store: Store,
        ttl: timedelta | None,
        endpoint_id: str,
        reporter: ErrorReporter,
        *,
        max_bytes: int,
    ) -> None:
        self._store = store
        self._ttl = ttl
        self._endpoint_id = endpoint_id
        self._reporter = reporter
        self._max_bytes = max_bytes
        self._marks = HourMarks(store, endpoint_id)

    def run(self, now: datetime | None = None) -> None:
        """Delete files for up to two seconds. The next run continues.

        Args:
            now: the current time; by default the clock's.
        """
        now = now.astimezone(UTC) if now else datetime.now(UTC)
        try:
            is_first = self._marks.put(now)
            confirmed = _is_confirmed(self._marks, now, self._ttl)
            # The size is limited whatever the clock says.
            prune(
                self._store,
                self._ttl if confirmed else None,
                now,
                max_bytes=self._max_bytes,
                endpoint_id=self._endpoint_id,
                seconds=_SIZE_SLICE_SECONDS,
            )
            if is_first and not confirmed:
                found = prune(
                    self._store, self._ttl, now, endpoint_id=self._endpoint_id, dry_run=True
                )
                _check_nothing_is_old(found, now)
        except Exception as error:  # noqa: BLE001 - deliveries must continue after any failure
            self._reporter.count("log", error, "deleting old files")


def _is_confirmed(marks: HourMarks, now: datetime, ttl: timedelta | None) -> bool:
    return ttl is None or marks.confirm(now, ttl)


def _check_nothing_is_old(found: Pruned, now: datetime) -> None:
    """Check that no files wait to be deleted.

    Raises:
        OSError: if some do, because the clock may be wrong.
    """
    if found.files:
        raise OSError(
            f"The clock says {now:%Y-%m-%d %H:%M}, but the log has nothing from the time before. "
            f"In case the clock is ahead, {found.files:,} old files stay for up to a day. To "
            "delete them now, run boxkite logs prune."
        )
