"""The labels of one baseline's live series."""

from __future__ import annotations

from typing import TypeAlias

from boxkite.baseline import Baseline, Variable

__all__ = ["Labels", "variable_labels", "version_labels"]

Labels: TypeAlias = dict[str, str]


def version_labels(baseline: Baseline) -> Labels:
    """Return the labels of every series."""
    return {"model_name": baseline.model, "model_version": baseline.version}


def variable_labels(baseline: Baseline, variable: Variable) -> Labels:
    """Return the labels of the series of a variable."""
    return {**version_labels(baseline), **variable.labels}
