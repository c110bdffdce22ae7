"""The drift page and the report by segment: one segment's variables, and the worst segments."""

import re
from typing import Any

import msgspec
import numpy as np
import pytest

from boxkite import Baseline, ConfigError, Monitor
from boxkite.report.drift_report import Choice
from boxkite.report.rendering import report_html
from boxkite.web.drift_page import drift_page

NAMES = [f"x{number}" for number in range(6)]


@pytest.fixture(scope="module")
def monitor() -> Any:
    random = np.random.default_rng(1)
    carrier = random.choice(["<b>", "DL", "AA"], 6000, p=[0.1, 0.5, 0.4])
    columns = {name: random.normal(size=6000) for name in NAMES}
    baseline = Baseline.fit(columns, segments={"carrier": carrier}, bins=5, model="m")
    monitor = Monitor(baseline, "none:", registry=None)
    rows = random.normal(size=(2000, len(NAMES)))
    live = random.choice(["<b>", "DL", "AA"], 2000, p=[0.05, 0.55, 0.4])
    rows[live == "<b>", 2] += 2.0
    monitor.log_predictions(rows, segments={"carrier": live})
    yield monitor
    monitor.close()


def page(monitor: Monitor, path: str = "", **query: str) -> tuple[int, bytes]:
    answer: Any = drift_page([monitor], "/drift", path, {"window": "start", **query})
    return answer.status, answer.body


def drawn(html: bytes) -> list[str]:
    return re.findall(r'<article class="card [^"]*" id="(.*?)"', html.decode())


def test_the_page_opens_on_all_rows_and_names_the_worst_segment(monitor: Monitor) -> None:
    status, html = page(monitor)
    assert (status, len(drawn(html))) == (200, len(NAMES))
    text = html.decode()
    assert "Changes in 1 of 3 segments: carrier=&lt;b&gt;." in text
    rows = re.findall(r'<tr class="(\w+)"><th scope="row"><a href="(.*?)">(.*?)</a>', text)
    assert rows[0] == (
        "critical",
        "/drift?window=start&amp;segment=carrier%3D%3Cb%3E",
        "carrier=&lt;b&gt;",
    )
    assert len(rows) == 3
    assert '<option value="">all rows</option><option>carrier=DL</option>' in text


def test_a_chosen_segment_is_drawn_alone(monitor: Monitor) -> None:
    status, html = page(monitor, segment="carrier=<b>")
    assert status == 200
    # The cards are those of the segment alone, so the page is no larger than without segments.
    assert drawn(html) == ["feature:x2", *(each for each in drawn(html) if each != "feature:x2")]
    assert sorted(drawn(html)) == sorted(f"feature:{name}" for name in NAMES)
    text = html.decode()
    assert "Drift in 1 of 6 variables since the start: x2." in text
    assert "<option selected>carrier=&lt;b&gt;</option>" in text
    assert '<a href="/drift?window=start">All rows</a>' in text


def test_the_json_has_all_segments_or_the_chosen_one(monitor: Monitor) -> None:
    everything = msgspec.json.decode(page(monitor, "drift.json")[1])
    alone = msgspec.json.decode(page(monitor, "drift.json", segment="carrier=<b>")[1])
    assert next(iter(everything["segments"])) == "carrier=<b>"
    assert alone == everything["segments"]["carrier=<b>"]


def test_an_unknown_segment_is_refused(monitor: Monitor) -> None:
    for path in ("", "drift.json"):
        status, text = page(monitor, path, segment="carrier=ZZ")
        assert (status, b"there is no segment 'carrier=ZZ'" in text) == (400, True)
    with pytest.raises(ConfigError, match="the baseline has 'carrier=DL', 'carrier=AA'"):
        monitor.report(segment="carrier=ZZ")


def test_a_report_lists_the_segments_and_draws_all_rows(monitor: Monitor) -> None:
    report = monitor.report()
    html = report_html(report)
    assert len(drawn(html.encode())) == len(report.chosen(Choice())) == len(NAMES)
    assert html.count('<th scope="row">carrier=') == 3


def test_a_page_without_segments_does_not_mention_them() -> None:
    plain = Monitor(Baseline.fit({"x": np.arange(100.0)}), "none:", registry=None)
    assert b"egment" not in page(plain)[1]
    plain.close()


def test_a_page_without_labels_estimates_the_quality_of_each_segment() -> None:
    random = np.random.default_rng(2)
    score, carrier = random.random(900), random.choice(["DL", "UA"], 900)
    baseline = Baseline.fit(
        {"x": score},
        {"score": score},
        outcome=random.random(900) < score,
        segments={"carrier": carrier},
        bins=4,
    )
    service = Monitor(baseline, "none:", registry=None)
    columns = {"carrier": ["DL"] * 5 + ["UA"] * 5}
    service.log_predictions(np.full((10, 1), 0.5), [0.5] * 5 + [0.9] * 5, segments=columns)
    text = page(service)[1].decode()
    service.close()
    assert "Estimated from the scores alone" in text
    _, _, table = text.partition("<caption>Accuracy estimated by segment, the largest drop first")
    rows = re.findall(r'<tr><th scope="row">(.*?)</th>', table.partition("</table>")[0])
    assert rows == ["carrier=DL", "carrier=UA"]
