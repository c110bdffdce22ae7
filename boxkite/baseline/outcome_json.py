"""Converts the outcomes of training to and from the structs that become JSON in `histogram.prom`.

Edges and categories are not stored again, because the output variables have them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, TypeAlias

import msgspec
import numpy as np

from boxkite.baseline.category_variable import CategoryVariable
from boxkite.baseline.numeric_variable import NumericVariable
from boxkite.baseline.outcome_values import BINARY_LABELS
from boxkite.baseline.pair_counting import CATCH_ALL, with_edge
from boxkite.baseline.time_windows import seconds_of
from boxkite.baseline.variable import Variable
from boxkite.baseline.variable_json import Count, StoredFloat, spelled
from boxkite.errors import BaselineError
from boxkite.quality.pairs import (
    LossSums,
    OutcomeKind,
    OutcomePairs,
    Outcomes,
    StatisticVariation,
)

__all__ = ["StoredOutcomes", "pair_series", "restore_outcomes", "store_outcomes"]

_Amount: TypeAlias = Annotated[float, msgspec.Meta(ge=0)]


class StoredPairs(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """An `OutcomePairs` as JSON, with the same field names."""

    output: str
    kind: OutcomeKind
    counts: list[list[Count]]
    threshold: float | None = None
    output_sums: list[StoredFloat] = []
    losses: dict[str, tuple[StoredFloat, StoredFloat]] = {}


class StoredStatisticVariation(msgspec.Struct, forbid_unknown_fields=True):
    """A `StatisticVariation` as JSON, with the same field names."""

    output: str
    statistic: str
    windows: Annotated[int, msgspec.Meta(ge=2, le=10**9)]
    mean: float
    variance: _Amount
    chance: _Amount
    worst: _Amount


class StoredOutcomes(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """An `Outcomes` as JSON, with the same field names."""

    pairs: Annotated[list[StoredPairs], msgspec.Meta(min_length=1)]
    unpaired: Count = 0
    variation: dict[str, list[StoredStatisticVariation]] = {}


def store_outcomes(outcomes: Outcomes) -> StoredOutcomes:
    """Return outcomes in the form that becomes JSON."""
    return StoredOutcomes(
        [_stored_pairs(each) for each in outcomes.pairs],
        outcomes.unpaired,
        {
            window: [StoredStatisticVariation(*each) for each in found]
            for window, found in outcomes.variation.items()
        },
    )


def _stored_pairs(pairs: OutcomePairs) -> StoredPairs:
    return StoredPairs(
        pairs.output,
        pairs.kind,
        pairs.counts.tolist(),
        pairs.threshold,
        [spelled(each) for each in pairs.output_sums.tolist()],
        {n: (spelled(each.total), spelled(each.squares)) for n, each in pairs.losses.items()},
    )


def pair_series(stored: StoredOutcomes | None) -> dict[str, int]:
    """Return the number of series that show the counts of each output. A count of 0 has none."""
    found = stored.pairs if stored is not None else []
    return {
        each.output: sum(len(row) - row.count(0) for row in each.counts) + _rows_below(each)
        for each in found
    }


def _rows_below(stored: StoredPairs) -> int:
    """Return the number of `…_below` series: one for each cell above the first that has rows."""
    if stored.kind != "score":
        return 0
    first = (
        next((i for i, count in enumerate(column) if count), len(stored.counts) - 1)
        for column in zip(*stored.counts, strict=False)
    )
    return sum(len(stored.counts) - 1 - each for each in first)


def restore_outcomes(
    stored: StoredOutcomes | None, variables: Sequence[Variable]
) -> Outcomes | None:
    """Return the outcomes of stored ones, after checking that they fit the variables.

    Args:
        stored: What the file holds; None if training had no outcomes.
        variables: The variables of the same file.

    Raises:
        BaselineError: If no baseline can have these values.
    """
    if stored is None:
        return None
    outputs = {each.name: each for each in variables if each.role == "output"}
    variation = {
        window: tuple(StatisticVariation(**msgspec.structs.asdict(each)) for each in found)
        for window, found in stored.variation.items()
    }
    for window in variation:
        seconds_of(window)  # Raises if the name is not a length.
    pairs = tuple(_restored(each, outputs.get(each.output)) for each in stored.pairs)
    return Outcomes(pairs, stored.unpaired, variation)


def _restored(stored: StoredPairs, output: Variable | None) -> OutcomePairs:
    layout = _layout(stored, output)
    size = len(layout.get("edges", ())) + 1 if "edges" in layout else len(layout["categories"])
    shape = (size, 2 if stored.kind == "score" else size)
    if {len(row) for row in stored.counts} != {shape[1]} or len(stored.counts) != shape[0]:
        raise BaselineError(f"the outcomes of {stored.output!r} do not have {shape} counts")
    if sum(map(sum, stored.counts)) >= 2**63:
        raise BaselineError(f"the outcomes of {stored.output!r} are more rows than 64 bits hold")
    if len(stored.output_sums) != (size if _is_probability(stored) else 0):
        raise BaselineError(f"the outcomes of {stored.output!r} do not have one sum for each bin")
    if stored.kind == "number" and stored.losses.keys() != _NUMBER_LOSSES:
        raise BaselineError(f"the outcomes of {stored.output!r} lack the sums of errors")
    return OutcomePairs(
        output=stored.output,
        kind=stored.kind,
        counts=np.array(stored.counts, dtype=np.int64),
        output_sums=np.array([float(each) for each in stored.output_sums]),
        losses={name: LossSums(*map(float, sums)) for name, sums in stored.losses.items()},
        threshold=stored.threshold,
        **layout,
    )


_NUMBER_LOSSES = {"overestimate", "underestimate", "squared_error"}


def _is_probability(stored: StoredPairs) -> bool:
    return stored.kind == "score" and "brier" in stored.losses


def _layout(stored: StoredPairs, output: Variable | None) -> dict[str, Any]:
    """Return the edges and categories of the pairs.

    Raises:
        BaselineError: If the output is no variable of the right kind.
    """
    if stored.kind == "class" and isinstance(output, CategoryVariable):
        return {"categories": output.categories, "catch_all": CATCH_ALL}
    if stored.kind == "score" and isinstance(output, NumericVariable):
        labels = {"categories": BINARY_LABELS}
        return {"edges": with_edge(output.edges, stored.threshold), **labels}
    if stored.kind == "number" and isinstance(output, NumericVariable):
        return {"edges": output.edges}
    raise BaselineError(
        f"the outcomes name {stored.output!r}, which is no output of the kind {stored.kind!r}"
    )
