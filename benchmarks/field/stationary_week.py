"""A week that repeats without end: hours differ, and nothing ever changes.

Each hour is drawn from the distribution of its hour of the week. Training is four such weeks with
the time of each row. Then a month is judged at every full hour, over the last hour and over the
last day, as the rules do. An alert on the day's window needs three evaluations in a row, because it
waits a tenth of its window.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from judging import PENDING, Judge, first_alarm, total, without_time
from numpy.typing import NDArray

from boxkite import Baseline
from boxkite.baseline.numeric_variable import NumericVariable
from boxkite.baseline.tally import Tally, tally_numbers
from boxkite.baseline.variable import Variable

__all__ = [
    "DAY",
    "LENGTH",
    "MONTH",
    "TRAINING_HOURS",
    "WEEK",
    "alarms_of",
    "print_shifts",
    "print_week",
    "sliding",
]

Floats: TypeAlias = NDArray[np.float64]
Random: TypeAlias = np.random.Generator

WEEK, DAY, MONTH = 168, 24, 720
TRAINING_HOURS = 4 * WEEK
LENGTH = {"1h": 1, "1d": DAY}
BY_DAY = 1 + 0.9 * np.sin(2 * np.pi * (np.arange(DAY) - 9) / DAY)
TRAFFIC = {"even": np.ones(DAY), "19 times more by day": BY_DAY}


@dataclass(frozen=True)
class Feature:
    """A normal feature whose mean and deviation depend on the hour of the week.

    Attributes:
        means: Mean at each hour of the week.
        deviations: Standard deviation at each hour of the week.
    """

    means: Floats
    deviations: Floats

    def draw(self, hour: int, rows: int, random: Random, shift: float = 0.0) -> Floats:
        """Draw the rows of one hour, moved by `shift` of its standard deviations."""
        at = hour % WEEK
        return random.normal(self.means[at] + shift, self.deviations[at], rows)


def _features() -> dict[str, Feature]:
    random = np.random.default_rng(11)
    hour, ones = np.arange(WEEK), np.ones(WEEK)
    daily, weekend = np.sin(2 * np.pi * hour / DAY), (hour // DAY >= 5).astype(float)
    return {
        "any hour is different": Feature(random.normal(0, 0.6, WEEK), ones),
        "daily sine": Feature(daily, ones),
        "weekends": Feature(weekend, ones),
        "a job at night": Feature(2 * (hour % DAY == 3).astype(float), ones),
        "one hour a week": Feature(2.0 * (hour == 50), ones),
        "spread by day": Feature(np.zeros(WEEK), 1 + 0.5 * daily),
        "slight sine": Feature(0.2 * daily, ones),
        **{f"no structure {i}": Feature(np.zeros(WEEK), ones) for i in (1, 2, 3)},
    }


FEATURES = _features()


class Service:
    """A model with these ten features, and its training.

    Attributes:
        rows_an_hour: Mean number of rows at each hour of the day.
        baseline: Fitted to four weeks with their times.
    """

    def __init__(self, rows_an_hour: Floats, random: Random) -> None:
        self.rows_an_hour, self._random = rows_an_hour, random
        hours = range(TRAINING_HOURS)
        numbers = [self._rows(hour) for hour in hours]
        times = np.repeat(np.arange(TRAINING_HOURS), numbers) + random.random(sum(numbers))
        columns = {
            name: np.concatenate(
                [each.draw(hour, rows, random) for hour, rows in zip(hours, numbers, strict=True)]
            )
            for name, each in FEATURES.items()
        }
        self.baseline = Baseline.fit(columns, time=times * 3600, windows=list(LENGTH))

    def _rows(self, hour: int) -> int:
        return int(self._random.poisson(self.rows_an_hour[hour % DAY]))

    def hours(self, variable: Variable, start: int, end: int, shift: float = 0.0) -> list[Tally]:
        """Draw and count one feature's rows of consecutive hours, each by itself."""
        assert isinstance(variable, NumericVariable)
        feature = FEATURES[variable.name]
        return [
            tally_numbers(variable, feature.draw(hour, self._rows(hour), self._random, shift))
            for hour in range(start, end)
        ]


