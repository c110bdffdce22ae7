"""The quality of a model as HTML, for notebooks, pages and reports."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

from boxkite.drawing.quality_charts import (
    DayPoint,
    ReliabilityPoint,
    reliability_chart,
    timeline,
)
from boxkite.drawing.svg import percent
from boxkite.quality.html_tables import html_table, number_text, range_text, statistic_name
from boxkite.quality.intervals import Interval, wilson
from boxkite.quality.pairs import OutcomePairs
from boxkite.quality.quality_verdict import QualityVerdict
from boxkite.quality.segment_quality_html import segment_tables, worse_segments
from boxkite.quality.shown_quality import DayOfQuality, ShownQuality, worst_change

__all__ = ["QUALITY_STYLE", "QUALITY_TONES", "quality_html", "quality_words"]

_MOST_CLASSES = 12

QUALITY_STYLE = (
    "<style>"
    ".quality td,.quality th{text-align:left}"
    ".quality .reliability{width:200px}"
    ".quality .timeline{width:480px}"
    ".quality .timeline text{font-size:10px}"
    ".quality .frame{fill:none;stroke:#afb8c1}"
    ".quality .ideal{stroke:#6e7781;stroke-dasharray:4 3}"
    ".quality .interval{stroke:#2f81f7;stroke-width:1.5}"
    ".quality .value{fill:#2f81f7}"
    ".quality .coverage{fill:#afb8c1}"
    "</style>"
)
"""Style of the tables and charts in notebooks."""

QUALITY_TONES: Mapping[QualityVerdict, str] = {
    "worse": "critical",
    "ok": "ok",
    "insufficient": "insufficient",
}
"""What a verdict is coloured by on pages."""


def quality_html(
    quality: ShownQuality,
    *,
    segments: Mapping[str, ShownQuality] | None = None,
    days: Sequence[DayOfQuality] = (),
) -> str:
    """Return tables and charts of quality as HTML without a style.

    It shows the statistics at training, estimated and now; the course over the days; a reliability
    curve for probabilities; a confusion matrix; and the segments, the worst first.

    Args:
        quality: Quality of all rows.
        segments: Quality of each segment by its label.
        days: Quality of each day, the oldest first.
    """
    words = quality_words(quality, segments)
    parts = [f'<p class="words {QUALITY_TONES[quality.verdict]}">{escape(words)}</p>']
    parts.append(_statistics(quality))
    parts.append(_course(quality, days))
    if quality.outcomes is not None and quality.outcomes.pairs and quality.rows:
        first = quality.outcomes.pairs[0]
        parts += [_reliability(first), _confusion(first)]
    parts.append(segment_tables(segments or {}))
    return f'<div class="quality">{"".join(parts)}</div>'


def quality_words(quality: ShownQuality, segments: Mapping[str, ShownQuality] | None = None) -> str:
    """Return the verdict on quality in sentences.

    Args:
        quality: Quality of all rows.
        segments: Quality of each segment by its label.
    """
    if quality.estimated and not quality.rows:
        return (
            "Estimated from the scores alone, because no prediction has a label. The estimate "
            "cannot see whether equal scores still mean equal outcomes."
        )
    labels = f"{quality.rows:,} predictions with a label"
    worse = [statistic_name(each.now.name) for each in quality if each.verdict == "worse"]
    also = worse_segments(segments or {})
    if worse:
        return f"Quality is worse than at training: {', '.join(worse)}. {labels}.{also}"
    if quality.verdict == "ok":
        return f"Quality is not worse than at training. {labels}.{also}"
    return f"Not enough data for a verdict on quality: {labels}.{also}"


def _statistics(quality: ShownQuality) -> str:
    estimated = {each.name: each.interval for each in quality.estimated}
    headings = ["statistic", "at training", "now", "95 % interval", "rows", "verdict"]
    if estimated:
        headings.insert(2, "estimated")
    rows: list[list[str]] = []
    for each in quality:
        name = statistic_name(each.now.name, each.now.category)
        row = [
            name,
            number_text(each.before.value if each.before else math.nan),
            number_text(each.now.value),
            range_text(each.now.interval.low, each.now.interval.high),
            f"{each.now.rows:,}",
            "not enough data" if each.verdict == "insufficient" else each.verdict or "",
        ]
        if estimated:
            guess = "" if each.now.category else each.now.name
            row.insert(2, number_text(estimated[guess].value if guess in estimated else math.nan))
        rows.append(row)
    return html_table("Statistics", headings, rows)


def _course(quality: ShownQuality, days: Sequence[DayOfQuality]) -> str:
    """Return the course of the statistic that matters most: the one that lost most."""
    shown = worst_change(quality)
    if shown is None:
        return ""
    points: list[DayPoint] = []
    for each in days:
        found = next((one.now for one in each.quality if one.now.key == shown.now.key), None)
        value, low, high = Interval() if found is None else found.interval
        points.append(DayPoint(each.day.isoformat(), value, low, high, min(each.coverage, 1.0)))
    training = shown.before.value if shown.before else math.nan
    name = statistic_name(shown.now.name)
    drawn = timeline(points, training, f"{name} by day, with intervals at 95 % and coverage")
    if not drawn:
        return ""
    caption = (
        f"{name} from {points[0].day} to {points[-1].day}, with intervals at 95 %. The dashed line "
        f"is training ({number_text(training)}). The bars below show the share of "
        "predictions that have a label."
    )
    return f"<figure>{drawn}<figcaption>{escape(caption)}</figcaption></figure>"


def _reliability(pairs: OutcomePairs) -> str:
    if "brier" not in pairs.losses or pairs.kind != "score":
        return ""
    points: list[ReliabilityPoint] = []
    sums = zip(pairs.counts.tolist(), pairs.output_sums.tolist(), strict=True)
    for (negatives, positives), total in sums:
        rows = negatives + positives
        if rows:
            score = min(max(total / rows, 0.0), 1.0)
            points.append(ReliabilityPoint(score, *wilson(positives, rows), rows))
    drawn = reliability_chart(points, f"Rate of positives by score of {pairs.output}")
    caption = (
        "Reliability: the share of positives (up) over the mean score (across), from 0 to 1. A "
        "calibrated score lies on the diagonal."
    )
    return f"<figure>{drawn}<figcaption>{caption}</figcaption></figure>"


def _confusion(pairs: OutcomePairs) -> str:
    """Return the confusion matrix of a class, or of a score at its threshold."""
    counts, names = list(pairs.counts), list(pairs.categories)
    if pairs.kind == "score":
        if pairs.threshold is None:
            return ""
        cell = int((pairs.edges < pairs.threshold).sum()) + 1
        counts = [pairs.counts[:cell].sum(axis=0), pairs.counts[cell:].sum(axis=0)]
        names = [f"up to {pairs.threshold:g}", f"above {pairs.threshold:g}"]
    elif pairs.kind == "number" or len(names) > _MOST_CLASSES:
        return ""
    rows: list[list[str]] = []
    for name, row in zip(names, counts, strict=True):
        total = max(int(row.sum()), 1)
        cells = [f"{int(each):,} ({percent(int(each) / total)})" for each in row]
        rows.append([name, *cells])
    outcomes = [f"outcome {each}" for each in pairs.categories]
    return html_table("Confusion matrix", [f"{pairs.output} predicted", *outcomes], rows)
