"""Python's verdicts and Prometheus's, side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping

from rich import box
from rich.table import Table
from rich.text import Text

from boxkite import Comparison, VariableDrift
from demo.statistics import Recorded

__all__ = ["agreement", "side_by_side"]

_STYLES = {"drift": "bold red", "ok": "green", "insufficient": "yellow"}


def side_by_side(comparison: Comparison, recorded: Mapping[str, Recorded], title: str) -> Table:
    """Return a row a variable: Python's numbers, and Prometheus's where there are any."""
    sources = ("Python", "Prometheus") if recorded else ("Python",)
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold")
    table.add_column("variable", no_wrap=True)
    for name in ("rows", "missing"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in ("PSI", "critical", "K-S"):
        for source in sources:
            table.add_column(f"{name}\n{source}", justify="right", no_wrap=True)
    for source in sources:
        table.add_column(f"verdict\n{source}", no_wrap=True)
    for each in comparison:
        said = [printed(each)]
        if recorded:
            said.append(printed(recorded[each.name]) if each.name in recorded else ["-"] * 5)
        numbers = [one[i] for i in (1, 2, 3) for one in said]
        verdicts = [Text(one[4], style=_STYLES.get(one[4], "")) for one in said]
        table.add_row(each.name, said[0][0], str(each.missing), *numbers, *verdicts)
    return table


def printed(each: VariableDrift | Recorded) -> list[str]:
    """Return rows, PSI, critical, K-S and verdict as they are printed."""
    numbers = [
        "-" if math.isnan(number) else f"{number:.6f}"
        for number in (each.psi, each.critical, each.ks)
    ]
    return [f"{each.rows:,.0f}", *numbers, each.verdict]


def agreement(comparison: Comparison, recorded: Mapping[str, Recorded]) -> bool:
    """Tell whether both say the same of every variable, in every printed digit."""
    return all(
        each.name in recorded and printed(each) == printed(recorded[each.name])
        for each in comparison
    )
