"""Every setting, one row each, and where its value is looked up."""

from __future__ import annotations

import difflib
import math
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from typing import Any, Literal, TypeAlias

from boxkite.errors import ConfigError

__all__ = ["Layer", "Settings", "from_environment", "resolve"]

Layer: TypeAlias = tuple[Mapping[str, Any], str]
"""Configured values, and the prefix that a setting's key has among them."""


def _setting(default: Any, meaning: str, legacy: str | None = None) -> Any:
    return field(default=default, metadata={"meaning": meaning, "legacy": legacy})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of one monitor. The name of a setting is its field's in capitals."""

    baseline: str = _setting(
        "/artefact/histogram.prom", "path or URL of `histogram.prom`; empty: none"
    )
    model: str | None = _setting(None, "the model's name; default: the baseline's")
    version: str | None = _setting(None, "the baseline's version; default: the baseline's")
    exposition: Literal["labelled", "classic"] = _setting(
        "labelled", "form of the series: `labelled`, or `classic` as boxkite 0.0.5 had it"
    )
    metrics_path: str = _setting("/metrics", "where the metrics are mounted; empty: nowhere")
    metrics_token: str | None = _setting(
        None, "bearer token that a scrape must bring; none: open to all"
    )
    server_id: str = _setting(
        "unknown-server", "first part of each prediction id", legacy="BEDROCK_SERVER_ID"
    )
    state_dir: str | None = _setting(
        None, "folder of journals and counts; none: one of the service's own, for this run"
    )
    state_max_bytes: int = _setting(
        256 * 2**20, "the most that the journal of one worker takes on disk"
    )
    state_sync_seconds: float = _setting(
        0.0, "how often the journal is written to the disk, against a loss of power; 0: never"
    )
    enabled: bool = _setting(True, "false: views are left as they are, nothing is mounted")


def resolve(layers: Sequence[Layer], arguments: Mapping[str, Any] | None = None) -> Settings:
    """Return the settings: an argument wins over what is configured, and that over the default.

    Args:
        layers: of configuration, the first wins.
        arguments: by field name; None is as if it were not given.

    Raises:
        ConfigError: naming the key, if it is unknown or has a value that cannot be used.
    """
    arguments = dict(arguments or {})
    names = [row.name for row in fields(Settings)]
    _refuse_unknown(arguments, "", names)
    for configured, prefix in layers:
        _refuse_unknown(configured, prefix, [name.upper() for name in names])
    values: dict[str, Any] = {}
    for row in fields(Settings):
        name, legacy = row.name.upper(), row.metadata["legacy"]
        candidates = [
            (row.name, arguments.get(row.name)),
            *((prefix + name, configured.get(prefix + name)) for configured, prefix in layers),
            (legacy, os.environ.get(legacy) if legacy else None),
        ]
        found = next(((key, value) for key, value in candidates if value is not None), None)
        if found is not None:
            values[row.name] = _converted(row, *found)
    return Settings(**values)


def from_environment(arguments: Mapping[str, Any] | None = None) -> Settings:
    """Return the settings of a service without a framework, from `BOXKITE_…` variables.

    Raises:
        ConfigError: naming the variable, if it is unknown or has a value that cannot be used.
    """
    return resolve([(os.environ, "BOXKITE_")], arguments)


def _refuse_unknown(configured: Iterable[object], prefix: str, known: Sequence[str]) -> None:
    lowered = {name.lower(): name for name in known}
    for key in configured:
        if not isinstance(key, str) or not key.startswith(prefix):
            continue
        name = key.removeprefix(prefix)
        if name not in known and not _KUBERNETES.fullmatch(name):
            nearest = difflib.get_close_matches(name.lower(), lowered, n=1, cutoff=0)[0]
            found = prefix + lowered[nearest]
            raise ConfigError(f"unknown setting {key}; the nearest one is {found}")


# Kubernetes sets these for every pod beside a Service called "boxkite" or "boxkite-…".
_KUBERNETES = re.compile(r"(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_\w+)?)")

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off", ""})


def _converted(row: Field[Any], key: str, value: Any) -> Any:
    """Return a configured value in the type of its setting."""
    if row.type == "bool":
        return _as_bool(key, value)
    if row.type == "int":
        return _as_count(key, value)
    if row.type == "float":
        return _as_duration(key, value)
    text = _as_text(value)
    if text is None:
        shown = "no text" if row.name == "metrics_token" else repr(value)
        raise ConfigError(f'{key} is {shown}; give text, as "1.10" with its quotes')
    if row.name == "exposition" and text not in ("labelled", "classic"):
        raise ConfigError(f"{key} is {text!r}; give labelled or classic")
    if row.name == "metrics_path" and text and not text.startswith("/"):
        raise ConfigError(f"{key} is {text!r}; a path starts with /")
    if row.name == "server_id" and not (text.isascii() and text.isprintable()):
        raise ConfigError(f"{key} is {text!r}; give printable ASCII, as it goes into a header")
    return None if text == "" and row.default is None else text


def _as_bool(key: str, value: Any) -> bool:
    word = str(value).strip().lower()
    if word not in _TRUE | _FALSE:
        raise ConfigError(f"{key} is {value!r}; give true or false")
    return word in _TRUE


def _as_count(key: str, value: Any) -> int:
    text = _as_text(value) or ""
    if not (text.isascii() and text.isdecimal() and int(text) > 0):
        raise ConfigError(f"{key} is {value!r}; give a whole number above 0")
    return int(text)


def _as_duration(key: str, value: Any) -> float:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise ConfigError(f"{key} is {value!r}; give seconds, 0 or more")
    return seconds


def _as_text(value: Any) -> str | None:
    """Return a path or a whole number as text, None for what else is no text.

    Flask reads the environment as JSON: a version of digits alone comes as a number. From a
    number with a point the text cannot be told: 1.10 has become 1.1.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    text = os.fspath(value) if isinstance(value, os.PathLike) else value
    return text if isinstance(text, str) else None
