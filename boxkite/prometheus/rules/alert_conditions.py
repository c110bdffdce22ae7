"""PromQL for the conditions of alerts on data, at both severities.

Severity follows size: any difference that matters is a `warning`, and one of more than five times
its floor is `critical`. Drift in at least two and at least a tenth of a model's variables is also
`critical`.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from boxkite.baseline.text_writer import format_float
from boxkite.drift.comparison import MANY_DRIFTED
from boxkite.drift.verdict import CRITICAL_MULTIPLE

__all__ = ["Level", "alert_conditions"]

Level: TypeAlias = Literal["warning", "critical"]

_LARGE = format_float(CRITICAL_MULTIPLE)


def alert_conditions(window: str, level: Level, *, varying_as: str | None) -> dict[str, str]:
    """Return templates of PromQL for the alerts of a window, by placeholder of the template.

    Args:
        window: A window of the rules.
        level: The severity. Where a `critical` alert fires, the `warning` fires too.
        varying_as: A window. An alert on drift fires only if natural variation is known for it.
            None if alerts on drift do not depend on natural variation. Alerts on rates never do.
    """
    own = f'window="{window}"'
    drift = {
        f"{role}_drift": _drift(own, role, level, varying_as) for role in ("feature", "output")
    }
    rates = ("missing", "unseen", "outside", "invalid")
    return {**drift, **{f"{rate}_changed": _rate(own, rate, level) for rate in rates}}


def _drift(own: str, role: str, level: Level, varying_as: str | None) -> str:
    chosen = f'{{{own}, variable_role="{role}"}}'
    drifted = f"variable:boxkite_drift:psi{chosen}\nand variable:boxkite_drift:verdict{chosen} == 1"
    if varying_as is not None:
        known = f'variable:boxkite_window_rows:max{{window="{varying_as}"}}'
        drifted += f"\nand on (@variable) {known}"
    if level == "warning":
        return drifted
    count = f"count by (@live_version) (variable:boxkite_drift:verdict{{{own}}} == 1)"
    return (
        f"{drifted}\n"
        "and on (@live)\n"
        "(\n"
        f"  variable:boxkite_drift:size{chosen} > {_LARGE}\n"
        "  or\n"
        f"  variable:boxkite_drift:psi{chosen}\n"
        "  and on (@live_version)\n"
        "  (\n"
        f"    {count} > 1\n"
        f"    >= on (@version) group_left ()\n"
        f"    {format_float(MANY_DRIFTED)} * version:boxkite_variables:count\n"
        "  )\n"
        ")"
    )


def _rate(own: str, rate: str, level: Level) -> str:
    chosen = f'{{{own}, rate="{rate}"}}'
    difference = f"variable:boxkite_rate:difference{chosen}"
    floor = "variable:boxkite_drift_min_rate:max"
    large = f"> on (@live) {_LARGE} * {floor}" if level == "critical" else f">= on (@live) {floor}"
    return (
        f"{difference}\n"
        f"and on (@live) (abs({difference}) {large})\n"
        "and on (@live)\n"
        "(\n"
        f"  variable:boxkite_rate:evidence{chosen}\n"
        "  > on (@live_version) group_left ()\n"
        f"  version:boxkite_rate:critical{{{own}}}\n"
        ")"
    )
