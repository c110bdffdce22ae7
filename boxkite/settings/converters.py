"""Values of settings, which come as text or as an application configured them, in their types."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Sequence
from typing import Any

from boxkite.errors import ConfigError

__all__ = [
    "as_bool",
    "as_count",
    "as_design_effect",
    "as_duration",
    "as_header",
    "as_names",
    "as_one_of",
    "as_optional",
    "as_path",
    "as_secret",
    "as_share",
    "as_text",
]

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off", ""})
_SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}


def as_text(key: str, value: Any) -> str:
    """Return a text, a path or a whole number as text."""
    text = _text(value)
    if text is None:
        raise ConfigError(f'{key} is {value!r}; give text, as "1.10" with its quotes')
    return text


def as_secret(key: str, value: Any) -> str:
    """Return a text that no message may show."""
    text = _text(value)
    if text is None:
        raise ConfigError(f'{key} is no text; give text, as "1.10" with its quotes')
    return text


def as_optional(convert: Callable[[str, Any], str]) -> Callable[[str, Any], str | None]:
    """Return what takes the same, and an empty text for None."""
    return lambda key, value: convert(key, value) or None


def as_path(key: str, value: Any) -> str:
    """Return the path of a URL, or an empty text."""
    text = as_text(key, value)
    if text and not text.startswith("/"):
        raise ConfigError(f"{key} is {text!r}; a path starts with /")
    return text


def as_header(key: str, value: Any) -> str:
    """Return a text that can stand in an HTTP header."""
    text = as_text(key, value)
    if not (text.isascii() and text.isprintable()):
        raise ConfigError(f"{key} is {text!r}; give printable ASCII, as it goes into a header")
    return text


def as_one_of(*words: str) -> Callable[[str, Any], str]:
    """Return what takes one of some words."""

    def convert(key: str, value: Any) -> str:
        text = as_text(key, value)
        if text not in words:
            choice = ", ".join(words[:-1])
            raise ConfigError(f"{key} is {text!r}; give {choice} or {words[-1]}")
        return text

    return convert


def as_bool(key: str, value: Any) -> bool:
    """Return a truth value, of a word for it too."""
    word = str(value).strip().lower()
    if word not in _TRUE | _FALSE:
        raise ConfigError(f"{key} is {value!r}; give true or false")
    return word in _TRUE


def as_count(key: str, value: Any) -> int:
    """Return a whole number above 0."""
    text = _text(value) or ""
    if not (text.isascii() and text.isdecimal() and int(text) > 0):
        raise ConfigError(f"{key} is {value!r}; give a whole number above 0")
    return int(text)


def as_duration(key: str, value: Any) -> float:
    """Return seconds, of a number or of a text as `90s`, `5m`, `12h`, `30d`, `4w`."""
    match = re.fullmatch(r"\s*([0-9.eE+-]+?)\s*([smhdw]?)\s*", str(value))
    try:
        seconds = float(match[1]) * _SECONDS[match[2]] if match else math.nan
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf or isinstance(value, bool):
        raise ConfigError(f"{key} is {value!r}; give seconds, 0 or more, or as 12h or 30d")
    return seconds


def as_share(key: str, value: Any) -> float:
    """Return a number from 0 to 1."""
    try:
        share = float(value)
    except (TypeError, ValueError):
        share = math.nan
    if not 0.0 <= share <= 1.0 or isinstance(value, bool):
        raise ConfigError(f"{key} is {value!r}; give a share, from 0 to 1")
    return share


def as_design_effect(key: str, value: Any) -> float:
    """Return a number from 1 on."""
    try:
        effect = float(value)
    except (TypeError, ValueError):
        effect = math.nan
    if not 1.0 <= effect < math.inf or isinstance(value, bool):
        raise ConfigError(f"{key} is {value!r}; give a number, 1 or more")
    return effect


def as_names(key: str, value: Any) -> tuple[str, ...]:
    """Return names, of a sequence of them or of a text with commas between them."""
    if isinstance(value, str):
        value = [name.strip() for name in value.split(",")]
    if not isinstance(value, Sequence | set | frozenset):
        raise ConfigError(f"{key} is {value!r}; give names, with commas between them")
    if not all(isinstance(name, str) for name in value):
        raise ConfigError(f"{key} is {value!r}; each name must be text")
    return tuple(name for name in value if name)


def _text(value: Any) -> str | None:
    """Return a path or a whole number as text, None for what else is no text.

    Flask reads the environment as JSON: a version of digits alone comes as a number. From a
    number with a point the text cannot be told: 1.10 has become 1.1.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    text = os.fspath(value) if isinstance(value, os.PathLike) else value
    return text if isinstance(text, str) else None
