"""The options of commands that take labels: where the labels are, and how quality is judged."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

import click

from boxkite.baseline import Baseline
from boxkite.baseline.outcome_pairs import DEFAULT_THRESHOLD, OutcomeCells
from boxkite.cli.inputs import read_table
from boxkite.cli.labels import Labels, id_column
from boxkite.cli.shared_options import Finite, FiniteRange
from boxkite.errors import BaselineError
from boxkite.quality import QualityPolicy

__all__ = ["LabelOptions", "label_options", "quality_options_of"]

Command = TypeVar("Command", bound=Callable[..., Any])

_DEFAULT = QualityPolicy()
_FLOORS = ("min_drop", "min_increase", "min_rows")


@dataclass(frozen=True)
class LabelOptions:
    """What the user said about labels and quality.

    Attributes:
        labels: Parquet or CSV file of labels; None if there is none.
        label: Column of outcomes; None if there is none.
        identifier: Column of ids; None for the default.
        labelled_at: Column with the time of each label; None if there is none.
        threshold: A score above it is a positive prediction; None for the default.
        min_drop: As in `QualityPolicy`.
        min_increase: As in `QualityPolicy`.
        min_rows: As in `QualityPolicy`.
    """

    labels: Path | None
    label: str | None
    identifier: str | None
    labelled_at: str | None
    threshold: float | None
    min_drop: float
    min_increase: float
    min_rows: int

    def policy(self, false_alarms_per_month: float) -> QualityPolicy:
        """Return the policy that judges quality."""
        floors = {name: getattr(self, name) for name in _FLOORS}
        return QualityPolicy(false_alarms_per_month=false_alarms_per_month, **floors)

    def read(self, baseline: Baseline) -> tuple[Labels, OutcomeCells]:
        """Return the labels of the file, and the cells in which to count them.

        Raises:
            BaselineError: If the file cannot be read or lacks a column, or the outcomes do not fit
                the model's output.
        """
        assert self.labels is not None
        assert self.label is not None
        table = read_table(self.labels)
        for name in filter(None, (self.label, self.labelled_at)):
            if name not in table.column_names:
                raise BaselineError(
                    f"{self.labels} has no column {name!r}; it has {', '.join(table.column_names)}"
                )
        ids = table[id_column(table.column_names, self.identifier, self.labels)]
        times = table[self.labelled_at] if self.labelled_at else None
        labels = Labels.of(ids, table[self.label], times)
        return labels, self.cells(baseline, [*labels.outcomes.values()], self.labels)

    def cells(self, baseline: Baseline, outcomes: Sequence[Any], table: object) -> OutcomeCells:
        """Return the cells in which to count outcomes.

        Args:
            baseline: Baseline of the model.
            outcomes: All outcomes, without missing ones.
            table: Name of the table that holds them, for messages.

        Raises:
            BaselineError: If the outcomes or the threshold do not fit the model.
        """
        given = DEFAULT_THRESHOLD if self.threshold is None else self.threshold
        cells = baseline.outcome_cells(outcomes, given)
        if self.threshold not in (None, cells.threshold):
            raise BaselineError(
                f"--threshold is {self.threshold:g}, but the baseline was fitted with "
                f"{cells.threshold:g}. Leave out --threshold, or fit the baseline again with "
                f"--threshold {self.threshold:g}"
            )
        if len(outcomes) and not cells.can_count(outcomes):
            raise BaselineError(
                f"column {self.label!r} of {table} has no outcome of this model. An outcome is "
                f"{cells.outcome_words}, but the first one is {outcomes[0]!r}. Convert the column, "
                f"or name another one with --label"
            )
        return cells


_OPTIONS = (
    click.option(
        "--id",
        "identifier",
        metavar="COLUMN",
        help="Column of prediction ids or entity ids. [default: prediction_id, or entity_id if "
        "there is none]",
    ),
    click.option(
        "--labelled-at",
        metavar="COLUMN",
        help="Column with the time of each label. If a prediction has several labels, the latest "
        "counts. [default: the last label in the file counts]",
    ),
    click.option(
        "--threshold",
        type=Finite(),
        metavar="NUMBER",
        help="A score above this number is a positive prediction. [default: the baseline's "
        f"threshold, or {DEFAULT_THRESHOLD} if it has none]",
    ),
    click.option(
        "--min-drop",
        type=FiniteRange(min=0, max=1),
        default=_DEFAULT.min_drop,
        show_default=True,
        metavar="NUMBER",
        help="Smallest drop of accuracy, precision, recall, F1 or AUC that matters.",
    ),
    click.option(
        "--min-increase",
        type=FiniteRange(min=0),
        default=_DEFAULT.min_increase,
        show_default=True,
        metavar="NUMBER",
        help="Smallest increase of a loss that matters, as a fraction of the loss at training. For "
        "the bias, as a fraction of RMSE at training.",
    ),
    click.option(
        "--min-rows",
        type=click.IntRange(min=0),
        default=_DEFAULT.min_rows,
        show_default=True,
        metavar="NUMBER",
        help="Fewest rows, now and at training, for a verdict on a statistic of quality.",
    ),
)


def label_options(command: Command) -> Command:
    """Add the options that describe labels, and pass the command one `LabelOptions` as `labels`.

    The command itself declares `labels` and `label`, which are required by some commands only.
    """
    names = [each.name for each in fields(LabelOptions)]

    @functools.wraps(command)
    def with_labels(*arguments: Any, **values: Any) -> Any:
        given = {name: values.pop(name) for name in names}
        return command(*arguments, labels=LabelOptions(**given), **values)

    found: Any = with_labels
    for option in reversed(_OPTIONS):
        found = option(found)
    return found  # type: ignore[no-any-return]


def quality_options_of(policy: QualityPolicy) -> dict[str, Any]:
    """Return the values of the options that make up a policy, by the names of the parameters."""
    return {name: getattr(policy, name) for name in _FLOORS}