def sliding(hours: Sequence[Tally], length: int) -> list[Tally]:
    """Return the counts of the last `length` hours, at each full hour that has so many."""
    if length == 1:
        return list(hours)
    return [total(hours[i - length : i]) for i in range(length, len(hours) + 1)]


def alarms_of(above: Sequence[bool], pending: int) -> int:
    """Return how many alerts start, each after `pending` evaluations above in a row."""
    alarms = row = 0
    for each in above:
        row = row + 1 if each else 0
        alarms += row == pending
    return alarms


def _alarms_in_a_month(service: Service, variable: Variable) -> Floats:
    """Return alarms by window: drift as if rows were independent, without time=, with time=."""
    hours = service.hours(variable, -DAY, MONTH)
    number = len(service.baseline.variables)
    (plain,) = (
        each for each in without_time(service.baseline).variables if each.name == variable.name
    )
    found: list[int] = []
    for window, length in LENGTH.items():
        tallies = sliding(hours, length)[-MONTH:]
        learnt, unlearnt = (Judge(each, number, window) for each in (variable, plain))
        found += [
            alarms_of([tell(each) for each in tallies], PENDING[window])
            for tell in (unlearnt.drifted, unlearnt.alerts, learnt.alerts)
        ]
    return np.array(found, dtype=float)


def print_week(traffic: Sequence[int], months: int) -> None:
    """Print alarms in a month of a stationary week, with and without the times of training."""
    print("Alarms a month of one model with ten features; at most 1 is stated\n")
    kinds = ("as if independent", "without time=", "with time=")
    heads = [f"{window}, {kind}" for window in LENGTH for kind in kinds]
    print(f"| rows an hour | traffic | months | {' | '.join(heads)} |")
    print(f"|---:|---|---:|{'---:|' * len(heads)}")
    for rows in traffic:
        for name, shape in TRAFFIC.items():
            random = np.random.default_rng(rows)
            alarms = np.zeros(len(heads))
            for _ in range(months):
                service = Service(rows * shape, random)
                for variable in service.baseline.variables:
                    alarms += _alarms_in_a_month(service, variable)
            cells = " | ".join(f"{each:.2f}" for each in alarms / months)
            print(f"| {rows:,} | {name} | {months} | {cells} |", flush=True)


def print_shifts(runs: int, rows: int = 300) -> None:
    """Print how soon a shift is found in each feature."""
    print(f"Runs of {runs} in which a shift is found, at {rows} rows an hour, with time=\n")
    print("| feature | 0.5 sd within 2 h | within 36 h | 1 sd within 2 h | within 36 h |")
    print("|---|---:|---:|---:|---:|")
    service = Service(np.full(DAY, float(rows)), np.random.default_rng(3))
    for variable in service.baseline.variables:
        cells = []
        for shift in (0.5, 1.0):
            delays = [_delay(service, variable, 40 + 37 * i, shift) for i in range(runs)]
            cells += [f"{np.mean(np.array(delays) <= most):.0%}" for most in (2, 36)]
        print(f"| {variable.name} | {' | '.join(cells)} |", flush=True)


def _delay(service: Service, variable: Variable, start: int, shift: float) -> float:
    """Return the hours until the first alert after a shift; infinity without one in 36 hours."""
    number = len(service.baseline.variables)
    hours = service.hours(variable, start - DAY, start)
    hours += service.hours(variable, start, start + 36, shift)
    delays = []
    for window, length in LENGTH.items():
        judge = Judge(variable, number, window)
        above = [judge.alerts(each) for each in sliding(hours, length)[-36:]]
        delays.append(first_alarm(above, PENDING[window]))
    return min(delays)
