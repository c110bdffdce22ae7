"""Where a batch ends: so many records, or those of one minute."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

__all__ = ["Cut", "cut_by_minute", "seconds_until_over"]

_GRACE_SECONDS = 1.0
"""In which records that were made in a minute reach the journal."""


class Cut(NamedTuple):
    """The end of a batch.

    Attributes:
        number: of the records in it, from the first that waits.
        minute: of the last of them.
        complete: whether records of a later minute follow.
    """

    number: int
    minute: str
    complete: bool


def cut_by_minute(minutes: Sequence[str | None]) -> Cut:
    """Return the batch of the first record's minute.

    A record of an earlier minute that stands among them, as after a step of the clock, belongs to
    it.

    Args:
        minutes: of the records, as `2026-11-23T14:05`. None stands for a record that is not
            logged; those before the first that is are a batch of their own, which need not wait.
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
    """Return how long to wait until a minute is over, with some grace; 0 if it is not now.

    Args:
        minute: as `2026-11-23T14:05`, UTC.
        now: the time. A minute to come is one that the clock stepped back from.
    """
    begin = datetime.fromisoformat(f"{minute}:00+00:00").astimezone(UTC)
    past = (now - begin) / timedelta(seconds=1)
    rest = 60.0 + _GRACE_SECONDS - past
    return rest if past >= 0.0 and rest > 0.0 else 0.0
