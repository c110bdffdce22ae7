"""The labels that rules group by and join on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from string import Template

from boxkite.errors import ConfigError

__all__ = [
    "DEFAULT_ENVIRONMENT",
    "SERIES_LABELS",
    "VARIABLE",
    "LabelSets",
    "Placeholders",
    "environment_labels",
]

DEFAULT_ENVIRONMENT = ("cluster", "namespace", "job")
"""Target labels that keep environments apart. A label that a target lacks counts as empty."""

VERSION = ("model_name", "model_version", "segment")
"""The rows that are judged together: all rows of a version, or those of one of its segments.

Series of all rows lack the label `segment`, and PromQL counts an absent label as empty. So each
join and each sum keeps the segments apart, and none of them is added to the whole.
"""

VARIABLE = (*VERSION, "variable_role", "variable")

SERIES_LABELS = (
    *VARIABLE, "variable_kind", "position", "gt", "le", "category", "window", "direction",
    "failed_stage", "sink", "outcome", "verdict", "statistic", "change", "moved_cell",
    "output_cell", "outcome_cell", "loss", "result", "part",
)  # fmt: skip
"""Every label that boxkite gives to a series."""

# A replica alone has too few rows, and its series end with the pod.
_OF_ONE_REPLICA = ("instance", "pod")
_NAME = re.compile("[a-zA-Z_][a-zA-Z0-9_]*")


class Placeholders(Template):
    """A template with placeholders such as `@live`, because PromQL uses dollar signs and braces."""

    delimiter = "@"


@dataclass(frozen=True)
class LabelSets:
    """Lists of labels in PromQL, by the placeholders that the rule templates use.

    Live counts are kept apart by environment. The version is a digest of the baseline, so the
    baseline is the same in every environment. Joins with the baseline therefore leave the
    environment out.

    Attributes:
        environment: Target labels that the rules group by.
    """

    environment: tuple[str, ...] = DEFAULT_ENVIRONMENT

    def fill(self, text: str) -> str:
        """Fill the lists of labels into a template of PromQL."""
        return Placeholders(text).substitute(self.placeholders())

    def placeholders(self) -> dict[str, str]:
        """Return the label lists of the templates."""
        address = [name for name in self.environment if name not in ("job", "namespace")]
        sets = {
            "version": VERSION,
            "variable": VARIABLE,
            "cell": (*VARIABLE, "gt", "le", "category"),
            "environment": self.environment,
            "live_model": (*self.environment, "model_name"),
            "live_version": (*self.environment, *VERSION),
            "live": (*self.environment, *VARIABLE),
            "live_in_whole": _without_segment((*self.environment, *VARIABLE)),
            "target": (*self.environment, "instance"),
            "address": (*address, "instance"),
        }
        return {name: ", ".join(labels) for name, labels in sets.items()}


def _without_segment(labels: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in labels if name != "segment")


def environment_labels(added: Sequence[str] | None) -> tuple[str, ...]:
    """Return the target labels to group by, for the value of `--by`.

    Args:
        added: Labels to add to the default. None adds no label. An empty list also removes the
            default.

    Raises:
        ConfigError: if a label is not a valid name, belongs to boxkite's own series, or names a
            single replica.
    """
    if added is None:
        return DEFAULT_ENVIRONMENT
    for name in added:
        if not _NAME.fullmatch(name):
            raise ConfigError(f"--by: {name!r} is not a label name; give names such as env,region")
        if name in SERIES_LABELS:
            raise ConfigError(f"--by: {name!r} is a label of boxkite's own series; leave it out")
        if name in _OF_ONE_REPLICA:
            raise ConfigError(
                f"--by: {name!r} would judge each replica by itself, which has too few rows; "
                "group by labels that all replicas of an environment share"
            )
    if not added:
        return ()
    others = [name for name in dict.fromkeys(added) if name not in DEFAULT_ENVIRONMENT]
    return (*others, *DEFAULT_ENVIRONMENT)
