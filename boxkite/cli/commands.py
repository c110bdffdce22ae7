"""The commands and their options."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import click

from boxkite.baseline import Baseline
from boxkite.cli.baseline_document import baseline_document
from boxkite.cli.compare import compare_command
from boxkite.cli.comparing import baseline_of
from boxkite.cli.console import print_table, waiting
from boxkite.cli.dashboard import dashboard_command
from boxkite.cli.design_effect import design_effect_command
from boxkite.cli.group import CommandGroup
from boxkite.cli.logs import logs
from boxkite.cli.option_types import NAME, TABLE_FILE, folder_exists, json_option
from boxkite.cli.report import report_command
from boxkite.cli.rules import rules_command
from boxkite.cli.table_file import read_table
from boxkite.cli.tables import baseline_table
from boxkite.cli.text import one_line

__all__ = ["boxkite"]


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
@click.argument("rows", type=TABLE_FILE)
@click.option(
    "-o",
    "--output-file",
    type=click.Path(path_type=Path, dir_okay=False),
    default="histogram.prom",
    show_default=True,
    callback=folder_exists,
    help="The baseline to write.",
)
@click.option(
    "--output",
    "outputs",
    multiple=True,
    metavar="COLUMN",
    help="A column that holds the model's output; repeat it for several.",
)
@click.option(
    "--classes",
    is_flag=True,
    help="The outputs are class probabilities, each in a column of its class's name.",
)
@click.option("--drop", multiple=True, metavar="COLUMN", help="A column to leave out.")
@click.option(
    "--categorical",
    multiple=True,
    metavar="COLUMN",
    help="A column of numbers to take as categories.",
)
@click.option("--model", type=NAME, default="default", show_default=True, help="The model's name.")
@click.option("--version", type=NAME, help="The baseline's version. [default: its digest]")
@click.option(
    "--exposition",
    type=click.Choice(["labelled", "classic"]),
    default="labelled",
    show_default=True,
    help="The form of the series; classic is boxkite 0.0.5's.",
)
@json_option
def baseline(
    rows: Path,
    output_file: Path,
    outputs: tuple[str, ...],
    classes: bool,
    drop: tuple[str, ...],
    categorical: tuple[str, ...],
    model: str,
    version: str | None,
    exposition: Any,
    as_json: bool,
) -> None:
    """Count training ROWS, Parquet or CSV, into a baseline.

    \b
    Example:
      boxkite baseline train.parquet --output score --drop id
    """
    with waiting("reading"):
        table = read_table(rows)
    for name in (*outputs, *drop, *categorical):
        if name not in table.column_names:
            raise click.UsageError(
                f"{rows} has no column {name!r}; it has {', '.join(table.column_names)}"
            )
    if both := sorted({*outputs} & {*drop}):
        raise click.UsageError(f"--output and --drop are both given {both[0]!r}")
    with waiting("counting"):
        fitted = Baseline.fit(
            table.drop_columns(sorted({*outputs, *drop})),
            table.select(list(outputs)) if outputs else None,
            model=model,
            version=version,
            categorical=categorical,
            classes=classes,
        )
        fitted.write(output_file, exposition=exposition)
    if as_json:
        click.echo(json.dumps(baseline_document(fitted), indent=2, allow_nan=False))
        return
    print_table(functools.partial(baseline_table, fitted))
    written = f"{fitted.rows:,} rows, version {fitted.version}, written to {output_file}"
    click.echo(one_line(written))


@boxkite.command()
@click.argument("baseline")
@json_option
def show(baseline: Baseline | str, as_json: bool) -> None:
    """Show a BASELINE, a path or URL of histogram.prom.

    \b
    Example:
      boxkite show histogram.prom
    """
    found = baseline_of(baseline)
    if as_json:
        click.echo(json.dumps(baseline_document(found), indent=2, allow_nan=False))
        return
    click.echo(
        one_line(f"model {found.model}, version {found.version}, {found.rows:,} training rows")
    )
    print_table(functools.partial(baseline_table, found))


for each in (
    compare_command,
    dashboard_command,
    design_effect_command,
    logs,
    report_command,
    rules_command,
):
    boxkite.add_command(each)
