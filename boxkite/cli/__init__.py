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
    """Run the command line; without its packages say how to install them."""

    def load() -> click.Group:
        from boxkite.cli.commands import boxkite

        return boxkite

    _run(load)


def main_of_service(models: Mapping[str, Monitor], arguments: Sequence[str], program: str) -> None:
    """Run the command line of a service, with its settings, as a framework's own one does.

    Args:
        models: the service's monitors by model.
        arguments: of the command line.
        program: what stands before them.
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
    # Where they were closed; the exit code still tells.
    sys.stdout, sys.stderr = (
        stream or open(os.devnull, "w")  # noqa: SIM115 - for the rest of the process
        for stream in (sys.stdout, sys.stderr)
    )
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # as a name on a terminal without UTF-8
    commands.main(arguments, prog_name=program)
