"""The categories of a tail, remembered by their hashes in comments of `histogram.prom`.

By them a category that training saw, but seldom, is told from one that it never saw. A comment
makes no series, so that Prometheus carries none of it.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterable

from boxkite.baseline.text_reader import Comment, damage
from boxkite.baseline.variable import CategoryVariable, Variable

__all__ = ["TAIL", "read_tails", "tail_comments"]

TAIL = "TAIL"
"""The keyword of the comment."""


def tail_comments(variables: Iterable[Variable]) -> Iterable[str]:
    """Yield the line of each variable that has a tail: `# TAIL role [name, base64 of hashes]`.

    The hashes (`label_hash`) are 32-bit big-endian integers, ascending.
    """
    for variable in variables:
        if isinstance(variable, CategoryVariable) and variable.tail:
            hashes = struct.pack(f">{len(variable.tail)}I", *sorted(variable.tail))
            text = json.dumps([variable.name, base64.b64encode(hashes).decode()])
            escaped = text.replace("\\", r"\\")
            yield f"# {TAIL} {variable.role} {escaped}\n"


def read_tails(comments: Iterable[Comment]) -> dict[tuple[str, str], frozenset[int]]:
    """Read the hashes of each variable's tail, by role and name, passing over other comments.

    Raises:
        BaselineError: naming the line that is none, or the second of a variable.
    """
    tails: dict[tuple[str, str], frozenset[int]] = {}
    for comment in comments:
        if comment.keyword == TAIL:
            name, hashes = _read_tail(comment.text, comment.line)
            if (comment.subject, name) in tails:
                raise damage(comment.line, f"the tail of {name!r} stands twice")
            tails[comment.subject, name] = hashes
    return tails


def _read_tail(text: str, line: int) -> tuple[str, frozenset[int]]:
    try:
        name, encoded = json.loads(text)
        raw = base64.b64decode(encoded, validate=True)
        return str(name), frozenset(struct.unpack(f">{len(raw) // 4}I", raw))
    except (ValueError, TypeError, RecursionError, struct.error):
        raise damage(line, "not a list of tail categories") from None
