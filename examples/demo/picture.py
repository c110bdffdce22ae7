"""What remains of a demonstration: July's report, and its table as it stands in the terminal."""

from __future__ import annotations

import io
import re
from pathlib import Path

from rich.console import Console
from rich.table import Table

from boxkite import Baseline, Comparison
from boxkite.report.drift_report import report_of
from boxkite.report.rendering import report_html

__all__ = ["save_picture", "save_report"]


def save_report(baseline: Baseline, comparison: Comparison, path: Path, subject: str) -> None:
    """Write a comparison as one HTML file, as `boxkite report` does."""
    report = report_of(baseline, comparison, subject)
    path.write_text(report_html(report), encoding="utf-8")


def save_picture(table: Table, path: Path, title: str) -> None:
    """Write an SVG that needs no other file: the fonts are those of whoever looks at it."""
    console = Console(record=True, width=80, file=io.StringIO(), force_terminal=True)
    console.print(table)
    drawing = console.export_svg(title=title, unique_id="boxkite")
    path.write_text(re.sub(r"@font-face\s*{[^}]*}\s*", "", drawing))
