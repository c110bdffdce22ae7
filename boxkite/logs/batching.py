"""Find the end of a batch for a sink of files: the last record of one period.

A period is one minute, or several minutes that begin with the hour.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

__all__ = ["Cut", "cut_by_period", "seconds_until_over"]

# A request that began in the last moment of a period may reach the journal a little later.
_GRACE_SECONDS = 1.0


class Cut(NamedTuple):
    """The end of a batch.

    Attributes:
        number: number of records in the batch, counted from the first waiting one.
        period: the first minute of the batch's period; empty if none of its records is logged.
        complete: whether records of a later period follow.
    """

    number: int
    period: str
    complete: bool


def cut_by_period(periods: Iterable[str | None]) -> Cut:
    """Return the batch that holds the period of the first record.

    A record of an earlier period among them joins the batch. That happens when the clock is set
    back.

    Args:
        periods: first minutes of the periods of the waiting records, such as `2026-11-23T14:05`.
            None stands for a record that is not logged. If the first records are not logged, they
            form a batch of their own, which does not have to wait for the end of a period.
    """
    number, begun = 0, ""
    for period in periods:
        if period is not None:
            if not begun and number:
                break
            begun = begun or period
            if period > begun:
                return Cut(number, begun, complete=True)
        number += 1
    return Cut(number, begun, complete=number > 0 and not begun)


def seconds_until_over(period: str, now: datetime, minutes: int = 1) -> float:
    """Return how many seconds to wait for the end of a period; 0 if it is not the current one.

    Args:
        period: first minute of the period in UTC, such as `2026-11-23T14:05`. If it is in the
            future, the clock was set back, and waiting would not help.
        now: the current time.
        minutes: length of the period.
    """
    begin = datetime.fromisoformat(f"{period}:00+00:00").astimezone(UTC)
    past = (now - begin) / timedelta(seconds=1)
    rest = 60.0 * minutes + _GRACE_SECONDS - past
    return rest if past >= 0.0 and rest > 0.0 else 0.0
