"""Where the commands print: tables to stdout, and how far long work is to a terminal's stderr."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

__all__ = ["console", "progress_bar", "waiting"]


def console() -> Console:
    """Return a console that cuts no number off where the output is no terminal."""
    return Console(width=None if sys.stdout.isatty() else 160)


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
