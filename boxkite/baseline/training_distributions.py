"""How a model's features and output were distributed at training."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline import labelled_series
from boxkite.baseline.baseline_json import content_json, digest_of
from boxkite.baseline.class_probabilities import classes_of
from boxkite.baseline.feature_matrix import FeatureMatrix
from boxkite.baseline.outcome_pairs import DEFAULT_THRESHOLD, OutcomeCells
from boxkite.baseline.outcome_series import outcome_families
from boxkite.baseline.quality_series import quality_families
from boxkite.baseline.segment_column import Segment, SegmentColumn
from boxkite.baseline.text_writer import Family
from boxkite.baseline.values import valid_unicode
from boxkite.baseline.variable import Variable, range_of

# The names of 0.0.5 for the same series. The module depends only on variables and text.
from boxkite.classic import classic_series
from boxkite.quality import Outcomes
from boxkite.system.cached_property import cached_property

__all__ = ["DEFAULT_MODEL", "Distributions", "Exposition"]

Exposition: TypeAlias = Literal["labelled", "classic"]

DEFAULT_MODEL = "default"


@dataclass(frozen=True)
class Distributions:
    """The distributions of a model's training rows, and how they are shown as series.

    `Baseline` describes the attributes.
    """

    model: str
    version: str
    rows: int
    variables: tuple[Variable, ...]
    outcomes: Outcomes | None = None
    segments: tuple[SegmentColumn, ...] = ()

    def __post_init__(self) -> None:
        # Both become labels of every series, and a name from the environment may contain bytes
        # that are not valid Unicode.
        object.__setattr__(self, "model", valid_unicode(self.model))
        object.__setattr__(self, "version", valid_unicode(self.version))

    @classmethod
    def from_variables(
        cls,
        variables: Iterable[Variable],
        rows: int,
        *,
        model: str = DEFAULT_MODEL,
        version: str | None = None,
        outcomes: Outcomes | None = None,
        segments: Iterable[SegmentColumn] = (),
    ) -> Self:
        """Make a baseline of variables that are already counted.

        Args:
            variables: the variables in any order.
            rows: number of training rows.
            model: name of the model.
            version: version of the baseline. By default it is derived from the distributions.
            outcomes: the outputs together with what really happened, if it is known.
            segments: the columns whose values are monitored separately. Their variables stand in
                the order of roles and positions.
        """
        ordered = tuple(sorted(variables, key=lambda each: (each.role, each.position)))
        columns = tuple(segments)
        version = version or digest_of(content_json(rows, ordered, outcomes, columns))
        return cls(model or DEFAULT_MODEL, version, rows, ordered, outcomes, columns)

    @cached_property
    def features(self) -> tuple[Variable, ...]:
        """The variables that go into the model, by position."""
        return tuple(each for each in self.variables if each.role == "feature")

    @cached_property
    def outputs(self) -> tuple[Variable, ...]:
        """The variables that come out of the model, by position."""
        return tuple(each for each in self.variables if each.role == "output")

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The classes whose probabilities the model returns; empty for any other output."""
        return classes_of(self.outputs)

    @cached_property
    def counted_variables(self) -> tuple[Variable, ...]:
        """All variables that a service counts: for all rows first, then for each segment."""
        return (
            *self.variables,
            *(variable for segment in self.all_segments for variable in segment.variables),
        )

    @property
    def segment_labels(self) -> tuple[str, ...]:
        """The label of each segment, such as "carrier=UA", in the order of `counted_variables`."""
        return tuple(each.label for each in self.all_segments)

    @cached_property
    def all_segments(self) -> tuple[Segment, ...]:
        """The segments of all columns, in the order of `counted_variables`."""
        return tuple(itertools.chain.from_iterable(self.segments))

    @property
    def rows_by_segment(self) -> dict[str, int]:
        """The number of training rows of each segment, and of all rows under the key ""."""
        return {"": self.rows, **{each.label: each.rows for each in self.all_segments}}

    @property
    def outcomes_by_segment(self) -> dict[str, Outcomes]:
        """The outcomes of each segment, and of all rows under the key "". Empty if none."""
        found = {"": self.outcomes, **{each.label: each.outcomes for each in self.all_segments}}
        return {segment: each for segment, each in found.items() if each is not None}

    def outcome_cells(self, outcome: Any, threshold: float = DEFAULT_THRESHOLD) -> OutcomeCells:
        """Return the cells in which outputs and outcomes are counted, to measure quality.

        If training had outcomes, these are the cells of training, so the two can be compared.
        Otherwise the arguments determine the cells.

        Args:
            outcome: outcomes that decide between a score and a number.
            threshold: a score above it is a positive prediction.

        Raises:
            BaselineError: if the outcome does not fit the model's output.
        """
        if self.outcomes is not None:
            return OutcomeCells.like(self.outputs, self.outcomes)
        return OutcomeCells.of(self.outputs, outcome, threshold)

    @cached_property
    def cell_bounds(self) -> NDArray[np.int64]:
        """Offset of the first cell of each of `counted_variables`, followed by the total."""
        sizes = [len(each.counts) for each in self.counted_variables]
        return np.cumsum([0, *sizes], dtype=np.int64)

    @cached_property
    def feature_matrix(self) -> FeatureMatrix:
        """The numeric features as one matrix, which counts many rows at once."""
        return FeatureMatrix(self.variables, self.cell_bounds)

    @cached_property
    def segment_ranges(self) -> NDArray[np.float64]:
        """Least and greatest number of each variable in each segment at training.

        The shape is (variables, 2, segments). Categories, and segments without numbers, have NaN.
        """
        ranges = [[range_of(each) for each in segment.variables] for segment in self.all_segments]
        shape = (len(self.all_segments), len(self.variables), 2)
        return np.array(ranges, dtype=np.float64).reshape(shape).transpose(1, 2, 0)

    @cached_property
    def digest(self) -> str:
        """The first 8 hex digits of the SHA-256 of the distributions.

        The digest does not depend on the names of the model and the version.
        """
        return digest_of(self.content_json())

    def content_json(self) -> str:
        """Return all but the names of the model and the version as JSON."""
        return content_json(self.rows, self.variables, self.outcomes, self.segments)

    def families(self, exposition: Exposition = "labelled") -> list[Family]:
        """Return the series of the baseline, as `/metrics` shows them.

        Raises:
            BaselineError: if the classic exposition has no name for a variable.
        """
        if exposition == "classic":
            return classic_series.families(self.variables)
        return list(self._labelled_families)

    @cached_property
    def _labelled_families(self) -> Sequence[Family]:
        # A file and every scrape show these series. With 1,000 variables, rendering them twice
        # would take too long.
        names = {"model": self.model, "version": self.version}
        return [
            *labelled_series.families(self.counted_variables, self.rows_by_segment, **names),
            *outcome_families(self.outcomes_by_segment, **names),
            *quality_families(self.outcomes_by_segment, self.outputs, **names),
        ]

    def variation_families(self, windows: Collection[str] | None = None) -> list[Family]:
        """Return the series of natural variation, as `/metrics` shows them.

        Args:
            windows: windows of the policy that will read them; all that were learnt if None.
        """
        return labelled_series.variation_families(
            self.counted_variables, windows, model=self.model, version=self.version
        )
