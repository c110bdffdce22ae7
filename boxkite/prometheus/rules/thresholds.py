"""PromQL for the quantiles with which the rules compare a window's statistics.

All of them depend on the policy, which the services export. The quantile of PSI also depends on the
variable, so the services export that quantile as well. The others have a closed form.
"""

from __future__ import annotations

import math

from boxkite.baseline.text_writer import format_float
from boxkite.drift import Policy
from boxkite.drift.policy import MOST_SHARE
from boxkite.drift.rates import rate_critical
from boxkite.drift.shares import excess_quantile, score_quantile
from boxkite.prometheus.rules.durations import parse_duration

__all__ = [
    "ks_quantile",
    "psi_quantile",
    "rate_threshold",
    "squared_excess_quantile",
    "squared_score_quantile",
]

_VARIABLES = "version:boxkite_variables:count"
_HOUR = 3_600


def psi_quantile(source: str) -> str:
    """Return PromQL for the quantile of PSI of each variable, as the services export it.

    Args:
        source: A window of the services.
    """
    return f'max by (@live) (variable:boxkite_drift_critical:max{{window="{source}"}})'


def ks_quantile(source: str) -> str:
    """Return PromQL for the square of the K-S quantile of each version: ln(4 / share) / 2.

    It is the square of `Policy.ks_critical`, which uses half of a variable's share.
    """
    return f"{_logarithm(source, 4.0)} / 2"


def squared_score_quantile(source: str) -> str:
    """Return PromQL for `score_quantile` at a variable's share, for each version."""
    # The quantile is 2 ln(c / share), so its value at any share gives c.
    return f"2 * {_logarithm(source, math.exp(score_quantile(1.0) / 2))}"


def squared_excess_quantile(source: str) -> str:
    """Return PromQL for `excess_quantile` at a variable's share, for each version and one cell.

    The number of cells adds twice its logarithm.
    """
    return f"2 * {_logarithm(source, math.exp(excess_quantile(1.0, 1) / 2))}"


def rate_threshold(source: str, evaluations_a_month: float) -> str:
    """Return PromQL for `rate_critical` of each version.

    Args:
        source: A window of the services.
        evaluations_a_month: How often each rate is judged in 30 days.
    """
    # With one false alarm a month and one window, the share is one over the number of alarms that
    # could start. If the services allow less, the threshold rises by the logarithm of the ratio.
    one = Policy(windows={source: parse_duration(source) / _HOUR})
    constant = rate_critical(one, 1, evaluations_a_month) + math.log(one.share_of_all(source))
    return (
        "version:boxkite_design_effect:max\n"
        "* on (@version) group_right ()\n"
        f"({format_float(constant)} + ln({_variables_by_share(source)}))"
    )


def _logarithm(source: str, factor: float) -> str:
    """Return PromQL for ln(factor / share) of a variable, whose share is at most `MOST_SHARE`."""
    least = format_float(math.log(factor / MOST_SHARE))
    return f"clamp_min(ln({format_float(factor)} * {_variables_by_share(source)}), {least})"


def _variables_by_share(source: str) -> str:
    share = f'version:boxkite_drift_share:max{{window="{source}"}}'
    return f"{_VARIABLES} / on (@version) group_right () {share}"
