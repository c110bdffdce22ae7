"""The part of a log that a command is about: its options, and a reader of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

import click

from boxkite.cli.text import one_line
from boxkite.logs.reader.log_reader import LogReader

__all__ = ["age", "log_reader", "part_of_log"]

Command = TypeVar("Command", bound=Callable[..., Any])

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def age(text: str) -> timedelta:
    """Return a duration such as 30d.

    Raises:
        click.BadParameter: if it is none.
    """
    match = re.fullmatch(r"(\d{1,6})([smhdw])", text, re.ASCII)
    if match is None:
        raise click.BadParameter(f"{text!r} is no age; give one such as 30d or 12h.")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def part_of_log(command: Command) -> Command:
    """Add the options `--endpoint`, `--since` and `--until` to a command."""
    for option in (
        click.option("--until", metavar="TIME", help="The first moment not to read, likewise."),
        click.option(
            "--since",
            metavar="TIME",
            help="The first moment to read: 2026-11-23 or 2026-11-23T14:05, UTC unless said.",
        ),
        click.option("--endpoint", metavar="ID", help="The endpoint to read. [default: all]"),
    ):
        command = option(command)
    return command


def log_reader(url: str, endpoint: str | None, since: str | None, until: str | None) -> LogReader:
    """Return a reader of a part of a log, which tells of damage on stderr, a line each.

    Raises:
        BoxkiteError: if an argument cannot be used, or there is no log.
        OSError: if it cannot be reached.
    """
    return LogReader.open(url, endpoint, since, until, report=_report)


def _report(message: str) -> None:
    click.echo(f"boxkite: {one_line(message)}", err=True)
