"""The alert on quality as Prometheus raises it: false alarms a month, and hours until a loss shows.

Labels of a calibrated score arrive at a steady rate. Python judges the windows of the policy as the
rules do; tests prove that both give the same verdicts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from boxkite import Baseline
from boxkite.baseline.outcome_pairs import OutcomeCells
from boxkite.quality import LossSums, OutcomePairs, Outcomes, QualityPolicy, compare_outcomes
from boxkite.quality.quality_policy import parts_of_false_alarms

__all__ = ["print_hours", "print_months", "print_segments"]

POLICY = QualityPolicy()
LABELS_AN_HOUR = (20, 200, 2000)
DROPS = (0.02, 0.05, 0.1)
TRAINING_ROWS = 20_000
MONTH, MONTHS, RUNS, LATEST = 720, 40, 15, 14 * 24
KEEP_FIRING = 24
SEGMENTS, SEGMENT_MONTHS, SEGMENT_RUNS = 20, 10, 9
_OF_WHOLE, _OF_SEGMENT = (parts_of_false_alarms(SEGMENTS, whole=whole) for whole in (True, False))
# Hours between two evaluations in the simulation. An alert waits for a tenth of its window.
EVERY = {"1d": 1, "7d": 4}
EVERY_OF_SEGMENTS = {"1d": 3, "7d": 12}

Floats = NDArray[np.float64]


def print_months() -> None:
    """Print the alerts that start in a month without a change."""
    random = np.random.default_rng(3)
    cells = _cells(random)
    print(f"False alarms in a month without a change ({MONTHS} months; the policy allows 1)\n")
    print("| labels an hour | alerts | without floors |")
    print("|---:|---:|---:|")
    for labels in LABELS_AN_HOUR:
        found = [0, 0]
        for _ in range(MONTHS):
            training = cells.count(*_scored(random, TRAINING_ROWS))
            hours = Hours.simulated(cells, random, labels, 168 + MONTH)
            for place, floors in enumerate((True, False)):
                alerts = Alerts(training, hours, floors=floors)
                found[place] += sum(len(alerts.starts(window)) for window in POLICY.windows)
        print(f"| {labels} | {found[0] / MONTHS:.2f} | {found[1] / MONTHS:.2f} |", flush=True)
    print()


def print_hours() -> None:
    """Print the hours until the first alert after a drop of accuracy."""
    random = np.random.default_rng(4)
    cells = _cells(random)
    print(f"Hours until the alert (median of {RUNS} runs, simulated for {LATEST} hours)\n")
    print(f"| labels an hour | {' | '.join(f'{drop:g}' for drop in DROPS)} |")
    print(f"|---:|{'---:|' * len(DROPS)}")
    for labels in LABELS_AN_HOUR:
        medians = [_median_hours(cells, random, labels, drop) for drop in DROPS]
        print(f"| {labels} | {' | '.join(medians)} |", flush=True)
    print()


def print_segments() -> None:
    """Print false alarms of a model with segments, and the hours until one is found to be worse."""
    random = np.random.default_rng(5)
    cells = _cells(random)
    _print_segment_months(cells, random)
    _print_segment_hours(cells, random)


def _print_segment_months(cells: OutcomeCells, random: np.random.Generator) -> None:
    print(f"False alarms in a month without a change, of all rows and {SEGMENTS} segments")
    print(f"({SEGMENT_MONTHS} months; the policy allows 1)\n")
    print("| labels an hour | of all rows | of segments |")
    print("|---:|---:|---:|")
    for labels in LABELS_AN_HOUR[1:]:
        months = [_segment_alarms(cells, random, labels) for _ in range(SEGMENT_MONTHS)]
        whole, segments = np.mean(months, axis=0)
        print(f"| {labels} | {whole:.2f} | {segments:.2f} |", flush=True)
    print()


def _print_segment_hours(cells: OutcomeCells, random: np.random.Generator) -> None:
    print(f"Hours until the alert of a segment that gets worse (median of {SEGMENT_RUNS} runs)\n")
    print(f"| labels an hour in the segment | {' | '.join(f'{drop:g}' for drop in DROPS)} |")
    print(f"|---:|{'---:|' * len(DROPS)}")
    for labels in LABELS_AN_HOUR:
        medians = [_median_hours(cells, random, labels, drop, segment=True) for drop in DROPS]
        print(f"| {labels} | {' | '.join(medians)} |", flush=True)
    print()


def _segment_alarms(
    cells: OutcomeCells, random: np.random.Generator, labels: int
) -> tuple[int, int]:
    """Return the alerts that start in a month, of all rows and of all segments together."""
    training = [cells.count(*_scored(random, TRAINING_ROWS // SEGMENTS)) for _ in range(SEGMENTS)]
    hours = [
        Hours.simulated(cells, random, labels / SEGMENTS, 168 + MONTH) for _ in range(SEGMENTS)
    ]
    rows = [
        (reduce(Outcomes.plus, training), reduce(Hours.plus, hours), _OF_WHOLE),
        *((*each, _OF_SEGMENT) for each in zip(training, hours, strict=True)),
    ]
    alerts = [
        Alerts(before, now, parts=parts, every=EVERY_OF_SEGMENTS) for before, now, parts in rows
    ]
    of_whole, *of_segments = (
        sum(len(each.starts(window)) for window in POLICY.windows) for each in alerts
    )
    return of_whole, sum(of_segments)


def _median_hours(
    cells: OutcomeCells,
    random: np.random.Generator,
    labels: int,
    drop: float,
    *,
    segment: bool = False,
) -> str:
    rows, parts, runs = TRAINING_ROWS, 1, RUNS
    if segment:
        rows, parts, runs = TRAINING_ROWS // SEGMENTS, _OF_SEGMENT, SEGMENT_RUNS
    found = []
    for _ in range(runs):
        training = cells.count(*_scored(random, rows))
        hours = Hours.simulated(cells, random, labels, 168 + LATEST, drop)
        alerts = Alerts(training, hours, parts=parts)
        first = [alerts.starts(window, only_first=True) for window in POLICY.windows]
        found.append(min((each[0] - 168 for each in first if each), default=LATEST + 1))
    median = float(np.median(found))
    return f"{median:g}" if median <= LATEST else f"more than {LATEST}"


def _cells(random: np.random.Generator) -> OutcomeCells:
    (scores,), outcome = _scored(random, TRAINING_ROWS)
    return Baseline.fit({"x": scores}, {"score": scores}, outcome=outcome).outcome_cells([])


def _scored(
    random: np.random.Generator, rows: int, drop: float = 0.0
) -> tuple[list[Floats], NDArray[np.bool_]]:
    """Return calibrated scores and outcomes. A drop flips some outcomes, so the accuracy falls."""
    odds = random.normal(-0.5, 1.5, rows)
    scores = 1 / (1 + np.exp(-odds))
    outcome = random.random(rows) < scores
    if drop:
        right = (scores > 0.5) == outcome
        outcome ^= right & (random.random(rows) < drop / right.mean())
    return [scores], outcome


@dataclass(frozen=True)
class Hours:
    """Running sums of the labels of each hour.

    Attributes:
        layout: Cells that the labels are counted in.
        counts: Pairs up to each hour, shape (hours + 1, output cells, outcome cells).
        outputs: Sums of the outputs up to each hour.
        losses: Sums of each loss and of its squares up to each hour, by name.
    """

    layout: OutcomePairs
    counts: NDArray[np.int64]
    outputs: Floats
    losses: dict[str, Floats]

    @classmethod
    def simulated(
        cls,
        cells: OutcomeCells,
        random: np.random.Generator,
        labels: float,
        hours: int,
        drop: float = 0.0,
    ) -> Hours:
        """Simulate labels. The first week is unchanged."""
        found = []
        for hour in range(hours):
            rows = int(random.poisson(labels))
            found.append(cells.count(*_scored(random, rows, drop * (hour >= 168))).pairs[0])
        first = found[0]

        def summed(values: list[NDArray[np.float64]]) -> Floats:
            total = np.cumsum(np.array(values), axis=0)
            return np.concatenate([np.zeros_like(total[:1]), total])

        return cls(
            first,
            summed([each.counts for each in found]).astype(np.int64),
            summed([each.output_sums for each in found]),
            {
                name: summed([np.array(each.losses[name]) for each in found])
                for name in first.losses
            },
        )

    def plus(self, other: Hours) -> Hours:
        """Return the labels of both."""
        losses = {name: each + other.losses[name] for name, each in self.losses.items()}
        return Hours(self.layout, self.counts + other.counts, self.outputs + other.outputs, losses)

    def window(self, end: int, length: int) -> Outcomes:
        """Return the pairs of the labels that arrived in the hours before `end`."""
        start = end - length
        losses = {
            name: LossSums(*(each[end] - each[start]).tolist())
            for name, each in self.losses.items()
        }
        pairs = replace(
            self.layout,
            counts=self.counts[end] - self.counts[start],
            output_sums=self.outputs[end] - self.outputs[start],
            losses=losses,
        )
        return Outcomes((pairs,))


@dataclass(frozen=True)
class Alerts:
    """The alerts of one model.

    Attributes:
        training: Pairs of training.
        hours: Labels by hour of arrival.
        floors: Whether a loss must also be large enough to matter.
        parts: The rows get one of so many equal parts of the false alarms.
        every: Hours between two evaluations of each window.
    """

    training: Outcomes
    hours: Hours
    floors: bool = True
    parts: int = 1
    every: Mapping[str, int] = field(default_factory=lambda: EVERY)

    def starts(self, window: str, *, only_first: bool = False) -> list[int]:
        """Return the hour at which each alert on a statistic starts, after the first week."""
        length, every = int(POLICY.windows[window]), self.every[window]
        pending: dict[str, int] = {}
        firing: dict[str, int] = {}
        found: list[int] = []
        for hour in range(168, len(self.hours.counts), every):
            worse = set(self._worse_at(window, hour, length))
            for name in worse:
                since = pending.setdefault(name, hour)
                if hour - since >= length / 10:
                    if name not in firing:
                        found.append(hour)
                    firing[name] = hour
            pending = {name: since for name, since in pending.items() if name in worse}
            firing = {name: at for name, at in firing.items() if hour - at < KEEP_FIRING}
            if only_first and found:
                break
        return found

    def _worse_at(self, window: str, hour: int, length: int) -> Iterator[str]:
        now = self.hours.window(hour, length)
        found = compare_outcomes(
            now, self.training, policy=POLICY, window=window, sliding=True, parts=self.parts
        )
        for each in found:
            if each.verdict == "worse" or (not self.floors and each.loss > each.threshold):
                yield each.now.name
