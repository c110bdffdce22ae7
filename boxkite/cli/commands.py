"""The commands and their options."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import click
from rich.console import Console

from boxkite.baseline import Baseline
from boxkite.cli.table_file import read_table
from boxkite.cli.tables import baseline_table, comparison_table
from boxkite.drift import Policy, compare
from boxkite.errors import BaselineWarning, BoxkiteError
from boxkite.prometheus.rules import render_rules

__all__ = ["boxkite"]

P = ParamSpec("P")
T = TypeVar("T")

EXIT_DRIFT = 1
EXIT_USAGE = 2

_TABLE_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def _console() -> Console:
    """Return a console that cuts no number off where the output is no terminal."""
    return Console(width=None if sys.stdout.isatty() else 160)


def _told(command: Callable[P, T]) -> Callable[P, T]:
    """Turn an error of ours or of the system into one line and exit code 2."""

    @wraps(command)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always", BaselineWarning)
                result = command(*args, **kwargs)
        except (BoxkiteError, OSError) as error:
            click.echo(f"boxkite: {error}", err=True)
            sys.exit(EXIT_USAGE)
        for warning in caught:
            click.echo(f"boxkite: {warning.message}", err=True)
        return result

    return wrapper


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="boxkite")
def boxkite() -> None:
    """Compare the data a model was trained on with the data it meets."""


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
@_told
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
    table = read_table(rows)
    for name in (*outputs, *drop):
        if name not in table.column_names:
            raise click.UsageError(
                f"{rows} has no column {name!r}; it has {', '.join(table.column_names)}"
            )
    features = table.drop_columns([*outputs, *drop])
    fitted = Baseline.fit(
        features,
        table.select(list(outputs)) if outputs else None,
        model=model,
        version=version,
        categorical=categorical,
    )
    fitted.write(output_file, exposition=exposition)
    _console().print(baseline_table(fitted))
    click.echo(f"{fitted.rows:,} rows, version {fitted.version}, written to {output_file}")


@boxkite.command()
@click.argument("baseline")
@_told
def show(baseline: str) -> None:
    """Show what is in a BASELINE, a path or URL of histogram.prom.

    \b
    Example:
      boxkite show histogram.prom
    """
    found = Baseline.read(baseline)
    click.echo(f"model {found.model}, version {found.version}, {found.rows:,} training rows")
    _console().print(baseline_table(found))


@boxkite.command("compare")
@click.argument("baseline")
@click.argument("rows", type=_TABLE_FILE)
@click.option(
    "--false-alarms-per-month",
    type=click.FloatRange(min=0, min_open=True),
    default=1.0,
    show_default=True,
    help="How many the model may raise without drift.",
)
@click.option(
    "--min-effect",
    type=click.FloatRange(min=0),
    default=Policy().min_effect,
    show_default=True,
    help="The least PSI that is called drift.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@_told
def compare_command(
    baseline: str, rows: Path, false_alarms_per_month: float, min_effect: float, as_json: bool
) -> None:
    """Compare ROWS, a Parquet or CSV file, with a BASELINE.

    The columns are found by the names of the baseline's variables. Exit code 0: no drift; 1: a
    variable drifted; 2: something cannot be read.

    \b
    Example:
      boxkite compare histogram.prom july.parquet
    """
    policy = Policy(false_alarms_per_month=false_alarms_per_month, min_effect=min_effect)
    comparison = compare(Baseline.read(baseline), read_table(rows), policy=policy)
    if as_json:
        click.echo(json.dumps(comparison.as_dict(), indent=2, allow_nan=False))
    else:
        _console().print(comparison_table(comparison))
        names = ", ".join(each.name for each in comparison.drifted)
        click.echo(f"{comparison.verdict}: {names}" if names else comparison.verdict)
    if comparison.verdict == "drift":
        sys.exit(EXIT_DRIFT)


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
    type=click.FloatRange(min=0),
    default=Policy().min_effect,
    show_default=True,
    help="The least PSI that is called drift.",
)
@_told
def rules(windows: tuple[str, ...], interval: str | None, min_effect: float) -> None:
    """Print the Prometheus rules, which serve every model that boxkite watches.

    \b
    Example:
      boxkite rules > boxkite.rules.yml && promtool check rules boxkite.rules.yml
    """
    policy = Policy(min_effect=min_effect)
    click.echo(render_rules(policy, windows=windows or None, interval=interval), nl=False)
