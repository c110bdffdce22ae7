"""The quality of a model as HTML, for notebooks, pages and reports."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from html import escape
from typing import Protocol

from boxkite.drawing.printable import one_line
from boxkite.drawing.quality_charts import (
    DayPoint,
    ReliabilityPoint,
    reliability_chart,
    timeline,
)
from boxkite.drawing.svg import percent
from boxkite.quality.estimate import EstimatedStatistic
from boxkite.quality.intervals import Interval, wilson
from boxkite.quality.pairs import OutcomePairs, Outcomes
from boxkite.quality.quality_verdict import QualityChange, QualityVerdict

__all__ = [
    "QUALITY_STYLE",
    "QUALITY_TONES",
    "DayOfQuality",
    "ShownQuality",
    "quality_html",
    "quality_words",
]

_MOST_CLASSES = 12
_MOST_NAMED = 3
_NAMES = {"auc": "AUC", "brier": "Brier score", "f1": "F1", "mae": "MAE", "rmse": "RMSE"}

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


class ShownQuality(Protocol):
    """A comparison with training, as far as it is shown. `Quality` is one."""

    @property
    def rows(self) -> int:
        """Number of predictions with a valid output and outcome."""
        ...

    @property
    def estimated(self) -> Sequence[EstimatedStatistic]:
        """Estimates from the scores alone."""
        ...

    @property
    def outcomes(self) -> Outcomes | None:
        """The paired rows; None if they are not known."""
        ...

    @property
    def verdict(self) -> QualityVerdict:
        """The verdict on all statistics."""
        ...

    def __iter__(self) -> Iterator[QualityChange]: ...


class DayOfQuality(Protocol):
    """The quality of the predictions of one day."""

    @property
    def day(self) -> date:
        """The day in UTC."""
        ...

    @property
    def coverage(self) -> float:
        """Share of the predictions that have a label."""
        ...

    @property
    def quality(self) -> ShownQuality:
        """The quality of the predictions with a label."""
        ...


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
    parts.append(_segments(segments or {}))
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
    worse = [_name(each.now.name) for each in quality if each.verdict == "worse"]
    also = _worse_segments(segments or {})
    if worse:
        return f"Quality is worse than at training: {', '.join(worse)}. {labels}.{also}"
    if quality.verdict == "ok":
        return f"Quality is not worse than at training. {labels}.{also}"
    return f"Not enough data for a verdict on quality: {labels}.{also}"


def _worse_segments(segments: Mapping[str, ShownQuality]) -> str:
    """Return a sentence with the worst segments, and a space before it; empty if none is worse."""
    worse = [label for label, each, _ in _ordered(segments) if each.verdict == "worse"]
    if not worse:
        return ""
    more = f" and {len(worse) - _MOST_NAMED} more" if worse[_MOST_NAMED:] else ""
    number = f"{len(worse)} segment{'s' if len(worse) > 1 else ''}"
    return f" Worse in {number}: {', '.join(worse[:_MOST_NAMED])}{more}."


def _ordered(
    segments: Mapping[str, ShownQuality],
) -> list[tuple[str, ShownQuality, QualityChange | None]]:
    """Return label, quality and worst statistic of each segment, the worst segment first."""
    found = [(label, each, _worst(each)) for label, each in segments.items()]
    return sorted(found, key=lambda each: (each[2] is None, -_severity(each[2]) if each[2] else 0))


def _name(statistic: str, category: str = "") -> str:
    """Return a statistic as people write it, such as "log loss" or "AUC"."""
    name = _NAMES.get(statistic, statistic)
    words = name.replace("_", " ")
    return f"{words} ({category})" if category else words


def _statistics(quality: ShownQuality) -> str:
    estimated = {each.name: each.interval for each in quality.estimated}
    headings = ["statistic", "at training", "now", "95 % interval", "rows", "verdict"]
    if estimated:
        headings.insert(2, "estimated")
    rows: list[list[str]] = []
    for each in quality:
        name = _name(each.now.name, each.now.category)
        row = [
            name,
            _number(each.before.value if each.before else math.nan),
            _number(each.now.value),
            _range(each.now.interval.low, each.now.interval.high),
            f"{each.now.rows:,}",
            "not enough data" if each.verdict == "insufficient" else each.verdict or "",
        ]
        if estimated:
            guess = "" if each.now.category else each.now.name
            row.insert(2, _number(estimated[guess].value if guess in estimated else math.nan))
        rows.append(row)
    return _table("Statistics", headings, rows)


def _course(quality: ShownQuality, days: Sequence[DayOfQuality]) -> str:
    """Return the course of the statistic that matters most: the one that lost most."""
    shown = _worst(quality)
    if shown is None:
        return ""
    points: list[DayPoint] = []
    for each in days:
        found = next((one.now for one in each.quality if one.now.key == shown.now.key), None)
        value, low, high = Interval() if found is None else found.interval
        points.append(DayPoint(each.day.isoformat(), value, low, high, min(each.coverage, 1.0)))
    training = shown.before.value if shown.before else math.nan
    name = _name(shown.now.name)
    drawn = timeline(points, training, f"{name} by day, with intervals at 95 % and coverage")
    if not drawn:
        return ""
    caption = (
        f"{name} from {points[0].day} to {points[-1].day}, with intervals at 95 %. The dashed line "
        f"is training ({_number(training)}). The bars below show the share of "
        "predictions that have a label."
    )
    return f"<figure>{drawn}<figcaption>{escape(caption)}</figcaption></figure>"


def _worst(quality: ShownQuality) -> QualityChange | None:
    """Return the judged statistic that lost most, relative to its threshold."""
    judged = [each for each in quality if each.verdict is not None and each.now.is_defined]
    return max(judged, key=_severity, default=None)


def _severity(change: QualityChange) -> float:
    limit = max(change.threshold, change.floor)
    return change.loss / limit if limit > 0 and change.loss == change.loss else -math.inf


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
    return _table("Confusion matrix", [f"{pairs.output} predicted", *outcomes], rows)


def _segments(segments: Mapping[str, ShownQuality]) -> str:
    """Return one row for each segment, the worst first; nothing if no segment has a label."""
    if not any(each.rows for each in segments.values()):
        return ""
    rows: list[list[str]] = []
    for label, quality, worst in _ordered(segments):
        if not quality.rows and not any(each.before and each.before.rows for each in quality):
            continue  # for rarer or missing values, which never occurred
        verdict = "not enough data" if quality.verdict == "insufficient" else quality.verdict
        if worst is None or worst.before is None:
            rows.append([label, f"{quality.rows:,}", "", "-", "-", verdict])
            continue
        numbers = (_number(worst.before.value), _number(worst.now.value))
        rows.append([label, f"{quality.rows:,}", _name(worst.now.name), *numbers, verdict])
    headings = ["segment", "rows", "statistic", "at training", "now", "verdict"]
    return _table("Segments, the worst first", headings, rows)


def _table(caption: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(one_line(each))}</th>' for each in headings)
    body = ""
    for first, *rest in rows:
        cells = "".join(f"<td>{escape(one_line(each))}</td>" for each in rest)
        tone = ' class="above"' if rest[-1] == "worse" else ""
        body += f'<tr{tone}><th scope="row">{escape(one_line(first))}</th>{cells}</tr>'
    # The keyboard can scroll only what it can focus.
    return (
        f'<div class="scroll" role="region" aria-label="{caption}" tabindex="0"><table>'
        f"<caption>{caption}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )


def _range(low: float, high: float) -> str:
    return "-" if math.isnan(low) else f"{_number(low)} to {_number(high)}"


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.4g}"
