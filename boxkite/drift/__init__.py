"""Drift statistics, their critical values, and verdicts on counts or rows."""

from boxkite.drift.comparison import Comparison
from boxkite.drift.count_comparison import compare_counts
from boxkite.drift.design_effect import estimate_design_effect
from boxkite.drift.policy import Policy
from boxkite.drift.rows import compare
from boxkite.drift.statistics import (
    jensen_shannon,
    kolmogorov_smirnov,
    kullback_leibler,
    population_stability_index,
)
from boxkite.drift.variable_drift import Status, VariableDrift
from boxkite.drift.variable_policy import Floors, VariablePolicy
from boxkite.drift.verdict import Severity, Verdict

__all__ = [
    "Comparison",
    "Floors",
    "Policy",
    "Severity",
    "Status",
    "VariableDrift",
    "VariablePolicy",
    "Verdict",
    "compare",
    "compare_counts",
    "estimate_design_effect",
    "jensen_shannon",
    "kolmogorov_smirnov",
    "kullback_leibler",
    "population_stability_index",
]
