"""A baseline: how a model's features and output were distributed at training."""

from __future__ import annotations

import difflib
import functools
import itertools
import os
import warnings
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline import labelled_series
from boxkite.baseline.category_order import Ordered
from boxkite.baseline.class_probabilities import classes_of
from boxkite.baseline.counted_columns import DEFAULT_BINS, DEFAULT_MAX_CATEGORIES, Bins
from boxkite.baseline.counted_like import Template
from boxkite.baseline.feature_matrix import FeatureMatrix
from boxkite.baseline.fitting import fit_variables
from boxkite.baseline.json_line import (
    Exposition,
    content_json,
    digest_of,
    find_json_line,
    json_line,
    series_digest,
)
from boxkite.baseline.merging import merge_variables
from boxkite.baseline.notebook import variables_table
from boxkite.baseline.outcome_pairs import DEFAULT_THRESHOLD, OutcomeCells, merge_outcomes
from boxkite.baseline.outcome_series import outcome_families
from boxkite.baseline.quality_series import quality_families
from boxkite.baseline.segment_cells import merge_segments
from boxkite.baseline.segment_column import Segment, SegmentColumn
from boxkite.baseline.storage import read_bounded
from boxkite.baseline.text_checks import (
    check_labels,
    check_no_series,
    check_nothing_follows,
    check_series,
    check_series_limit,
)
from boxkite.baseline.text_writer import Family, render_parts
from boxkite.baseline.time_windows import DEFAULT_WINDOWS
from boxkite.baseline.training_columns import Segments
from boxkite.baseline.values import valid_unicode
from boxkite.baseline.variable import CategoryVariable, Variable, range_of

# These are the only imports of `classic` in this package. `Baseline.read` needs them because it
# reads files of 0.0.5 too. Both modules depend only on variables and text.
from boxkite.classic import classic_reader, classic_series
from boxkite.errors import BaselineError, BaselineWarning
from boxkite.quality import Outcomes
from boxkite.system.atomic_file import replace_file
from boxkite.system.safe_url import safe_url

__all__ = ["Baseline", "Exposition"]

DEFAULT_MODEL = "default"

MAX_BYTES = 256 * 2**20
MAX_SERIES = 2_000_000


