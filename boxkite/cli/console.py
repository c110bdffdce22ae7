"""Prints tables to stdout, and the progress of long work to stderr if that is a terminal."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Generator

from rich.console import Console
from rich.measure import Measurement
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

__all__ = ["console", "print_table", "progress_bar", "waiting"]

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


@contextlib.contextmanager
def waiting(what: str) -> Generator[None]:
    """Show a spinner during work of unknown length.

    Args:
        what: Name of the work, such as "counting".
    """
    errors = Console(stderr=True)
    with errors.status(what) if errors.is_terminal else contextlib.nullcontext():
        yield
