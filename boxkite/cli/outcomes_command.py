"""The command `boxkite outcomes`: the quality of logged predictions whose outcomes are known."""

from __future__ import annotations

import functools
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from boxkite.baseline import Baseline
from boxkite.baseline.outcome_pairs import DEFAULT_THRESHOLD, OutcomeCells
from boxkite.baseline.text_writer import render
from boxkite.baseline.time_windows import seconds_of
from boxkite.cli.console import print_table, progress_bar, waiting
from boxkite.cli.group import EXIT_DRIFT, EXIT_INSUFFICIENT
from boxkite.cli.inputs import log_reader, read_baseline, read_table
from boxkite.cli.job_options import job_options, moment
from boxkite.cli.labels import Labels, id_column
from boxkite.cli.outcome_join import Joined, join_labels
from boxkite.cli.outcomes_report import OutcomesReport
from boxkite.cli.quality_table import quality_table, segment_quality_table
from boxkite.cli.shared_options import (
    TABLE_FILE,
    Finite,
    FiniteRange,
    folder_exists,
    json_option,
    part_of_log,
    window_length,
)
from boxkite.drift.comparison_series import JobRun
from boxkite.errors import BaselineError
from boxkite.prometheus.job_quality_series import JudgedRows, job_quality_families
from boxkite.quality import Outcomes, Quality, QualityPolicy, compare_outcomes, estimate
from boxkite.quality.quality_comparison import DEFAULT_HOURS
from boxkite.quality.quality_html import quality_html
from boxkite.report.rendering import check_installed, quality_report_html
from boxkite.system.atomic_file import replace_file

__all__ = ["outcomes_command"]

_POLICY = QualityPolicy()


@click.command("outcomes")
@click.argument("baseline")
@click.argument("url")
@click.argument("labels", type=TABLE_FILE)
@click.option("--label", required=True, metavar="COLUMN", help="Column of the true outcomes.")
@click.option(
    "--id",
    "identifier",
    metavar="COLUMN",
    help="Column of prediction ids or entity ids. [default: prediction_id, or entity_id if "
    "there is none]",
)
@click.option(
    "--labelled-at",
    metavar="COLUMN",
    help="Column with the time of each label, which decides which of several labels is the latest. "
    "[default: the order in the file]",
)
@click.option(
    "--threshold",
    type=Finite(),
    metavar="NUMBER",
    help=f"Score above which a prediction is positive. [default: the baseline's threshold, or "
    f"{DEFAULT_THRESHOLD}]",
)
@part_of_log
@click.option(
    "--window",
    metavar="LENGTH",
    callback=window_length,
    help="Length of time that the predictions cover, such as 1d or 7d. With a baseline that was "
    "fitted with --time and --outcome, allow for the natural variation between such windows.",
)
@click.option(
    "--false-alarms-per-month",
    type=FiniteRange(min=0, min_open=True),
    default=_POLICY.false_alarms_per_month,
    show_default=True,
    metavar="NUMBER",
    help="Expected number of false alarms in 30 days if each window is judged once.",
)
@click.option(
    "--min-drop",
    type=FiniteRange(min=0, max=1),
    default=_POLICY.min_drop,
    show_default=True,
    metavar="NUMBER",
    help="Smallest drop of accuracy, precision, recall, F1 or AUC that matters.",
)
@click.option(
    "--min-increase",
    type=FiniteRange(min=0),
    default=_POLICY.min_increase,
    show_default=True,
    metavar="NUMBER",
    help="Smallest increase of a loss that matters, as a fraction of the loss at training (of the "
    "bias: of RMSE).",
)
@click.option(
    "--min-rows",
    type=click.IntRange(min=2),
    default=_POLICY.min_rows,
    show_default=True,
    metavar="NUMBER",
    help="Fewest rows, now and at training, for a verdict on a statistic.",
)
@click.option(
    "--html",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    callback=folder_exists,
    help="Also write the tables, a reliability curve and a confusion matrix as an HTML file.",
)
@json_option
@job_options
def outcomes_command(
    baseline: Baseline | str,
    url: str,
    labels: Path,
    label: str,
    identifier: str | None,
    labelled_at: str | None,
    threshold: float | None,
    endpoint: str | None,
    since: str | None,
    until: str | None,
    window: str | None,
    html: Path | None,
    as_json: bool,
    metrics: Path | None,
    every: timedelta,
    period_end: str | None,
    **policy: Any,
) -> None:
    """Join a log with labels to measure the model's quality.

    BASELINE is the path or URL of a file such as histogram.prom. URL is a folder, or a file:, s3:,
    gs: or az: URL as in the setting LOG.

    LABELS is a Parquet or CSV file with the id of each prediction and its true outcome. If a
    prediction has several labels, the latest counts. Only predictions with the model and version of
    the baseline are counted.

    \b
    Exit codes:
      0  no statistic is worse than at training
      1  a statistic is worse, over all predictions or in a segment
      2  wrong usage, or a file cannot be read
      3  not enough data for any verdict, or the baseline has no outcomes

    \b
    Example:
      boxkite outcomes histogram.prom /var/log/boxkite july.parquet --label paid_back
      boxkite outcomes histogram.prom s3://bucket/log week.csv --label late --window 7d
      boxkite outcomes histogram.prom log labels.parquet --label late --metrics quality.prom
    """
    end = moment(period_end or until)
    if html is not None:
        check_installed()
    trained = read_baseline(baseline)
    with waiting("reading"):
        found, cells = _read_labels(trained, labels, label, identifier, labelled_at, threshold)
    log = log_reader(url, endpoint, since, until)
    with progress_bar("reading", sum(file.size for file in log.files)) as progress:
        joined = join_labels(trained, replace(log, progress=progress), found, cells)
    if not joined.predictions:
        raise click.UsageError(_no_predictions(trained, url, joined))
    allowed, trainings = QualityPolicy(**policy), trained.outcomes_by_segment
    number = len(trained.segment_labels)
    quality = _compared(trained.outcomes, joined, allowed.part("", number), window)
    segments = {
        label: _compared(trainings.get(label), part, allowed.part(label, number), window)
        for label, part in joined.segments.items()
    }
    if metrics is not None:
        run = JobRun.now(every, end)
        parts = {"": JudgedRows(quality, joined.predictions)} | {
            label: JudgedRows(each, joined.segments[label].predictions)
            for label, each in segments.items()
        }
        families = job_quality_families(trained, parts, run)
        replace_file(metrics, render(families).encode())
    report = OutcomesReport(trained, quality, joined, found, segments)
    if html is not None:
        content = quality_report_html(
            trained.model, trained.version, quality_html(quality), [*report.lines()]
        )
        replace_file(html, content.encode("utf-8", "replace"))
    if as_json:
        click.echo(json.dumps(report.as_dict(), indent=2, allow_nan=False))
    else:
        print_table(functools.partial(quality_table, quality))
        if segments:
            print_table(functools.partial(segment_quality_table, report.worst_segments))
        for line in report.lines():
            click.echo(line)
    code = {"worse": EXIT_DRIFT, "insufficient": EXIT_INSUFFICIENT}.get(report.verdict, 0)
    click.get_current_context().exit(code)


