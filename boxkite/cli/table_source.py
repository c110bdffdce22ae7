"""Tell tables of rows from prediction logs, by the text that the user gives."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from boxkite.logs.compaction.manifest import COMPACTED
from boxkite.logs.partition import ROOT
from boxkite.system.safe_url import safe_url

__all__ = ["FORMATS", "TableSource", "format_of", "holds_log", "is_glob", "is_table", "is_url"]

FORMATS = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".jsonl": "json",
    ".ndjson": "json",
    ".arrow": "arrow",
    ".feather": "arrow",
}
"""Formats of tables by the ending of a file's name."""

_COMPRESSIONS = (".gz", ".zst", ".bz2")
_URL = re.compile(r"file:|[a-z0-9+.-]+://", re.IGNORECASE)


@dataclass(frozen=True)
class TableSource:
    """A file, folder, glob or URL that holds rows.

    Attributes:
        text: the text that the user gave.
    """

    text: str

    def __str__(self) -> str:
        """Return the text as it may be printed, without a password."""
        return safe_url(self.text)


def format_of(name: str) -> str | None:
    """Return the format of a file by the ending of its name, or None if it is unknown."""
    endings = [each for each in Path(name).suffixes if each not in _COMPRESSIONS]
    return FORMATS.get(endings[-1]) if endings else None


def is_url(text: str) -> bool:
    """Return whether a text is a URL and not a path."""
    return _URL.match(text) is not None


def is_glob(text: str) -> bool:
    """Return whether a text has wildcards. In a URL, `?` starts the options and is none."""
    if is_url(text):
        return any(character in text for character in "*[")
    return any(character in text for character in "*?[") and not Path(text).exists()


def is_table(text: str) -> bool:
    """Return whether a file, folder, glob or URL holds rows, and not a prediction log.

    A local folder holds rows if it has a file of a known format and no log. A URL is not looked up:
    it holds rows if it is a glob or ends like a file of a known format.
    """
    if is_glob(text):
        return True
    if is_url(text):
        return format_of(text.partition("?")[0]) is not None
    if not Path(text).is_dir():
        return True
    return not holds_log(Path(text)) and _holds_rows(text)


def holds_log(folder: Path) -> bool:
    """Return whether a local folder has the layout of a prediction log."""
    # If all days are compacted, pruning has removed the empty folder of the lines.
    return (folder / ROOT).is_dir() or any((folder / COMPACTED).glob("endpoint=*"))


def _holds_rows(folder: str) -> bool:
    return any(format_of(name) for _, _, names in os.walk(folder) for name in names)
