"""Convert configured values, which are text or Python objects, to the type of a setting.

A converter takes the key under which the value was found, for messages, and the value. It raises
a `ConfigError` that names both if the value cannot be used.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from boxkite.errors import ConfigError
from boxkite.system.type_guards import is_collection

__all__ = [
    "as_bool",
    "as_count",
    "as_design_effect",
    "as_duration",
    "as_header",
    "as_names",
    "as_one_of",
    "as_optional",
    "as_part_of_an_hour",
    "as_path",
    "as_secret",
    "as_share",
    "as_text",
]

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off", ""})
_MAX_SHOWN = 40
_PARTS_OF_AN_HOUR = tuple(str(minutes) for minutes in range(1, 61) if 60 % minutes == 0)
_SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}


def as_text(key: str, value: Any) -> str:
    """Return a text, a path or a whole number as text."""
    text = _text(value)
    if text is None:
        raise ConfigError(f'{key} is {value!r}, which is not text; quote it, as in "1.10"')
    return text


def as_secret(key: str, value: Any) -> str:
    """Return a text, as `as_text` does. The message of an error does not show the value."""
    text = _text(value)
    if text is None:
        raise ConfigError(f'{key} is not text; quote it, as in "1.10"')
    return text


def as_optional(convert: Callable[[str, Any], str]) -> Callable[[str, Any], str | None]:
    """Return a converter that gives None for an empty text."""
    return lambda key, value: convert(key, value) or None


def as_path(key: str, value: Any) -> str:
    """Return the path of a URL, or an empty text."""
    text = as_text(key, value)
    if text and not text.startswith("/"):
        raise ConfigError(f"{key} is {text!r}; a path must start with /")
    return text


def as_header(key: str, value: Any) -> str:
    """Return a text that is safe in an HTTP header."""
    text = as_text(key, value)
    if not (text.isascii() and text.isprintable()):
        raise ConfigError(f"{key} is {text!r}; use printable ASCII, because it goes into a header")
    return text


def as_one_of(*words: str) -> Callable[[str, Any], str]:
    """Return a converter that accepts only the given words."""

    def convert(key: str, value: Any) -> str:
        text = as_text(key, value)
        if text not in words:
            choice = ", ".join(words[:-1])
            raise ConfigError(f"{key} is {text!r}; use {choice} or {words[-1]}")
        return text

    return convert


def as_bool(key: str, value: Any) -> bool:
    """Return a boolean from a boolean, 0, 1, or a word such as "yes" or "off"."""
    word = str(value).strip().lower()
    if word not in _TRUE | _FALSE:
        raise ConfigError(f"{key} is {value!r}; use true or false")
    return word in _TRUE


def as_count(key: str, value: Any) -> int:
    """Return a whole number above 0."""
    text = _text(value) or ""
    # `isdecimal` alone would accept the digits of other scripts.
    if not (text.isascii() and text.isdecimal() and int(text) > 0):
        raise ConfigError(f"{key} is {value!r}; use a whole number above 0")
    return int(text)


def as_part_of_an_hour(key: str, value: Any) -> int:
    """Return a whole number of minutes that divides an hour."""
    minutes = int(text) if (text := _text(value) or "") in _PARTS_OF_AN_HOUR else 0
    if not minutes:
        allowed = ", ".join(_PARTS_OF_AN_HOUR)
        raise ConfigError(f"{key} is {value!r}; use a number that divides an hour: {allowed}")
    return minutes


def as_duration(key: str, value: Any) -> float:
    """Return seconds from a number of seconds, or from a text such as "90s", "5m", "12h", "30d"."""
    # Strip first: if spaces could match in three places, a long text of spaces would take minutes.
    text = str(value).strip()
    match = re.fullmatch(r"([0-9.eE+-]+)\s*([smhdw]?)", text)
    try:
        seconds = float(match[1]) * _SECONDS[match[2]] if match else math.nan
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf or isinstance(value, bool):
        shown = text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"
        raise ConfigError(f"{key} is {shown!r}; use seconds, or a duration such as 12h or 30d")
    return seconds


def as_share(key: str, value: Any) -> float:
    """Return a number from 0 to 1."""
    share = _number(value)
    if not 0.0 <= share <= 1.0:
        raise ConfigError(f"{key} is {value!r}; use a number from 0 to 1")
    return share


def as_design_effect(key: str, value: Any) -> float:
    """Return a finite number of at least 1."""
    effect = _number(value)
    if not 1.0 <= effect < math.inf:
        raise ConfigError(f"{key} is {value!r}; use a number of at least 1")
    return effect


def as_names(key: str, value: Any) -> tuple[str, ...]:
    """Return names from a collection, or from a text that separates them by commas."""
    if isinstance(value, str):
        value = [name.strip() for name in value.split(",")]
    if not is_collection(value):
        raise ConfigError(f"{key} is {value!r}; use names, separated by commas")
    if not all(isinstance(name, str) for name in value):
        raise ConfigError(f"{key} is {value!r}; each name must be text")
    return tuple(name for name in value if name)


def _number(value: Any) -> float:
    """Return a number, or NaN for any other value. True and False are not numbers here."""
    try:
        return math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return math.nan


def _text(value: Any) -> str | None:
    """Return a text, a path or a whole number as text; return None for any other value.

    Flask reads the environment as JSON, so a version that has only digits arrives as a number.
    Refuse a number with a point, because its text is lost: 1.10 has become 1.1.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str):
        return value
    path: Any = getattr(value, "__fspath__", None)
    text = path() if path is not None else None
    return text if isinstance(text, str) else None
