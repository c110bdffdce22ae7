"""PromQL for what chance and natural variation explain, as in `boxkite.drift.allowance`."""

from __future__ import annotations

from boxkite.baseline.text_writer import format_float
from boxkite.drift.allowance import score_quantile
from boxkite.drift.policy import MOST_SHARE
from boxkite.variation.learning import MOST_DIRECTIONS

__all__ = ["variation_expressions"]

_SHARE = "version:boxkite_drift_share:max"
_VARIABLES = "version:boxkite_variables:count"
_NOT_SCORES = "rest|distance"

# The heaviest tail that natural variation is fitted with is Fisher's F with three denominator
# degrees of freedom, whose quantile grows as the power 2/3 of one over the probability.
_GROWTH = format_float(2 / 3)


def variation_expressions(
    window: str, source: str, share_of_all: float, ks_quantile: str
) -> dict[str, str]:
    """Return templates of PromQL for a window, by placeholder of the template.

    Args:
        window: A window of the rules.
        source: The window whose natural variation is used; usually the same.
        share_of_all: Share of the false alarms of all variables together, in this window.
        ks_quantile: PromQL for the square of the K-S quantile of each version.
    """
    own = f'window="{window}"'
    of_source = f'window="{source}"'
    chance = f"variable:boxkite_drift:chance{{{own}}}"
    natural = "variable:boxkite_drift:natural"

    def part(direction: str) -> str:
        series = f'{natural}{{{own}, direction="{direction}"}}'
        return f"(sum by (@live) ({series}) or on (@live) 0 * {chance})"

    return {
        "chance": chance,
        "varying_p": (
            f"(cell:boxkite_live_rows:fraction{{{own}}} "
            f"and on (@variable) cell:boxkite_direction:max{{{of_source}}})"
        ),
        "score": _scores(own, of_source),
        "variation": _variation(of_source, share_of_all),
        "window_rows": f"variable:boxkite_window_rows:max{{{of_source}}}",
        "natural_scores": f'{natural}{{{own}, direction!~"{_NOT_SCORES}"}}',
        "natural_rest": part("rest"),
        "natural_distance": part("distance"),
        "chance_of_score": _times(chance, _score_quantile(share_of_all)),
        "chance_of_ks": _times(chance, ks_quantile),
    }


def _times(chance: str, quantile: str) -> str:
    return f"{chance} * on (@version) group_left () ({quantile})"


def _scores(own: str, of_source: str) -> str:
    """Return the scores along all directions. Each direction is a join of its own.

    A cell has a weight in several directions and a deviation in several environments, and PromQL
    joins one with many only.
    """
    parts = [
        "label_replace(\n"
        "  sum by (@live) (\n"
        f"    cell:boxkite_drift:deviation{{{own}}}\n"
        "    * on (@cell) group_left ()\n"
        f'    cell:boxkite_direction:max{{{of_source}, direction="{direction}"}}\n'
        "  ),\n"
        f'  "direction", "{direction}", "", ""\n'
        ")"
        for direction in range(1, MOST_DIRECTIONS + 1)
    ]
    return "\nor\n".join(parts)


def _variation(of_source: str, share_of_all: float) -> str:
    """Return the services' natural variation, raised if their share is greater than the rules'."""
    ratio = f"clamp_min({_SHARE}{{{of_source}}} / {format_float(share_of_all)}, 1)"
    return (
        f"variable:boxkite_drift_variation:max{{{of_source}}}\n"
        "* on (@live_version) group_left ()\n"
        f"{ratio} ^ {_GROWTH}"
    )


def _score_quantile(share_of_all: float) -> str:
    """Return `score_quantile` at a variable's share, for each version.

    The quantile is 2 ln(24 / share), so it grows by 2 ln(V) for one of V variables.
    """
    one_variable, least = (
        format_float(score_quantile(share)) for share in (share_of_all, MOST_SHARE)
    )
    return f"clamp_min({one_variable} + 2 * ln({_VARIABLES}), {least})"
