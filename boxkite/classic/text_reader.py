"""Reads the Prometheus text format, exposition 0.0.4 and OpenMetrics 1.0, line by line.

prometheus-client has a parser too, but it takes four times as long per line and does not report
the number of a damaged line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from boxkite.errors import BaselineError

__all__ = [
    "Comment",
    "Sample",
    "damage",
    "lines_of",
    "parse",
    "parse_float",
    "unescape",
    "whole",
]


class Sample(NamedTuple):
    """A sample, and the number of its line, from 1."""

    name: str
    labels: dict[str, str]
    value: float
    line: int


@dataclass(frozen=True, slots=True)
class Comment:
    """A line `# KEYWORD subject text`, such as `# HELP metric documentation`."""

    keyword: str
    subject: str
    text: str
    line: int


def parse_float(text: str) -> float:
    """Return the float that `text` spells in Go's form.

    Raises:
        ValueError: for any other text, including spellings that only Python accepts: `1_000`,
            `infinity`, ` 1`.
    """
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"not a number: {text!r}")
    return float(text)


def whole(sample: Sample) -> int:
    """Return a sample's value as a count.

    Raises:
        BaselineError: if it is negative, fractional or too large.
    """
    if not (sample.value >= 0 and sample.value.is_integer() and sample.value < 2**63):
        raise damage(sample.line, f"{sample.name} is {sample.value}, which is not a count")
    return int(sample.value)


def damage(line: int, what: str) -> BaselineError:
    """Return the error for a line."""
    return BaselineError(f"line {line}: {what}")


def lines_of(text: str) -> Iterator[str]:
    """Yield the lines of a text without their newline.

    `text.split` would take eight bytes a line, even for a hostile file that only has newlines.
    """
    start = 0
    while (end := text.find("\n", start)) >= 0:
        yield text[start:end]
        start = end + 1
    yield text[start:]


def parse(lines: Iterable[str], *, max_series: int) -> Iterator[Sample | Comment]:
    """Read the samples and comments of a text.

    Args:
        lines: the lines without their newline.
        max_series: the most samples that the text may have.

    Raises:
        BaselineError: with the number of the first line that does not have the format, or that
            is a sample too many.
    """
    count = 0
    for number, line in enumerate(lines, 1):
        if len(line) > _MAX_LINE:
            raise damage(
                number,
                f"{len(line):,} characters, and a line may have {_MAX_LINE:,}: {line[:80]!r}",
            )
        if line.startswith("#"):
            words = [*line.split(" ", 3), "", "", ""]
            yield Comment(words[1], words[2], unescape(words[3]), number)
        elif line.strip():
            count += 1
            if count > max_series:
                raise damage(number, f"more than {max_series:,} series")
            yield _parse_sample(line, number)


_MAX_LINE = 2**17
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?|Inf|NaN)")
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\["\\n])*)"(?:,|$)')


def _parse_sample(line: str, number: int) -> Sample:
    name, brace, rest = line.partition("{")
    labels: dict[str, str] = {}
    if brace:
        # A label may contain "}", but a value cannot, so the last "}" ends the labels.
        text, closing, value = rest.rpartition("}")
        end = 0
        # Matches must follow each other without a gap: `finditer` skips text that does not match.
        for match in _LABEL.finditer(text):
            if match.start() != end or match[1] in labels:
                break
            labels[match[1]] = unescape(match[2])
            end = match.end()
        if not closing or end != len(text):
            raise damage(number, f"not a list of labels: {{{rest[:80]}")
    else:
        name, _, value = line.partition(" ")
        value = f" {value}"
    if not _NAME.fullmatch(name):
        raise damage(number, f"not a sample: {line[:80]!r}")
    try:
        if value[:1] not in " \t":
            raise ValueError(value)
        return Sample(name, labels, parse_float(value.strip(" \t\r")), number)
    except ValueError:
        raise damage(number, f"not a value: {value[:80]!r}") from None


def unescape(text: str) -> str:
    """Return the text of a label or a comment without its escapes."""
    if "\\" not in text:
        return text
    return re.sub(r"\\(.)", lambda match: "\n" if match[1] == "n" else match[1], text)
