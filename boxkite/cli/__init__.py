"""The command line, `boxkite`."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click

    from boxkite.monitor import Monitor

__all__ = ["main", "main_of_service"]


def main() -> None:
    """Run the command line. If its packages are missing, say how to install them."""

    def load() -> click.Group:
        from boxkite.cli.commands import boxkite

        return boxkite

    _run(load)


def main_of_service(models: Mapping[str, Monitor], arguments: Sequence[str], program: str) -> None:
    """Run the command line with the settings of a service, for a framework's own command line.

    Args:
        models: Monitors of the service by model.
        arguments: Arguments of the command line.
        program: Name of the program, such as "flask boxkite".
    """

    def load() -> click.Group:
        from boxkite.cli.service import service_commands

        return service_commands(models, program)

    _run(load, arguments, program)


def _run(
    load: Callable[[], click.Group],
    arguments: Sequence[str] | None = None,
    program: str = "boxkite",
) -> None:
    try:
        commands = load()
    except ModuleNotFoundError as error:
        sys.stderr.write(f"boxkite: {error}; the command line needs: pip install 'boxkite[cli]'\n")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    # Python sets a stream to None if it was closed (`>&-`). Commands still run for the exit code.
    sys.stdout, sys.stderr = (
        stream or open(os.devnull, "w")  # noqa: SIM115 - stays open until the process ends
        for stream in (sys.stdout, sys.stderr)
    )
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A column's name may not fit the encoding of the terminal.
            stream.reconfigure(errors="backslashreplace")
    commands.main(arguments, prog_name=program)
