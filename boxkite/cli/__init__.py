"""The command line, `boxkite`."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line; without its packages say how to install them."""
    try:
        from boxkite.cli.commands import boxkite
    except ModuleNotFoundError as error:
        sys.exit(f"boxkite: {error}; the command line needs: pip install 'boxkite[cli]'")
    boxkite()
