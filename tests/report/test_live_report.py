"""What the drift page is made of: a window, since when, and how the hours before it went."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from boxkite import Baseline, Monitor
from boxkite.live.drift_windows import DriftWindows
from boxkite.live.history import History
from boxkite.report.live_report import LiveReport, name_of
from boxkite.settings import Settings

BASELINE = Baseline.fit({"a": np.arange(1000.0)}, bins={"a": [250.0, 500.0, 750.0]})
HOUR = timedelta(hours=1)


class Service:
    """A monitor, whose hours the test writes."""

    def __init__(self, folder: Path) -> None:
        settings = Settings(state_dir=str(folder))
        self.monitor = Monitor(BASELINE, log="none:", settings=settings, registry=None)
        self.monitor.flush()
        self._counts = self.monitor._counts
        member = self._counts._join()
        assert member is not None
        self._folder = member.history.folder
        self.now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - 300 * HOUR

    def spend_an_hour(self, value: float) -> None:
        """Take 100 predictions of a value in an hour."""
        History(self._folder, BASELINE).keep(self._counts.totals(), self.now)
        for _ in range(100):
            self.monitor.log_prediction([value])
        for other in self._folder.glob("hour-*"):  # the monitor's own, of the real hour
            if other.name > f"hour-{self.now:%Y%m%dT%H}":
                other.unlink()
        self.now += HOUR

    def anew(self) -> LiveReport:
        """Return reports that remember nothing."""
        policy = self.monitor.policy
        windows = DriftWindows(BASELINE, self._counts, policy)
        return LiveReport(BASELINE, self._counts, policy, windows)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    service = Service(tmp_path)
    yield service
    service.monitor.close()


def test_hours_that_are_over_are_remembered_as_they_were(service: Service) -> None:
    windows = service.anew()
    for hour in range(5):
        service.spend_an_hour(100.0 if hour < 2 else 900.0)
        for _ in range(2):
            found, fresh = windows.report(None), service.anew().report(None)
            assert (found.hours, found.since) == (fresh.hours, fresh.since)
            assert [card.trend for card in found.cards] == [card.trend for card in fresh.cards]
    assert found.hours == [service.now - n * HOUR for n in range(5, 0, -1)]
    (card,) = found.cards
    assert card.trend == pytest.approx([card.trend[0]] * 5, rel=0.01)  # each in one bin, whichever


def test_a_clock_that_was_ahead_for_a_moment_does_not_freeze_the_trend(service: Service) -> None:
    reports = service.anew()
    for _ in range(3):
        service.spend_an_hour(100.0)
    now = service.now
    service.now += 24 * HOUR
    service.spend_an_hour(100.0)
    reports.report(None)
    service.now = now
    for _ in range(3):
        service.spend_an_hour(900.0)
        assert reports.report(None).hours == service.anew().report(None).hours
    assert reports.report(None).hours[-1] == now + 2 * HOUR


def test_it_is_known_since_when_while_the_first_hour_is_kept(service: Service) -> None:
    windows = service.anew()
    beginning = service.now
    for hour in range(8 * 24 + 2):
        service.spend_an_hour(hour % 1000)
        if hour in (0, 1, 8 * 24 - 1):
            assert windows.report(None).since == beginning
    found = windows.report(None)
    assert (len(found.hours), found.since) == (8 * 24, None)


def test_a_window_says_since_when(service: Service) -> None:
    for _ in range(3):
        service.spend_an_hour(1.0)
    report = service.anew().report("6h")
    assert (report.subject, report.since) == ("in the last 6 hours", service.now - HOUR)
    assert (report.rows, report.comparison.predictions) == (1000, 100)


@pytest.mark.parametrize(
    ("window", "name"), [("1h", "last hour"), ("1d", "last day"), ("90m", "last 90m")]
)
def test_windows_have_names(window: str, name: str) -> None:
    assert name_of(window) == name


@pytest.mark.parametrize(
    ("window", "note"),
    [
        (None, ""),
        ("1d", ""),
        ("7d", ""),
        (
            "6h",
            (
                "Alerts in the window 1h judge rates only, because the baseline does not know how "
                "its hours and days vary. Fit it with time=."
            ),
        ),
    ],
)
def test_a_note_says_that_alerts_of_a_short_window_judge_rates_only(
    service: Service, window: str | None, note: str
) -> None:
    assert service.anew().report(window).note == note
