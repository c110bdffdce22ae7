"""A baseline as JSON can hold it."""

from __future__ import annotations

import math
from typing import Any

from boxkite.baseline import Baseline, NumericVariable, Variable

__all__ = ["baseline_document"]


def baseline_document(baseline: Baseline) -> dict[str, Any]:
    """Return everything that is in a baseline; NaN becomes None."""
    return {
        "model": baseline.model,
        "version": baseline.version,
        "rows": baseline.rows,
        "variables": [_variable(each) for each in baseline.variables],
    }


def _variable(variable: Variable) -> dict[str, Any]:
    content: dict[str, Any] = {
        "name": variable.name,
        "role": variable.role,
        "kind": variable.kind,
        "position": variable.position,
        "missing": variable.missing,
        "counts": variable.counts.tolist(),
    }
    if isinstance(variable, NumericVariable):
        ends = {"minimum": variable.minimum, "maximum": variable.maximum}
        known = {name: None if math.isnan(end) else end for name, end in ends.items()}
        return {**content, "edges": variable.edges.tolist(), **known}
    return {**content, "categories": list(variable.categories)}
