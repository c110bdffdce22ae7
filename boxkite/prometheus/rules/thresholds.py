"""PromQL for the quantiles that a window's statistics are compared with.

The quantile of PSI depends on the variable, so the services export it, with the share of false
alarms that it is for. The quantile of K-S is the same for all numbers of a model, so the rules
compute it.
"""

from __future__ import annotations

import math

from boxkite.baseline.text_writer import format_float
from boxkite.drift import Policy
from boxkite.drift.policy import MOST_SHARE

__all__ = ["exported_quantile", "ks_quantile", "psi_quantile"]

_CRITICAL = "variable:boxkite_drift_critical:max"
_SHARE = "version:boxkite_drift_share:max"
_VARIABLES = "version:boxkite_variables:count"


def psi_quantile(window: str, wanted: Policy) -> str:
    """Return a template of PromQL for the chi-square quantile of each variable in a window.

    If the services export the window and allow no more false alarms than wanted, their value is
    used as it is. Otherwise it is raised for a share that is k times smaller, by 2 ln(k) / ln(1 /
    share) of itself. A quantile that grows as the square of that logarithm grows by that much.
    Chi-square quantiles grow by less, and those that were raised for sparse cells by about as much,
    so the result is on the safe side. For a larger share the value stays, which keeps to the false
    alarms too and costs some power. If the services do not export the window, the least of the
    values that are raised from their other windows is used.

    Args:
        window: A window of `wanted`.
        wanted: The policy that the rules keep to.
    """
    own = f'{{window="{window}"}}'
    share = wanted.share_of_all(window)
    return (
        f"max by (@live) (\n{_indented(_raised(own, share))}\n)\n"
        "or\n"
        f"min by (@live) (\n{_indented(_raised('', share))}\n)"
    )


def _raised(selector: str, wanted_share: float) -> str:
    share = f"{_SHARE}{selector}"
    ratio = f"clamp_min({share} / {format_float(wanted_share)}, 1)"
    return (
        f"{_CRITICAL}{selector}\n"
        "* on (@live_version, window) group_left ()\n"
        "(\n"
        f"  1 + 2 * ln({ratio})\n"
        # A share is at most a half, so the logarithm is at least ln 2.
        f"  / clamp_min(ln({_VARIABLES} / on (@version) group_right () {share}), {math.log(2)!r})\n"
        ")"
    )


def exported_quantile(window: str) -> str:
    """Return a template of PromQL for the quantile that the services export for a window."""
    return f'max by (@live) ({_CRITICAL}{{window="{window}"}})'


def ks_quantile(share_of_all: float) -> str:
    """Return a template of PromQL for the square of the K-S quantile of each version.

    It is the square of `Policy.ks_critical`, ln(2 / a) / 2 at half of a variable's share.

    Args:
        share_of_all: Share of the false alarms of all variables together.
    """
    one_variable, least = (
        format_float(math.log(2 / (share / 2))) for share in (share_of_all, MOST_SHARE)
    )
    return f"clamp_min({one_variable} + ln({_VARIABLES}), {least}) / 2"


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
