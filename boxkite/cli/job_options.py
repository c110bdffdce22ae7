"""The options of commands that run as a job and write their verdict as metrics."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from boxkite.cli.shared_options import duration, folder_exists
from boxkite.logs.reader.log_files import Interval

__all__ = ["job_options", "moment"]

Command = TypeVar("Command", bound=Callable[..., Any])


def job_options(command: Command) -> Command:
    """Add the options `--metrics`, `--every` and `--period-end` to a command."""
    for option in (
        click.option(
            "--period-end",
            metavar="TIME",
            help="With --metrics: end of the period that the rows come from. [default: --until]",
        ),
        click.option(
            "--every",
            type=duration,
            default="1d",
            show_default=True,
            metavar="LENGTH",
            help="With --metrics: time between two runs of the job. An alert fires if one is late.",
        ),
        click.option(
            "--metrics",
            type=click.Path(path_type=Path, dir_okay=False),
            metavar="FILE",
            callback=folder_exists,
            help="Also write the verdict as metrics for the alerts of boxkite rules, to be read by "
            "the textfile collector or a Pushgateway.",
        ),
    ):
        command = option(command)
    return command


def moment(text: str | None) -> datetime | None:
    """Return the time of a text such as 2026-11-23, or None if there is no text."""
    return None if text is None else Interval.of(until=text).until
