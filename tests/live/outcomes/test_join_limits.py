"""What the join gives up, and when: old predictions, labels that wait, a full or damaged file."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from boxkite.error_reporter import ErrorReporter
from boxkite.live.outcomes import label_join
from boxkite.live.outcomes.group_join import GroupJoin
from boxkite.live.outcomes.joined_outcomes import DayOutcomes, JoinedOutcomes
from tests.live.outcomes.conftest import (
    CELLS,
    LAYOUT,
    NOW,
    OPTIONS,
    SECOND,
    TTL,
    Records,
    label,
    prediction,
    prediction_id,
)

HOUR, DAY = 3600, 86_400


class Service:
    """One worker's journal and its join, on a clock that the test sets."""

    def __init__(self, folder: Path, clock: pytest.MonkeyPatch) -> None:
        self.now = float(NOW)
        clock.setattr(time, "time", lambda: self.now)
        self.reporter = ErrorReporter()
        self.records = Records()
        self.folder = folder
        self.options = OPTIONS

    def join(self, contents: Iterable[bytes] = ()) -> JoinedOutcomes:
        """Append records, join them, and return what became of all labels."""
        self.records.contents += contents
        join = GroupJoin(self.folder, self.options, self.reporter)
        join.join({"a": self.records})
        return join.totals()

    def days(self) -> list[DayOutcomes]:
        return GroupJoin(self.folder, self.options, self.reporter).days(0)

    def label(self, number: int, made: float, outcome: int = 1, server: str = "here") -> bytes:
        arrived = int(self.now) * SECOND
        return label(prediction_id(number, int(made), server), outcome, arrived)


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Service:
    return Service(tmp_path, monkeypatch)


def test_a_clock_that_is_wrong_for_a_moment_removes_no_prediction(service: Service) -> None:
    service.join([prediction(1, NOW, 0.9), service.label(2, NOW)])
    for number, jump in enumerate((30 * DAY, 400 * DAY, -400 * DAY), 3):
        service.now = NOW + jump
        service.join([prediction(number, int(service.now), 0.9)])
        service.now += 60
        service.join([prediction(number + 10, int(service.now), 0.9)])
        service.now = NOW + 60 * number
        joined = service.join([prediction(number + 20, int(service.now), 0.9)])
        assert joined.waiting == 1
    assert NOW // DAY in [(each.day - date(1970, 1, 1)).days for each in service.days()]
    joined = service.join([service.label(1, NOW, 0), prediction(2, NOW, 0.9)])
    assert +joined.results == {"paired": 2}
    assert joined.predictions == 11


def test_a_clock_that_stays_ahead_for_an_hour_is_right(service: Service) -> None:
    service.join([prediction(1, NOW, 0.9)])
    service.now = NOW + 30 * DAY
    assert service.join([prediction(2, int(service.now), 0.9)]).predictions == 2
    service.now += HOUR
    assert service.join([prediction(3, int(service.now), 0.9)]).predictions == 2
    assert +service.join([service.label(1, NOW)]).results == {"late": 1}


def test_a_prediction_is_kept_for_the_time_to_live_and_an_hour(service: Service) -> None:
    service.join([prediction(number, NOW, 0.9) for number in (1, 2, 3)])
    in_time = []
    for day in (1, 2, 3):  # each step is shorter than a jump of the clock
        service.now = NOW + day * (TTL / 3)
        in_time.append(service.label(day, NOW))
        service.join([prediction(10 + day, int(service.now), 0.9)])
    # The journal with the labels is joined at last, just before the predictions are removed.
    service.now = NOW + TTL + HOUR
    joined = service.join(in_time)
    assert (+joined.results, joined.predictions) == ({"paired": 3}, 6)
    service.now += 1
    assert service.join([prediction(20, int(service.now), 0.9)]).predictions == 4
    assert +service.join([service.label(1, NOW)]).results == {"paired": 3, "late": 1}


def test_a_label_waits_for_an_hour(service: Service) -> None:
    waiting = [service.label(1, NOW), service.label(2, NOW, server="there")]
    assert service.join(waiting).waiting == 2
    service.now = NOW + HOUR
    assert service.join([prediction(8, NOW, 0.9)]).waiting == 2
    service.now += 1
    joined = service.join([prediction(9, NOW, 0.9)])
    assert (+joined.results, joined.waiting) == ({"unknown": 1, "foreign": 1}, 0)


