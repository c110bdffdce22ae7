"""The tables that a notebook shows for a comparison: its variables, and its segments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeAlias

from boxkite.baseline.notebook import Html, notebook_table, number
from boxkite.baseline.tally import Tally
from boxkite.baseline.variable import Variable
from boxkite.drawing.shapes import bars, drawn_kind
from boxkite.drawing.svg import picture
from boxkite.drift.variable_drift import VariableDrift
from boxkite.drift.verdict import Severity, Verdict

__all__ = ["SegmentSummary", "drift_table", "segments_table"]

Drawn: TypeAlias = tuple[Variable, Tally] | None


class SegmentSummary(NamedTuple):
    """One segment of a comparison.

    Attributes:
        label: Label of the segment, such as "carrier=UA".
        verdict: Verdict on all of its variables.
        severity: Severity of its changes; empty without a change.
        worst: The variable with the largest change; None without a change.
        rows: Number of its rows that were compared.
    """

    label: str
    verdict: Verdict
    severity: Severity
    worst: VariableDrift | None
    rows: int


def drift_table(title: str, pairs: Iterable[tuple[VariableDrift, Drawn]]) -> str:
    """Return a table of variables, the largest change first.

    Args:
        title: Text above the table.
        pairs: Each variable with its counts, which are drawn; None if they are not known.
    """
    ordered = sorted(pairs, key=lambda pair: pair[0].order)
    headings = (
        "variable",
        "verdict",
        "severity",
        "what changed",
        "PSI",
        "threshold",
        "K-S",
        "threshold",
        "training (grey) and live",
    )
    return notebook_table(title, headings, (_row(*pair) for pair in ordered), len(ordered))


def _row(drift: VariableDrift, drawn: Drawn) -> list[str | Html]:
    cells: list[str | Html] = [
        drift.name,
        drift.status,
        drift.severity,
        "; ".join(drift.findings),
        *(number(each) for name in ("PSI", "K-S") for each in drift.tests[name]),
    ]
    if drawn is None:
        return cells
    variable, tally = drawn
    label = f"{drift.name}: training and live distribution"
    return [*cells, Html(picture(bars(variable, tally.cells), drawn_kind(variable), label))]


def segments_table(segments: Sequence[SegmentSummary]) -> str:
    """Return a table of segments; empty if there are none.

    Args:
        segments: The segments, in the order of the rows.
    """
    if not segments:
        return ""
    title = "Segments, the largest change first"
    headings = ("segment", "verdict", "severity", "largest change", "rows")
    rows = [
        (each.label, each.verdict, each.severity, _change(each.worst), f"{each.rows:,}")
        for each in segments
    ]
    return notebook_table(title, headings, rows, len(rows), of="segments")


def _change(worst: VariableDrift | None) -> str:
    return "" if worst is None else f"{worst.name}: {worst.findings[0]}"
