"""What a service has counted of its labels, and its form as bytes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import chain

import numpy as np

from boxkite.live.outcomes.outcome_database import DamagedDatabaseError
from boxkite.quality import LossSums, OutcomePairs, Outcomes

__all__ = [
    "RESULTS",
    "DayOutcomes",
    "JoinedOutcomes",
    "add_days",
    "outcomes_from_bytes",
    "outcomes_to_bytes",
]

RESULTS = ("paired", "repeated", "corrected", "late", "foreign", "unknown", "invalid")
"""What becomes of a label. Each one ends in exactly one of these, or still waits.

- `paired`: It belongs to a prediction that had no label.
- `repeated`: It says the same as the prediction's label.
- `corrected`: It replaces the prediction's label.
- `late`: Its prediction is older than `OUTCOME_TTL`, or was removed to make room.
- `foreign`: No such prediction came within an hour, and its id names another `SERVER_ID`.
- `unknown`: No such prediction came within an hour. It belongs to another model or version.
- `invalid`: Its id or its outcome cannot be read, or the prediction's output is no valid value.
"""


@dataclass(frozen=True)
class DayOutcomes:
    """Predictions of one day with their labels.

    Attributes:
        day: The day on which the predictions were made, in UTC.
        predictions: Number of predictions made.
        outcomes: Pairs of those that have a label by now.
    """

    day: date
    predictions: int
    outcomes: Outcomes

    def plus(self, other: DayOutcomes) -> DayOutcomes:
        """Return the sum of two counts of one day."""
        predictions = self.predictions + other.predictions
        return DayOutcomes(self.day, predictions, self.outcomes.plus(other.outcomes))


def add_days(*parts: list[DayOutcomes]) -> list[DayOutcomes]:
    """Return the sums of the counts of each day, the oldest first."""
    found: dict[date, DayOutcomes] = {}
    for each in chain.from_iterable(parts):
        known = found.get(each.day)
        found[each.day] = each if known is None else known.plus(each)
    return [found[day] for day in sorted(found)]


@dataclass(frozen=True)
class JoinedOutcomes:
    """What became of all labels since counting began.

    Attributes:
        paired: Pairs that were counted, by segment. The segment of all rows is "". A segment
            without pairs is absent.
        withdrawn: Pairs that a corrected label took back. They are in `paired` too.
        results: Number of labels by result, see `RESULTS`.
        waiting: Number of labels that came before their prediction.
        predictions: Number of predictions that are kept for the join.
    """

    paired: Mapping[str, Outcomes] = field(default_factory=dict[str, Outcomes])
    withdrawn: Mapping[str, Outcomes] = field(default_factory=dict[str, Outcomes])
    results: Counter[str] = field(default_factory=Counter[str])
    waiting: int = 0
    predictions: int = 0

    def outcomes(self, layout: Outcomes, segment: str = "") -> Outcomes:
        """Return the pairs of a segment that hold.

        Args:
            layout: Outcomes without rows.
            segment: Label of the segment, or "" for all rows.
        """
        withdrawn = self.withdrawn.get(segment, layout)
        return self.paired.get(segment, layout).minus(withdrawn)

    def plus(self, other: JoinedOutcomes) -> JoinedOutcomes:
        """Return the sum of both."""
        return JoinedOutcomes(
            _sum(self.paired, other.paired),
            _sum(self.withdrawn, other.withdrawn),
            self.results + other.results,
            self.waiting + other.waiting,
            self.predictions + other.predictions,
        )


def _sum(one: Mapping[str, Outcomes], other: Mapping[str, Outcomes]) -> dict[str, Outcomes]:
    found = dict(one)
    for segment, outcomes in other.items():
        found[segment] = found[segment].plus(outcomes) if segment in found else outcomes
    return found


def outcomes_to_bytes(outcomes: Outcomes) -> bytes:
    """Return the numbers of outcomes as little-endian 64-bit integers and floats."""
    return b"".join(_pairs_to_bytes(each) for each in outcomes.pairs)


def _pairs_to_bytes(pairs: OutcomePairs) -> bytes:
    losses = [number for loss in pairs.losses.values() for number in loss]
    floats = np.concatenate([pairs.output_sums, losses]).astype("<f8")
    return pairs.counts.astype("<i8").tobytes() + floats.tobytes()


def outcomes_from_bytes(content: object, layout: Outcomes) -> Outcomes:
    """Return the outcomes that `outcomes_to_bytes` wrote.

    Args:
        content: The bytes.
        layout: Outcomes that are counted in the same cells.

    Raises:
        DamagedDatabaseError: If `outcomes_to_bytes` cannot have written the bytes.
    """
    sizes = [(each.counts.size, len(each.output_sums), len(each.losses)) for each in layout.pairs]
    size = 8 * sum(cells + sums + 2 * losses for cells, sums, losses in sizes)
    if not isinstance(content, bytes) or len(content) != size:
        raise DamagedDatabaseError("it holds pairs of other cells")
    found: list[OutcomePairs] = []
    place = 0
    for pairs, (cells, sums, losses) in zip(layout.pairs, sizes, strict=True):
        middle, end = place + 8 * cells, place + 8 * (cells + sums + 2 * losses)
        counts = np.frombuffer(content[place:middle], dtype="<i8").astype(np.int64)
        floats = np.frombuffer(content[middle:end], dtype="<f8").astype(np.float64)
        if (counts < 0).any() or not np.isfinite(floats).all():
            raise DamagedDatabaseError("it holds a number of pairs that cannot be")
        both = floats[sums:].reshape(losses, 2).tolist()
        found.append(
            replace(
                pairs,
                counts=counts.reshape(pairs.counts.shape),
                output_sums=floats[:sums],
                losses={n: LossSums(*each) for n, each in zip(pairs.losses, both, strict=True)},
            )
        )
        place = end
    return Outcomes(tuple(found))
