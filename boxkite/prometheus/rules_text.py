"""Expressions that several rules share."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["beside_critical", "evidence", "looked_up", "scaled"]

_VARIABLE = ("model_name", "model_version", "variable_role", "variable")
_ON = f"on ({', '.join(_VARIABLE)})"


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


def looked_up(series: str, window: str, form: str, labels: Sequence[str] = _VARIABLE) -> str:
    """Return an alert's template for another series' value, by the alert's own labels."""
    return (
        f"{{{{ with {_query(series, window, labels)} }}}}"
        f'{{{{ . | first | value | printf "{form}" }}}}{{{{ end }}}}'
    )


def beside_critical(window: str) -> str:
    """Return an alert's template for PSI, its own value, and K-S, each beside what is critical.

    Of categories there is no K-S.
    """
    ks = _query("variable:boxkite_drift:ks", window, _VARIABLE)
    return (
        f'PSI {{{{ $value | printf "%.3f" }}}}{_side("$value", "critical", window)}'
        f"{{{{ with {ks} }}}}{{{{ $ks := . | first | value }}}}"
        f', K-S {{{{ $ks | printf "%.3f" }}}}{_side("$ks", "ks_critical", window)}{{{{ end }}}}'
    )


def _side(value: str, critical: str, window: str) -> str:
    """Return a template that says on which side of its critical value a value is."""
    query = _query(f"variable:boxkite_drift:{critical}", window, _VARIABLE)
    return (
        f"{{{{ with {query} }}}}{{{{ $critical := . | first | value }}}}"
        f" is {{{{ if gt {value} $critical }}}}above{{{{ else }}}}below{{{{ end }}}}"
        f' critical {{{{ $critical | printf "%.3f" }}}}{{{{ end }}}}'
    )


def _query(series: str, window: str, labels: Sequence[str]) -> str:
    """Return a template's query for a series, by the alert's own labels."""
    selected = ",".join(f"{label}=%q" for label in labels)
    values = " ".join(f"$labels.{label}" for label in labels)
    return f'printf `{series}{{window="{window}",{selected}}}` {values} | query'
