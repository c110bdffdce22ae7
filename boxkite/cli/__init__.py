"""The command line, `boxkite`."""

from __future__ import annotations

import io
import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line; without its packages say how to install them."""
    try:
        from boxkite.cli.commands import boxkite
    except ModuleNotFoundError as error:
        sys.stderr.write(f"boxkite: {error}; the command line needs: pip install 'boxkite[cli]'\n")
        sys.exit(2)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # as a name on a terminal without UTF-8
    boxkite()
