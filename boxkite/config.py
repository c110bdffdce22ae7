"""Every setting, one row each, and where its value is looked up."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, Literal, cast

from boxkite.errors import ConfigError

__all__ = ["Settings", "from_environment", "resolve"]

Lookup = Callable[[str], Any]
"""Returns what is configured for a setting's name, None for nothing."""


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
    enabled: bool = _setting(True, "false: views are left as they are, nothing is mounted")


def resolve(lookup: Lookup, arguments: Mapping[str, Any] | None = None) -> Settings:
    """Return the settings: an argument wins over `lookup`, and that over the default.

    Args:
        lookup: returns the configured value of a setting's name in capitals, or None.
        arguments: by field name; None is as if it were not given.

    Raises:
        ConfigError: naming the setting and its value, if that cannot be used.
    """
    values: dict[str, Any] = {}
    for row in fields(Settings):
        value = (arguments or {}).get(row.name)
        if value is None:
            value = lookup(row.name.upper())
        if value is None and row.metadata["legacy"]:
            value = os.environ.get(row.metadata["legacy"])
        if value is not None:
            values[row.name] = _converted(row, value)
    return Settings(**values)


def from_environment(
    prefix: str = "BOXKITE_", arguments: Mapping[str, Any] | None = None
) -> Settings:
    """Return the settings of a service without a framework, from `BOXKITE_…` variables.

    Raises:
        ConfigError: naming the variable, if it is unknown or has a value that cannot be used.
    """
    refuse_unknown(os.environ, prefix)
    return resolve(lambda name: os.environ.get(prefix + name), arguments)


def refuse_unknown(keys: Iterable[str], *prefixes: str) -> None:
    """Refuse keys that look like settings, but are none.

    Raises:
        ConfigError: naming the key and the nearest setting.
    """
    known = [row.name.upper() for row in fields(Settings)]
    for key in keys:
        prefix = next((each for each in prefixes if key.startswith(each)), None)
        name = key.removeprefix(prefix or "")
        if prefix is None or name in known or _KUBERNETES.fullmatch(name):
            continue
        nearest = difflib.get_close_matches(name, known, n=1, cutoff=0)[0]
        raise ConfigError(f"unknown setting {key}; the nearest one is {prefix}{nearest}")


# Kubernetes sets these for every pod beside a Service that is called "boxkite".
_KUBERNETES = re.compile(r"SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_\w+)?")

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off", ""})


def _converted(row: Field[Any], value: Any) -> Any:
    """Return a configured value in the type of its setting."""
    name = row.name.upper()
    if row.type == "bool":
        text = str(value).strip().lower()
        if text not in _TRUE | _FALSE:
            raise ConfigError(f"{name} is {value!r}; give true or false")
        return text in _TRUE
    if row.name == "exposition" and value not in ("labelled", "classic"):
        raise ConfigError(f"{name} is {value!r}; give labelled or classic")
    text = os.fspath(value) if isinstance(value, os.PathLike) else value
    if not isinstance(text, str):
        raise ConfigError(f"{name} is {value!r}; give text")
    if row.name == "metrics_path" and text and not text.startswith("/"):
        raise ConfigError(f"{name} is {text!r}; a path starts with /")
    return text or cast("str | None", None if row.default in (None, MISSING) else text)
