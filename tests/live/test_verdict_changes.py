"""When a change of a verdict is told: as seldom wrong as an alert of the rules."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from boxkite import Baseline, signals
from boxkite.drift import Policy, compare_counts
from boxkite.error_reporter import ErrorReporter
from boxkite.live.counts import Counts
from boxkite.live.history import History
from boxkite.live.verdict_changes import VerdictChanges
from boxkite.signals import EventSender

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
# Rows of an hour in the two cells of x, which training had half and half.
LIKE, OTHER, FEW = (200, 200), (390, 10), (2, 1)


@pytest.fixture(scope="module")
def baseline() -> Baseline:
    return Baseline.fit({"x": np.arange(4000.0), "y": np.arange(4000.0)}, bins=2)


class Service:
    """Hours of a service, each with a worker of its own that finds it first.

    Args:
        folder: of the population.
        baseline: whose cells are counted.
        hours: of the window.
        listens: whether somebody listens to the signal.
        policy: of the service, by default with this window alone.
    """

    def __init__(
        self,
        folder: Path,
        baseline: Baseline,
        hours: float,
        listens: bool,
        policy: Policy | None = None,
    ) -> None:
        self.folder, self.baseline = folder, baseline
        self.policy = policy or Policy(windows={"w": hours})
        self.counts = Counts.zero(baseline)
        self.now = NOON
        self.reporter = ErrorReporter()
        self.told: list[tuple[datetime, str, str]] = []
        self.events = EventSender(self, lambda: None, self.reporter)
        if listens:
            signals.drift_changed.connect(self.tell, sender=self)
        self.begin()

    def begin(self) -> None:
        """Have a worker find that an hour has begun."""
        history = History(self.folder, self.baseline)
        history.keep(self.counts, self.now + timedelta(minutes=7))
        begun = history.take_begun()
        assert begun == self.now
        assert history.take_begun() is None
        changes = VerdictChanges(self.baseline, self.policy, self.events, self.reporter)
        changes.hour_begun(history, begun)

    def tell(
        self,
        _: Any,
        *,
        window: str,
        segment: str,
        comparison: Any,
        changed: Sequence[Any],
        monitor: Any,
    ) -> None:
        assert (window in self.policy.windows, monitor) == (True, self)
        assert set(changed) <= set(comparison.variables)
        place = f" in {segment}" if segment else ""
        self.told += [(self.now, f"{each.name}{place}", each.status) for each in changed]

    def hour(self, x: tuple[int, int], y: tuple[int, int] = LIKE, missing: int = 0) -> None:
        """Serve for an hour.

        Args:
            x: rows in the cells of x.
            y: rows in the cells of y.
            missing: rows without x.
        """
        self.counts.cells += [*x, *y]
        self.counts.missing[0] += missing
        self.counts.predictions += sum(x) + missing
        self.now += HOUR
        self.begin()


@pytest.fixture
def service(tmp_path: Path, baseline: Baseline) -> Callable[..., Service]:
    """Makes a service whose one window is of so many hours."""
    return lambda hours, listens=True, policy=None, fitted=baseline: Service(
        tmp_path, fitted, hours, listens, policy
    )


def test_an_hour_of_drift_is_told_once_and_its_end_once(service: Callable[..., Service]) -> None:
    hourly = service(1.0)
    for x in (LIKE, OTHER, OTHER, LIKE, LIKE):
        hourly.hour(x)
    assert hourly.told == [(NOON + 2 * HOUR, "x", "drift"), (NOON + 4 * HOUR, "x", "ok")]


def test_each_variable_is_told_by_itself(service: Callable[..., Service]) -> None:
    hourly = service(1.0)
    hourly.hour(OTHER, OTHER)
    hourly.hour(LIKE, OTHER)
    assert hourly.told == [
        (NOON + HOUR, "x", "drift"),
        (NOON + HOUR, "y", "drift"),
        (NOON + 2 * HOUR, "x", "ok"),
    ]


def test_a_changed_rate_is_told_like_drift(service: Callable[..., Service]) -> None:
    hourly = service(1.0)
    for missing in (0, 40, 40, 0, 0):
        hourly.hour(LIKE, missing=missing)
    assert hourly.told == [(NOON + 2 * HOUR, "x", "changed rate"), (NOON + 4 * HOUR, "x", "ok")]


def test_a_variable_without_alerts_is_never_told(service: Callable[..., Service]) -> None:
    policy = Policy(windows={"w": 1.0}, variables={"x": None})
    hourly = service(1.0, policy=policy)
    hourly.hour(OTHER, OTHER, missing=400)
    assert hourly.told == [(NOON + HOUR, "y", "drift")]


def test_a_short_window_tells_rates_only_if_training_has_no_times(
    service: Callable[..., Service],
) -> None:
    hourly = service(1.0, policy=Policy(windows={"1h": 1.0, "9d": 216.0}))
    for x, missing in ((OTHER, 0), (OTHER, 200), (OTHER, 0)):
        hourly.hour(x, missing=missing)
    assert hourly.told == [
        (NOON + 2 * HOUR, "x", "changed rate"),
        (NOON + 3 * HOUR, "x", "insufficient"),
    ]


def test_a_short_window_tells_drift_if_training_shows_how_it_varies(
    service: Callable[..., Service],
) -> None:
    random = np.random.default_rng(0)
    times = NOON - HOUR * 24 * 20 + timedelta(seconds=60) * np.arange(28_800)
    values = {"x": random.random(28_800), "y": random.random(28_800)}
    fitted = Baseline.fit(values, time=times, bins=2)
    hourly = service(1.0, policy=Policy(windows={"1h": 1.0, "9d": 216.0}), fitted=fitted)
    hourly.hour(OTHER)
    assert hourly.told == [(NOON + HOUR, "x", "drift")]


def test_too_few_rows_change_nothing(service: Callable[..., Service]) -> None:
    hourly = service(1.0)
    for x in (FEW, OTHER, FEW, OTHER, FEW, LIKE):
        hourly.hour(x)
    assert hourly.told == [(NOON + 2 * HOUR, "x", "drift"), (NOON + 6 * HOUR, "x", "ok")]


def test_a_day_must_drift_for_a_tenth_of_it_and_be_without_for_all_of_it(
    service: Callable[..., Service],
) -> None:
    daily = service(24.0)
    for _ in range(25):
        daily.hour(LIKE)
    drifting = []
    for x in [OTHER] * 12 + [LIKE] * 60:
        daily.hour(x)
        if verdict_on_the_last_day(daily) == "drift":
            drifting.append(daily.now)
    assert drifting[-1] - drifting[0] == (len(drifting) - 1) * HOUR
    (began, _, drift), (ended, _, ok) = daily.told
    assert (drift, ok) == ("drift", "ok")
    assert began - drifting[0] == 3 * HOUR
    assert ended - drifting[-1] == 24 * HOUR


def verdict_on_the_last_day(service: Service) -> str:
    history = History(service.folder, service.baseline)
    day_before = dict(history.hours())[service.now - 24 * HOUR]
    counts = service.counts.since(day_before)
    policy = Policy(windows={"w": 24.0})
    found = compare_counts(service.baseline, counts.tallies(), 0, policy=policy, window="w")
    return found.variables[0].verdict


def test_hours_without_predictions_are_passed_over(service: Callable[..., Service]) -> None:
    hourly = service(1.0)
    hourly.hour(OTHER)
    hourly.now += 9 * HOUR
    hourly.begin()
    hourly.hour(LIKE)
    assert hourly.told == [(NOON + HOUR, "x", "drift"), (NOON + 11 * HOUR, "x", "ok")]


def test_where_nobody_listens_nothing_is_compared(service: Callable[..., Service]) -> None:
    hourly = service(1.0, listens=False)
    hourly.hour(OTHER)
    assert hourly.told == []
    assert not (hourly.folder / "verdicts.json").exists()


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"w": 1}', b'{"w": {"x": [1]}}', b"\xff"])
def test_a_damaged_file_of_what_was_told_begins_anew(
    service: Callable[..., Service], content: bytes
) -> None:
    hourly = service(1.0)
    hourly.hour(OTHER)
    (hourly.folder / "verdicts.json").write_bytes(content)
    hourly.hour(OTHER)
    assert hourly.told == [(NOON + HOUR, "x", "drift"), (NOON + 2 * HOUR, "x", "drift")]
    assert hourly.reporter.counts()["signal"] == 0


def test_what_cannot_be_kept_is_reported_and_not_told(
    service: Callable[..., Service],
) -> None:
    hourly = service(1.0)
    (hourly.folder / "verdicts.json").unlink()
    (hourly.folder / "verdicts.json").mkdir()
    hourly.hour(OTHER)
    assert (hourly.told, hourly.reporter.counts()["signal"]) == ([], 1)


def test_a_window_shorter_than_an_hour_is_not_looked_at(service: Callable[..., Service]) -> None:
    short = service(0.5)
    short.hour(OTHER)
    assert short.told == []


def test_each_segment_is_told_by_itself(service: Callable[..., Service]) -> None:
    fitted = Baseline.fit(
        {"x": np.arange(4000.0), "y": np.arange(4000.0)}, segments={"c": ["a"] * 4000}, bins=2
    )
    hourly = service(1.0, fitted=fitted)
    cells = len(fitted.variables[0].counts) + len(fitted.variables[1].counts)
    for x in (LIKE, OTHER, LIKE):
        # The rows of all segments are as at training, and those of one segment are not.
        hourly.counts.cells[:cells] += [*LIKE, *LIKE]
        hourly.counts.cells[cells : 2 * cells] += [*x, *LIKE]
        hourly.counts.predictions += 400
        hourly.now += HOUR
        hourly.begin()
    assert hourly.told == [
        (NOON + 2 * HOUR, "x in c=a", "drift"),
        (NOON + 3 * HOUR, "x in c=a", "ok"),
    ]
