"""The commands `boxkite logs ls`, `cat`, `compact` and `prune`."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Generator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any

import click
import pyarrow as pa
import pyarrow.csv  # pyright: ignore[reportUnusedImport] - used as pa.csv
import pyarrow.parquet  # pyright: ignore[reportUnusedImport] - used as pa.parquet

from boxkite.cli.console import console, progress_bar, waiting
from boxkite.cli.group import print_message
from boxkite.cli.inputs import log_reader
from boxkite.cli.shared_options import duration, json_option, part_of_log
from boxkite.cli.tables import days_table
from boxkite.logs.compaction.compactor import Compactor
from boxkite.logs.pruning import prune
from boxkite.logs.reader.arrow_batches import read_batches
from boxkite.logs.reader.log_reader import LogReader
from boxkite.logs.stores import open_store
from boxkite.system.atomic_file import open_replacement

__all__ = ["logs"]

_LINES = "jsonl"
_FORMATS = (_LINES, "csv", "parquet")
_ROWS = 10_000


@click.group(invoke_without_command=True)
@click.pass_context
def logs(context: click.Context) -> None:
    """List, print, compact and prune prediction logs.

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
@click.option("--records", is_flag=True, help="Also count predictions. This reads all files.")
@json_option
def ls(
    url: str,
    endpoint: str | None,
    since: str | None,
    until: str | None,
    records: bool,
    as_json: bool,
) -> None:
    """List the days of a prediction log.

    URL is a folder, or a file:, s3:, gs: or az: URL as in the setting LOG. For each endpoint and
    day, the table shows the files to read, their size, and how many predictions are compacted.

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
    """Return the number and size of the files of each endpoint and day, in the order of files."""
    days: list[dict[str, str | int]] = []
    with progress_bar("counting", sum(file.size for file in log.files)) as progress:
        for day in log.days:
            files = list(day.files)
            row: dict[str, str | int] = {"endpoint": day.endpoint, "day": day.day}
            row |= {"files": len(files), "bytes": sum(file.size for file in files)}
            row["compacted"] = 0 if day.compacted is None else day.compacted.manifest.rows
            if records:
                part = replace(log, days=[day], progress=progress)
                row["predictions"] = sum(len(piece) for piece in part.pieces(_ROWS))
            days.append(row)
    return days


@logs.command()
@click.argument("url")
@part_of_log
@click.option(
    "--format",
    "form",
    type=click.Choice(_FORMATS),
    default=_LINES,
    show_default=True,
    help="Format of the output: jsonl prints each line as it was logged. csv and parquet write one "
    "column per feature.",
)
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="NAME",
    help="Column to write in csv or parquet, such as features.age. Repeatable.",
)
@click.option(
    "-o",
    "--output-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write. [default: stdout]",
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
    """Print the predictions of a log.

    URL is a folder, or a file:, s3:, gs: or az: URL as in the setting LOG. Predictions are sorted
    by endpoint and minute, without duplicates. Damaged lines are reported on stderr.

    \b
    Example:
      boxkite logs cat s3://bucket/log --since 2026-11-23 --format parquet -o day.parquet
    """
    if columns and form == _LINES:
        raise click.UsageError("--column needs --format csv or --format parquet")
    if form == "parquet" and output_file is None and sys.stdout.isatty():
        raise click.UsageError("parquet is binary: write it to a file with -o FILE")
    log = log_reader(url, endpoint, since, until)
    # csv and parquet read the log twice: first to find the columns and their types.
    passes = 1 if form == _LINES else 2
    total = passes * sum(file.size for file in log.files)
    hidden = output_file is None and sys.stdout.isatty()
    with progress_bar("reading", total, hidden=hidden) as progress:
        _write(replace(log, progress=progress), form, list(columns) or None, output_file)


def _write(log: LogReader, form: str, columns: Sequence[str] | None, path: Path | None) -> None:
    """Write predictions to a file or, if `path` is None, to stdout.

    Raises:
        LogReadError: If the log lacks a column.
        OSError: If the log cannot be read or the file cannot be written.
    """
    with _opened(path) as file:
        if form == _LINES:
            for line, _ in log.predictions():
                file.write(line if line.endswith(b"\n") else line + b"\n")
            return
        schema, batches = read_batches(log, columns)
        writers: dict[str, Any] = {"csv": pa.csv.CSVWriter, "parquet": pa.parquet.ParquetWriter}
        with writers[form](file, schema) as writer:
            for batch in batches:
                writer.write_batch(batch)


@contextlib.contextmanager
def _opened(path: Path | None) -> Generator[IO[bytes]]:
    """Open stdout, a device or pipe, or a file that appears whole once everything is written."""
    if path is None:
        yield sys.stdout.buffer
        return
    if path.exists() and not path.is_file():
        # Write to a device or pipe directly, because a rename would replace it by a file.
        with path.open("wb") as file:
            yield file
        return
    with open_replacement(path) as file:
        yield file


@logs.command()
@click.argument("url")
@click.option(
    "--day",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DAY",
    required=True,
    help="Day to compact, in UTC, such as 2026-11-23.",
)
@click.option("--endpoint", metavar="ID", help="Compact one endpoint only. [default: all]")
@click.option("--delete", is_flag=True, help="Delete the lines when they are compacted.")
@json_option
def compact(url: str, day: datetime, endpoint: str | None, delete: bool, as_json: bool) -> None:
    """Write a day of a prediction log as Parquet.

    URL is a folder, or a file:, s3:, gs: or az: URL as in the setting LOG. The Parquet files hold
    each prediction once, ordered by time. All commands then read them instead of the lines, and
    also lines that arrive later. To add late lines to them, compact the day again. You can compact
    while services write and others read.

    \b
    Example:
      boxkite logs compact s3://bucket/log --day 2026-11-23 --delete
    """
    with waiting("compacting"):
        compactor = Compactor(open_store(url), print_message)
        days = list(compactor.compact(day.date(), endpoint, delete=delete))
    if as_json:
        click.echo(json.dumps([each._asdict() for each in days], indent=2))
        return
    for each in days:
        deleted = f", {each.deleted:,} files of lines deleted" if delete else ""
        click.echo(
            f"{each.endpoint} {each.day}: {each.predictions:,} predictions, {each.files:,} files, "
            f"{each.bytes:,} bytes{deleted}"
        )
    if not days:
        click.echo("no predictions on this day")


@logs.command("prune")
@click.argument("url")
@click.option(
    "--older-than",
    type=duration,
    metavar="AGE",
    required=True,
    help="Delete files older than this, such as 30d or 12h.",
)
@click.option("--endpoint", metavar="ID", help="Delete files of one endpoint only. [default: all]")
@click.option("--dry-run", is_flag=True, help="Print what would be deleted, and delete nothing.")
@json_option
def prune_command(
    url: str, older_than: timedelta, endpoint: str | None, dry_run: bool, as_json: bool
) -> None:
    """Delete old files of a prediction log.

    URL is a folder, or a file:, s3:, gs: or az: URL as in the setting LOG. The time in the name of
    a file determines its age. A compacted day is deleted as a whole, when its last minute is old
    enough. Files that are not part of the log are never deleted.

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
