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
            help="End of the period that the rows come from: a date or time, as for --until. "
            "--metrics writes it. [default: --until]",
        ),
        click.option(
            "--every",
            type=duration,
            default="1d",
            show_default=True,
            metavar="LENGTH",
            help="Time between two runs of this job. With --metrics, an alert fires if a run is "
            "late.",
        ),
        click.option(
            "--metrics",
            type=click.Path(path_type=Path, dir_okay=False),
            metavar="FILE",
            callback=folder_exists,
            help="Also write the verdict as metrics, for the textfile collector or a Pushgateway. "
            "The alerts of boxkite rules read them.",
        ),
    ):
        command = option(command)
    return command


def moment(text: str | None) -> datetime | None:
    """Return the time of a text such as 2026-11-23, or None if there is no text."""
    return None if text is None else Interval.of(until=text).until
