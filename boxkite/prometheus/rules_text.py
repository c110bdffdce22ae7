"""Expressions that several rules share."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["evidence", "looked_up", "scaled"]

_ON = "on (model, version, role, variable)"


def evidence(live: str, live_rows: str, trained: str, trained_rows: str) -> str:
    """Return PromQL for `boxkite.drift.rates.evidence`; absent where either side has no rows."""
    both = f"clamp_min({live} + {_ON} {trained}, 1e-300)"
    rows = f"({live_rows} + {_ON} {trained_rows})"

    def side(some: str, all_rows: str) -> str:
        return (
            f"{some}\n"
            f"* {_ON} ln(\n"
            f"  clamp_min({some}, 1e-300) * {_ON} {rows}\n"
            f"  / {_ON} ({both} * {_ON} ({all_rows} > 0))\n"
            ")"
        )

    return f"{side(live, live_rows)}\n+ {_ON}\n{side(trained, trained_rows)}"


def scaled(counts: str, live_rows: str, trained_rows: str) -> str:
    """Return PromQL for live counts brought down to no more rows than training has."""
    return f"({counts} * {_ON} clamp_max({trained_rows} / {_ON} {live_rows}, 1))"


def looked_up(
    series: str,
    window: str,
    form: str,
    labels: Sequence[str] = ("model", "version", "role", "variable"),
) -> str:
    """Return an alert's template for another series' value, by the alert's own labels."""
    selected = ",".join(f"{label}=%q" for label in labels)
    values = " ".join(f"$labels.{label}" for label in labels)
    return (
        f'{{{{ with printf `{series}{{window="{window}",{selected}}}` {values} | query }}}}'
        f'{{{{ . | first | value | printf "{form}" }}}}{{{{ end }}}}'
    )
