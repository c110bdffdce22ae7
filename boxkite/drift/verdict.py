"""Verdicts: a difference is drift if it is unexplained and large enough to matter."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple, TypeAlias

from boxkite.baseline.variable import Variable
from boxkite.drift.allowance import Allowance, Statistics
from boxkite.drift.policy import Policy

__all__ = [
    "CRITICAL_MULTIPLE",
    "Severity",
    "Verdict",
    "VerdictWithReason",
    "judge",
    "rows_needed",
    "severity_of",
]

Verdict: TypeAlias = Literal["insufficient", "ok", "drift"]
Severity: TypeAlias = Literal["", "warning", "critical"]

CRITICAL_MULTIPLE = 5.0
"""A difference is critical if it is more than this many times its floor."""


class VerdictWithReason(NamedTuple):
    """A verdict, with the reason if there is not enough data.

    Attributes:
        verdict: `insufficient`, `ok` or `drift`.
        reason: Why there is not enough data, such as "41 rows, 100 needed"; empty otherwise.
    """

    verdict: Verdict
    reason: str = ""


def judge(
    variable: Variable, found: Statistics, allowance: Allowance, policy: Policy
) -> VerdictWithReason:
    """Return the verdict on one variable.

    K-S judges any number of rows. The other tests need enough rows, because there is no good bound
    for chance in cells with few.

    Args:
        variable: Variable at training.
        found: Statistics of the live rows.
        allowance: What chance and natural variation explain.
        policy: Gives the floors, and the rows that a verdict needs.
    """
    exceeded = allowance.exceeded(found)
    reason = _too_few(variable, found, allowance, policy)
    unlikely = "K-S" in exceeded if reason else bool(exceeded)
    if unlikely and policy.floors(variable).exceeded(found.psi, abs(found.moved)):
        return VerdictWithReason("drift")
    return VerdictWithReason("insufficient", reason) if reason else VerdictWithReason("ok")


def _too_few(variable: Variable, found: Statistics, allowance: Allowance, policy: Policy) -> str:
    """Return why only K-S can judge a variable; empty if all tests can."""
    reason = policy.too_few_at_training(variable)
    if reason:
        return reason
    needed = rows_needed(variable, policy)
    if found.rows < needed:
        return f"{found.rows:,} rows, {needed:,} needed"
    if math.isnan(allowance.rest):
        return "too few training rows in the rarest cells"
    return ""


def rows_needed(variable: Variable, policy: Policy) -> int:
    """Return from how many live rows on all tests can judge; 0 if training has too few rows."""
    if policy.too_few_at_training(variable):
        return 0
    return math.ceil(policy.min_rows_a_cell * len(variable.counts))


def severity_of(multiple: float) -> Severity:
    """Return how urgent a difference is, given its size as a multiple of the floor."""
    return "critical" if multiple > CRITICAL_MULTIPLE else "warning"
