"""PromQL for the smallest differences that matter, and for how far a difference exceeds them."""

from __future__ import annotations

from boxkite.baseline.text_writer import format_float
from boxkite.drift import Policy
from boxkite.drift.policy import DEFAULT_FLOORS

__all__ = ["floor_expressions", "size_expressions"]

_EFFECT = "variable:boxkite_drift_min_effect:max"
_MOVED = "variable:boxkite_drift_min_moved:max"


def floor_expressions(wanted: Policy) -> dict[str, str]:
    """Return templates of PromQL for the floors of each variable, by placeholder of the template.

    The services say which differences of a variable matter. If the rules have a floor of their own
    that is not the default, the greater of the two counts.

    Args:
        wanted: The policy that the rules keep to.
    """
    # An infinite floor times 0 is NaN, so 0 is the least of a floor and 0.
    nothing = f"clamp_max({_EFFECT}, 0)"
    services = {
        "min_effect": "max by (@live) (last_over_time(boxkite_drift_min_effect[5m]))",
        **{
            name: (
                f"max by (@live) (last_over_time(boxkite_drift_{name}[5m]))\n"
                f"or {nothing} + {format_float(default)}"
            )
            for name, default in (
                ("min_moved", DEFAULT_FLOORS.moved),
                ("min_rate", DEFAULT_FLOORS.rate),
            )
        },
    }
    own = {
        "min_effect": (wanted.min_effect, DEFAULT_FLOORS.effect),
        "min_moved": (wanted.min_moved, DEFAULT_FLOORS.moved),
        "min_rate": (wanted.min_rate, DEFAULT_FLOORS.rate),
    }
    return {
        name: expression
        if own[name][0] == own[name][1]
        else f"clamp_min(\n{expression},\n{format_float(own[name][0])}\n)"
        for name, expression in services.items()
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
