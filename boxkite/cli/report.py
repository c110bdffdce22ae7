"""`boxkite report`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from boxkite.baseline import Baseline
from boxkite.cli.comparing import baseline_of, compared, comparison_arguments
from boxkite.cli.group import EXIT_DRIFT
from boxkite.cli.option_types import folder_exists, json_option
from boxkite.cli.text import one_line
from boxkite.report.cards import Card, Report, report_of
from boxkite.report.rendering import check_installed, report_html
from boxkite.report.ticket import ticket_svg
from boxkite.system.atomic_file import replace_file

__all__ = ["report_command"]

_PICTURE = ".svg"
_PAGE = (".html", ".htm")
_NAMED = 5


@click.command("report")
@comparison_arguments
@click.option(
    "-o",
    "--output-file",
    type=click.Path(path_type=Path, dir_okay=False),
    callback=folder_exists,
    help="The file to write. [default: report.html, or report.svg with --variable]",
)
@json_option
@click.option(
    "--variable",
    metavar="NAME",
    help="Draw this one alone, as SVG; role:NAME where a feature and an output share it.",
)
def report_command(
    baseline: Baseline | str,
    rows: Path | str,
    output_file: Path | None,
    variable: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Write ROWS or a log beside a BASELINE as HTML or SVG.

    It is `boxkite compare` to look at and to send round: the file needs no other, and no network.
    ROWS and the options are as there, and so is the exit code: 0 no drift, 1 drift, 2 something
    cannot be read.

    \b
    Example:
      boxkite report histogram.prom july.parquet -o july.html
      boxkite report histogram.prom july.parquet --variable dep_delay -o dep_delay.svg
    """
    path = output_file or Path(f"report{_PICTURE if variable else '.html'}")
    if path.suffix not in ((_PICTURE,) if variable else _PAGE):
        wanted = "--variable is drawn as SVG" if variable else "a report is HTML"
        hint = "; give --variable for an SVG of one" if path.suffix == _PICTURE else ""
        raise click.UsageError(f"{wanted}: {path} does not fit{hint}")
    if not variable:
        check_installed()
    trained = baseline_of(baseline)
    comparison = compared(trained, rows, **options)
    tallies = [tally for _, tally in comparison.counts]
    report = report_of(trained, tallies, comparison, _subject(rows, **options))
    content = ticket_svg(_found(report, variable), report) if variable else report_html(report)
    replace_file(path, content.encode("utf-8", "replace"))
    if as_json:
        click.echo(
            json.dumps({**comparison.as_dict(), "file": str(path)}, indent=2, allow_nan=False)
        )
    else:
        click.echo(one_line(f"{report.words} Written to {path}"))
    if comparison.verdict == "drift":
        click.get_current_context().exit(EXIT_DRIFT)


def _subject(rows: Path | str, since: str | None, until: str | None, **_: Any) -> str:
    parts = [f"in {rows}", since and f"since {since}", until and f"until {until}"]
    return " ".join(part for part in parts if part)


def _found(report: Report, variable: str) -> Card:
    named = [card for card in report.cards if variable in (card.drift.name, card.anchor)]
    if len(named) > 1:
        anchors = " or ".join(sorted(card.anchor for card in named))
        raise click.UsageError(f"several variables are named {variable!r}: give {anchors}")
    if not named:
        names = list(dict.fromkeys(each.name for each in report.comparison))
        more = " …" if names[_NAMED:] else ""
        there = ", ".join(names[:_NAMED]) + more
        raise click.UsageError(f"no variable is named {variable!r}; there are {there}")
    return named[0]
