"""Where the value of a setting comes from: arguments, configuration, environment, default."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeAlias

from boxkite.errors import ConfigError
from boxkite.settings.table import Settings

__all__ = ["Layer", "from_environment", "resolve"]

Layer: TypeAlias = tuple[Mapping[str, Any], str]
"""One place that holds configured values, and the prefix of every key of ours in it."""


def resolve(
    layers: Sequence[Layer],
    arguments: Mapping[str, Any] | None = None,
    defaults: Mapping[str, Any] | None = None,
) -> Settings:
    """Return the settings: an argument wins over what is configured, and that over the default.

    Args:
        layers: of configuration, the first wins.
        arguments: by field name; None is as if it were not given.
        defaults: by field name, that stand for those of the table.

    Raises:
        ConfigError: naming the key, if it is unknown or has a value that cannot be used.
    """
    arguments = dict(arguments or {})
    names = [row.name for row in fields(Settings)]
    _refuse_unknown(arguments, "", names)
    for configured, prefix in layers:
        _refuse_unknown(configured, prefix, [name.upper() for name in names])
    values: dict[str, Any] = dict(defaults or {})
    for row in fields(Settings):
        name, legacy = row.name.upper(), row.metadata["legacy"]
        candidates = [
            (row.name, arguments.get(row.name)),
            *((prefix + name, configured.get(prefix + name)) for configured, prefix in layers),
            (legacy, os.environ.get(legacy) if legacy else None),
        ]
        found = next(((key, value) for key, value in candidates if value is not None), None)
        if found is not None:
            values[row.name] = row.metadata["convert"](*found)
    return Settings(**values)


def from_environment(
    arguments: Mapping[str, Any] | None = None, defaults: Mapping[str, Any] | None = None
) -> Settings:
    """Return the settings of a service without a framework, from `BOXKITE_…` variables.

    Raises:
        ConfigError: naming the variable, if it is unknown or has a value that cannot be used.
    """
    return resolve([(os.environ, "BOXKITE_")], arguments, defaults)


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