@dataclass(frozen=True)
class Baseline:
    """The distributions that a model was trained on.

    Make one with `Baseline.fit` or `Baseline.read`.

    Attributes:
        model: name of the model.
        version: label that tells baselines of one model apart. By default it is the digest.
        rows: number of training rows.
        variables: the features by position, then the outputs by position.
        outcomes: the outputs together with what really happened, for the model's quality at
            training. None if it is not known.
        segments: columns whose most common values are monitored separately, with the
            distributions of the rows of each value.
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
    def fit(
        cls,
        features: Any,
        output: Any = None,
        *,
        model: str = DEFAULT_MODEL,
        version: str | None = None,
        bins: Bins = DEFAULT_BINS,
        categorical: Iterable[str] = (),
        max_categories: int = DEFAULT_MAX_CATEGORIES,
        names: Sequence[str] | None = None,
        classes: bool | Iterable[Any] = False,
        time: Any = None,
        windows: Iterable[str] = DEFAULT_WINDOWS,
        like: Baseline | str | os.PathLike[str] | None = None,
        ordered: Ordered = (),
        outcome: Any = None,
        threshold: float = DEFAULT_THRESHOLD,
        segments: Segments = (),
    ) -> Baseline:
        """Count every training row into a baseline. The same rows always give the same file.

        Args:
            features: the columns that go into the model, in the order in which the model takes
                them: a pandas, polars, pyarrow or other frame, eager or lazy; a mapping of
                columns; (name, values) pairs; or a 2-D array of shape (rows, features).
            output: the model's output for these rows: one column, or several such as class
                probabilities, in any of the same forms. A single column without a name is called
                "output".
            model: name of the model. By default it is that of `like`, if given.
            version: version of the baseline. By default it is derived from the distributions.
            bins: bins of the numeric variables: how many bins of equal mass (20 by default, fewer
                if there are few rows), or the finite upper edges, or a mapping from variable name
                to either.
            categorical: names of columns to count as categories, even if they hold numbers.
            max_categories: number of categories that are counted separately. All rarer ones are
                counted together.
            names: column names of a 2-D array. The default is `x0`, `x1`, and so on.
            classes: pass this if the output columns are class probabilities: the classes by
                position, as in scikit-learn's `model.classes_`, or True to use the column names.
                An additional output "class" then holds the most probable class of each row.
            time: time of each row: the name of a column, which is then not a feature, or one date,
                time or number of seconds since 1970 for each row. From the times, boxkite learns
                how much the data varies by itself, so that mornings and weekends do not count as
                drift. Two weeks of data or more are best.
            windows: lengths of live windows for which boxkite learns natural variation, such as
                "1h".
            like: another baseline, or its path or URL, whose columns, bins and categories to take
                over, so that the two can be merged. The columns go by name. A category without a
                count of its own is counted in `__other__`. Natural variation is not taken over.
            ordered: columns whose categories have an order, such as S, M and L, so that K-S
                applies and finds small shifts sooner: a mapping from column name to the
                categories in order, or the names of columns of numbers. An empty order means that
                the numbers ascend. Ordered types (pandas' ordered categoricals, polars' enums,
                Arrow's ordered dictionaries) need not be named. All categories are counted
                separately. If there are more than `max_categories`, the order is not used.
            outcome: what really happened, for the model's quality at training: the name of a
                column, which is then not a feature, or one value for each row. It is a class if the
                output is one or has class probabilities, 0 or 1 if the output is a score, and
                otherwise a number in the unit of the output. Pass rows that the model was not
                trained on, because it is always better on its own training rows.
            threshold: a score above it is a positive prediction.
            segments: columns whose most common values are monitored separately: names of features,
                or a mapping from the name of a column to None for the feature of that name, to the
                name of a column, which is then not a feature, or to one value for each row. The 20
                most common values of each column are kept. All others are counted in `__other__`,
                and rows without a value in `__missing__`.

        Returns:
            The baseline.

        Raises:
            BaselineError: if a column cannot be counted, or `like` has other columns; the message
                names the column.

        Warns:
            BaselineWarning: for a column of nearly unique texts, or without any value; if an order
                has too many categories; if the last fifth of training differs from the first; or if
            segments have too few rows, or add more than 50,000 series to each replica.
        """
        if like is not None and not isinstance(like, Baseline):
            like = cls.read(like)
        if like is not None and model == DEFAULT_MODEL:
            model = like.model
        if like is not None and like.outcomes is not None:
            threshold = like.outcome_cells(outcome).threshold
        fitted = fit_variables(
            features,
            output,
            bins=bins,
            categorical=frozenset([categorical] if isinstance(categorical, str) else categorical),
            max_categories=max_categories,
            names=names,
            classes=classes,
            time=time,
            windows=windows,
            like=None if like is None else Template(like.variables, like.segments),
            ordered=ordered,
            outcome=outcome,
            threshold=threshold,
            segments=segments,
        )
        return cls.from_variables(
            fitted.variables,
            fitted.rows,
            model=model,
            version=version,
            outcomes=fitted.outcomes,
            segments=fitted.segments,
        )

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
    ) -> Baseline:
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
            *(variable for segment in self._segments for variable in segment.variables),
        )

    @property
    def segment_labels(self) -> tuple[str, ...]:
        """The label of each segment, such as "carrier=UA", in the order of `counted_variables`."""
        return tuple(each.label for each in self._segments)

    @cached_property
    def _segments(self) -> tuple[Segment, ...]:
        return tuple(itertools.chain.from_iterable(self.segments))

    def segment(self, label: str) -> Baseline:
        """Return the baseline of one segment alone, with the same model and version.

        Args:
            label: label of the segment, such as "carrier=UA".

        Raises:
            BaselineError: if there is no such segment. The message suggests the nearest one.
        """
        for each in self._segments:
            if each.label == label:
                variables = tuple(replace(one, segment="") for one in each.variables)
                return Baseline(self.model, self.version, each.rows, variables, each.outcomes)
        nearest = difflib.get_close_matches(label, self.segment_labels, n=1, cutoff=0)
        hint = f". Did you mean {nearest[0]!r}?" if nearest else ". Fit it with segments="
        raise BaselineError(f"the baseline has no segment {label!r}{hint}")

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
        ranges = [[range_of(each) for each in segment.variables] for segment in self._segments]
        shape = (len(self._segments), len(self.variables), 2)
        return np.array(ranges, dtype=np.float64).reshape(shape).transpose(1, 2, 0)

    @cached_property
    def digest(self) -> str:
        """The first 8 hex digits of the SHA-256 of the distributions.

        The digest does not depend on the names of the model and the version.
        """
        return digest_of(self._content)

    @property
    def _content(self) -> str:
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
            *labelled_series.families(self.counted_variables, self._rows_by_segment, **names),
            *outcome_families(self.outcomes_by_segment, **names),
            *quality_families(self.outcomes_by_segment, self.outputs, **names),
        ]

    @property
    def _rows_by_segment(self) -> dict[str, int]:
        return {"": self.rows, **{each.label: each.rows for each in self._segments}}

    @property
    def outcomes_by_segment(self) -> dict[str, Outcomes]:
        """The outcomes of all rows, under "", and of each segment; empty if there were none."""
        found = {"": self.outcomes, **{each.label: each.outcomes for each in self._segments}}
        return {segment: each for segment, each in found.items() if each is not None}

    def variation_families(self, windows: Collection[str] | None = None) -> list[Family]:
        """Return the series of natural variation, as `/metrics` shows them.

        Args:
            windows: windows of the policy that will read them; all that were learnt if None.
        """
        return labelled_series.variation_families(
            self.counted_variables, windows, model=self.model, version=self.version
        )

    def as_text(self, exposition: Exposition = "labelled") -> str:
        """Return the content of `histogram.prom`: Prometheus text 0.0.4 and the JSON line.

        A classic file has the labelled series too: boxkite 0.0.5 ignores these, and they show
        that the file was cut if the JSON line is missing.

        Args:
            exposition: "labelled", or "classic" to add the series of boxkite 0.0.5.

        Raises:
            BaselineError: if the classic exposition has no name for a variable.
        """
        series = "".join(render_parts(self._file_families(exposition)))
        return series + json_line(self.model, self.version, self._content, exposition, series)

    def _file_families(self, exposition: Exposition) -> list[Family]:
        classic = self.families("classic") if exposition == "classic" else []
        return [*self._labelled_families, *self.variation_families(), *classic]

    def write(self, path: str | os.PathLike[str], *, exposition: Exposition = "labelled") -> None:
        """Write `histogram.prom`. Readers see the old file or the whole new one.

        Args:
            path: path of the file.
            exposition: "labelled", or "classic" to add the series of boxkite 0.0.5.

        Raises:
            BaselineError: if the classic exposition has no name for a variable, or a name or a
                category has more than 16,384 characters.
            OSError: if the folder is missing or not writable. An old file stays as it was.
        """
        for each in self.variables:
            labels = each.categories if isinstance(each, CategoryVariable) else ()
            check_labels((self.model, self.version, each.name, *labels))
        check_labels(self.segment_labels)
        replace_file(path, self.as_text(exposition).encode())

    @classmethod
    def read(
        cls,
        path_or_url: str | os.PathLike[str],
        *,
        max_bytes: int = MAX_BYTES,
        max_series: int = MAX_SERIES,
    ) -> Baseline:
        """Read a `histogram.prom` that this version or boxkite 0.0.5 wrote.

        Args:
            path_or_url: A path, or a `file:`, `http:` or `https:` URL.
            max_bytes: size of the largest file to read, in bytes.
            max_series: the most samples that the file may have.

        Returns:
            The baseline. A file of 0.0.5 has no names for model and version, so it becomes
            version `digest` of model "default".

        Raises:
            BaselineError: if the file is damaged, cut short, too large or no baseline. The
                message names the file and the line.
            FileNotFoundError: if there is no such file.
        """
        content = read_bounded(path_or_url, max_bytes)
        place = safe_url(os.fsdecode(path_or_url))
        try:
            return cls.from_text(content.decode("utf-8"), max_series=max_series)
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            raise BaselineError(f"{place}, line {line}: not UTF-8: {error.reason}") from None
        except BaselineError as error:
            raise BaselineError(f"{place}, {error}") from None

    @classmethod
    def from_text(cls, text: str, *, max_series: int = MAX_SERIES) -> Baseline:
        """Read the content of a `histogram.prom`, as `read` does.

        Raises:
            BaselineError: if the text is damaged, cut short or no baseline. The message names
                the line.
        """
        check_series_limit(text, max_series)
        line = find_json_line(text, max_series)
        if line is None:
            check_no_series(text, f"{labelled_series.PREFIX}_")
            variables = classic_reader.read_text(text, max_series)
            return cls.from_variables(variables, max(each.rows for each in variables))
        baseline = cls(
            line.model, line.version, line.rows, line.variables, line.outcomes, line.segments
        )
        names = line.model, line.version, line.exposition
        if series_digest(text[: line.start], *names) == line.series:
            check_nothing_follows(text, line.end)
            return baseline
        # The series differ. Render them again to find the first line that differs.
        try:
            families = baseline._file_families(line.exposition)
        except BaselineError as error:
            raise BaselineError(f"line {line.number}: {error}") from None
        check_series(text, line.start, render_parts(families))
        raise BaselineError(
            f"line {line.number}: the # BASELINE line gives another digest of the series than the "
            "file has. The file was changed or damaged: write it again with Baseline.write"
        )

    def _repr_html_(self) -> str:
        """Show the variables in a notebook."""
        title = f"Baseline of model {self.model}, version {self.version}, {self.rows:,} rows"
        return variables_table(title, self.variables)

    def merge(self, *others: Baseline) -> Baseline:
        """Return the baseline of the rows of all, for training data that is counted in parts.

        The order does not matter. If all parts after the first were fitted with `like=first`, the
        result equals `Baseline.fit(all rows, like=first)`, byte for byte. If all have the same
        given version, the result keeps it. Otherwise the version is derived from the merged
        distributions. The result has no natural variation, because that cannot be added up.

        Args:
            others: the baselines of the other parts.

        Warns:
            BaselineWarning: if one of them has natural variation.

        Raises:
            BaselineError: if they differ in model, variables, bins or segments, or if a category
                that has a count of its own in one part is counted in `__other__` in another one.
        """
        if any(each.variation for part in (self, *others) for each in part.variables):
            warnings.warn(
                "the merged baseline has no natural variation, because the variation of "
                "parts cannot be added up. To keep it, fit all rows at once with time=",
                BaselineWarning,
                stacklevel=2,
            )
        return functools.reduce(Baseline._merge_one, others, self)

    def _merge_one(self, other: Baseline) -> Baseline:
        _check_parts(self, other)
        pairs = zip(self.variables, other.variables, strict=True)
        variables = [merge_variables(a, b) for a, b in pairs]
        named = self.version == other.version and self.version != self.digest
        return Baseline.from_variables(
            variables,
            self.rows + other.rows,
            model=self.model,
            version=self.version if named else None,
            outcomes=merge_outcomes(self.outcomes, other.outcomes),
            segments=merge_segments(self.segments, other.segments, variables),
        )

    def relabelled(self, *, model: str | None = None, version: str | None = None) -> Baseline:
        """Return the same distributions with another model name or version."""
        model, version = model or self.model, version or self.version
        if (model, version) == (self.model, self.version):
            return self  # keeps the series that are already rendered
        return replace(self, model=model, version=version)


def _check_parts(one: Baseline, other: Baseline) -> None:
    """Check that two baselines are of the same model and variables."""
    if one.model != other.model:
        raise BaselineError(
            f"the baselines are of two models, {one.model!r} and {other.model!r}. Merge parts of "
            f"one model only"
        )
    mine = [(each.role, each.name) for each in one.variables]
    theirs = [(each.role, each.name) for each in other.variables]
    if mine != theirs:
        odd = next((b for a, b in zip(mine, theirs, strict=False) if a != b), None)
        raise BaselineError(
            f"the two baselines have different variables, from {odd[0]} {odd[1]!r} on"
            if odd
            else f"one baseline has {len(mine)} variables, the other {len(theirs)}"
        )
