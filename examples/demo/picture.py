"""Draws a table as it stands in the terminal, for the README."""

from __future__ import annotations

import io
import re
from pathlib import Path

from rich.console import Console
from rich.table import Table

__all__ = ["save_picture"]


def save_picture(table: Table, path: Path, title: str) -> None:
    """Write an SVG that needs no other file: the fonts are those of whoever looks at it."""
    console = Console(record=True, width=80, file=io.StringIO(), force_terminal=True)
    console.print(table)
    drawing = console.export_svg(title=title, unique_id="boxkite")
    path.write_text(re.sub(r"@font-face\s*{[^}]*}\s*", "", drawing))
