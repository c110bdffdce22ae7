"""The commands and their options."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from boxkite.baseline import Baseline
from boxkite.cli.console import console, progress_bar
from boxkite.cli.group import EXIT_DRIFT, CommandGroup
from boxkite.cli.log_comparison import compare_log
from boxkite.cli.log_options import log_reader, part_of_log
from boxkite.cli.logs import logs
from boxkite.cli.table_file import read_table
from boxkite.cli.tables import baseline_table, comparison_table
from boxkite.cli.text import one_line
from boxkite.drift import Policy, compare
from boxkite.prometheus.rules import render_rules

__all__ = ["boxkite"]


class _Positive(click.FloatRange):
    """A range without NaN, which is neither within it nor without."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return number


_TABLE_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def _read(baseline: Baseline | str) -> Baseline:
    """Return the baseline that a service has, or read it from a path or URL."""
    return baseline if isinstance(baseline, Baseline) else Baseline.read(baseline)


def _rows_or_log(text: str) -> Path | str:
    """Return a file of rows as its path, a log's folder or URL as it is."""
    if Path(text).is_dir() or _URL.match(text):
        return text
    found: Path = _TABLE_FILE.convert(text, None, None)
    return found


_URL = re.compile(r"file:|[a-z0-9+.-]+://", re.IGNORECASE)


@click.group(
    cls=CommandGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    invoke_without_command=True,
)
@click.version_option(package_name="boxkite", prog_name="boxkite")
@click.pass_context
def boxkite(context: click.Context) -> None:
    """Compare the data a model was trained on with the data it meets.

    \b
    Example:
      boxkite baseline train.parquet --output score
      boxkite compare histogram.prom july.parquet
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@boxkite.command()
@click.argument("rows", type=_TABLE_FILE)
@click.option(
    "-o",
    "--output-file",
    type=click.Path(path_type=Path),
    default="histogram.prom",
    show_default=True,
    help="The baseline to write.",
)
@click.option(
    "--output",
    "outputs",
    multiple=True,
    metavar="COLUMN",
    help="A column that holds the model's output; repeat it for several.",
)
@click.option("--drop", multiple=True, metavar="COLUMN", help="A column to leave out.")
@click.option(
    "--categorical",
    multiple=True,
    metavar="COLUMN",
    help="A column of numbers to take as categories.",
)
@click.option("--model", default="default", show_default=True, help="The model's name.")
@click.option("--version", default=None, help="The baseline's version. [default: its digest]")
@click.option(
    "--exposition",
    type=click.Choice(["labelled", "classic"]),
    default="labelled",
    show_default=True,
    help="The form of the series; classic is boxkite 0.0.5's.",
)
def baseline(
    rows: Path,
    output_file: Path,
    outputs: tuple[str, ...],
    drop: tuple[str, ...],
    categorical: tuple[str, ...],
    model: str,
    version: str | None,
    exposition: Any,
) -> None:
    """Count the training ROWS, a Parquet or CSV file, into a baseline.

    \b
    Example:
      boxkite baseline train.parquet --output score --drop id
    """
    if not output_file.parent.is_dir():
        raise click.UsageError(f"cannot write {output_file}: there is no such folder")
    table = read_table(rows)
    for name in (*outputs, *drop, *categorical):
        if name not in table.column_names:
            raise click.UsageError(
                f"{rows} has no column {name!r}; it has {', '.join(table.column_names)}"
            )
    features = table.drop_columns(sorted({*outputs, *drop}))
    fitted = Baseline.fit(
        features,
        table.select(list(outputs)) if outputs else None,
        model=model,
        version=version,
        categorical=categorical,
    )
    fitted.write(output_file, exposition=exposition)
    console().print(baseline_table(fitted))
    written = f"{fitted.rows:,} rows, version {fitted.version}, written to {output_file}"
    click.echo(one_line(written))


@boxkite.command()
@click.argument("baseline")
def show(baseline: Baseline | str) -> None:
    """Show what is in a BASELINE, a path or URL of histogram.prom.

    \b
    Example:
      boxkite show histogram.prom
    """
    found = _read(baseline)
    click.echo(
        one_line(f"model {found.model}, version {found.version}, {found.rows:,} training rows")
    )
    console().print(baseline_table(found))


@boxkite.command("compare")
@click.argument("baseline")
@click.argument("rows", type=_rows_or_log)
@part_of_log
@click.option(
    "--false-alarms-per-month",
    type=_Positive(min=0, min_open=True),
    default=1.0,
    show_default=True,
    help="How many the model may raise without drift.",
)
@click.option(
    "--min-effect",
    type=_Positive(min=0),
    default=Policy().min_effect,
    show_default=True,
    help="The least PSI that is called drift.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def compare_command(
    baseline: Baseline | str,
    rows: Path | str,
    endpoint: str | None,
    since: str | None,
    until: str | None,
    false_alarms_per_month: float,
    min_effect: float,
    as_json: bool,
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
    policy = Policy(false_alarms_per_month=false_alarms_per_month, min_effect=min_effect)
    trained = _read(baseline)
    if isinstance(rows, Path):
        if endpoint or since or until:
            raise click.UsageError(f"{rows} is no log: --endpoint, --since, --until are for one")
        comparison = compare(trained, read_table(rows, trained), policy=policy)
    else:
        log = log_reader(rows, endpoint, since, until)
        with progress_bar("reading", sum(file.size for file in log.files)) as progress:
            comparison = compare_log(trained, replace(log, progress=progress), policy)
    if as_json:
        click.echo(json.dumps(comparison.as_dict(), indent=2, allow_nan=False))
    else:
        console().print(comparison_table(comparison))
        names = ", ".join(one_line(each.name) for each in comparison.drifted)
        click.echo(f"{comparison.verdict}: {names}" if names else comparison.verdict)
        empty = ", ".join(one_line(each.name) for each in comparison if not each.rows)
        if empty:
            click.echo(f"boxkite: no row has a valid value of: {empty}", err=True)
    if comparison.verdict == "drift":
        click.get_current_context().exit(EXIT_DRIFT)


@boxkite.command()
@click.option(
    "--window",
    "windows",
    multiple=True,
    metavar="DURATION",
    help="A window to compare over; repeat it for several. [default: 1h, 1d]",
)
@click.option(
    "--interval",
    default=None,
    metavar="DURATION",
    help="How often to evaluate. [default: a sixtieth of the window, 5s to 2m]",
)
@click.option(
    "--min-effect",
    type=_Positive(min=0),
    default=Policy().min_effect,
    show_default=True,
    help="The least PSI that is called drift.",
)
@click.option(
    "--runbook",
    default="docs/runbook.md",
    show_default=True,
    metavar="URL",
    help="Where your runbook is; the alerts link to its sections.",
)
def rules(windows: tuple[str, ...], interval: str | None, min_effect: float, runbook: str) -> None:
    """Print the Prometheus rules: one file serves every model.

    \b
    Example:
      boxkite rules > boxkite.rules.yml && promtool check rules boxkite.rules.yml
    """
    policy = Policy(min_effect=min_effect)
    text = render_rules(policy, windows=windows or None, interval=interval, runbook=runbook)
    click.echo(text, nl=False)


boxkite.add_command(logs)
