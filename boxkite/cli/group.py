"""End commands with an exit code, and print one line on stderr for each mistake or warning."""

from __future__ import annotations

import os
import sys
import traceback
import warnings
from typing import Any

import click

from boxkite.drawing.printable import one_line
from boxkite.errors import BaselineWarning, BoxkiteError

__all__ = ["EXIT_DRIFT", "EXIT_ERROR", "EXIT_INSUFFICIENT", "CommandGroup", "print_message"]

EXIT_DRIFT = 1
EXIT_ERROR = 2
EXIT_INSUFFICIENT = 3
# Exit codes with which shells report a process that SIGINT (2) or SIGPIPE (13) ended.
_EXIT_INTERRUPTED = 130
_EXIT_BROKEN_PIPE = 141
_ABOUT_ARGUMENTS = ("No such command", "Got unexpected extra argument")


class CommandGroup(click.Group):
    """A group of commands that exits with 1 for drift only.

    click exits with 1 for some errors, and Python does for an exception. A script could not tell
    these from drift, so this group exits with 2 for every failure.
    """

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run a command and exit the process."""
        kwargs["standalone_mode"] = False
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("always", BaselineWarning)
                warnings.showwarning = _show_warning
                code = super().main(*args, **kwargs)
        except click.Abort:
            sys.exit(_EXIT_INTERRUPTED)
        except click.ClickException as error:
            print_message(f"{_message(error)}{_hint(error)}")
            sys.exit(EXIT_ERROR)
        except (BoxkiteError, OSError) as error:
            print_message(_reason(error))
            sys.exit(EXIT_ERROR)
        except Exception:  # noqa: BLE001 - a bug in boxkite must not look like drift
            traceback.print_exc()
            sys.exit(EXIT_ERROR)
        sys.exit(code if isinstance(code, int) else 0)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command, and exit quietly if the reader of stdout, such as `head`, is gone."""
        try:
            result = super().invoke(ctx)
            # Flush here: at exit, Python would print the error of a closed pipe itself.
            sys.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(_EXIT_BROKEN_PIPE)
        return result


def print_message(message: str) -> None:
    """Print one line to stderr, with the program's name before it."""
    click.echo(f"boxkite: {one_line(message)}", err=True)


def _message(error: click.ClickException) -> str:
    """Return an error's text on one line. click puts each choice of an option on its own."""
    return error.format_message().replace("\n\t", " ")


def _hint(error: click.ClickException) -> str:
    """Return a pointer to the help if arguments are missing, unknown or too many."""
    known = isinstance(error, click.MissingParameter | click.NoSuchOption)
    context = getattr(error, "ctx", None)
    if context is None or not (known or error.message.startswith(_ABOUT_ARGUMENTS)):
        return ""
    return f" See {context.command_path} --help"


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{os.fsdecode(error.filename)}: {error.strerror}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror  # the file has no name, for example stdout
    return str(error)


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    print_message(str(message))
