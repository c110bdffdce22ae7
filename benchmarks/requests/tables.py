"""The table of what monitoring costs a whole request."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from load import Load

__all__ = ["Case", "Turn", "as_markdown"]

_TARGETS = {"flask": 0.95, "fastapi": 0.90, "starlette": 0.85}
_TARGET_FEATURES = 100
_TITLES = {"flask": "gunicorn, Flask", "starlette": "uvicorn, Starlette"}
_TITLES |= {"fastapi": "uvicorn, FastAPI"}


class Case(NamedTuple):
    """A service that is monitored, to be compared with the bare one."""

    framework: str
    features: int
    subject: str


class Turn(NamedTuple):
    """The bare service under load, and the monitored one right before or after it.

    Attributes:
        bare: of the bare service.
        monitored: of the other, without what waited to be counted and logged at the end.
        flush_seconds: that counting and logging the rest took.
        bare_processor: microseconds of processor time a request, of all threads.
        monitored_processor: likewise.
    """

    bare: Load
    monitored: Load
    flush_seconds: float
    bare_processor: float
    monitored_processor: float

    @property
    def share(self) -> float:
        """The share of the bare throughput that is kept, by processor time.

        One worker is one interpreter: what it can answer is what its processor time allows. What
        else runs on the machine hardly touches this.
        """
        return self.bare_processor / self.monitored_processor

    @property
    def seen_share(self) -> float:
        """The share as the load generator saw it, everything counted and logged."""
        seconds = self.monitored.seconds + self.flush_seconds
        return self.monitored.requests / seconds / (self.bare.requests / self.bare.seconds)


def as_markdown(found: Mapping[Case, Sequence[Turn]], names: Mapping[tuple[str, str], str]) -> str:
    """Return the table, a line a case; each figure is the median of its turns.

    Args:
        found: the turns of each case.
        names: of the subjects, by framework and subject.
    """
    heads = ["service", "features", "monitored by", "processor time, bare, us", "added"]
    heads += ["share kept", "target", "bare, requests a second", "share seen"]
    heads += ["p99 bare, ms", "p99 monitored"]
    rows = [f"| {' | '.join(heads)} |", f"|---|---:|---|{'---:|' * 8}"]
    for case, turns in found.items():
        if turns:
            name = names[case.framework, case.subject]
            rows.append(f"| {' | '.join(_cells(case, turns, name))} |")
    return "\n".join(rows)


def _cells(case: Case, turns: Sequence[Turn], name: str) -> list[str]:
    def median(figure: Callable[[Turn], float]) -> float:
        return statistics.median(map(figure, turns))

    is_target = case.subject == "boxkite" and case.features == _TARGET_FEATURES
    return [
        _TITLES[case.framework],
        str(case.features),
        name,
        f"{median(lambda turn: turn.bare_processor):.0f}",
        f"{median(lambda turn: turn.monitored_processor - turn.bare_processor):.0f}",
        f"{median(lambda turn: turn.share):.2f}",
        f"{_TARGETS[case.framework]:.2f}" if is_target else "",
        f"{median(lambda turn: turn.bare.requests / turn.bare.seconds):,.0f}",
        f"{median(lambda turn: turn.seen_share):.2f}",
        f"{median(lambda turn: turn.bare.p99):.1f}",
        f"{median(lambda turn: turn.monitored.p99):.1f}",
    ]
