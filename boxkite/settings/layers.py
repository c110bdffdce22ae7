"""Resolve settings, in this order: arguments, configuration, environment."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeAlias

from boxkite.errors import ConfigError
from boxkite.settings.table import Settings

__all__ = ["Layer", "from_environment", "misplaced_settings", "refuse_unknown", "resolve"]

Layer: TypeAlias = tuple[Mapping[str, Any], str]
"""A mapping with configured values, and the prefix that boxkite's keys have in it."""


def resolve(
    layers: Sequence[Layer],
    arguments: Mapping[str, Any] | None = None,
    defaults: Mapping[str, Any] | None = None,
) -> Settings:
    """Return the settings. An argument wins over the configuration, which wins over the default.

    Args:
        layers: The configuration. The first layer that has a setting wins.
        arguments: Values by field name. None counts as not given.
        defaults: Values by field name that replace the defaults of the table.

    Raises:
        ConfigError: if a setting is unknown or its value cannot be used. The message names the
            key.
    """
    arguments = dict(arguments or {})
    names = [row.name for row in fields(Settings)]
    refuse_unknown(arguments, names)
    for configured, prefix in layers:
        refuse_unknown(configured, [name.upper() for name in names], prefix)
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
    """Return the settings of a service without a framework, from variables `BOXKITE_…`.

    Args:
        arguments: Values by field name, which win over the environment.
        defaults: Values by field name that replace the defaults of the table.

    Raises:
        ConfigError: if a variable is unknown or its value cannot be used. The message names it.
    """
    return resolve([(os.environ, "BOXKITE_")], arguments, defaults)


def refuse_unknown(given: Iterable[object], known: Iterable[str], prefix: str = "") -> None:
    """Refuse names that are not settings.

    Args:
        given: The names. Names without the prefix belong to other programs and are skipped.
        known: The names of all settings, without the prefix.
        prefix: The prefix of boxkite's names.

    Raises:
        ConfigError: for the first unknown name. The message names the most similar known one.
    """
    by_lower_case = {name.lower(): name for name in known}
    for key in given:
        if not isinstance(key, str) or not key.startswith(prefix):
            continue
        name = key.removeprefix(prefix)
        if name not in by_lower_case.values() and not _KUBERNETES.fullmatch(name):
            nearest = difflib.get_close_matches(name.lower(), by_lower_case, n=1, cutoff=0)[0]
            raise ConfigError(
                f"unknown setting {key}; did you mean {prefix}{by_lower_case[nearest]}?"
            )


def misplaced_settings(
    environment: Mapping[str, Any],
    prefix: str,
    layers: Sequence[Layer],
    arguments: Mapping[str, Any],
) -> Iterator[tuple[str, str]]:
    """Yield settings that have a prefix of another framework, and their right names.

    Args:
        environment: The environment variables.
        prefix: The prefix of the other framework.
        layers: The configuration. A setting that it has under the right name is not misplaced.
        arguments: Values by field name. A setting that is an argument is not misplaced either.
    """
    right = layers[-1][1]
    for row in fields(Settings):
        name = row.name.upper()
        is_given = arguments.get(row.name) is not None or any(
            own + name in configured for configured, own in layers
        )
        if prefix + name in environment and not is_given:
            yield prefix + name, right + name


# Kubernetes sets these variables in each pod that runs beside a Service named "boxkite" or
# "boxkite-…".
_KUBERNETES = re.compile(r"(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_\w+)?)")
