"""A baseline beside rows or a log: the arguments of the commands that compare, and the work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click

from boxkite.baseline import Baseline
from boxkite.cli.console import progress_bar, waiting
from boxkite.cli.log_comparison import compare_log
from boxkite.cli.log_options import log_reader, part_of_log
from boxkite.cli.option_types import Positive, rows_or_log
from boxkite.cli.table_file import read_table
from boxkite.drift import Comparison, Policy, compare

__all__ = [
    "baseline_of",
    "compared",
    "comparison_arguments",
    "design_effect_option",
    "min_effect_option",
]

Command = TypeVar("Command", bound=Callable[..., Any])

min_effect_option = click.option(
    "--min-effect",
    type=Positive(min=0),
    default=Policy().min_effect,
    show_default=True,
    help="The least PSI that is called drift.",
)

design_effect_option = click.option(
    "--design-effect",
    type=Positive(min=1),
    default=Policy().design_effect,
    show_default=True,
    help="How many rows tell as much as an independent one, as of requests in bursts.",
)


def comparison_arguments(command: Command) -> Command:
    """Add BASELINE, ROWS and the options that `compared` takes to a command."""
    for each in (
        design_effect_option,
        min_effect_option,
        click.option(
            "--false-alarms-per-month",
            type=Positive(min=0, min_open=True),
            default=1.0,
            show_default=True,
            help="How many the model may raise without drift.",
        ),
        part_of_log,
        click.argument("rows", type=rows_or_log),
        click.argument("baseline"),
    ):
        command = each(command)
    return command


def baseline_of(source: Baseline | str) -> Baseline:
    """Return the baseline that a service has, or read it from a path or URL.

    Raises:
        click.UsageError: if it is a table of rows, as when the arguments are the wrong way round.
        BoxkiteError: if it cannot be read.
        OSError: if it cannot be reached.
    """
    if isinstance(source, str) and Path(source).suffix in (".csv", ".parquet"):
        raise click.UsageError(f"{source} holds rows: BASELINE is a file such as histogram.prom")
    return source if isinstance(source, Baseline) else Baseline.read(source)


def compared(
    baseline: Baseline,
    rows: Path | str,
    *,
    endpoint: str | None,
    since: str | None,
    until: str | None,
    false_alarms_per_month: float,
    min_effect: float,
    design_effect: float,
) -> Comparison:
    """Compare the rows of a file, or a part of a log, with a baseline.

    Raises:
        click.UsageError: if a part of a file is asked for, or there is nothing to compare.
        BoxkiteError: if something cannot be read.
        OSError: if it cannot be reached.
    """
    policy = Policy(
        false_alarms_per_month=false_alarms_per_month,
        min_effect=min_effect,
        design_effect=design_effect,
    )
    if isinstance(rows, Path):
        if endpoint or since or until:
            raise click.UsageError(f"{rows} is no log: --endpoint, --since, --until are for one")
        with waiting("reading"):
            table = read_table(rows, baseline)
        if not len(table):
            raise click.UsageError(f"{rows} has no rows")
        with waiting("comparing"):
            return compare(baseline, table, policy=policy)
    log = log_reader(rows, endpoint, since, until)
    with progress_bar("reading", sum(file.size for file in log.files)) as progress:
        comparison = compare_log(baseline, replace(log, progress=progress), policy)
    if not comparison.predictions:
        raise click.UsageError(f"{rows} has no predictions of what is asked for")
    return comparison
