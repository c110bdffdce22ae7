"""Charts of a card: the statistics beside their critical values, and the trend."""

import math
import re
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from boxkite import Baseline, compare
from boxkite.report.charts import meter, meter_top, multiple, sparkline
from boxkite.report.drift_report import report_of

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def attributes(svg: str, tag: str, *names: str) -> list[list[str | None]]:
    return [[each.get(name) for name in names] for each in ET.fromstring(svg).iter(tag)]


@pytest.mark.parametrize(
    ("ratio", "top", "long", "mark"),
    [(0.0, 2, 0, 160), (0.5, 2, 80, 160), (2.0, 2, 320, 160), (8.0, 8, 320, 40)],
)
def test_a_statistic_is_a_bar_with_a_mark_at_its_threshold(
    ratio: float, top: float, long: int, mark: int
) -> None:
    drawn = meter(ratio, top)
    bar = "bar above" if ratio > 1 else "bar"
    assert attributes(drawn, "rect", "class", "width") == [["track", "320"], [bar, f"{long:.1f}"]]
    assert attributes(drawn, "line", "x1", "x2") == [[f"{mark:.1f}"] * 2]


def test_the_meters_of_a_card_have_one_scale() -> None:
    trained = np.random.default_rng(1).normal(size=2000)
    baseline = Baseline.fit({"x": trained})
    tops = {}
    for shift in (0.0, 1.0):
        (card,) = report_of(baseline, compare(baseline, {"x": trained + shift}), "now").cards
        drift = card.drift
        tops[shift] = meter_top(card), max(drift.psi / drift.critical, drift.ks / drift.ks_critical)
    assert tops[0.0][0] == 2  # a mark at the threshold is never beyond the middle
    assert tops[1.0][0] == tops[1.0][1] > 2


def test_each_hour_is_a_step_at_its_time_and_hours_without_rows_are_gaps() -> None:
    hours = [NOON + n * HOUR for n in (0, 1, 2, 5, 6)]
    drawn = sparkline([1.0, 2.0, math.nan, 4.0, 0.0], hours, NOON + 8 * HOUR)
    ((path,),) = attributes(drawn, "path", "d")
    assert path == "M0.0,29.5H40.0L40.0,20.0H80.0M200.0,1.0H240.0L240.0,39.0H280.0"
    assert attributes(drawn, "line", "x2", "y1", "y2") == [["320", "29.5", "29.5"]]
    said = "Distance from training as a multiple of its threshold, hour by hour: at most 4, last 0"
    assert attributes(drawn, "title") == [[]]
    assert re.findall(r'aria-label="([^"]*)"|<title>([^<]*)<', drawn) == [(said, ""), ("", said)]


def test_the_last_hour_ends_now() -> None:
    drawn = sparkline([0.5, 0.5], [NOON, NOON + HOUR], NOON + 1.25 * HOUR)
    ((path,),) = attributes(drawn, "path", "d")
    assert path == "M0.0,29.5H256.0L256.0,29.5H320.0"


def test_the_axis_has_numbers_and_the_judged_window_is_shaded() -> None:
    hours = [NOON, NOON + HOUR]
    drawn = sparkline([0.5, 8.0], hours, NOON + 2 * HOUR, NOON + HOUR)
    texts = [each.text for each in ET.fromstring(drawn).iter("text")]
    assert texts == ["8", "1"]
    assert attributes(drawn, "path", "class", "d")[0] == ["judged", "M160.0,0H320V40H160.0"]
    # A window that began before the first hour that is kept is shaded from the left end on.
    assert 'd="M0.0,0H320V40H0.0"' in sparkline([1, 1], hours, NOON + HOUR, NOON - HOUR)


@pytest.mark.parametrize("multiples", [[], [1.0], [math.nan, 2.0, math.nan]])
def test_fewer_than_two_hours_are_not_drawn(multiples: list[float]) -> None:
    hours = [NOON + n * HOUR for n in range(len(multiples))]
    assert sparkline(multiples, hours, NOON) == ""


@pytest.mark.parametrize(
    ("ratio", "text"),
    [(0.0, "0"), (0.123, "0.12"), (1.26, "1.3"), (12.34, "12.3"), (1234, "1,234")],
)
def test_multiples_have_at_least_two_digits(ratio: float, text: str) -> None:
    assert multiple(ratio) == text
