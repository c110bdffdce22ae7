"""Compares a `histogram.prom` with the text of its baseline, and limits its size."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice

from boxkite.errors import BaselineError

__all__ = [
    "MAX_LABEL",
    "check_labels",
    "check_no_series",
    "check_nothing_follows",
    "check_series",
    "check_series_limit",
]

MAX_LABEL = 2**14
"""Most characters of a label. Every series of a variable repeats its labels, in every scrape."""

_SAMPLE = re.compile(r"^[^#\n]", re.MULTILINE)
_EXCERPT = 80
_ADVICE = "The file was changed or damaged: write it again with Baseline.write"


def check_series_limit(text: str, max_series: int) -> None:
    """Check that a text has at most `max_series` samples.

    Raises:
        BaselineError: with the line of the first sample beyond the limit.
    """
    if text.count("\n") < max_series:
        return  # each sample takes a line, so there are not too many samples
    for beyond in islice(_SAMPLE.finditer(text), max_series, None):
        line = _line_at(text, beyond.start())
        raise BaselineError(f"line {line}: more than {max_series:,} series")


def check_labels(labels: Iterable[str]) -> None:
    """Check that no label is longer than `MAX_LABEL` characters.

    Args:
        labels: the names of model, version, variables and categories.

    Raises:
        BaselineError: with the beginning and the length of the first label that is too long.
    """
    for label in labels:
        if len(label) > MAX_LABEL:
            raise BaselineError(
                f"the name or category {label[:_EXCERPT]!r}… has {len(label):,} characters, and a "
                f"label may have {MAX_LABEL:,}. Shorten it in the training data"
            )


def check_no_series(text: str, prefix: str) -> None:
    """Check that a text without a JSON line lacks the series that always come with that line.

    Args:
        text: the content of the file.
        prefix: how the names of these series begin.

    Raises:
        BaselineError: if it has, with the number of its last line.
    """
    if text.startswith(prefix) or f"\n{prefix}" in text:
        last = _line_at(text, len(text.rstrip("\n")))
        raise BaselineError(
            f"line {last}: the file ends without its # BASELINE line. It was cut short, or its "
            f"comments were removed: write it again with Baseline.write"
        )


def check_series(text: str, end: int, parts: Iterable[str]) -> None:
    """Check that a text begins with the expected series.

    Args:
        text: the content of the file.
        end: offset of the JSON line, where the series must end.
        parts: the expected series, in parts of whole lines.

    Raises:
        BaselineError: with the number of the first line that differs, and both texts of it.
    """
    place = 0
    for part in parts:
        if not text.startswith(part, place):
            raise _first_difference(text, place, part)
        place += len(part)
    if place != end:
        raise _surplus(text, place)


def check_nothing_follows(text: str, end: int) -> None:
    """Check that only newlines follow the JSON line.

    Args:
        text: the content of the file.
        end: offset of the end of the JSON line.

    Raises:
        BaselineError: with the number of the first line that follows.
    """
    if surplus := re.compile(r"[^\n]").search(text, end):
        raise _surplus(text, surplus.start())


def _first_difference(text: str, place: int, part: str) -> BaselineError:
    expected = ""
    for expected in re.findall(r"[^\n]*\n", part):  # splitlines would also split at "\r" in a label
        if not text.startswith(expected, place):
            break
        place += len(expected)
    return _difference(text, place, expected.removesuffix("\n"))


def _difference(text: str, place: int, expected: str) -> BaselineError:
    """Return the error for the line at `place`, which differs from the expected one."""
    found = _rest_of_line(text, place)
    # Lines of one family begin with the same text, so start the excerpt just before the difference.
    pairs = enumerate(zip(found, expected, strict=False))
    same = next((i for i, (a, b) in pairs if a != b), min(len(found), len(expected)))
    start = max(0, same - _EXCERPT // 2)
    found, expected = found[start : start + _EXCERPT], expected[start : start + _EXCERPT]
    return BaselineError(
        f"line {_line_at(text, place)}: found {found!r}, expected {expected!r}. {_ADVICE}"
    )


def _surplus(text: str, place: int) -> BaselineError:
    """Return the error for the line at `place`, which should not be there."""
    found = _rest_of_line(text, place)[:_EXCERPT]
    return BaselineError(
        f"line {_line_at(text, place)}: {found!r} is not part of the baseline. {_ADVICE}"
    )


def _rest_of_line(text: str, place: int) -> str:
    end = text.find("\n", place)
    return text[place : len(text) if end < 0 else end]


def _line_at(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1
