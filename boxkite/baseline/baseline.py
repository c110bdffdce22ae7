"""A baseline: how a model's features and output were distributed at training."""

from __future__ import annotations

import difflib
import os
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from boxkite.baseline.category_order import Ordered
from boxkite.baseline.counted_columns import DEFAULT_BINS, DEFAULT_MAX_CATEGORIES, Bins
from boxkite.baseline.counted_like import Template
from boxkite.baseline.fitting import fit_distributions
from boxkite.baseline.histogram_file import check_names, file_text, read_text
from boxkite.baseline.merging import merge_distributions
from boxkite.baseline.notebook import variables_table
from boxkite.baseline.outcome_pairs import DEFAULT_THRESHOLD
from boxkite.baseline.storage import read_bounded
from boxkite.baseline.time_windows import DEFAULT_WINDOWS
from boxkite.baseline.training_columns import Segments
from boxkite.baseline.training_distributions import DEFAULT_MODEL, Distributions, Exposition
from boxkite.errors import BaselineError, BaselineWarning
from boxkite.system.atomic_file import replace_file
from boxkite.system.safe_url import safe_url

__all__ = ["Baseline", "Exposition"]

MAX_BYTES = 256 * 2**20
MAX_SERIES = 2_000_000


@dataclass(frozen=True)
class Baseline(Distributions):
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

    @classmethod
    def of(cls, found: Distributions) -> Baseline:
        """Return the baseline that has these distributions."""
        names = found.model, found.version
        return cls(*names, found.rows, found.variables, found.outcomes, found.segments)

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
            model: name of the model. Default: the name in `like`, or "default".
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
                how much the data varies although nothing is wrong, so that mornings and weekends
                do not count as drift. Pass two weeks of data or more.
            windows: lengths of live windows for which boxkite learns natural variation, such as
                "1h".
            like: another baseline, or its path or URL. The result has the same columns (by name),
                bins and categories, so that the two can be merged. All other categories are
                counted in `__other__`. The result does not have the natural variation of `like`.
            ordered: columns whose categories have an order, such as S, M and L: a mapping from
                column name to the categories in order, or the names of columns of numbers. An
                empty order means that the numbers ascend. The order lets K-S find small shifts
                sooner, and each category is counted separately. Ordered types (pandas' ordered
                categoricals, polars' enums, Arrow's ordered dictionaries) need not be named. If a
                column has more than `max_categories` categories, its order is not used.
            outcome: what really happened, for the model's quality at training: the name of a
                column, which is then not a feature, or one value for each row. If the output is a
                class or class probabilities, the outcome is a class. If the output is a score, it
                is 0 or 1. Otherwise, it is a number in the unit of the output. Pass rows that the
                model was not trained on, because a model is always better on its training rows.
            threshold: a score above it is a positive prediction.
            segments: columns whose most common values are monitored separately: names of features,
                or a mapping from the name of each column to one of three things. None is the
                feature of that name. A text is the name of a column, which is then not a feature.
                Anything else is one value for each row. Each of the 20 most common values is a
                segment. All other values are counted in `__other__`, and rows without a value in
                `__missing__`.

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
        found = fit_distributions(
            features,
            output,
            model=model,
            version=version,
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
        return cls.of(found)

    def segment(self, label: str) -> Baseline:
        """Return the baseline of one segment alone, with the same model and version.

        Args:
            label: label of the segment, such as "carrier=UA".

        Raises:
            BaselineError: if there is no such segment. The message suggests the nearest one.
        """
        for each in self.all_segments:
            if each.label == label:
                variables = tuple(replace(one, segment="") for one in each.variables)
                return Baseline(self.model, self.version, each.rows, variables, each.outcomes)
        nearest = difflib.get_close_matches(label, self.segment_labels, n=1, cutoff=0)
        hint = f". Did you mean {nearest[0]!r}?" if nearest else ". Fit it with segments="
        raise BaselineError(f"the baseline has no segment {label!r}{hint}")

    def as_text(self, exposition: Exposition = "labelled") -> str:
        """Return the content of `histogram.prom`: Prometheus text 0.0.4 and the JSON line.

        A classic file has the labelled series too: boxkite 0.0.5 ignores these, and they show
        that the file was cut if the JSON line is missing.

        Args:
            exposition: "labelled", or "classic" to add the series of boxkite 0.0.5.

        Raises:
            BaselineError: if the classic exposition has no name for a variable.
        """
        return file_text(self, exposition)

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
        check_names(self)
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
            raise BaselineError(
                f"{place}, line {line}: not UTF-8: {error.reason}. It is damaged, or no baseline"
            ) from None
        except BaselineError as error:
            raise BaselineError(f"{place}, {error}") from None

    @classmethod
    def from_text(cls, text: str, *, max_series: int = MAX_SERIES) -> Baseline:
        """Read the content of a `histogram.prom`, as `read` does.

        Raises:
            BaselineError: if the text is damaged, cut short or no baseline. The message names
                the line.
        """
        return cls.of(read_text(text, max_series))

    def _repr_html_(self) -> str:
        """Show the variables in a notebook."""
        title = f"Baseline of model {self.model}, version {self.version}, {self.rows:,} rows"
        return variables_table(title, self.variables)

    def merge(self, *others: Baseline) -> Baseline:
        """Return the baseline of all rows, if this and the other baselines counted parts of them.

        The order does not matter. If all parts after the first were fitted with `like=first`, the
        result equals `Baseline.fit(all rows, like=first)`, byte for byte. If all have the same
        given version, the result keeps it. Otherwise the version is derived from the merged
        distributions. The result has no natural variation, because it cannot be added up.

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
        return Baseline.of(merge_distributions((self, *others)))

    def relabelled(self, *, model: str | None = None, version: str | None = None) -> Baseline:
        """Return the same distributions with another model name or version."""
        model, version = model or self.model, version or self.version
        if (model, version) == (self.model, self.version):
            return self  # keeps the series that are already rendered
        return replace(self, model=model, version=version)
