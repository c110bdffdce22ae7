"""HTML tables without scripts, which notebooks show for boxkite's objects."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import NamedTuple

from boxkite.baseline.variable import Variable
from boxkite.drawing.shapes import bars, drawn_kind
from boxkite.drawing.svg import picture

__all__ = ["Html", "notebook_table", "number", "variables_table"]

_STYLE = (
    "<style>"
    ".boxkite td,.boxkite th{text-align:left;vertical-align:middle}"
    ".boxkite .distribution{display:block;width:160px;height:48px}"
    ".boxkite .trained{fill:#afb8c1}"
    ".boxkite .live{fill:#2f81f7}"
    ".boxkite .numeric .live{fill-opacity:.3}"
    ".boxkite .numeric rect{shape-rendering:crispEdges}"
    ".boxkite .outline{fill:none;stroke:#2f81f7;vector-effect:non-scaling-stroke}"
    ".boxkite .cut{fill:none;stroke:#6e7781;stroke-width:1.5;vector-effect:non-scaling-stroke}"
    "</style>"
)
_MOST_ROWS = 50


class Html(NamedTuple):
    """Content of a cell that is already HTML, so it is not escaped."""

    text: str


def notebook_table(
    title: str,
    headings: Sequence[str],
    rows: Iterable[Sequence[str | Html]],
    number_of_rows: int,
    *,
    of: str = "variables",
) -> str:
    """Return a table with the first 50 rows.

    Args:
        title: Text above the table.
        headings: Headings of the columns.
        rows: Cells of each row. Text is escaped.
        number_of_rows: Number of all rows. If it exceeds 50, a line says how many are left out.
        of: What the rows are.
    """
    more = number_of_rows - _MOST_ROWS
    rest = f"<p>and {more:,} more {of}</p>" if more > 0 else ""
    return (
        f'<div class="boxkite">{_STYLE}<p>{escape(title)}</p><table>'
        f"<thead>{_row(headings, 'th')}</thead>"
        f"<tbody>{''.join(_row(row, 'td') for row in itertools.islice(rows, _MOST_ROWS))}</tbody>"
        f"</table>{rest}</div>"
    )


def number(value: float) -> str:
    """Return a number with four digits, or a dash for NaN."""
    return "-" if math.isnan(value) else f"{value:.4g}"


def variables_table(title: str, variables: Sequence[Variable]) -> str:
    """Return a table of the variables of a baseline, each with a picture of its distribution.

    Args:
        title: Text above the table.
        variables: Variables of the baseline.
    """
    rows: list[tuple[str | Html, ...]] = []
    for each in variables[:_MOST_ROWS]:
        drawn = bars(each, [0] * len(each.counts))
        shape = Html(picture(drawn, drawn_kind(each), f"{each.name}: training distribution"))
        rows.append((each.name, each.role, each.kind, f"{each.missing:,}", shape))
    headings = ("variable", "role", "kind", "missing", "training")
    return notebook_table(title, headings, rows, len(variables))


def _row(cells: Iterable[str | Html], tag: str) -> str:
    drawn = (each.text if isinstance(each, Html) else escape(each) for each in cells)
    return f"<tr>{''.join(f'<{tag}>{each}</{tag}>' for each in drawn)}</tr>"
