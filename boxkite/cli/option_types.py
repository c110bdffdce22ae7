"""Types of arguments and options that several commands take."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import click

__all__ = ["NAME", "TABLE_FILE", "Positive", "folder_exists", "json_option", "rows_or_log"]

TABLE_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")

_URL = re.compile(r"file:|[a-z0-9+.-]+://", re.IGNORECASE)


class _Name(click.ParamType):  # type: ignore[type-arg,unused-ignore] # generic from 8.4 on
    """A text that is not empty: an empty label is none in Prometheus, and no series would join."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the text.

        Raises:
            click.BadParameter: if it is empty.
        """
        if not str(value).strip():
            self.fail("a name cannot be empty.", param, ctx)
        return str(value)


NAME = _Name()


class Positive(click.FloatRange):
    """A range without NaN, which is neither within it nor without."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number.

        Raises:
            click.BadParameter: if it is none, not finite, or not in the range.
        """
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return number


def rows_or_log(text: str) -> Path | str:
    """Return a file of rows as its path, a log's folder or URL as it is."""
    if Path(text).is_dir() or _URL.match(text):
        return text
    found: Path = TABLE_FILE.convert(text, None, None)
    return found


def folder_exists(_: click.Context, __: click.Parameter, path: Path | None) -> Path | None:
    """Refuse a file to write, as the callback of its option, before the work is done.

    Raises:
        click.ClickException: if there is no such folder.
    """
    if path is not None and not path.parent.is_dir():
        raise click.ClickException(f"cannot write {path}: there is no such folder")
    return path
