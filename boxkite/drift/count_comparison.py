"""Compare live counts with a baseline, variable by variable."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from boxkite.baseline.baseline import Baseline
from boxkite.baseline.category_variable import CategoryVariable
from boxkite.baseline.tally import Tally
from boxkite.baseline.variable import Variable
from boxkite.drawing.cell_words import cell_words
from boxkite.drift.allowance import measure
from boxkite.drift.comparison import Comparison
from boxkite.drift.effect import effect_words
from boxkite.drift.policy import Policy
from boxkite.drift.rates import measure_rates, rate_critical
from boxkite.drift.statistics import jensen_shannon, kullback_leibler
from boxkite.drift.variable_drift import VariableDrift
from boxkite.drift.verdict import judge, rows_needed

__all__ = ["compare_counts"]


def compare_counts(
    baseline: Baseline,
    tallies: Sequence[Tally],
    predictions: int,
    *,
    policy: Policy | None = None,
    window: str | None = None,
    segments: Collection[str] | None = None,
) -> Comparison:
    """Compare live counts with a baseline.

    Args:
        baseline: What the model was trained on.
        tallies: Live counts, one tally for each of `baseline.counted_variables`, in that order.
            To compare no segments, pass only one tally for each of `baseline.variables`.
        predictions: Number of rows counted.
        policy: False alarms to allow and smallest effect that matters; the default if None.
        window: Window of the policy that the rows come from. It determines the share of the false
            alarms, and the natural variation to allow for. Pass None if the rows are not a window
            of time. The share of the policy's first window then applies, and rows count as
            independent.
        segments: Labels of the segments to compare; all if None.
    """
    policy = policy or Policy()
    size, labels = len(baseline.variables), baseline.segment_labels
    judged = labels if segments is None else [each for each in labels if each in segments]
    variables = baseline.counted_variables
    if len(tallies) == size:
        judged, variables = (), baseline.variables
    counts = tuple(zip(variables, tallies, strict=True))

    def compared(label: str, first: int) -> Comparison:
        own = counts[first : first + size]
        rows = _seen(own[0][1]) if label else predictions
        drifts = _drifts(own, policy.part(label, len(labels)), window)
        return Comparison(baseline.model, baseline.version, rows, drifts, own)

    places = {label: size * place for place, label in enumerate(labels, 1)}
    parts = {label: compared(label, places[label]) for label in judged}
    return replace(compared("", 0), segments=parts)


def _seen(tally: Tally) -> int:
    """Return the number of rows. Each is in a cell of every variable, missing or invalid."""
    return tally.rows + tally.missing + tally.invalid


def _drifts(
    counts: Sequence[tuple[Variable, Tally]], policy: Policy, window: str | None
) -> tuple[VariableDrift, ...]:
    """Compare each variable with its live counts, as `compare_counts` describes."""
    size = len(counts)
    judged_window = window or next(iter(policy.windows))
    chance = rate_critical(policy, size) if size else math.nan
    return tuple(
        VariableDrift(
            name=variable.name,
            role=variable.role,
            rows=tally.rows,
            missing=tally.missing,
            invalid=tally.invalid,
            outside=tally.outside,
            **_distances(variable, tally, policy, judged_window, size, natural=window is not None),
            **_rates(variable, tally, chance, policy),
        )
        for variable, tally in counts
    )


def _distances(
    variable: Variable, tally: Tally, policy: Policy, window: str, variables: int, *, natural: bool
) -> dict[str, Any]:
    """Return the fields of `VariableDrift` that hold the statistics and the verdict.

    Args:
        variable: Variable at training.
        tally: Its live counts.
        policy: Decides what counts as drift.
        window: Window of the policy.
        variables: Number of the model's variables.
        natural: Whether to allow for the natural variation between windows of this length.
    """
    live, trained, k = tally.cells, variable.counts, policy.design_effect
    # Even without rows, the smoothed fractions differ from training, but that is not drift.
    if not tally.rows or not trained.sum():
        names = ("psi", "kl", "js", "ks", "critical", "ks_critical")
        reason = "no rows with a value" if trained.sum() else "no value at training"
        return {**dict.fromkeys(names, math.nan), "verdict": "insufficient", "reason": reason}
    allowance = policy.allowance(window, variables, variable, natural=natural)
    variation = policy.natural_variation(window, variable) if natural else None
    found = measure(live, trained, variation, ordered=variable.is_ordered, design_effect=k)
    critical = allowance.rest_limit(found)
    if found.scores:  # The rest exceeds its limit if PSI exceeds this.
        critical += sum(score**2 for score in found.scores)
    verdict, reason = judge(variable, found, allowance, policy)
    return {
        "psi": found.psi,
        "kl": kullback_leibler(live, trained, k),
        "js": jensen_shannon(live, trained, k),
        "ks": found.distance,
        "critical": critical,
        "ks_critical": allowance.distance_limit(found),
        "scores": found.scores,
        "score_criticals": tuple(math.sqrt(each) for each in allowance.score_limits(found)),
        "excess": found.excess,
        "excess_critical": allowance.excess_limit(found),
        "moved": found.moved,
        "moved_rows": found.moved_rows,
        "moved_cell": cell_words(variable, found.moved_cell, outside=bool(tally.outside)),
        "effect": effect_words(variable, live, found, outside=bool(tally.outside)),
        "rows_needed": rows_needed(variable, policy),
        "verdict": verdict,
        "reason": reason,
    }


def _rates(variable: Variable, tally: Tally, critical: float, policy: Policy) -> dict[str, Any]:
    """Return the fields of `VariableDrift` that hold missing, unseen, outside and invalid rows."""
    found, floors = measure_rates(variable, tally), policy.floors(variable)
    fields: dict[str, Any] = {"missing_difference": math.nan}
    for each in found:
        fields |= {f"{each.name}_difference": each.difference}
        fields |= {f"{each.name}_evidence": each.evidence}
    return {
        **fields,
        "unseen": int(tally.cells[-1]) if isinstance(variable, CategoryVariable) else 0,
        "rate_critical": critical,
        "changed_rates": tuple(each.name for each in found if each.changed(critical, floors.rate)),
        "min_effect": floors.effect,
        "min_moved": floors.moved,
        "min_rate": floors.rate,
    }
