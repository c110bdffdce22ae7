"""The commands of `boxkite logs`."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import click

from boxkite.cli.console import console, progress_bar, waiting
from boxkite.cli.log_options import age, log_reader, part_of_log
from boxkite.cli.log_output import FORMATS, LINES, write_log
from boxkite.cli.option_types import json_option
from boxkite.cli.tables import days_table
from boxkite.logs.pruning import prune
from boxkite.logs.reader.log_reader import LogReader
from boxkite.logs.stores import open_store

__all__ = ["logs"]


@click.group(invoke_without_command=True)
@click.pass_context
def logs(context: click.Context) -> None:
    """List, read and prune the prediction log.

    \b
    Example:
      boxkite logs ls s3://bucket/log
      boxkite logs cat s3://bucket/log --since 2026-11-23
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@logs.command()
@click.argument("url")
@part_of_log
@click.option("--records", is_flag=True, help="Count the predictions too, which reads all files.")
@json_option
def ls(
    url: str,
    endpoint: str | None,
    since: str | None,
    until: str | None,
    records: bool,
    as_json: bool,
) -> None:
    """List the days of the log at URL.

    URL is a folder, or as the sink has it: file:, s3:, gs: or az:. Counted are files and bytes of
    each endpoint, in the minutes from --since to --until.

    \b
    Example:
      boxkite logs ls /var/log/boxkite --since 2026-11-01 --records
    """
    log = log_reader(url, endpoint, since, until)
    days = _days(log, records)
    if as_json:
        click.echo(json.dumps(days, indent=2))
        return
    console().print(days_table(days))
    sizes = f"{len(log.files):,} files, {sum(file.size for file in log.files):,} bytes"
    if records:
        sizes += f", {sum(int(day['predictions']) for day in days):,} predictions"
    click.echo(sizes)


def _days(log: LogReader, records: bool) -> list[dict[str, str | int]]:
    """Return what there is of each day of each endpoint, in the order of the files."""
    files = defaultdict(list)
    for file in log.files:
        files[file.partition.endpoint, file.partition.minute.date().isoformat()].append(file)
    days: list[dict[str, str | int]] = []
    with progress_bar("counting", sum(file.size for file in log.files)) as progress:
        for (endpoint, day), found in files.items():
            size = sum(file.size for file in found)
            row: dict[str, str | int] = {"endpoint": endpoint, "day": day}
            row |= {"files": len(found), "bytes": size}
            if records:
                part = replace(log, files=found, progress=progress)
                row["predictions"] = sum(1 for _ in part.predictions())
            days.append(row)
    return days


@logs.command()
@click.argument("url")
@part_of_log
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default=LINES,
    show_default=True,
    help="jsonl is the lines as they were logged; in the others each feature has a column.",
)
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="NAME",
    help="A column to write, as features.age; repeat it for several. Not with jsonl.",
)
@click.option(
    "-o",
    "--output-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file to write. [default: stdout]",
)
def cat(
    url: str,
    endpoint: str | None,
    since: str | None,
    until: str | None,
    form: str,
    columns: Sequence[str],
    output_file: Path | None,
) -> None:
    """Print each prediction of the log at URL once.

    URL is a folder, or as the sink has it: file:, s3:, gs: or az:. The order is by endpoint and
    minute. A damaged line is told of on stderr and left out.

    \b
    Example:
      boxkite logs cat s3://bucket/log --since 2026-11-23 --format parquet -o day.parquet
    """
    if columns and form == LINES:
        raise click.UsageError("--column is for csv and parquet; jsonl has whole lines")
    if form == "parquet" and output_file is None and sys.stdout.isatty():
        raise click.UsageError("parquet is no text for a terminal: give -o FILE")
    log = log_reader(url, endpoint, since, until)
    passes = 1 if form == LINES else 2
    total = passes * sum(file.size for file in log.files)
    hidden = output_file is None and sys.stdout.isatty()
    with progress_bar("reading", total, hidden=hidden) as progress:
        write_log(replace(log, progress=progress), form, list(columns) or None, output_file)


@logs.command("prune")
@click.argument("url")
@click.option(
    "--older-than",
    type=age,
    metavar="AGE",
    required=True,
    help="From which files are deleted, as 30d or 12h.",
)
@click.option("--endpoint", metavar="ID", help="Whose files. [default: those of all]")
@click.option("--dry-run", is_flag=True, help="Delete nothing, only say what would be.")
@json_option
def prune_command(
    url: str, older_than: timedelta, endpoint: str | None, dry_run: bool, as_json: bool
) -> None:
    """Delete old files of the log at URL.

    URL is a folder, or as the sink has it: file:, s3:, gs: or az:. The age is told by the time in
    a file's name; what has no name of the log's is left alone.

    \b
    Example:
      boxkite logs prune s3://bucket/log --older-than 30d --dry-run
    """
    with waiting("listing" if dry_run else "deleting"):
        pruned = prune(open_store(url), older_than, endpoint_id=endpoint, dry_run=dry_run)
    if as_json:
        click.echo(json.dumps({"files": pruned.files, "bytes": pruned.bytes, "dry_run": dry_run}))
        return
    verb = "would be deleted" if dry_run else "deleted"
    click.echo(f"{pruned.files:,} files, {pruned.bytes:,} bytes {verb}")
