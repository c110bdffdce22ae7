"""What the commands print, as tables."""

from __future__ import annotations

import math

from rich import box
from rich.table import Table
from rich.text import Text

from boxkite.baseline import Baseline, CategoryVariable, Variable
from boxkite.baseline.text_format import format_float
from boxkite.drift import Comparison

__all__ = ["baseline_table", "comparison_table"]

_STYLES = {"drift": "bold red", "ok": "green", "insufficient": "yellow"}


def comparison_table(comparison: Comparison, title: str | None = None) -> Table:
    """Return a row for each variable: rows, missing, PSI, K-S, critical value, verdict."""
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold")
    table.add_column("variable", no_wrap=True)
    for name in ("rows", "missing", "PSI", "critical", "K-S"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for each in comparison:
        name = each.name if each.role == "feature" else f"{each.name} ({each.role})"
        table.add_row(
            Text(_one_line(name)),
            f"{each.rows:,}",
            f"{each.missing:,}",
            _number(each.psi if each.rows else math.nan),
            _number(each.critical),
            _number(each.ks),
            Text(each.verdict, style=_STYLES[each.verdict]),
        )
    return table


def baseline_table(baseline: Baseline) -> Table:
    """Return a row for each variable of a baseline."""
    table = Table(box=box.SIMPLE_HEAD)
    for name in ("variable", "role", "kind"):
        table.add_column(name, no_wrap=True)
    for name in ("missing", "cells"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("range or commonest")
    for each in baseline.variables:
        table.add_row(
            Text(_one_line(each.name)),
            each.role,
            each.kind,
            f"{each.missing:,}",
            str(len(each.counts)),
            Text(_one_line(_summary(each))),
        )
    return table


def _summary(variable: Variable) -> str:
    if isinstance(variable, CategoryVariable):
        return ", ".join(variable.categories[:5])
    return f"{format_float(variable.minimum)} to {format_float(variable.maximum)}"


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.4f}"


def _one_line(text: str) -> str:
    return text if text.isprintable() else ascii(text)[1:-1]