def test_only_so_many_labels_wait(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(label_join, "_MOST_WAITING", 10)
    for number in range(12):
        service.now += 1
        service.join([service.label(number, NOW, server="here" if number % 2 else "there")])
    joined = service.join([prediction(number, NOW, 0.9) for number in range(12)])
    assert (+joined.results, joined.waiting) == ({"paired": 10, "unknown": 1, "foreign": 1}, 0)


def test_the_id_of_another_server_finds_its_prediction(service: Service) -> None:
    """A service may start again with another `SERVER_ID`, such as another name of its host."""
    before, early = service.label(1, NOW, server="former"), service.label(2, NOW, server="former")
    service.join([prediction(1, NOW, 0.9), before, early])
    joined = service.join([prediction(2, NOW, 0.9)])
    assert (+joined.results, joined.waiting) == ({"paired": 2}, 0)


@pytest.mark.parametrize("server", ["here", "there"])
def test_a_label_for_a_prediction_that_is_too_old_does_not_wait(
    server: str, service: Service
) -> None:
    joined = service.join([service.label(1, NOW - TTL - 1, server=server)])
    assert +joined.results == {"late" if server == "here" else "foreign": 1}


def test_beyond_its_limit_the_file_loses_its_oldest_predictions(service: Service) -> None:
    limit = 1 << 18
    service.options = replace(OPTIONS, max_bytes=limit)
    for begin in range(0, 10_000, 500):
        service.now = NOW + begin
        made = range(begin, begin + 500)
        joined = service.join(prediction(each, NOW + each, 0.9) for each in made)
        assert (service.folder / "outcomes.db").stat().st_size < 2 * limit
    kept = joined.predictions
    assert 1000 < kept < 9000
    lost = service.reporter.counts()["outcome"]
    assert lost > 1
    service.now += 500
    joined = service.join(service.label(each, NOW + each) for each in range(10_000))
    # A twentieth may have to go after these labels too.
    assert joined.results["paired"] == kept
    assert joined.results["late"] == 10_000 - kept
    assert sum(joined.results.values()) + joined.waiting == 10_000
    expected = CELLS.count([[0.9] * kept], [1] * kept).pairs[0]
    assert joined.outcomes(LAYOUT).pairs[0].counts.tolist() == expected.counts.tolist()


DAMAGES = {
    "short-pairs": "UPDATE pairs SET content = x'00'",
    "no-pairs": "UPDATE pairs SET content = 7",
    "negative-pairs": "UPDATE pairs SET content = "
    "CAST(x'FFFFFFFFFFFFFFFF' || substr(content, 9) AS BLOB)",
    "no-numbers": "UPDATE pairs SET content = "
    "CAST(substr(content, 1, length(content) - 8) || x'FFFFFFFFFFFFFFFF' AS BLOB)",
    "a-day": "UPDATE day SET paired = x'0102'",
    "outputs": "UPDATE prediction SET outputs = x'01'",
    "segments": "UPDATE prediction SET segments = x'FF'",
    "no-segments": "UPDATE prediction SET segments = x''",
    "an-outcome": "UPDATE prediction SET outcome = 'x'",
    "an-arrival": "UPDATE prediction SET arrived = x'00'",
    "a-number": "UPDATE number SET value = 'many'",
    "a-position": "UPDATE journal SET offset = 'end'",
    "a-table": "DROP TABLE pairs",
    "format": "PRAGMA user_version = 999",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_database_with_damaged_content_is_set_aside(damage: str, service: Service) -> None:
    database = service.folder / "outcomes.db"
    service.join([prediction(1, NOW, 0.9), service.label(1, NOW)])
    connection = sqlite3.connect(database)
    connection.execute(DAMAGES[damage])
    connection.commit()
    connection.close()
    with pytest.raises(OSError, match=r"outcomes\.db' was damaged \(.+\) and is now '\.damaged-"):
        service.join([prediction(2, NOW, 0.9), service.label(1, NOW, 0)])
    (aside,) = service.folder.glob(".damaged-*")
    with contextlib.closing(sqlite3.connect(aside)) as kept:
        assert kept.execute("PRAGMA user_version").fetchone()
    # The journal still holds everything here, so the new file counts it again.
    assert +service.join().results == Counter(paired=1, corrected=1)
