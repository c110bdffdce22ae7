"""Charts of a card: the statistics beside their critical values, and the trend."""

import math
import re
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest

from boxkite import VariableDrift
from boxkite.report.charts import meter, meter_top, multiple, sparkline

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
    assert meter_top(drift(psi=0.05, critical=0.1)) == 2
    assert meter_top(drift(psi=0.05, critical=0.1, ks=0.6, ks_critical=0.2)) == pytest.approx(3)


def drift(**statistics: float) -> VariableDrift:
    values = {"kl": 0.1, "js": 0.1, "ks": math.nan, **statistics}
    return VariableDrift(
        name="x", role="feature", rows=100, missing=0, invalid=0, missing_difference=0.0,
        verdict="drift", **values,
    )  # fmt: skip


def test_each_hour_is_a_step_at_its_time_and_hours_without_rows_are_gaps() -> None:
    hours = [NOON + n * HOUR for n in (0, 1, 2, 5, 6)]
    drawn = sparkline([1.0, 2.0, math.nan, 4.0, 0.0], hours, NOON + 8 * HOUR)
    ((path,),) = attributes(drawn, "path", "d")
    assert path == "M0.0,23.5H40.0L40.0,16.0H80.0M200.0,1.0H240.0L240.0,31.0H280.0"
    assert attributes(drawn, "line", "x2", "y1", "y2") == [["320", "23.5", "23.5"]]
    said = "Distance from training as a multiple of its threshold, hour by hour: at most 4, last 0"
    assert attributes(drawn, "title") == [[]]
    assert re.findall(r'aria-label="([^"]*)"|<title>([^<]*)<', drawn) == [(said, ""), ("", said)]


def test_the_last_hour_ends_now() -> None:
    drawn = sparkline([0.5, 0.5], [NOON, NOON + HOUR], NOON + 1.25 * HOUR)
    ((path,),) = attributes(drawn, "path", "d")
    assert path == "M0.0,23.5H256.0L256.0,23.5H320.0"


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
