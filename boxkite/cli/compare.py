"""`boxkite compare`."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import click

from boxkite.baseline import Baseline
from boxkite.cli.comparing import baseline_of, compared, comparison_arguments
from boxkite.cli.console import print_table
from boxkite.cli.group import EXIT_DRIFT
from boxkite.cli.junit import junit_xml
from boxkite.cli.option_types import folder_exists, json_option
from boxkite.cli.tables import comparison_table
from boxkite.cli.text import one_line
from boxkite.system.atomic_file import replace_file

__all__ = ["compare_command"]


@click.command("compare")
@comparison_arguments
@json_option
@click.option(
    "--junit",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    callback=folder_exists,
    help="Write JUnit XML too: a variable is a test case, drift is its failure.",
)
def compare_command(
    baseline: Baseline | str, rows: Path | str, as_json: bool, junit: Path | None, **options: Any
) -> None:
    """Compare ROWS or a log with a BASELINE.

    ROWS is a Parquet or CSV file, or the folder or URL of a prediction log. The columns of a file
    are found by the names of the baseline's variables. The predictions of a log are counted as
    the service counts them; --endpoint, --since and --until choose among them. Exit code 0: no
    drift; 1: a variable drifted; 2: something cannot be read.

    \b
    Example:
      boxkite compare histogram.prom july.parquet
      boxkite compare histogram.prom s3://bucket/log --since 2026-11-01
    """
    comparison = compared(baseline_of(baseline), rows, **options)
    if junit is not None:
        replace_file(junit, junit_xml(comparison))
    if as_json:
        click.echo(json.dumps(comparison.as_dict(), indent=2, allow_nan=False))
    else:
        print_table(functools.partial(comparison_table, comparison))
        names = ", ".join(one_line(each.name) for each in comparison.drifted)
        click.echo(f"{comparison.verdict}: {names}" if names else comparison.verdict)
        empty = ", ".join(one_line(each.name) for each in comparison if not each.rows)
        if empty:
            click.echo(f"boxkite: no row has a valid value of: {empty}", err=True)
    if comparison.verdict == "drift":
        click.get_current_context().exit(EXIT_DRIFT)
