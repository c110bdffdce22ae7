"""The quality of segments as HTML: measured, and estimated from the scores alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypeAlias

from boxkite.quality.html_tables import html_table, number_text, range_text, statistic_name
from boxkite.quality.quality_verdict import QualityChange
from boxkite.quality.shown_quality import ShownQuality, relative_loss, worst_change

__all__ = ["segment_tables", "worse_segments"]

Segments: TypeAlias = Mapping[str, ShownQuality]

_MOST_NAMED = 3
_ESTIMATED = "accuracy"


def worse_segments(segments: Segments) -> str:
    """Return a sentence with the worst segments, and a space before it; empty if none is worse."""
    worse = [label for label, each, _ in _worst_first(segments) if each.verdict == "worse"]
    if not worse:
        return ""
    more = f" and {len(worse) - _MOST_NAMED} more" if worse[_MOST_NAMED:] else ""
    number = f"{len(worse)} segment{'s' if len(worse) > 1 else ''}"
    return f" Worse in {number}: {', '.join(worse[:_MOST_NAMED])}{more}."


def segment_tables(segments: Segments) -> str:
    """Return a table of measured quality, and a table of estimates, the worst segment first.

    Each is left out if no segment has a label, or an estimate.
    """
    return _measured(segments) + _estimated(segments)


def _worst_first(segments: Segments) -> list[tuple[str, ShownQuality, QualityChange | None]]:
    """Return label, quality and worst statistic of each segment."""
    found = [(label, each, worst_change(each)) for label, each in segments.items()]
    return sorted(found, key=lambda each: math.inf if each[2] is None else -relative_loss(each[2]))


def _measured(segments: Segments) -> str:
    if not any(each.rows for each in segments.values()):
        return ""
    rows: list[list[str]] = []
    for label, quality, worst in _worst_first(segments):
        if not quality.rows and not any(each.before and each.before.rows for each in quality):
            continue  # for rarer or missing values, which never occurred
        verdict = "not enough data" if quality.verdict == "insufficient" else quality.verdict
        if worst is None or worst.before is None:
            rows.append([label, f"{quality.rows:,}", "", "-", "-", verdict])
            continue
        numbers = (number_text(worst.before.value), number_text(worst.now.value))
        name = statistic_name(worst.now.name)
        rows.append([label, f"{quality.rows:,}", name, *numbers, verdict])
    headings = ["segment", "rows", "statistic", "at training", "now", "verdict"]
    return html_table("Segments, the worst first", headings, rows)


def _estimated(segments: Segments) -> str:
    found: list[tuple[float, list[str]]] = []
    for label, quality in segments.items():
        estimates = {each.name: each.interval for each in quality.estimated}
        change = next((each for each in quality if each.now.name == _ESTIMATED), None)
        if _ESTIMATED not in estimates or change is None:
            continue
        before = math.nan if change.before is None else change.before.value
        value, low, high = estimates[_ESTIMATED]
        texts = [number_text(before), number_text(value), range_text(low, high)]
        found.append((before - value, [label, *texts, number_text(change.now.value)]))
    if not found:
        return ""
    rows = [row for _, row in sorted(found, key=lambda each: -each[0])]
    headings = ["segment", "at training", "estimated", "95 % interval", "now"]
    return html_table("Accuracy estimated by segment, the largest drop first", headings, rows)
