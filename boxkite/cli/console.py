"""Prints tables to stdout, and the progress of long work to stderr if that is a terminal."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Generator

from rich.console import Console
from rich.measure import Measurement
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

__all__ = ["PassProgress", "console", "pass_progress", "print_table", "progress_bar", "waiting"]

_SKETCH_WIDTHS = (8, 5)
_UNBOUNDED = 10_000
_FILE_WIDTH = 160


def console() -> Console:
    """Return a console for stdout, wide enough to keep numbers whole if it is not a terminal."""
    return Console(width=None if sys.stdout.isatty() else _FILE_WIDTH)


def print_table(table: Callable[[int], Table]) -> None:
    """Print a table with the widest sketches that leave its numbers whole.

    Args:
        table: Builds the table for a width of sketches in characters; 0 omits them.
    """
    output = console()
    unbounded = output.options.update(max_width=_UNBOUNDED)
    widths = _SKETCH_WIDTHS if output.encoding.startswith("utf") else ()
    for width in widths:
        if Measurement.get(output, unbounded, table(width)).minimum <= output.width:
            output.print(table(width))
            return
    output.print(table(0))


@contextlib.contextmanager
def progress_bar(
    what: str, total: int, *, hidden: bool = False
) -> Generator[Callable[[int], None]]:
    """Show a progress bar, and yield a function that advances it by a number of bytes.

    Args:
        what: Name of the work, such as "reading".
        total: Bytes to process.
        hidden: Whether to show no bar, because output goes to the same terminal.
    """
    errors = Console(stderr=True)
    parts = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    disable = hidden or not errors.is_terminal
    with Progress(*parts, console=errors, transient=True, disable=disable) as progress:
        task = progress.add_task(what, total=total)
        yield lambda size: progress.advance(task, size)


class PassProgress:
    """Shows the columns that each pass over a table has counted."""

    def __init__(self, progress: Progress, what: str) -> None:
        self._progress, self._what = progress, what
        # Without a total, the bar moves to and fro, because a table in memory has no passes.
        self._task = progress.add_task(what, total=None, counted="")
        self._passes = 0

    def begin_pass(self, questions: int) -> None:
        """Begin the next pass, which counts so many columns."""
        self._passes += 1
        name = f"{self._what}, pass {self._passes}"
        self._progress.reset(self._task, total=questions, description=name)
        self.advance(0)

    def advance(self, questions: int) -> None:
        """Count more columns of this pass as done."""
        self._progress.advance(self._task, questions)
        task = self._progress.tasks[self._task]
        counted = f"{task.completed:.0f} of {task.total or 0:.0f} columns"
        self._progress.update(self._task, counted=counted)


@contextlib.contextmanager
def pass_progress(what: str) -> Generator[PassProgress]:
    """Show a progress bar for each pass over a table, if stderr is a terminal.

    Args:
        what: Name of the work, such as "counting".
    """
    errors = Console(stderr=True)
    parts = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[counted]}"),
        TimeElapsedColumn(),
    )
    disable = not errors.is_terminal
    with Progress(*parts, console=errors, transient=True, disable=disable) as progress:
        yield PassProgress(progress, what)


@contextlib.contextmanager
def waiting(what: str) -> Generator[None]:
    """Show a spinner during work of unknown length.

    Args:
        what: Name of the work, such as "compacting".
    """
    errors = Console(stderr=True)
    with errors.status(what) if errors.is_terminal else contextlib.nullcontext():
        yield
