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

_WORDS = {"insufficient": "too few"}
_STYLES = {"drift": "bold red", "ok": "green", "too few": "yellow"}


def side_by_side(comparison: Comparison, recorded: Mapping[str, Recorded], title: str) -> Table:
    """Return a row a variable: Python's numbers, and Prometheus's where there are any.

    It fits 80 columns; the critical values stand once, as Python has them.
    """
    sources = ("Python", "Prom.") if recorded else ("Python",)
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold",
                  padding=0, show_edge=False)  # fmt: skip
    table.add_column("variable", no_wrap=True)
    for heading in (
        "rows",
        *(f"PSI\n{source}" for source in sources),
        "PSI\ncritical",
        *(f"K-S\n{source}" for source in sources),
        "K-S\ncritical",
    ):
        table.add_column(heading, justify="right", no_wrap=True)
    for heading, source in zip(("verdict", ""), sources, strict=False):
        table.add_column(f"{heading}\n{source}", no_wrap=True)
    for each in comparison:
        said = [printed(each)]
        if recorded:
            said.append(printed(recorded[each.name]) if each.name in recorded else ["-"] * 6)
        rows, _, critical, _, ks_critical, _ = said[0]
        psi, ks = ([one[i] for one in said] for i in (1, 3))
        verdicts = [Text(one[5], style=_STYLES.get(one[5], "")) for one in said]
        table.add_row(each.name, rows, *psi, critical, *ks, ks_critical, *verdicts)
    return table


def printed(each: VariableDrift | Recorded) -> list[str]:
    """Return rows, PSI, K-S, each with what is critical, and verdict as they are printed."""
    numbers = [
        "-" if math.isnan(number) else f"{number:.4f}"
        for number in (each.psi, each.critical, each.ks, each.ks_critical)
    ]
    return [f"{each.rows:,.0f}", *numbers, _WORDS.get(each.verdict, each.verdict)]


def agreement(comparison: Comparison, recorded: Mapping[str, Recorded]) -> bool:
    """Tell whether both say the same of every variable, in every printed digit."""
    return all(
        each.name in recorded and printed(each) == printed(recorded[each.name])
        for each in comparison
    )
