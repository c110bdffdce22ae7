"""The command `boxkite compare`, and the comparison that `boxkite report` shares with it."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import click
import narwhals as nw

from boxkite.baseline import Baseline, SegmentColumn
from boxkite.cli.console import pass_progress, print_table, progress_bar
from boxkite.cli.group import EXIT_DRIFT, EXIT_INSUFFICIENT, print_message
from boxkite.cli.inputs import log_reader, opened_table, read_baseline, watched
from boxkite.cli.job_options import job_options, moment
from boxkite.cli.junit import junit_xml
from boxkite.cli.log_counting import count_log
from boxkite.cli.policy_options import policy_options
from boxkite.cli.shared_options import (
    folder_exists,
    json_option,
    no_segments_option,
    part_of_log,
    rows_or_log,
    segment_option,
    window_option,
)
from boxkite.cli.table_source import FORMATS, TableSource, holds_log
from boxkite.cli.tables import comparison_lines, comparison_table
from boxkite.drift import Comparison, Policy, compare, compare_counts
from boxkite.logs.partition import ROOT
from boxkite.system.atomic_file import replace_file

__all__ = ["compare_command", "compared", "comparison_arguments", "segment_columns"]

Command = TypeVar("Command", bound=Callable[..., Any])


def comparison_arguments(command: Command) -> Command:
    """Add BASELINE, ROWS and the options of `compared` to a command."""
    for each in (
        no_segments_option,
        segment_option,
        window_option,
        policy_options,
        part_of_log,
        click.argument("rows", type=rows_or_log),
        click.argument("baseline"),
    ):
        command = each(command)
    return command


def compared(
    baseline: Baseline,
    rows: TableSource | str,
    *,
    policy: Policy,
    endpoint: str | None,
    since: str | None,
    until: str | None,
    window: str | None = None,
    segments: tuple[str, ...] = (),
    no_segments: bool = False,
) -> Comparison:
    """Compare the rows of a table, or a part of a log, with a baseline.

    Raises:
        ConfigError: If the policy names a variable that the baseline does not have.
        click.UsageError: If options for logs are given with a table, or there is nothing to
            compare.
        BoxkiteError: If the rows cannot be read.
        OSError: If the file or log cannot be reached.
    """
    policy.check_names(baseline.variables)
    columns = segment_columns(baseline, segments, no_segments)
    divided = [each.name for each in columns]
    if window is not None:
        policy = policy.including(window)
        if not any(policy.natural_variation(window, each) for each in baseline.variables):
            print_message(
                f"the baseline has no natural variation between windows of {window}, so rows "
                f"count as independent. Fit the baseline with --time"
            )
    if isinstance(rows, TableSource):
        if endpoint or since or until:
            raise click.UsageError(
                f"{rows} is a table of rows, but --endpoint, --since and --until need a log. Leave "
                "them out"
            )
        with pass_progress("comparing") as progress, opened_table(rows, baseline) as table:
            if isinstance(table, nw.DataFrame) and table.is_empty():
                raise click.UsageError(f"{rows} has no rows")
            rows_of_table = watched(table, progress)
            return compare(baseline, rows_of_table, policy=policy, window=window, segments=divided)
    if Path(rows).is_dir() and not holds_log(Path(rows)):
        raise click.UsageError(
            f"{rows} holds neither a prediction log, in {ROOT}, nor a file of rows, which ends in "
            f"{', '.join(FORMATS)}"
        )
    log = log_reader(rows, endpoint, since, until)
    with progress_bar("reading", sum(file.size for file in log.files)) as progress:
        counts = count_log(baseline, replace(log, progress=progress))
    if not counts.predictions:
        raise click.UsageError(
            f"{rows} has no predictions for these options. Check --endpoint, --since and --until"
        )
    labels = [label for each in columns for label in each.labels]
    return compare_counts(
        baseline,
        counts.tallies(),
        counts.predictions,
        policy=policy,
        window=window,
        segments=labels,
    )


def segment_columns(
    baseline: Baseline, named: tuple[str, ...], no_segments: bool
) -> list[SegmentColumn]:
    """Return the columns whose segments are compared.

    Raises:
        click.UsageError: If the baseline has no segments of a named column.
    """
    known = [each.name for each in baseline.segments]
    for name in named:
        if name not in known:
            there = f"segments of {', '.join(known)}" if known else "no segments"
            raise click.UsageError(
                f"--segment {name}: the baseline has {there}. Fit it with --segment {name}"
            )
    if no_segments:
        return []
    return [each for each in baseline.segments if not named or each.name in named]


@click.command("compare")
@comparison_arguments
@json_option
@click.option(
    "--junit",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    callback=folder_exists,
    help="Also write JUnit XML. Each variable is a test case that fails if it drifted or if one of "
    "its rates changed.",
)
@job_options
def compare_command(
    baseline: Baseline | str,
    rows: TableSource | str,
    as_json: bool,
    junit: Path | None,
    metrics: Path | None,
    every: timedelta,
    period_end: str | None,
    **options: Any,
) -> None:
    """Compare rows or a prediction log with a baseline.

    BASELINE is the path or URL of a file such as histogram.prom.

    ROWS is a file, a folder or a glob of rows, as for boxkite baseline, or the folder or URL of a
    prediction log. A URL names a log unless it is a glob or the name of a file. Columns match the
    baseline's variables by name. --endpoint, --since and --until select a part of a log.

    \b
    Exit codes:
      0  no variable drifted, and no rate of missing, invalid, unseen or outside rows changed
      1  a variable drifted, or a rate changed, in all rows or in a segment
      2  wrong usage, or a file cannot be read
      3  not enough data for any verdict

    \b
    Example:
      boxkite compare histogram.prom july.parquet
      boxkite compare histogram.prom 's3://bucket/july/*.parquet'
      boxkite compare histogram.prom s3://bucket/log --since 2026-11-01
      boxkite compare histogram.prom july.parquet --segment carrier
      boxkite compare histogram.prom monday.parquet --window 1d --metrics monday.prom
      boxkite compare histogram.prom july.parquet --no-alert row_id --variable dest:min-effect=0.2
    """
    end = moment(period_end or options["until"])
    comparison = compared(read_baseline(baseline), rows, **options)
    if metrics is not None:
        comparison.write_metrics(metrics, every=every, period_end=end)
    if junit is not None:
        replace_file(junit, junit_xml(comparison))
    if as_json:
        click.echo(json.dumps(comparison.as_dict(), indent=2, allow_nan=False))
    else:
        print_table(functools.partial(comparison_table, comparison))
        for line in comparison_lines(comparison):
            click.echo(line)
    code = {"drift": EXIT_DRIFT, "insufficient": EXIT_INSUFFICIENT}.get(comparison.verdict, 0)
    click.get_current_context().exit(code)
