"""The commands `boxkite baseline` and `boxkite show`."""

from __future__ import annotations

import functools
import json
import math
from pathlib import Path
from typing import Any

import click

from boxkite.baseline import Baseline, NumericVariable, Variable
from boxkite.baseline.outcome_pairs import DEFAULT_THRESHOLD
from boxkite.baseline.segment_fitting import live_series
from boxkite.cli.console import pass_progress, print_table
from boxkite.cli.inputs import opened_table, read_baseline, watched
from boxkite.cli.shared_options import NAME, TABLE, Finite, json_option, output_file_option
from boxkite.cli.table_source import TableSource
from boxkite.cli.tables import baseline_table, segments_table
from boxkite.drawing.printable import one_line

__all__ = ["baseline_command", "show_command"]


@click.command("baseline")
@click.argument("rows", type=TABLE)
@output_file_option
@click.option(
    "--output",
    "outputs",
    multiple=True,
    metavar="COLUMN",
    help="Column that holds the model's output. Repeatable.",
)
@click.option(
    "--classes",
    is_flag=True,
    help="The outputs are class probabilities, each in a column named after its class.",
)
@click.option("--drop", multiple=True, metavar="COLUMN", help="Column to leave out. Repeatable.")
@click.option(
    "--categorical",
    multiple=True,
    metavar="COLUMN",
    help="Column of numbers to count as categories. Repeatable.",
)
@click.option(
    "--ordered",
    multiple=True,
    metavar="COLUMN[=A,B,...]",
    help="Column of categories with an order, such as size=S,M,L. boxkite then finds small shifts "
    "sooner. Categories that are numbers need no list. Repeatable.",
)
@click.option(
    "--bins",
    type=click.IntRange(2, 1000),
    help="Number of bins of numeric columns. [default: 20]",
)
@click.option(
    "--time",
    metavar="COLUMN",
    help="Column of dates or times. boxkite learns from it how hours and days differ, so that "
    "mornings and weekends do not count as drift.",
)
@click.option(
    "--segment",
    "segments",
    multiple=True,
    metavar="COLUMN",
    help="Column whose 20 most common values are monitored separately. It stays a feature unless "
    "--drop names it too. Repeatable.",
)
@click.option(
    "--like",
    metavar="BASELINE",
    help="Take columns, bins, categories and outputs from this baseline, so that boxkite merge can "
    "add up the two.",
)
@click.option(
    "--outcome",
    metavar="COLUMN",
    help="Column of true outcomes, for the model's quality at training. Pass held-out rows, on "
    "which the model was not trained.",
)
@click.option(
    "--threshold",
    type=Finite(),
    metavar="NUMBER",
    default=DEFAULT_THRESHOLD,
    show_default=True,
    help="Score above which a prediction is positive, for --outcome.",
)
@click.option("--model", type=NAME, default="default", show_default=True, help="Name of the model.")
@click.option("--version", type=NAME, help="Version of the baseline. [default: its digest]")
@click.option(
    "--exposition",
    type=click.Choice(["labelled", "classic"]),
    default="labelled",
    show_default=True,
    help="Form of the series. Choose classic for the series of boxkite 0.0.5.",
)
@json_option
def baseline_command(
    rows: TableSource,
    output_file: Path,
    outputs: tuple[str, ...],
    classes: bool,
    drop: tuple[str, ...],
    categorical: tuple[str, ...],
    ordered: tuple[str, ...],
    bins: int | None,
    time: str | None,
    segments: tuple[str, ...],
    like: str | None,
    outcome: str | None,
    threshold: float,
    model: str,
    version: str | None,
    exposition: Any,
    as_json: bool,
) -> None:
    """Write a baseline from training data.

    The baseline holds the distribution of every column. Each column is a feature unless an option
    says otherwise.

    ROWS is a file, a folder, a glob, or an s3://, gs:// or az:// URL, in Parquet, CSV, JSON lines
    or Arrow. Anything but one Parquet or CSV file of moderate size needs DuckDB (pip install
    'boxkite[engine]'), which reads data larger than memory.

    \b
    Example:
      boxkite baseline train.parquet --output score --drop id --time requested_at
      boxkite baseline train.parquet --output score --segment carrier --segment origin
      boxkite baseline 's3://bucket/training' --output score
    """
    first = None if like is None else Baseline.read(like)
    orders = dict(map(_order, ordered))
    named = (*categorical, *orders, *segments, *filter(None, (time, outcome)))
    with pass_progress("counting") as progress, opened_table(rows, first) as table:
        columns = table.collect_schema().names()
        if first is not None and not outputs:
            outputs = tuple(each.name for each in first.outputs if each.name in columns)
        _check_columns(rows, columns, outputs, drop, named)
        options: dict[str, Any] = {} if bins is None else {"bins": bins}
        fitted = Baseline.fit(
            watched(table.drop(*({*drop} - {*segments})), progress),
            list(outputs) or None,
            model=model,
            version=version,
            categorical=categorical,
            classes=classes,
            time=time,
            ordered=orders,
            like=first,
            outcome=outcome,
            threshold=threshold,
            segments={each: each if each in drop else None for each in segments},
            **options,
        )
    fitted.write(output_file, exposition=exposition)
    if as_json:
        _print_json(fitted)
        return
    _print_tables(fitted)
    written = f"{fitted.rows:,} rows, version {fitted.version}, written to {output_file}"
    click.echo(one_line(written))


