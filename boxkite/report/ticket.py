"""One variable as an SVG file of its own, for a ticket or a message."""

from __future__ import annotations

import math
from xml.sax.saxutils import escape

from boxkite.baseline import NumericVariable
from boxkite.baseline.printable import one_line
from boxkite.baseline.shapes import axis
from boxkite.report.cards import Card, Report
from boxkite.report.figures import distribution

__all__ = ["ticket_svg"]

_STYLE = (
    "text{font:14px system-ui,sans-serif;fill:#1b1f24}"
    ".faint{font-size:12px;fill:#57606a}"
    ".verdict{font-weight:bold}"
    ".trained{fill:#8c959f}"
    ".live{fill:#0757ba}"
    ".numeric .trained{fill-opacity:.55}"
    ".numeric .live{fill-opacity:.25;stroke:#0757ba;vector-effect:non-scaling-stroke}"
)
_WIDTH, _HEIGHT = 480, 240
_COLORS = {"drift": "#b3141d", "ok": "#116329", "insufficient": "#7d4e00"}


def ticket_svg(card: Card, report: Report) -> str:
    """Return a drawing of one variable with its numbers, on white, that needs no other file.

    Args:
        card: of the variable.
        report: that it is of.
    """
    drift, comparison = card.drift, report.comparison
    numbers = f"PSI {_number(drift.psi)}, critical {_number(drift.critical)}, {drift.rows:,} rows"
    drawing = distribution(card).replace("<svg ", '<svg x="16" y="48" width="448" height="112" ', 1)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'width="{_WIDTH}" height="{_HEIGHT}">'
        f"<style>{_STYLE}</style>"
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>'
        f'<text class="verdict" x="16" y="30">{_text(drift.name, 36)}</text>'
        f'<text class="verdict" x="464" y="30" text-anchor="end" '
        f'style="fill:{_COLORS[drift.verdict]}">{drift.verdict}</text>'
        f"{drawing}{_ends(card)}"
        f'<text x="16" y="202">{numbers}</text>'
        f'<text class="faint" x="16" y="224">'
        f"{_text(f'{comparison.model} {comparison.version}: training grey, live blue', 64)}</text>"
        "</svg>\n"
    )


def _ends(card: Card) -> str:
    """Return what stands below the drawing: the ends of the axis, or the commonest categories."""
    if isinstance(card.variable, NumericVariable):
        left, right = axis(card.variable)
        return (
            f'<text class="faint" x="16" y="176">{_text(left, 30)}</text>'
            f'<text class="faint" x="464" y="176" text-anchor="end">{_text(right, 30)}</text>'
        )
    shown = card.bars[:10]
    return "".join(
        f'<text class="faint" x="{16 + 448 * (bar.left + bar.width / 2):.1f}" y="176" '
        f'text-anchor="middle">{_text(bar.label, max(2, int(60 * bar.width)))}</text>'
        for bar in shown
    )


def _text(text: str, most: int) -> str:
    """Return text that any XML can hold, cut to a length."""
    printed = one_line(text)
    return escape(printed if len(printed) <= most else f"{printed[: most - 1]}…")


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.4g}"
