"""The command `boxkite outcomes`: the quality of logged predictions whose outcomes are known."""

from __future__ import annotations

import functools
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import click

from boxkite.baseline import Baseline
from boxkite.baseline.text_writer import render
from boxkite.cli.console import print_table, progress_bar, waiting
from boxkite.cli.group import EXIT_DRIFT, EXIT_INSUFFICIENT
from boxkite.cli.inputs import log_reader, read_baseline
from boxkite.cli.job_options import job_options, moment
from boxkite.cli.label_options import LabelOptions, label_options
from boxkite.cli.log_labels import join_log, no_predictions
from boxkite.cli.outcomes_report import OutcomesReport
from boxkite.cli.quality_table import quality_table, segment_quality_table
from boxkite.cli.shared_options import (
    TABLE_FILE,
    FiniteRange,
    folder_exists,
    json_option,
    part_of_log,
    window_length,
)
from boxkite.drift.comparison_series import JobRun
from boxkite.prometheus.job_quality_series import job_quality_families
from boxkite.quality import QualityPolicy
from boxkite.report.rendering import check_installed, quality_report_html
from boxkite.system.atomic_file import replace_file

__all__ = ["outcomes_command"]

_FALSE_ALARMS = QualityPolicy().false_alarms_per_month


@click.command("outcomes")
@click.argument("baseline")
@click.argument("url")
@click.argument("labels", type=TABLE_FILE)
@click.option("--label", required=True, metavar="COLUMN", help="Column of the true outcomes.")
@label_options
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
    default=_FALSE_ALARMS,
    show_default=True,
    metavar="NUMBER",
    help="Expected number of false alarms in 30 days if each window is judged once.",
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
    labels: LabelOptions,
    endpoint: str | None,
    since: str | None,
    until: str | None,
    window: str | None,
    html: Path | None,
    as_json: bool,
    metrics: Path | None,
    every: timedelta,
    period_end: str | None,
    false_alarms_per_month: float,
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
        found, cells = labels.read(trained)
    log = log_reader(url, endpoint, since, until)
    with progress_bar("reading", sum(file.size for file in log.files)) as progress:
        log = replace(log, progress=progress)
        joined = join_log(trained, log, found, cells, trained.segments)
    if not joined.whole.predictions:
        raise click.UsageError(no_predictions(trained, url, joined))
    policy = labels.policy(false_alarms_per_month)
    report = OutcomesReport.of(trained, joined, found, policy, window)
    if metrics is not None:
        families = job_quality_families(trained, report.judged, JobRun.now(every, end))
        replace_file(metrics, render(families).encode())
    if html is not None:
        lines = [*report.remarks()]
        content = quality_report_html(trained.model, trained.version, report.html, lines)
        replace_file(html, content.encode("utf-8", "replace"))
    if as_json:
        click.echo(json.dumps(report.as_dict(), indent=2, allow_nan=False))
    else:
        print_table(functools.partial(quality_table, report.quality))
        if report.segments:
            print_table(functools.partial(segment_quality_table, report.worst_segments))
        for line in report.lines():
            click.echo(line)
    code = {"worse": EXIT_DRIFT, "insufficient": EXIT_INSUFFICIENT}.get(report.verdict, 0)
    click.get_current_context().exit(code)