def _read_labels(
    baseline: Baseline,
    path: Path,
    label: str,
    identifier: str | None,
    labelled_at: str | None,
    threshold: float | None,
) -> tuple[Labels, OutcomeCells]:
    """Read the labels, and choose the cells to count.

    Raises:
        BaselineError: If a column is missing, or the labels do not fit the output.
    """
    table = read_table(path)
    for name in filter(None, (label, labelled_at)):
        if name not in table.column_names:
            raise BaselineError(
                f"{path} has no column {name!r}; it has {', '.join(table.column_names)}"
            )
    column = table[id_column(table.column_names, identifier)]
    labels = Labels.of(column, table[label], table[labelled_at] if labelled_at else None)
    given = DEFAULT_THRESHOLD if threshold is None else threshold
    cells = baseline.outcome_cells(list(labels.outcomes.values()), given)
    if threshold not in (None, cells.threshold):
        raise BaselineError(
            f"--threshold is {threshold:g}, but the baseline was fitted with {cells.threshold:g}. "
            f"Leave out --threshold, or fit the baseline again with --threshold {threshold:g}"
        )
    return labels, cells


def _no_predictions(baseline: Baseline, url: str, joined: Joined) -> str:
    message = f"{url} has no predictions of model {baseline.model!r}, version {baseline.version!r}"
    if joined.others:
        return f"{message}, but {joined.others:,} of other models or versions. Pass their baseline"
    return f"{message}. Check --endpoint, --since and --until"


def _compared(
    training: Outcomes | None, joined: Joined, policy: QualityPolicy, window: str | None
) -> Quality:
    hours = DEFAULT_HOURS if window is None else seconds_of(window) / 3600
    quality = compare_outcomes(joined.outcomes, training, policy=policy, window=window, hours=hours)
    if training is None or not len(joined.scores):
        return quality
    return replace(quality, estimated=estimate(training, joined.scores))
