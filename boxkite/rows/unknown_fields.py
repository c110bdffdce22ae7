"""Leave out of a row what the baseline does not have, so that the log contains only its variables.

A client decides which fields its request has. Any of them may be personal, and nobody chose to
keep it. So boxkite drops their values before the record is written, and only counts them.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Collection

from boxkite.rows.row import Row

__all__ = ["REST", "UnknownFields"]

REST = "…"
"""Stands for all names beyond the first few in `UnknownFields.counts`."""

# Clients choose the names, so their number and their length are limited.
_MAX_NAMES = 20
_MAX_NAME = 60

_logger = logging.getLogger("boxkite")


class UnknownFields:
    """Leaves out fields without a variable, counts them, and names each of them once.

    The service's own log gets the names, never the values.
    """

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    @property
    def counts(self) -> dict[str, int]:
        """Number of values that were left out, by name. `REST` counts all further names."""
        with self._lock:
            return dict(self._counts)

    def left_out(self, row: Row, known: Collection[str]) -> Row:
        """Return a row without the fields that are not known.

        Args:
            row: values by name. A row by position has no names, so it is returned as it is.
            known: the names of the baseline's variables.
        """
        if isinstance(row, list) or not known:
            return row
        unknown = row.keys() - known
        if not unknown:
            return row
        self._count(unknown)
        return {name: value for name, value in row.items() if name not in unknown}

    def all_left_out(self, row: Row | None, part: str, example: str) -> Row | None:
        """Return the row to write for a part without variables that the code has not named.

        Args:
            row: the values, by name or by position.
            part: "features" or "output".
            example: an argument of the decorator that names such a part, for the report.
        """
        if row is None:
            return None
        with self._lock:
            is_new = part not in self._counts
            self._counts[part] += len(row)
        if is_new:
            _logger.warning(
                "boxkite log: left out the %s, because the baseline has none and the view does "
                "not name them. Name them, as in %s, or set LOG_UNKNOWN=true",
                part,
                example,
            )
        return {}

    def _count(self, names: Collection[str]) -> None:
        new: list[str] = []
        with self._lock:
            for name in sorted(names):
                shown = name if len(name) <= _MAX_NAME else f"{name[:_MAX_NAME]}…"
                if shown not in self._counts and len(self._counts) >= _MAX_NAMES:
                    shown = REST
                if shown not in self._counts:
                    new.append(shown)
                self._counts[shown] += 1
        # Log outside the lock, because a log handler may be the user's code.
        if new:
            _logger.warning(
                "boxkite log: left out fields that the baseline does not have: %s. Set "
                "LOG_UNKNOWN=true to log them",
                ", ".join(map(repr, new)),
            )
