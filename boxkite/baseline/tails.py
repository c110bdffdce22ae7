"""The categories of a tail, remembered by their hashes in comments of `histogram.prom`.

By them a category that training saw, but seldom, is told from one that it never saw. A comment
makes no series, so that Prometheus carries none of it.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterable
from typing import NamedTuple

from boxkite.baseline.text_reader import Comment, damage
from boxkite.baseline.variable import CategoryVariable, Variable

__all__ = ["TAIL", "Tail", "read_tails", "tail_comments"]

TAIL = "TAIL"
"""The keyword of the comment."""


class Tail(NamedTuple):
    """What a comment says of a variable's tail.

    Attributes:
        hashes: of its categories.
        once: how many of them training saw once; None in files of before this was kept.
    """

    hashes: frozenset[int] = frozenset()
    once: int | None = None


def tail_comments(variables: Iterable[Variable]) -> Iterable[str]:
    """Yield the line of each variable that has a tail: `# TAIL role [name, hashes, once]`.

    The hashes (`label_hash`) are the base64 of 32-bit big-endian integers, ascending. How many of
    the categories training saw once stands last, where it is known.
    """
    for variable in variables:
        if isinstance(variable, CategoryVariable) and variable.tail:
            hashes = struct.pack(f">{len(variable.tail)}I", *sorted(variable.tail))
            once = [] if variable.tail_once is None else [variable.tail_once]
            text = json.dumps([variable.name, base64.b64encode(hashes).decode(), *once])
            escaped = text.replace("\\", r"\\")
            yield f"# {TAIL} {variable.role} {escaped}\n"


def read_tails(comments: Iterable[Comment]) -> dict[tuple[str, str], Tail]:
    """Read each variable's tail, by role and name, passing over other comments.

    Raises:
        BaselineError: naming the line that is none, or the second of a variable.
    """
    tails: dict[tuple[str, str], Tail] = {}
    for comment in comments:
        if comment.keyword == TAIL:
            name, tail = _read_tail(comment.text, comment.line)
            if (comment.subject, name) in tails:
                raise damage(comment.line, f"the tail of {name!r} stands twice")
            tails[comment.subject, name] = tail
    return tails


def _read_tail(text: str, line: int) -> tuple[str, Tail]:
    try:
        name, encoded, *rest = json.loads(text)
        raw = base64.b64decode(encoded, validate=True)
        hashes = frozenset(struct.unpack(f">{len(raw) // 4}I", raw))
        (once,) = rest or [None]
        if once is not None and (type(once) is not int or once < 0):
            raise ValueError("not a count")
        return str(name), Tail(hashes, once)
    except (ValueError, TypeError, RecursionError, struct.error):
        raise damage(line, "not a list of tail categories") from None
