"""PromQL for the smallest differences that matter, and for the size of a difference."""

from __future__ import annotations

from boxkite.baseline.text_writer import format_float
from boxkite.drift.variable_policy import DEFAULT_FLOORS

__all__ = ["floor_expressions", "size_expressions"]

_EFFECT = "variable:boxkite_drift_min_effect:max"
_MOVED = "variable:boxkite_drift_min_moved:max"


def floor_expressions() -> dict[str, str]:
    """Return templates of PromQL for the floors of each variable, by placeholder of the template.

    The services export a floor only if it is not the default.
    """
    # This is 0 for each variable. Multiplying by 0 would give NaN if the floor is infinite.
    nothing = f"clamp_max({_EFFECT}, 0)"
    defaults = {"min_moved": DEFAULT_FLOORS.moved, "min_rate": DEFAULT_FLOORS.rate}
    return {
        name: (
            f"max by (@live) (last_over_time(boxkite_drift_{name}[5m]))\n"
            f"or {nothing} + {format_float(default)}"
        )
        for name, default in defaults.items()
    }


def size_expressions(window: str) -> dict[str, str]:
    """Return templates of PromQL for the size of a difference, by placeholder of the template.

    Args:
        window: A window of the rules.
    """
    own = f'{{window="{window}"}}'
    psi, moved = f"variable:boxkite_drift:psi{own}", f"variable:boxkite_drift:moved{own}"
    return {
        "effect_size": f"{psi} / on (@live) ({_EFFECT} > 0)",
        "moved_size": f"{moved} / on (@live) ({_MOVED} > 0)",
        "matters": (
            f"clamp_max(({psi} > bool on (@live) {_EFFECT}) "
            f"+ on (@live) ({moved} >= bool on (@live) {_MOVED}), 1)"
        ),
    }
