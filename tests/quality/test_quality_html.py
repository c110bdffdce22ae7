"""Tables and charts of quality as HTML."""

import re
from dataclasses import dataclass, replace
from datetime import date
from xml.etree import ElementTree as ET

import numpy as np

from boxkite import Baseline
from boxkite.quality import Quality, compare_outcomes, estimate
from boxkite.quality.quality_html import quality_html

RANDOM = np.random.default_rng(4)
SCORES = RANDOM.random(4000)
LATE = (RANDOM.random(4000) < SCORES).astype(int)


def baseline(scores: np.ndarray, outcomes: np.ndarray) -> Baseline:
    return Baseline.fit({"x": scores}, {"score": scores}, outcome=outcomes)


TRAINED = baseline(SCORES, LATE)


def quality(outcomes: np.ndarray) -> Quality:
    cells = TRAINED.outcome_cells(outcomes, 0.5)
    return compare_outcomes(cells.count([SCORES], outcomes), TRAINED.outcomes)


SAME, WORSE = quality(LATE), quality(1 - LATE)


NOTEBOOK = "_repr_html_"


@dataclass(frozen=True)
class Day:
    day: date
    quality: Quality
    coverage: float = 0.5


def parsed(html: str) -> ET.Element:
    return ET.fromstring(html)


def test_the_headline_names_what_is_worse() -> None:
    (words,) = parsed(quality_html(SAME)).findall("p")
    assert (words.get("class"), words.text) == (
        "words ok",
        "Quality is not worse than at training. 4,000 predictions with a label.",
    )
    (words,) = parsed(quality_html(WORSE)).findall("p")
    assert words.get("class") == "words critical"
    assert str(words.text).startswith("Quality is worse than at training: accuracy, ")
    few = TRAINED.outcome_cells(LATE[:9], 0.5).count([SCORES[:9]], LATE[:9])
    (words,) = parsed(quality_html(compare_outcomes(few, TRAINED.outcomes))).findall("p")
    assert words.text == "Not enough data for a verdict on quality: 9 predictions with a label."


def test_the_reliability_curve_has_a_point_with_an_interval_for_each_bin() -> None:
    (chart,) = parsed(quality_html(SAME)).iter("svg")
    points = [(float(each.get("cx", 0)), float(each.get("cy", 0))) for each in chart.iter("circle")]
    assert len(points) == len(TRAINED.outcomes.pairs[0].counts)  # type: ignore[union-attr]
    assert max(abs(x - (200 - y)) for x, y in points) < 30  # the score is calibrated
    first = chart.findtext("g/title") or ""
    assert re.fullmatch(r"score .+: .+ % positive \(.+ % to .+ %\), \d+ rows", first)


def test_the_confusion_matrix_counts_at_the_threshold() -> None:
    table = parsed(quality_html(SAME)).findall("div/table")[1]
    rows = [[each.text for each in row] for row in table.iter("tr")]
    high = SCORES > 0.5
    right, wrong = int((LATE[high] == 1).sum()), int((LATE[high] == 0).sum())
    assert rows[0] == ["score predicted", "outcome 0", "outcome 1"]
    assert [row[0] for row in rows[1:]] == ["up to 0.5", "above 0.5"]
    assert [str(each).split(" ")[0] for each in rows[2][1:]] == [f"{wrong:,}", f"{right:,}"]


def test_days_are_drawn_with_coverage_and_the_value_at_training() -> None:
    days = [Day(date(2026, 11, each), SAME) for each in (1, 2, 3)]
    (chart,) = [
        each
        for each in parsed(quality_html(SAME, days=days)).iter("svg")
        if each.get("class") == "timeline"
    ]
    assert len(chart.findall("rect")) == len(chart.findall("g")) == 3
    assert chart.findall("line")[0].get("class") == "ideal"
    assert str(chart.findtext("g/title")).endswith("50 % of predictions have a label")
    assert 'class="timeline"' not in quality_html(SAME, days=days[:1])


def test_the_worst_segment_comes_first_and_names_are_text() -> None:
    html = quality_html(SAME, segments={"carrier=<b>": SAME, "carrier=UA": WORSE})
    rows = [row.findtext("th") for row in parsed(html).findall("div/table")[-1].iter("tr")]
    assert rows == ["segment", "carrier=UA", "carrier=<b>"]
    assert "<b>" not in html
    assert "with a label. Worse in 1 segment: carrier=UA.</p>" in html


def test_estimates_of_segments_stand_beside_what_was_measured() -> None:
    assert TRAINED.outcomes is not None
    rows = {"carrier=UA": SCORES, "carrier=DL": SCORES[abs(SCORES - 0.5) < 0.2]}
    edges = TRAINED.outcomes.pairs[0].edges
    segments = {}
    for label, scores in rows.items():
        counts = np.bincount(np.searchsorted(edges, scores), minlength=len(edges) + 1)
        segments[label] = replace(SAME, estimated=estimate(TRAINED.outcomes, counts))
    unlabelled = compare_outcomes(TRAINED.outcomes.empty(), TRAINED.outcomes)
    segments["carrier=AA"] = replace(unlabelled, estimated=segments["carrier=UA"].estimated)
    segments["carrier=none"] = unlabelled
    table = parsed(quality_html(SAME, segments=segments)).findall("div/table")[-1]
    assert table.findtext("caption") == "Accuracy estimated by segment, the largest drop first"
    shown = [[each.text for each in row] for row in table.iter("tr")]
    assert shown[0] == ["segment", "at training", "estimated", "95 % interval", "now"]
    accuracy = f"{SAME.changes[0].now.value:.4g}"
    of_segments = {str(row[0]): (row[1], row[-1]) for row in shown[1:]}
    assert of_segments == {
        "carrier=DL": (accuracy, accuracy),
        "carrier=UA": (accuracy, accuracy),
        "carrier=AA": (accuracy, "-"),
    }
    # Scores near the threshold let expect more mistakes.
    assert shown[1][0] == "carrier=DL"
    value = segments["carrier=DL"].estimated[0].interval
    assert shown[1][2:4] == [f"{value.value:.4g}", f"{value.low:.4g} to {value.high:.4g}"]


def test_a_notebook_shows_numbers_without_probabilities_too() -> None:
    assert "<svg" in getattr(SAME, NOTEBOOK)()
    numbers = Baseline.fit({"x": SCORES}, {"y": SCORES * 10}, outcome=SCORES * 10 + 1)
    shown = getattr(compare_outcomes(numbers.outcomes, numbers.outcomes), NOTEBOOK)()  # type: ignore[arg-type]
    assert "MAE" in shown
    assert "<svg" not in shown
    assert "Confusion" not in shown