def _order(text: str) -> tuple[str, list[str]]:
    """Return the column that `--ordered` names, and its categories; none if it lists none."""
    name, listed, labels = text.partition("=")
    return name, labels.split(",") if listed else []


def _check_columns(
    table: TableSource,
    columns: list[str],
    outputs: tuple[str, ...],
    drop: tuple[str, ...],
    others: tuple[str, ...],
) -> None:
    """Check that the table has the columns that options name, each with one meaning."""
    for name in (*outputs, *drop, *others):
        if name not in columns:
            raise click.UsageError(f"{table} has no column {name!r}; it has {', '.join(columns)}")
    if both := sorted({*outputs} & {*drop}):
        raise click.UsageError(
            f"column {both[0]!r} cannot be both an --output and dropped (--drop)"
        )


@click.command("show")
@click.argument("baseline")
@json_option
def show_command(baseline: Baseline | str, as_json: bool) -> None:
    """Show the variables of a baseline.

    BASELINE is the path or URL of a file such as histogram.prom.

    \b
    Example:
      boxkite show histogram.prom
    """
    found = read_baseline(baseline)
    if as_json:
        _print_json(found)
        return
    click.echo(
        one_line(f"model {found.model}, version {found.version}, {found.rows:,} training rows")
    )
    _print_tables(found)


def _print_tables(baseline: Baseline) -> None:
    print_table(functools.partial(baseline_table, baseline))
    if baseline.segments:
        print_table(functools.partial(segments_table, baseline))
        added = live_series(baseline.counted_variables) - live_series(baseline.variables)
        click.echo(
            f"{len(baseline.segment_labels)} segments add {added:,} live series to each replica"
        )


def _print_json(baseline: Baseline) -> None:
    document: dict[str, Any] = {
        "model": baseline.model,
        "version": baseline.version,
        "rows": baseline.rows,
        "variables": [_variable_document(each) for each in baseline.variables],
    }
    if baseline.segments:
        document["segments"] = {
            segment.label: {
                "rows": segment.rows,
                "variables": [_variable_document(each) for each in segment.variables],
            }
            for column in baseline.segments
            for segment in column
        }
    click.echo(json.dumps(document, indent=2, allow_nan=False))


def _variable_document(variable: Variable) -> dict[str, Any]:
    """Return a variable as a dictionary that JSON can hold, with None in place of NaN."""
    content: dict[str, Any] = {
        "name": variable.name,
        "role": variable.role,
        "kind": variable.kind,
        "position": variable.position,
        "missing": variable.missing,
        "counts": variable.counts.tolist(),
    }
    if isinstance(variable, NumericVariable):
        ends = {"minimum": variable.minimum, "maximum": variable.maximum}
        known = {name: None if math.isnan(end) else end for name, end in ends.items()}
        return {**content, "edges": variable.edges.tolist(), **known}
    return {**content, "categories": list(variable.categories)}
