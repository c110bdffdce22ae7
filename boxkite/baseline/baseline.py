"""A baseline: how a model's features and output were distributed at training."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline import canonical_reader, classic, labelled
from boxkite.baseline.class_probabilities import classes_of
from boxkite.baseline.feature_matrix import FeatureMatrix
from boxkite.baseline.fitting import DEFAULT_BINS, DEFAULT_MAX_CATEGORIES, Bins, fit_variables
from boxkite.baseline.labelled_reader import Header
from boxkite.baseline.notebook import variables_table
from boxkite.baseline.parts import Tails
from boxkite.baseline.reading import DEFAULT_MODEL, read_lines, read_samples
from boxkite.baseline.storage import read_bounded
from boxkite.baseline.tails import tail_comments
from boxkite.baseline.text_reader import Sample
from boxkite.baseline.text_writer import Family, render, render_parts
from boxkite.baseline.values import valid_unicode
from boxkite.baseline.variable import Variable
from boxkite.errors import BaselineError
from boxkite.system.atomic_file import replace_file

__all__ = ["Baseline", "Exposition"]

Exposition: TypeAlias = Literal["labelled", "classic"]


MAX_BYTES = 256 * 2**20
MAX_SERIES = 2_000_000


@dataclass(frozen=True)
class Baseline:
    """The distributions that a model was trained on.

    Make one with `Baseline.fit` or `Baseline.read`.

    Attributes:
        model: the model's name.
        version: tells baselines of one model apart; by default the first 8 hex digits of the
            SHA-256 of the distributions.
        rows: training rows.
        variables: the features by position, then the outputs by theirs.
    """

    model: str
    version: str
    rows: int
    variables: tuple[Variable, ...]

    def __post_init__(self) -> None:
        # Labels of every series: a name out of the environment may hold any bytes.
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
    ) -> Baseline:
        """Count training rows into a baseline. Every row counts; the same rows, the same bytes.

        Args:
            features: the columns that go into the model, in the order in which it takes them: a
                pandas, polars, pyarrow or other frame, eager or lazy; a mapping of columns;
                (name, values) pairs; or a 2-D array of shape (rows, features).
            output: what the model gave for these rows: one column, named "output" if it has no
                name, or several, as class probabilities, in any of the same forms.
            model: the model's name.
            version: of the baseline; by default made from its content.
            bins: of a numeric variable: how many of equal mass, 20 by default and fewer where
                rows are few; or their finite upper edges; or either by the variable's name.
            categorical: names of columns to take as categories whatever their type.
            max_categories: categories counted each by itself; the tail is counted together.
            names: of the columns of a 2-D array; `x0`, `x1` … by default.
            classes: where the output are class probabilities, the classes by position, as
                scikit-learn's `model.classes_`, or True for the names of the columns. One more
                output, "class", then says which of them is the most probable.

        Raises:
            BaselineError: naming the column that cannot be counted.

        Warns:
            BaselineWarning: for a column of near-unique text, or one without any value.
        """
        variables, rows = fit_variables(
            features,
            output,
            bins=bins,
            categorical=frozenset([categorical] if isinstance(categorical, str) else categorical),
            max_categories=max_categories,
            names=names,
            classes=classes,
        )
        return cls(model or DEFAULT_MODEL, version or _digest(variables, rows), rows, variables)

    @cached_property
    def features(self) -> tuple[Variable, ...]:
        """The variables that go into the model, by position."""
        return tuple(each for each in self.variables if each.role == "feature")

    @cached_property
    def outputs(self) -> tuple[Variable, ...]:
        """The variables that come out of it, by position."""
        return tuple(each for each in self.variables if each.role == "output")

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The classes whose probabilities the model gives; none where it gives other things."""
        return classes_of(self.outputs)

    @cached_property
    def cell_bounds(self) -> NDArray[np.int64]:
        """Where each variable's cells begin among those of all, and the end of the last."""
        sizes = [len(each.counts) for each in self.variables]
        return np.cumsum([0, *sizes], dtype=np.int64)

    @cached_property
    def feature_matrix(self) -> FeatureMatrix:
        """Counts many rows of floats at once."""
        return FeatureMatrix(self.variables, self.cell_bounds)

    @cached_property
    def digest(self) -> str:
        """The first 8 hex digits of the SHA-256 of the distributions, without the names."""
        return _digest(self.variables, self.rows)

    def families(self, exposition: Exposition = "labelled") -> list[Family]:
        """Return the series of the baseline, as `/metrics` shows them.

        Raises:
            BaselineError: if the exposition has no place for a variable.
        """
        if exposition == "classic":
            return classic.families(self.variables)
        return list(self._labelled_families)

    @cached_property
    def _labelled_families(self) -> Sequence[Family]:
        return labelled.families(self.variables, self.rows, model=self.model, version=self.version)

    def as_text(self, exposition: Exposition = "labelled") -> str:
        """Return the content of `histogram.prom`: Prometheus text 0.0.4."""
        return "".join(self.text_parts(exposition))

    def text_parts(self, exposition: Exposition = "labelled") -> Iterator[str]:
        """Yield the text of `as_text` in parts."""
        yield from render_parts(self.families())  # first: a file cut short is no classic one
        if exposition == "classic":
            yield from render_parts(self.families("classic"))
        yield from tail_comments(self.variables)

    def write(self, path: str | os.PathLike[str], *, exposition: Exposition = "labelled") -> None:
        """Write `histogram.prom`, whole or not at all.

        Raises:
            OSError: if the folder is missing or not writable; an old file stays as it was.
        """
        replace_file(path, self.as_text(exposition).encode())

    @classmethod
    def read(
        cls,
        path_or_url: str | os.PathLike[str],
        *,
        max_bytes: int = MAX_BYTES,
        max_series: int = MAX_SERIES,
    ) -> Baseline:
        """Read a `histogram.prom`, labelled or classic, of this version or of 0.0.5.

        Args:
            path_or_url: a path, or a `file:`, `http:` or `https:` URL.
            max_bytes: a larger file is refused.
            max_series: a file of more samples is refused.

        Raises:
            BaselineError: naming the file and the line, if it is damaged, cut short, too large
                or no baseline.
            FileNotFoundError: if there is no such file.
        """
        content = read_bounded(path_or_url, max_bytes)
        try:
            return cls.from_text(content.decode("utf-8"), max_series=max_series)
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            raise BaselineError(f"{path_or_url}, line {line}: not UTF-8: {error.reason}") from None
        except BaselineError as error:
            raise BaselineError(f"{path_or_url}, {error}") from None

    @classmethod
    def from_text(cls, text: str, *, max_series: int = MAX_SERIES) -> Baseline:
        """Read the content of a `histogram.prom`.

        Raises:
            BaselineError: naming the line.
        """
        few = text.count("\n") <= max_series  # each sample has a line
        return (few and cls._from_canonical_text(text)) or cls._of(*read_lines(text, max_series))

    @classmethod
    def _from_canonical_text(cls, text: str) -> Baseline | None:
        """Return the baseline that has exactly this text; None if there is none."""
        guess = canonical_reader.guess(text)
        if guess is None:
            return None
        try:
            baseline = cls._of(guess.header, guess.variables)
            parts = baseline.text_parts("classic" if guess.classic else "labelled")
            return baseline if canonical_reader.is_made_of(text, parts) else None
        except BaselineError:
            return None

    @classmethod
    def from_samples(
        cls,
        samples: Sequence[Sample],
        documentation: Mapping[str, str],
        tails: Tails | None = None,
    ) -> Baseline:
        """Make a baseline of samples, labelled or classic, from a file or a collector.

        Args:
            samples: of all metrics.
            documentation: the HELP text of each metric.
            tails: what the comments say of the tails, by role and name; None where the source has
                no comments.

        Raises:
            BaselineError: if they do not make up a whole baseline.
        """
        return cls._of(*read_samples(samples, documentation, tails))

    @classmethod
    def _of(cls, header: Header, variables: Iterable[Variable]) -> Baseline:
        """Make a baseline of what was read.

        Raises:
            BaselineError: if there is no variable.
        """
        ordered = tuple(sorted(variables, key=lambda each: (each.role, each.position)))
        if not ordered:
            raise BaselineError("no baseline series in it, or it is cut short")
        version = header.version or _digest(ordered, header.rows)
        return cls(header.model, version, header.rows, ordered)

    def _repr_html_(self) -> str:
        """Show the variables in a notebook."""
        title = f"Baseline of model {self.model}, version {self.version}, {self.rows:,} rows"
        return variables_table(title, self.variables)

    def merge(self, other: Baseline) -> Baseline:
        """Return the baseline of the rows of both, for training data counted in parts.

        The version is kept where both have the same; one made from the content is made anew.

        Raises:
            BaselineError: if they differ in variables, bins or categories.
        """
        mine = [(each.role, each.name) for each in self.variables]
        theirs = [(each.role, each.name) for each in other.variables]
        if mine != theirs:
            odd = next((b for a, b in zip(mine, theirs, strict=False) if a != b), None)
            raise BaselineError(
                f"the two baselines have different variables, from {odd[0]} {odd[1]!r} on"
                if odd
                else f"one baseline has {len(mine)} variables, the other {len(theirs)}"
            )
        pairs = zip(self.variables, other.variables, strict=True)
        variables = tuple(a.merge(b) for a, b in pairs)
        rows = self.rows + other.rows
        named = self.version == other.version and self.version != self.digest
        return Baseline(
            self.model, self.version if named else _digest(variables, rows), rows, variables
        )

    def relabelled(self, *, model: str | None = None, version: str | None = None) -> Baseline:
        """Return the same distributions under another model's name or version."""
        model, version = model or self.model, version or self.version
        if (model, version) == (self.model, self.version):
            return self  # with the series that it has named
        return replace(self, model=model, version=version)


def _digest(variables: Iterable[Variable], rows: int) -> str:
    everything = tuple(variables)
    text = render(labelled.families(everything, rows, model="", version=""))
    content = text + "".join(tail_comments(everything))
    return hashlib.sha256(content.encode()).hexdigest()[:8]
