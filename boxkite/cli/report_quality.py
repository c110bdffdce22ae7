"""The quality of the model for `boxkite report`, from labels of the rows or the log it compares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import click

from boxkite.baseline import Baseline, SegmentColumn
from boxkite.cli.compare_command import segment_columns
from boxkite.cli.console import progress_bar, waiting
from boxkite.cli.inputs import log_reader, opened_table
from boxkite.cli.label_options import LabelOptions
from boxkite.cli.labels import Labels
from boxkite.cli.log_labels import join_log, no_predictions
from boxkite.cli.outcome_join import Joined
from boxkite.cli.outcomes_report import OutcomesReport
from boxkite.cli.table_labels import TableRows
from boxkite.cli.table_source import TableSource
from boxkite.drift import Policy
from boxkite.quality.quality_html import QUALITY_TONES
from boxkite.report.rendering import QualitySection
from boxkite.report.variable_card import VERDICT_WORDS

__all__ = ["ReportQuality", "quality_section"]


@dataclass(frozen=True)
class ReportQuality:
    """Measures the quality of the rows that a report is about.

    Attributes:
        baseline: Baseline of the model.
        labels: Where the labels are.
        time: Column with the time of each row of a table; None if there is none.
    """

    baseline: Baseline
    labels: LabelOptions
    time: str | None

    @classmethod
    def wanted(
        cls, baseline: Baseline, rows: TableSource | str, labels: LabelOptions, time: str | None
    ) -> ReportQuality | None:
        """Return how to measure the quality; None if the user asked for drift only.

        Raises:
            click.UsageError: If options do not go together.
        """
        if labels.labels is None:
            _refuse(
                {"--id": labels.identifier, "--labelled-at": labels.labelled_at},
                "names a column of labels: pass --labels too",
            )
        if labels.label is None:
            if labels.labels is not None:
                raise click.UsageError("--labels needs --label, the column of the true outcomes")
            others = {"--threshold": labels.threshold, "--time": time}
            _refuse(others, "needs outcomes: pass --label too")
            return None
        if isinstance(rows, str):
            if labels.labels is None:
                raise click.UsageError(f"{rows} is a log, which has no outcomes: pass --labels too")
            if time is not None:
                raise click.UsageError(
                    f"{rows} is a log, which knows the time of each prediction: leave out --time"
                )
        return cls(baseline, labels, time)

    def measure(
        self,
        rows: TableSource | str,
        *,
        policy: Policy,
        endpoint: str | None,
        since: str | None,
        until: str | None,
        window: str | None,
        segments: tuple[str, ...],
        no_segments: bool,
    ) -> OutcomesReport:
        """Join the rows of a table, or a part of a log, with the labels, and judge the quality.

        Raises:
            click.UsageError: If the log has no predictions of this model, or no label belongs to
                one.
            BoxkiteError: If the rows or labels cannot be read, or a column is missing.
            OSError: If the file or log cannot be reached.
        """
        columns = segment_columns(self.baseline, segments, no_segments)
        if isinstance(rows, TableSource):
            joined, labels = self._of_table(rows, columns)
        else:
            joined, labels = self._of_log(rows, (endpoint, since, until), columns)
        if labels.outcomes and not joined.whole.labelled:
            raise click.UsageError(self._no_match(rows, joined, labels))
        judged = self.labels.policy(policy.false_alarms_per_month)
        return OutcomesReport.of(self.baseline, joined, labels, judged, window)

    def _of_table(
        self, rows: TableSource, columns: Sequence[SegmentColumn]
    ) -> tuple[Joined, Labels]:
        with waiting("joining"), opened_table(rows, self.baseline) as table:
            found = TableRows(self.baseline, table, rows, columns, self.time)
            if self.labels.labels is None:
                return found.with_column(self.labels)
            labels, cells = self.labels.read(self.baseline)
            return found.with_labels(labels, cells, self.labels.identifier), labels

    def _of_log(
        self,
        url: str,
        part: tuple[str | None, str | None, str | None],
        columns: Sequence[SegmentColumn],
    ) -> tuple[Joined, Labels]:
        labels, cells = self.labels.read(self.baseline)
        log = log_reader(url, *part)
        with progress_bar("joining", sum(file.size for file in log.files)) as progress:
            log = replace(log, progress=progress)
            joined = join_log(self.baseline, log, labels, cells, columns)
        if not joined.whole.predictions:
            raise click.UsageError(no_predictions(self.baseline, url, joined))
        return joined, labels

    def _no_match(self, rows: TableSource | str, joined: Joined, labels: Labels) -> str:
        first = next(iter(labels.outcomes))
        if joined.foreign == len(labels.outcomes):
            return (
                f"all labels of {self.labels.labels} belong to predictions of another model or "
                f"version than the baseline's. Pass their baseline"
            )
        options = "--id" if isinstance(rows, TableSource) else "--id, --since and --until"
        return (
            f"none of the {len(labels.outcomes):,} labels of {self.labels.labels} belongs to a "
            f"prediction in {rows}; the first label is for {first!r}. Check {options}"
        )


def _refuse(options: Mapping[str, object], reason: str) -> None:
    for name, value in options.items():
        if value is not None:
            raise click.UsageError(f"{name} {reason}")


def quality_section(found: OutcomesReport) -> QualitySection:
    """Return the part of a report that shows the quality."""
    words = VERDICT_WORDS.get(found.verdict, found.verdict)
    tone = QUALITY_TONES[found.verdict]
    return QualitySection(found.html, words, tone, tuple(found.remarks()))
