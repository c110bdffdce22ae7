"""The command `boxkite report`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from boxkite.baseline import Baseline
from boxkite.cli.compare_command import compared, comparison_arguments
from boxkite.cli.group import EXIT_DRIFT, EXIT_INSUFFICIENT
from boxkite.cli.inputs import read_baseline
from boxkite.cli.label_options import LabelOptions, label_options
from boxkite.cli.outcomes_report import OutcomesReport
from boxkite.cli.report_quality import ReportQuality, quality_section
from boxkite.cli.shared_options import TABLE_FILE, folder_exists, json_option
from boxkite.cli.table_source import TableSource
from boxkite.drawing.printable import one_line
from boxkite.drift import Comparison
from boxkite.quality.quality_html import quality_words
from boxkite.report.drift_report import Report, report_of
from boxkite.report.rendering import check_installed, report_html
from boxkite.report.ticket import ticket_svg
from boxkite.report.variable_card import Card
from boxkite.system.atomic_file import replace_file

__all__ = ["report_command"]

_PICTURE = ".svg"
_PAGE = (".html", ".htm")
_NAMES_SHOWN = 5


@click.command("report")
@comparison_arguments
@click.option(
    "-o",
    "--output-file",
    type=click.Path(path_type=Path, dir_okay=False),
    callback=folder_exists,
    help="File to write. [default: report.html, or report.svg with --only]",
)
@json_option
@click.option(
    "--only",
    metavar="NAME",
    help="Draw only this variable, as SVG. If a feature and an output share the name: feature:NAME "
    "or output:NAME.",
)
@click.option(
    "--labels",
    type=TABLE_FILE,
    metavar="FILE",
    help="Parquet or CSV file with the id and the true outcome of predictions. The report then "
    "shows the quality of the model too. Needs --label.",
)
@click.option(
    "--label",
    metavar="COLUMN",
    help="Column of the true outcomes in --labels. Without --labels, it is a column of ROWS.",
)
@click.option(
    "--time",
    metavar="COLUMN",
    help="Column of ROWS with the time of each row, for the quality by day. A log knows the times.",
)
@label_options
def report_command(
    baseline: Baseline | str,
    rows: TableSource | str,
    output_file: Path | None,
    only: str | None,
    as_json: bool,
    labels: LabelOptions,
    time: str | None,
    **options: Any,
) -> None:
    """Write a comparison as an HTML or SVG file.

    The report adds pictures to the table of `boxkite compare`. Arguments, options and exit codes
    are the same. It is a single file that needs no network, so you can send it to others.

    With --label, the report also shows the quality of the model, as boxkite outcomes measures it.
    The exit code is then 1 if the quality is worse than at training, too.

    \b
    Example:
      boxkite report histogram.prom july.parquet -o july.html
      boxkite report histogram.prom july.parquet --only dep_delay -o dep_delay.svg
      boxkite report histogram.prom log --labels labels.parquet --label late
      boxkite report histogram.prom july.parquet --label late --time departed_at
    """
    path = output_file or Path(f"report{_PICTURE if only else '.html'}")
    _check_ending(path, only)
    if only and labels.label:
        raise click.UsageError("--only draws one variable and no quality: leave out --label")
    if not only:
        check_installed()
    trained = read_baseline(baseline)
    quality = ReportQuality.wanted(trained, rows, labels, time)
    # The labels are joined first, because a mistake in them should not cost a whole comparison.
    outcomes = None if quality is None else quality.measure(rows, **options)
    comparison = compared(trained, rows, **options)
    report = report_of(trained, comparison, _subject(rows, **options))
    if only:
        content = ticket_svg(_found(report, only), report)
    else:
        content = report_html(report, None if outcomes is None else quality_section(outcomes))
    # Names may hold lone surrogates, which UTF-8 cannot encode.
    replace_file(path, content.encode("utf-8", "replace"))
    if as_json:
        document = comparison.as_dict() | ({"quality": outcomes.as_dict()} if outcomes else {})
        click.echo(json.dumps({**document, "file": str(path)}, indent=2, allow_nan=False))
    else:
        said = f"{quality_words(outcomes.quality, outcomes.segments)} " if outcomes else ""
        click.echo(one_line(f"{report.words} {said}Written to {path}"))
    click.get_current_context().exit(_exit_code(comparison, outcomes))


def _exit_code(comparison: Comparison, outcomes: OutcomesReport | None) -> int:
    verdicts = {comparison.verdict, outcomes.verdict if outcomes else "insufficient"}
    if verdicts & {"drift", "worse"}:
        return EXIT_DRIFT
    return 0 if "ok" in verdicts else EXIT_INSUFFICIENT


def _check_ending(path: Path, variable: str | None) -> None:
    """Check that the name of the file fits what is written to it."""
    if variable and path.suffix != _PICTURE:
        raise click.UsageError(f"--only writes SVG, so the file must end in .svg: {path}")
    if not variable and path.suffix not in _PAGE:
        hint = " (--only draws one variable as SVG)" if path.suffix == _PICTURE else ""
        raise click.UsageError(f"a report is HTML, so the file must end in .html: {path}{hint}")


def _subject(rows: TableSource | str, since: str | None, until: str | None, **_: Any) -> str:
    parts = [f"in {rows}", since and f"since {since}", until and f"until {until}"]
    return " ".join(part for part in parts if part)


def _found(report: Report, variable: str) -> Card:
    """Return the card of the variable that has a name or anchor."""
    named = [card for card in report.cards if variable in (card.drift.name, card.anchor)]
    if len(named) > 1:
        anchors = " or ".join(sorted(card.anchor for card in named))
        raise click.UsageError(f"several variables are named {variable!r}: give {anchors}")
    if not named:
        names = list(dict.fromkeys(each.name for each in report.comparison))
        more = " …" if names[_NAMES_SHOWN:] else ""
        there = ", ".join(names[:_NAMES_SHOWN]) + more
        raise click.UsageError(f"no variable is named {variable!r}; the baseline has {there}")
    return named[0]
