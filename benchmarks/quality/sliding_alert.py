"""The alert on quality as Prometheus raises it: false alarms, and hours until a loss shows.

Labels of a calibrated score arrive at a steady rate. The windows of the policy are judged as
boxkite does it, but only every few hours. Each month has a baseline of its own,
because the luck of a baseline lasts all month.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from label_windows import STATISTICS, LabelWindows, ScoredRows
from numpy.typing import NDArray

from boxkite import Baseline
from boxkite.baseline.outcome_pairs import OutcomeCells
from boxkite.quality import Outcomes, QualityPolicy, QualityStatistic, measure
from boxkite.quality.quality_policy import parts_of_false_alarms
from boxkite.quality.quality_verdict import critical

__all__ = ["Alerts", "print_hours", "print_months", "score_cells", "started"]

POLICY = QualityPolicy()
LABELS_AN_HOUR = (20, 200, 2000)
DROPS = (0.02, 0.05, 0.1)
# Standard deviation of the log odds, by the accuracy that results.
SPREADS = {"0.74": 1.5, "0.93": 8.0}
TRAINING_ROWS, SEGMENTS = 20_000, 20
WEEK, MONTH, LATEST, RUNS = 168, 720, 14 * 24, 40
KEEP_FIRING = 24
# Hours between two evaluations in the simulation. An alert waits for a tenth of its window, and
# steps of 3 and 6 hours wait hardly longer than that: 3 hours and 18.
EVERY_OF_HOURS = {"1d": 1, "7d": 4}
EVERY_OF_MONTHS = {"1d": 3, "7d": 6}
ALLOWED = {
    "a model without segments": 1.0,
    "all rows, beside segments": 0.5,
    f"{SEGMENTS} segments": 0.5,
}
ALLOWED = {
    "a model without segments": 1.0,
    "all rows, beside segments": 0.5,
    f"{SEGMENTS} segments": 0.5,
}
OF_SEGMENT = parts_of_false_alarms(SEGMENTS, whole=False)


def print_months(baselines: int) -> None:
    """Print the alerts that start in a month without a change, of all rows and of segments.

    Args:
        baselines: Number of baselines; each has one month.
    """
    print(f"False alarms in a month without a change, of {baselines} baselines\n")
    print(
        "| accuracy | labels an hour | of | allowed | alerts | 95 % interval |"
        " months without an alert | most alerts in a month |"
    )
    print("|---:|---:|---|---:|---:|---|---:|---:|")
    for accuracy, spread in SPREADS.items():
        cells = score_cells(spread)
        for labels in LABELS_AN_HOUR:
            source = ScoredRows(np.random.default_rng([3, labels]), spread)
            months = [_month(cells, source, labels) for _ in range(baselines)]
            for (name, allowed), alerts in zip(ALLOWED.items(), np.transpose(months), strict=True):
                low, high = _interval(alerts)
                quiet = np.mean(alerts == 0)
                print(
                    f"| {accuracy} | {labels:,} | {name} | {allowed:g} | {alerts.mean():.2f} | "
                    f"{low:.2f} to {high:.2f} | {quiet:.0%} | {alerts.max()} |",
                    flush=True,
                )
    print()


def _interval(alerts: NDArray[np.int64]) -> tuple[float, float]:
    """Return the 95 % interval of the mean over baselines, by the bootstrap."""
    random = np.random.default_rng(0)
    means = random.choice(alerts, (2000, len(alerts))).mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def _month(cells: OutcomeCells, source: ScoredRows, labels: int) -> tuple[int, int, int]:
    """Return the alerts that start in a month of a new baseline.

    The three numbers count alerts on all rows of a model without segments, on all rows of a model
    with segments, and on all of its segments together.
    """
    training = _training(cells, source, SEGMENTS)
    hours = LabelWindows.of_hours(
        source, training[0].pairs[0].edges, labels, hours=WEEK + MONTH, segments=SEGMENTS
    )
    whole = training[0]
    for each in training[1:]:
        whole = whole.plus(each)
    alone, beside = (
        Alerts(whole, hours.of_segment(None), parts).number()
        for parts in (1, parts_of_false_alarms(SEGMENTS, whole=True))
    )
    of_segments = (
        Alerts(before, hours.of_segment(place), OF_SEGMENT).number()
        for place, before in enumerate(training)
    )
    return alone, beside, sum(of_segments)


def print_hours() -> None:
    """Print the hours until the first alert after a drop of accuracy."""
    cells = score_cells()
    print(f"Hours until the alert (median of {RUNS} runs, simulated for {LATEST} hours)\n")
    print(f"| of | labels an hour in it | {' | '.join(f'{drop:g}' for drop in DROPS)} |")
    print(f"|---|---:|{'---:|' * len(DROPS)}")
    for name, segments, parts in (
        ("a model without segments", 1, 1),
        (f"one of {SEGMENTS} segments", SEGMENTS, OF_SEGMENT),
    ):
        for labels in LABELS_AN_HOUR:
            source = ScoredRows(np.random.default_rng([4, segments, labels]))
            medians = [
                _median_hours(cells, source, labels, drop, segments, parts) for drop in DROPS
            ]
            print(f"| {name} | {labels:,} | {' | '.join(medians)} |", flush=True)
    print()


def _median_hours(
    cells: OutcomeCells,
    source: ScoredRows,
    labels: int,
    drop: float,
    segments: int,
    parts: int,
) -> str:
    found = []
    for _ in range(RUNS):
        before = _training(cells, source, segments)[0]
        hours = LabelWindows.of_hours(
            source,
            before.pairs[0].edges,
            labels,
            hours=WEEK + LATEST,
            drop=drop,
            from_hour=WEEK,
        )
        alerts = Alerts(before, hours.of_segment(0), parts, EVERY_OF_HOURS)
        found.append(min(alerts.starts(), default=WEEK + LATEST + 1) - WEEK)
    median = float(np.median(found))
    return f"{median:g}" if median <= LATEST else f"more than {LATEST}"


def score_cells(spread: float = 1.5) -> OutcomeCells:
    """Return the cells in which the labels of a score are counted.

    Args:
        spread: Standard deviation of the log odds.
    """
    scores, outcome = ScoredRows(np.random.default_rng(2), spread).draw(TRAINING_ROWS)
    return Baseline.fit({"x": scores}, {"score": scores}, outcome=outcome).outcome_cells([])


def _training(cells: OutcomeCells, source: ScoredRows, segments: int) -> list[Outcomes]:
    """Return the outcomes of training of each segment."""
    scores, outcome = source.draw(TRAINING_ROWS)
    return [
        cells.count([each], its)
        for each, its in zip(np.split(scores, segments), np.split(outcome, segments), strict=True)
    ]


@dataclass(frozen=True)
class Alerts:
    """The alerts on all rows of a model, or on one of its segments.

    Attributes:
        training: Pairs of training.
        hours: Labels by hour of arrival, shape (hours, …).
        parts: The rows get one of so many equal parts of the false alarms.
        every: Hours between two evaluations of each window.
    """

    training: Outcomes
    hours: LabelWindows
    parts: int = 1
    every: Mapping[str, int] = field(default_factory=lambda: EVERY_OF_MONTHS)

    def number(self) -> int:
        """Return how many alerts start after the first week."""
        return sum(1 for _ in self.starts())

    def starts(self) -> Iterator[int]:
        """Yield the hour at which each alert on a statistic starts, after the first week."""
        for window in POLICY.windows:
            ends = np.arange(WEEK, len(self.hours.counts) + 1, self.every[window])
            for worse in self.worse(window, ends).T:
                if worse.any():
                    yield from started(ends, worse, POLICY.windows[window] / 10)

    def worse(self, window: str, ends: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return whether each statistic is worse, shape (ends, statistics).

        Args:
            window: A window of the policy.
            ends: Hours at which it ends.
        """
        found: dict[str, QualityStatistic] = {each.name: each for each in measure(self.training)}
        before = [found[name] for name in STATISTICS]
        share = POLICY.sliding_share(window, len(before), self.parts)
        now = self.hours.windows(ends, int(POLICY.windows[window])).statistics()
        sign = np.array([1 if each.better == "higher" else -1 for each in before])
        loss = sign * (np.array([each.value for each in before]) - now.value)
        trained = np.array([each.rows for each in before])
        row_variance = np.maximum(
            now.rows * now.error**2, trained * [each.interval.error**2 for each in before]
        )
        normal = np.array([critical(each, share) for each in before])
        floor = np.array([POLICY.floor(each, 0.0) for each in before])
        enough = np.minimum(now.rows, trained) >= POLICY.min_rows
        with np.errstate(invalid="ignore", divide="ignore"):  # a window may lack rows
            threshold = normal * np.sqrt(row_variance * (1 / now.rows + 1 / trained))
            return enough & (loss > np.maximum(threshold, floor))


def started(ends: NDArray[np.int64], worse: NDArray[np.bool_], wait: float) -> Iterator[int]:
    """Yield the hour at which each alert on one statistic starts."""
    pending = fired = None
    for hour, is_worse in zip(ends.tolist(), worse.tolist(), strict=True):
        if fired is not None and hour - fired >= KEEP_FIRING:
            fired = None
        if not is_worse:
            pending = None
            continue
        pending = hour if pending is None else pending
        if hour - pending >= wait:
            if fired is None:
                yield hour
            fired = hour
