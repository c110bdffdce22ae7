"""Options and argument types that several commands share."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import click

from boxkite.baseline.time_windows import seconds_of
from boxkite.cli.table_source import TableSource, is_glob, is_table, is_url
from boxkite.errors import BaselineError

__all__ = [
    "NAME",
    "TABLE",
    "TABLE_FILE",
    "Finite",
    "FiniteRange",
    "duration",
    "folder_exists",
    "json_option",
    "no_segments_option",
    "output_file_option",
    "part_of_log",
    "rows_or_log",
    "segment_option",
    "window_length",
    "window_option",
]

Command = TypeVar("Command", bound=Callable[..., Any])

TABLE_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class _Name(click.ParamType):  # type: ignore[type-arg,unused-ignore] # generic from 8.4 on
    """A text that is not empty.

    Prometheus treats an empty label like a missing one, so series would no longer join.
    """

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the text.

        Raises:
            click.BadParameter: If it is empty.
        """
        if not str(value).strip():
            self.fail("a name cannot be empty.", param, ctx)
        return str(value)


NAME = _Name()


class Finite(click.types.FloatParamType):
    """A finite number. click's own type accepts NaN."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number.

        Raises:
            click.BadParameter: If it is not a finite number.
        """
        return _finite(super().convert(value, param, ctx), value)


class FiniteRange(click.FloatRange):
    """A range of finite numbers. click's own range accepts NaN."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number.

        Raises:
            click.BadParameter: If it is not a finite number in the range.
        """
        return _finite(super().convert(value, param, ctx), value)


def _finite(number: float, value: Any) -> float:
    if not math.isfinite(number):
        raise click.BadParameter(f"{value} is not a finite number.")
    return number


class _Table(click.ParamType):  # type: ignore[type-arg,unused-ignore] # generic from 8.4 on
    """A file, a folder, a glob or a URL that holds rows."""

    name = "rows"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> TableSource:
        """Return the source of a table.

        Raises:
            click.BadParameter: If it is the path of a file that does not exist.
        """
        text = str(value)
        if not (Path(text).is_dir() or is_url(text) or is_glob(text)):
            TABLE_FILE.convert(text, param, ctx)
        return TableSource(text)


TABLE = _Table()


def rows_or_log(text: str) -> TableSource | str:
    """Return the source of a table, or the folder or URL of a log unchanged.

    Raises:
        click.BadParameter: If it is the path of a file that does not exist.
    """
    return TABLE.convert(text, None, None) if is_table(text) else text


def duration(text: str) -> timedelta:
    """Return a duration such as 30d.

    Raises:
        click.BadParameter: If the text is not a duration.
    """
    match = re.fullmatch(r"(\d{1,6})([smhdw])", text, re.ASCII)
    if match is None:
        raise click.BadParameter(f"{text!r} is not a duration; give one such as 30d or 12h.")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def folder_exists(_: click.Context, __: click.Parameter, path: Path | None) -> Path | None:
    """Refuse an output file in a folder that does not exist, before the work is done.

    Raises:
        click.ClickException: If the folder does not exist.
    """
    if path is not None and not path.parent.is_dir():
        raise click.ClickException(f"cannot write {path}: folder {path.parent} does not exist")
    return path


output_file_option = click.option(
    "-o",
    "--output-file",
    type=click.Path(path_type=Path, dir_okay=False),
    default="histogram.prom",
    show_default=True,
    callback=folder_exists,
    help="File to write the baseline to.",
)

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def window_length(_: click.Context, __: click.Parameter, text: str | None) -> str | None:
    """Return a length of time such as 1h unchanged.

    Raises:
        click.BadParameter: If the text is not a length.
    """
    if text is not None:
        try:
            seconds_of(text)
        except BaselineError as error:
            raise click.BadParameter(f"{error}.") from None
    return text


window_option = click.option(
    "--window",
    metavar="LENGTH",
    callback=window_length,
    help="Length of time that the rows cover, such as 1h, 1d or 7d. With a baseline that was "
    "fitted with --time, allow for the natural variation between such windows.",
)


segment_option = click.option(
    "--segment",
    "segments",
    multiple=True,
    metavar="COLUMN",
    help="Compare the segments of this column only. Repeatable. [default: all segments]",
)

no_segments_option = click.option(
    "--no-segments", is_flag=True, help="Compare no segments, only all rows."
)


def part_of_log(command: Command) -> Command:
    """Add the options `--endpoint`, `--since` and `--until` to a command."""
    for option in (
        click.option("--until", metavar="TIME", help="Read predictions before this time."),
        click.option(
            "--since",
            metavar="TIME",
            help="Read predictions from this time on: 2026-11-23 or 2026-11-23T14:05, in UTC "
            "unless it has an offset.",
        ),
        click.option("--endpoint", metavar="ID", help="Read one endpoint only. [default: all]"),
    ):
        command = option(command)
    return command
