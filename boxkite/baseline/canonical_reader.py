"""Guesses the baseline of a file from what its lines do not say twice.

A baseline of 1,000 variables has 46,000 lines, and line by line they take half a second to read.
Of a file that our writer wrote the greater part follows from the rest; so `guess` takes the rest,
without a look at what it passes over. Whoever asks writes the guess, and compares: where that
gives the same text, to the byte, the guess is what reading line by line gives.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from boxkite.baseline.labelled import PREFIX
from boxkite.baseline.labelled_reader import Header
from boxkite.baseline.parts import Parts, put_together
from boxkite.baseline.tails import TAIL, read_tails
from boxkite.baseline.text_reader import Comment, parse, unescape
from boxkite.baseline.variable import UNSEEN, Variable
from boxkite.errors import BaselineError

__all__ = ["Guess", "guess", "is_made_of"]

_LABEL = r'"([^"\\]*(?:\\.[^"\\]*)*)"'
# A float holds every whole number of 15 digits, and so does an integer of 64 bits.
_COUNT = r"\} ([0-9]{1,15})$"

_HEADER = re.compile(rf"\{{model_name={_LABEL},model_version={_LABEL}{_COUNT}", re.MULTILINE)
_INFO = re.compile(
    rf",variable_role={_LABEL},variable={_LABEL},variable_kind={_LABEL},"
    r'position="([0-9]{1,9})"\} 1$',
    re.MULTILINE,
)
_BIN = re.compile(rf',le="([^"]+)"{_COUNT}', re.MULTILINE)
_CATEGORY = re.compile(rf",category={_LABEL}{_COUNT}", re.MULTILINE)
_WHOLE = re.compile(_COUNT, re.MULTILINE)
_VALUE = re.compile(r"\} (\S+)$", re.MULTILINE)
_SUM = re.compile(rf"\n{PREFIX}_value_sum\{{.*\}} (\S+)$", re.MULTILINE)


class Guess(NamedTuple):
    """What a file may say.

    Attributes:
        header: what it says of the whole baseline.
        variables: the variables in the file's order.
        classic: whether classic series stand behind the labelled ones.
    """

    header: Header
    variables: list[Variable]
    classic: bool


def guess(text: str) -> Guess | None:
    """Return what a file says if it is one that our writer wrote; None if it surely is not."""
    sections = text.split("\n# HELP ")
    named = {section.removeprefix("# HELP ").partition(" ")[0]: section for section in sections}
    ours = {
        name.removeprefix(f"{PREFIX}_"): section
        for name, section in named.items()
        if name.startswith(f"{PREFIX}_")
    }
    try:
        model, version, rows = _HEADER.findall(ours["rows"])[0]
        header = Header(unescape(model), unescape(version), int(rows))
        tails = read_tails(_comments(sections[-1]))
        parts = _parts(ours)
        for key, tail in tails.items():
            if tail.once is not None:
                parts[key].scalars["tail_once"] = tail.once
        variables = put_together(parts, header.rows, tails)
    except (BaselineError, LookupError, ValueError, StopIteration):
        return None
    return Guess(header, variables, classic=len(named) > len(ours))


def is_made_of(text: str, parts: Iterable[str]) -> bool:
    """Tell whether these parts, one after another, are the text; up to the first difference."""
    end = 0
    for part in parts:
        if not text.startswith(part, end):
            return False
        end += len(part)
    return end == len(text)


def _comments(text: str) -> Iterator[Comment]:
    lines = [f"# {TAIL} {rest.partition(chr(10))[0]}" for rest in text.split(f"\n# {TAIL} ")[1:]]
    for comment in parse(lines, max_series=0):
        assert isinstance(comment, Comment)
        yield comment


def _parts(sections: dict[str, str]) -> dict[tuple[str, str], Parts]:
    """Return the parts of the variables, each the next in every section that has its kind."""
    bins = _cells(_BIN, sections.get("bin", ""), "+Inf")
    categories = _cells(_CATEGORY, sections.get("category", ""), UNSEEN)
    missing = iter(_WHOLE.findall(sections["missing"]))
    ranges = {name: iter(_VALUE.findall(sections.get(name, ""))) for name in ("min", "max")}
    ranges["value_sum"] = iter(_SUM.findall(sections.get("value", "")))
    found = {}
    for role, name, kind, position in _INFO.findall(sections["variable_info"]):
        parts = Parts(kind=kind, position=int(position), scalars={"missing": int(next(missing))})
        if kind == "numeric":
            upper, counts = zip(*next(bins), strict=True)
            parts.upper, parts.counts = list(map(float, upper)), list(map(int, counts))
            parts.scalars.update({each: float(next(values)) for each, values in ranges.items()})
        else:
            parts.categories = {unescape(label): int(count) for label, count in next(categories)}
        found[unescape(role), unescape(name)] = parts
    return found


def _cells(pattern: re.Pattern[str], section: str, last: str) -> Iterator[list[tuple[str, str]]]:
    """Yield label and count of the cells of one variable after another; each ends in `last`."""
    cells = []
    for cell in pattern.findall(section):
        cells.append(cell)
        if cell[0] == last:
            yield cells
            cells = []
