"""PromQL for the conditions of alerts on data, at both severities.

Severity follows size: any difference that matters is a `warning`, and one of more than five times
its floor is `critical`. Drift in at least two and at least a tenth of a model's variables is also
`critical`.

One cause may change a variable in all rows and in each of twenty segments. So a segment raises a
`critical` alert only if its variable raises no alert in all rows.
"""

from __future__ import annotations

from textwrap import indent
from typing import Literal, TypeAlias

from boxkite.baseline.text_writer import format_float
from boxkite.drift.comparison import MANY_DRIFTED
from boxkite.drift.verdict import CRITICAL_MULTIPLE

__all__ = ["SEGMENTS", "WHOLE", "Level", "alert_conditions", "at_most_once"]

Level: TypeAlias = Literal["warning", "critical"]

_LARGE = format_float(CRITICAL_MULTIPLE)
WHOLE, SEGMENTS = 'segment=""', 'segment!=""'
"""Selectors in PromQL: series of all rows, and series of segments."""


def alert_conditions(window: str, level: Level, *, varying_as: str | None) -> dict[str, str]:
    """Return templates of PromQL for the alerts of a window, by placeholder of the template.

    Args:
        window: A window of the rules.
        level: The severity. Where a `critical` alert fires, the `warning` fires too, for the
            variable in the same rows or in all rows.
        varying_as: A window. An alert on drift fires only if natural variation is known for it.
            None if alerts on drift do not depend on natural variation. Alerts on rates never do.
    """
    own = f'window="{window}"'
    found: dict[str, str] = {}
    for role in ("feature", "output"):
        chosen = f'{own}, variable_role="{role}"'
        drift = _drift(chosen, varying_as)
        if level == "critical":
            whole, segments = (
                _large_drift(own, f"{chosen}, {rows}", varying_as) for rows in (WHOLE, SEGMENTS)
            )
            drift = at_most_once(whole, segments, _drift(f"{chosen}, {WHOLE}", varying_as))
        found[f"{role}_drift"] = drift
    for rate in ("missing", "unseen", "outside", "invalid"):
        chosen = f'{own}, rate="{rate}"'
        changed = _rate(own, chosen, level)
        if level == "critical":
            whole, segments = (_rate(own, f"{chosen}, {rows}", level) for rows in (WHOLE, SEGMENTS))
            changed = at_most_once(whole, segments, _rate(own, f"{chosen}, {WHOLE}", "warning"))
        found[f"{rate}_changed"] = changed
    return found


def at_most_once(whole: str, segments: str, changed: str, *labels: str) -> str:
    """Return PromQL for all rows, and for the segments of variables without a change in all rows.

    Args:
        whole: Selects variables in all rows.
        segments: Selects variables in segments.
        changed: Selects variables with any change in all rows.
        labels: Further labels that the change in all rows must share.
    """
    joined = ", ".join(("@live_in_whole", *labels))
    return (
        f"{whole}\n"
        "or\n"
        "(\n"
        f"{indent(segments, '  ')}\n"
        f"  unless on ({joined})\n"
        "  (\n"
        f"{indent(changed, '    ')}\n"
        "  )\n"
        ")"
    )


def _drift(chosen: str, varying_as: str | None) -> str:
    psi, verdict = (f"variable:boxkite_drift:{name}{{{chosen}}}" for name in ("psi", "verdict"))
    drifted = f"{psi}\nand {verdict} == 1"
    if varying_as is not None:
        known = f'variable:boxkite_window_rows:max{{window="{varying_as}"}}'
        drifted += f"\nand on (@variable) {known}"
    return drifted


def _large_drift(own: str, chosen: str, varying_as: str | None) -> str:
    count = f"count by (@live_version) (variable:boxkite_drift:verdict{{{own}}} == 1)"
    return (
        f"{_drift(chosen, varying_as)}\n"
        "and on (@live)\n"
        "(\n"
        f"  variable:boxkite_drift:size{{{chosen}}} > {_LARGE}\n"
        "  or\n"
        f"  variable:boxkite_drift:psi{{{chosen}}}\n"
        "  and on (@live_version)\n"
        "  (\n"
        f"    {count} > 1\n"
        f"    >= on (@version) group_left ()\n"
        f"    {format_float(MANY_DRIFTED)} * version:boxkite_variables:count\n"
        "  )\n"
        ")"
    )


def _rate(own: str, chosen: str, level: Level) -> str:
    difference = f"variable:boxkite_rate:difference{{{chosen}}}"
    floor = "variable:boxkite_drift_min_rate:max"
    large = f"> on (@live) {_LARGE} * {floor}" if level == "critical" else f">= on (@live) {floor}"
    return (
        f"{difference}\n"
        f"and on (@live) (abs({difference}) {large})\n"
        "and on (@live)\n"
        "(\n"
        f"  variable:boxkite_rate:evidence{{{chosen}}}\n"
        "  > on (@live_version) group_left ()\n"
        f"  version:boxkite_rate:critical{{{own}}}\n"
        ")"
    )
