"""The labels of one baseline's live series."""

from __future__ import annotations

from typing import TypeAlias

from boxkite.baseline import Baseline, Variable

__all__ = ["Labels", "part_labels", "variable_labels", "version_labels"]

Labels: TypeAlias = dict[str, str]


def version_labels(baseline: Baseline) -> Labels:
    """Return the labels of every series."""
    return {"model_name": baseline.model, "model_version": baseline.version}


def part_labels(baseline: Baseline, segment: str) -> Labels:
    """Return the labels of the series of one segment; those of every series if it is empty."""
    labels = version_labels(baseline)
    return {**labels, "segment": segment} if segment else labels


def variable_labels(baseline: Baseline, variable: Variable) -> Labels:
    """Return the labels of the series of a variable."""
    return {**version_labels(baseline), **variable.labels}
