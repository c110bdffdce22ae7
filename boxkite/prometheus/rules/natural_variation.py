"""PromQL for what chance and natural variation explain, as in `boxkite.drift.allowance`."""

from __future__ import annotations

from boxkite.prometheus.rules.thresholds import (
    ks_quantile,
    squared_excess_quantile,
    squared_score_quantile,
)
from boxkite.variation.learning import MOST_DIRECTIONS

__all__ = ["variation_expressions"]

_NOT_SCORES = "rest|distance|excess"


def variation_expressions(window: str, source: str) -> dict[str, str]:
    """Return templates of PromQL for a window, by placeholder of the template.

    Args:
        window: A window of the rules.
        source: The services' window whose policy and natural variation apply; usually the same
            window.
    """
    own = f'window="{window}"'
    of_source = f'window="{source}"'
    chance = f"variable:boxkite_drift:chance{{{own}}}"
    natural = "variable:boxkite_drift:natural"

    def part(direction: str) -> str:
        series = f'{natural}{{{own}, direction="{direction}"}}'
        return f"(sum by (@live) ({series}) or on (@live) 0 * {chance})"

    excess = f"variable:boxkite_drift:excess{{{own}}}"
    excess_critical = _excess_critical(chance, part("excess"), source)
    return {
        "chance": chance,
        "varying_p": (
            f"(cell:boxkite_live_rows:fraction{{{own}}} "
            f"and on (@variable) variable:boxkite_window_rows:max{{{of_source}}})"
        ),
        "score": _scores(own, of_source),
        "variation": f"variable:boxkite_drift_variation:max{{{of_source}}}",
        "window_rows": f"variable:boxkite_window_rows:max{{{of_source}}}",
        "natural_scores": f'{natural}{{{own}, direction!~"{_NOT_SCORES}"}}',
        "natural_rest": part("rest"),
        "natural_distance": part("distance"),
        "outside_directions": _outside_directions(own, of_source),
        "excess_exceeds": f"{excess}\n> bool on (@live)\n{excess_critical}",
        "excess_critical": f"{excess_critical}\nand on (@live) {excess}",
        "chance_of_score": _times(chance, squared_score_quantile(source)),
        "chance_of_ks": _times(chance, ks_quantile(source)),
    }


def _times(chance: str, quantile: str) -> str:
    return f"{chance} * on (@live_version) group_left () ({quantile})"


def _scores(own: str, of_source: str) -> str:
    """Return PromQL for the scores along all directions, with a separate join for each direction.

    A cell has a weight in each direction and a deviation in each environment, so a single join
    would be many-to-many. PromQL does not support that.
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


def _excess_critical(chance: str, natural: str, source: str) -> str:
    of_cells = f"{chance} * on (@variable) group_left () (2 * ln(variable:boxkite_cells:count))"
    by_chance = f"({_times(chance, squared_excess_quantile(source))} + on (@live) {of_cells})"
    return (
        "sqrt(\n"
        f"  {natural}\n"
        "  + on (@live) sqrt(\n"
        f"    {by_chance} ^ 2\n"
        f"    + on (@live) 4 * {by_chance} * on (@live) {natural}\n"
        "  )\n"
        ")"
    )


def _outside_directions(own: str, of_source: str) -> str:
    """Return PromQL for the deviation of each cell, and minus its part along each direction.

    The sum over these series of a cell is its deviation outside the directions.
    """
    deviation = f"cell:boxkite_drift:deviation{{{own}}}"
    parts = [
        "label_replace(\n"
        f"  (0 * {deviation}\n"
        "  + on (@cell) group_left ()\n"
        f'  cell:boxkite_direction:max{{{of_source}, direction="{direction}"}})\n'
        "  * on (@live) group_left ()\n"
        f'  (-1 * variable:boxkite_drift:score{{{own}, direction="{direction}"}}),\n'
        f'  "direction", "{direction}", "", ""\n'
        ")"
        for direction in range(1, MOST_DIRECTIONS + 1)
    ]
    return "\nor\n".join([deviation, *parts])
