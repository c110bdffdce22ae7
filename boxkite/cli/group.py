"""How a command ends: its exit code, and one line on stderr for each mistake or warning."""

from __future__ import annotations

import os
import sys
import traceback
import warnings
from typing import Any

import click

from boxkite.cli.text import one_line
from boxkite.errors import BaselineWarning, BoxkiteError

__all__ = ["EXIT_DRIFT", "EXIT_ERROR", "CommandGroup"]

EXIT_DRIFT = 1
EXIT_ERROR = 2
_EXIT_INTERRUPTED = 130
_EXIT_BROKEN_PIPE = 141
_OF_ARGUMENTS = ("No such command", "Got unexpected extra argument")


class CommandGroup(click.Group):
    """A group that ends with 1 for drift alone, so that a script can tell it from a failure."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run a command, and end the process as it went."""
        kwargs["standalone_mode"] = False
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("always", BaselineWarning)
                warnings.showwarning = _show_warning
                code = super().main(*args, **kwargs)
        except click.Abort:
            sys.exit(_EXIT_INTERRUPTED)
        except click.ClickException as error:
            _tell(f"{error.format_message()}{_hint(error)}")
            sys.exit(EXIT_ERROR)
        except (BoxkiteError, OSError) as error:
            _tell(_reason(error))
            sys.exit(EXIT_ERROR)
        except Exception:  # noqa: BLE001 - a failure of ours must not look like drift
            traceback.print_exc()
            sys.exit(EXIT_ERROR)
        sys.exit(code if isinstance(code, int) else 0)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a reader that has gone, as `head`, ends it quietly."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(_EXIT_BROKEN_PIPE)
        return result


def _hint(error: click.ClickException) -> str:
    """Return where the arguments are explained, if too few, too many or unknown ones were given."""
    known = isinstance(error, click.MissingParameter | click.NoSuchOption)
    context = getattr(error, "ctx", None)
    if context is None or not (known or error.message.startswith(_OF_ARGUMENTS)):
        return ""
    return f" See {context.command_path} --help"


def _tell(message: str) -> None:
    click.echo(f"boxkite: {one_line(message)}", err=True)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{os.fsdecode(error.filename)}: {error.strerror}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror  # of what has no name, as stdout
    return str(error)


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    _tell(str(message))
