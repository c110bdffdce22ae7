"""Draws docs/images/flights-alarms.svg: the days of 2013 on which each variable is called drift."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from judging import without_time
from real_tables import Alarms, boxkite_alarms, fit
from sources import TABLES

from boxkite.drift import Policy

__all__ = ["draw_flights"]

PICTURE = Path(__file__).parents[2] / "docs" / "images" / "flights-alarms.svg"
LEFT, DAY, ROW, TOP, GAP = 112, 1.75, 17, 34, 44
DAYS = 365
WIDTH = LEFT + DAYS * DAY + 12

# GitHub shows pictures as images, where the page's color does not apply, so the style asks for the
# color scheme itself.
STYLE = """
svg { color: #1f2328; font: 12px system-ui, sans-serif; }
@media (prefers-color-scheme: dark) { svg { color: #e6edf3; } }
text { fill: currentColor; }
.title { font-weight: 600; }
.note { opacity: .75; }
.training { fill: currentColor; opacity: .1; }
.row { stroke: currentColor; opacity: .2; }
.drift { fill: #e5534b; }
"""


def draw_flights(folder: Path) -> None:
    """Judge each day without and with the times of training, and write the picture."""
    table = TABLES["flights by day"](folder)
    baseline = fit(table)
    # Without times and moved rows, earlier versions gave the same verdict.
    before = boxkite_alarms(without_time(baseline), table, policy=Policy(min_moved=1.0))
    panels = {
        "Without time=": before,
        "With time=, which learns how days differ": boxkite_alarms(baseline, table),
    }
    PICTURE.write_text(_svg(panels), encoding="utf-8")
    print(f"wrote {PICTURE.name}")


def _svg(panels: dict[str, Alarms]) -> str:
    height = TOP
    parts = []
    for title, alarms in panels.items():
        parts.append(_panel(title, alarms, height))
        height += len(alarms) * ROW + GAP
    parts.append(_months(height - GAP + 16))
    height += 6
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {height}" role="img" '
        f'aria-label="Days of 2013 with drift in each variable of flights, without and with '
        f'time=">\n<style>{STYLE}</style>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _panel(title: str, alarms: Alarms, top: float) -> str:
    rows = len(alarms)
    days = sum(sum(inside) + sum(after) for inside, after in alarms.values())
    total = f"{days:,} of {rows * DAYS:,} verdicts are drift"
    width, height = len(next(iter(alarms.values()))[0]) * DAY, rows * ROW
    lines = [
        f'<text class="title" x="0" y="{top - 14}">{title}</text>',
        f'<text class="note" x="{WIDTH - 12:g}" y="{top - 14}" text-anchor="end">{total}</text>',
        f'<rect class="training" x="{LEFT}" y="{top - 4}" width="{width:g}" height="{height}"/>',
    ]
    for i, (name, (inside, after)) in enumerate(alarms.items()):
        y = top + i * ROW
        lines.append(f'<text x="{LEFT - 8}" y="{y + 8.5:g}" text-anchor="end">{name}</text>')
        lines.append(f'<path class="row" d="M{LEFT} {y + 4.5:g}h{DAYS * DAY:g}"/>')
        marks = "".join(
            f"M{LEFT + day * DAY:g} {y - 1}h{DAY:g}v11h-{DAY:g}z"
            for day, each in enumerate([*inside, *after])
            if each
        )
        lines.append(f'<path class="drift" d="{marks}"/>')
    return "\n".join(lines)


def _months(y: float) -> str:
    starts = pd.date_range("2013-01-01", periods=12, freq="MS")
    labels = [
        f'<text class="note" x="{LEFT + (each.dayofyear - 1) * DAY:g}" y="{y:g}">{each:%b}</text>'
        for each in starts
    ]
    note = f'<text class="note" x="{LEFT - 8}" y="{y:g}" text-anchor="end">shaded: training</text>'
    return "\n".join([note, *labels])
