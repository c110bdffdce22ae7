"""What a source that is no callable points to: a key path, names, or the whole of plain values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

from boxkite.baseline import Baseline
from boxkite.baseline.class_probabilities import WINNER
from boxkite.live.row import is_row
from boxkite.web.picking import Several, pick

__all__ = ["Lookup", "Stage"]

Stage: TypeAlias = Literal["features", "output"]

_PLACES = {"features": "the request's JSON body", "output": "the returned object"}


class Lookup:
    """Finds the features in a request's body, or the output in a view's answer.

    Args:
        stage: which of the two.
        source: a key path, names, or None for the whole.
    """

    def __init__(self, stage: Stage, source: str | Sequence[str] | None) -> None:
        self._stage = stage
        self._source = source
        self._ordered: tuple[Baseline, Sequence[str], bool] | None = None

    def find(self, content: Any, baseline: Baseline) -> Any:
        """Return what stands in plain values where the source points to.

        Args:
            content: mappings, lists, objects with named fields, and what they hold.
            baseline: whose names may be in another order than the source's.

        Raises:
            LookupError: saying what was looked for and what there is.
        """
        source = self._source
        if source is None:
            return content
        if isinstance(source, str):
            # The whole path as one key comes first, and mostly is all there is to it.
            if type(content) is dict and source in content:
                return content[source]
            return self._as_rows(pick(content, source, _PLACES[self._stage]))
        names, by_name = self._in_order(source, baseline)
        value = pick(content, names, _PLACES[self._stage])
        if not by_name:
            return self._as_rows(value)
        if type(value) is not Several:
            return dict(zip(names, value, strict=True))
        rows = [None if row is None else dict(zip(names, row, strict=True)) for row in value]
        return self._as_rows(Several(rows))

    def _in_order(self, source: Sequence[str], baseline: Baseline) -> tuple[Sequence[str], bool]:
        """Return names in the baseline's order where they are its names; and if they are a part.

        Of a part the values are taken by name; names that are not the baseline's stand for its
        variables in the order in which they are given.
        """
        if self._ordered is not None and self._ordered[0] is baseline:
            return self._ordered[1:]
        variables = baseline.features if self._stage == "features" else baseline.outputs
        known = [each.name for each in variables]
        if baseline.classes and self._stage == "output" and WINNER not in source:
            known = list(baseline.classes)
        same = set(source) == set(known)
        part = set(source) < set(known)
        names = known if same else source
        self._ordered = (baseline, names, part)
        return names, part

    def _as_rows(self, value: Any) -> Any:
        """Return what was picked from each object as rows of features, where it is that."""
        if type(value) is not Several or self._stage == "output":
            return value
        return [{} if row is None else row if is_row(row) else [row] for row in value]
