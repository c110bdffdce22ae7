"""Where the commands print: tables to stdout, and how far long work is to a terminal's stderr."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.measure import Measurement
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

__all__ = ["console", "print_table", "progress_bar", "waiting"]

_SKETCH_WIDTHS = (8, 5)
_UNBOUNDED = 10_000


def console() -> Console:
    """Return a console that cuts no number off where the output is no terminal."""
    return Console(width=None if sys.stdout.isatty() else 160)


def print_table(table: Callable[[int], Table]) -> None:
    """Print a table, with drawings as wide as there is room for beside its numbers.

    Args:
        table: makes it, with drawings of so many characters, 0 for none.
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
def progress_bar(what: str, total: int, *, hidden: bool = False) -> Iterator[Callable[[int], None]]:
    """Show a bar while work goes on; yield what is called with the bytes that are done.

    Args:
        what: is being done.
        total: bytes to do.
        hidden: show none, as where the output goes to the same terminal.
    """
    errors = Console(stderr=True)
    parts = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    disable = hidden or not errors.is_terminal
    with Progress(*parts, console=errors, transient=True, disable=disable) as progress:
        task = progress.add_task(what, total=total)
        yield lambda size: progress.advance(task, size)


@contextlib.contextmanager
def waiting(what: str) -> Iterator[None]:
    """Show that work goes on whose length is not known."""
    errors = Console(stderr=True)
    with errors.status(what) if errors.is_terminal else contextlib.nullcontext():
        yield
