"""Tables of quality as HTML, and the texts of their cells."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from boxkite.drawing.printable import one_line

__all__ = ["html_table", "number_text", "range_text", "statistic_name"]

_NAMES = {"auc": "AUC", "brier": "Brier score", "f1": "F1", "mae": "MAE", "rmse": "RMSE"}


def statistic_name(statistic: str, category: str = "") -> str:
    """Return a statistic as people write it, such as "log loss" or "AUC"."""
    name = _NAMES.get(statistic, statistic)
    words = name.replace("_", " ")
    return f"{words} ({category})" if category else words


def html_table(caption: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table that scrolls sideways. A row whose last cell is "worse" stands out.

    Args:
        caption: Text above the table.
        headings: Headings of the columns.
        rows: Texts of the cells, which are escaped. The first cell is the heading of the row.
    """
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


def range_text(low: float, high: float) -> str:
    """Return both ends of an interval, or a dash for NaN."""
    return "-" if math.isnan(low) else f"{number_text(low)} to {number_text(high)}"


def number_text(value: float) -> str:
    """Return a number with four digits, or a dash for NaN."""
    return "-" if math.isnan(value) else f"{value:.4g}"
