"""Find the names that must be redacted in a client's text, however the client spells them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

__all__ = ["NameMatcher", "visible"]

# Characters that no reader sees. A client may put them into a key unnoticed: controls, format
# characters, halves of surrogate pairs, characters for private use, and the letters and marks that
# Unicode calls "default ignorable" (DerivedCoreProperties.txt).
_INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160"
    "\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ud800-\udfff"
    "\ue000-\uf8ff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000110bd\U000110cd"
    "\U00013430-\U0001345f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff\U000f0000-\U0010ffff]+"
)
_SEPARATORS = re.compile(r"[./:\[\]]+")

# Normalising makes a text at most four times shorter: "\u03b1\u0313\u0300\u0345" becomes one
# character. So a text that is more than four times as long as the longest name cannot be a name. It
# must not be normalised, because that takes quadratic time for a long row of accents.
_MOST_COMPOSED = 4
_SHORT = 256  # a text that may be normalised whatever it holds


class NameMatcher:
    """Compare texts with names.

    The comparison ignores case, the Unicode normal form, and invisible characters.

    Args:
        names: the names.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(_folded(visible(name)) for name in names) - {""}
        self._longest = _MOST_COMPOSED * max(map(len, self._names), default=0)

    def matches(self, text: str) -> bool:
        """Return whether a text is a name, or a path with a name in it, such as "user.age"."""
        text = visible(text)
        return self._is_name(text) or any(map(self._is_name, _SEPARATORS.split(text)))

    def may_mention(self, text: str) -> bool:
        """Return whether a text may contain a name, perhaps escaped."""
        if not text.isascii() and len(text) > _SHORT:
            return True
        folded = _folded(visible(text))
        return "\\u" in folded or any(name in folded for name in self._names)

    def _is_name(self, text: str) -> bool:
        return len(text) <= self._longest and _folded(text) in self._names


def visible(text: str) -> str:
    """Return a text without invisible characters."""
    if text.isascii() and text.isprintable():
        return text
    return _INVISIBLE.sub("", text)


def _folded(text: str) -> str:
    """Return a text in the form that is compared: NFKC with case folding."""
    if text.isascii():
        return text.lower().strip()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).strip()
