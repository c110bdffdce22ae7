"""Find the end of a batch for a sink of files: the last record of one minute."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

__all__ = ["Cut", "cut_by_minute", "seconds_until_over"]

# A request that began in the last moment of a minute may reach the journal a little later.
_GRACE_SECONDS = 1.0


class Cut(NamedTuple):
    """The end of a batch.

    Attributes:
        number: number of records in the batch, counted from the first waiting one.
        minute: the minute of the batch; empty if none of its records is logged.
        complete: whether records of a later minute follow.
    """

    number: int
    minute: str
    complete: bool


def cut_by_minute(minutes: Sequence[str | None]) -> Cut:
    """Return the batch that holds the minute of the first record.

    A record of an earlier minute among them joins the batch. That happens when the clock is set
    back.

    Args:
        minutes: minutes of the waiting records, such as `2026-11-23T14:05`. None stands for a
            record that is not logged. If the first records are not logged, they form a batch of
            their own, which does not have to wait for the end of a minute.
    """
    first = next((i for i, minute in enumerate(minutes) if minute is not None), len(minutes))
    if first > 0:
        return Cut(first, "", complete=True)
    begun = ""
    for number, minute in enumerate(minutes):
        if minute is None:
            continue
        begun = begun or minute
        if minute > begun:
            return Cut(number, begun, complete=True)
    return Cut(len(minutes), begun, complete=False)


def seconds_until_over(minute: str, now: datetime) -> float:
    """Return how many seconds to wait for the end of a minute; 0 if it is not the current one.

    Args:
        minute: a minute in UTC, such as `2026-11-23T14:05`. If it is in the future, the clock was
            set back, and waiting would not help.
        now: the current time.
    """
    begin = datetime.fromisoformat(f"{minute}:00+00:00").astimezone(UTC)
    past = (now - begin) / timedelta(seconds=1)
    rest = 60.0 + _GRACE_SECONDS - past
    return rest if past >= 0.0 and rest > 0.0 else 0.0
