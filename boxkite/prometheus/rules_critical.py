"""The quantiles that a window's rules take.

PSI's, which depend on the variable, come from those that the services export; K-S's is the same for
all variables of a model, and is computed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

from boxkite.baseline.text_writer import format_float
from boxkite.drift import Policy
from boxkite.drift.verdict import MOST_SHARE
from boxkite.errors import ConfigError
from boxkite.prometheus.rules_duration import seconds_of

__all__ = ["at_design_effect", "critical_quantile", "design_effect", "ks_quantile", "remarks"]


def critical_quantile(
    window: str, wanted: Policy, services: Policy, exported_window: str | None = None
) -> str:
    """Return PromQL for the chi-square quantile of each variable in a window.

    Where the services' policy has the window and allows no more false alarms than wanted, it is
    theirs as it is. Else it is moved to the share that is wanted, by 2 ln(k) / ln(1 / share) of
    itself for a share that is k times smaller. A quantile grows by that where it goes as the square
    of the logarithm; chi-square's grow by less, those that are raised for sparse cells about so.
    For a share that is larger it is left: both keep to the false alarms, at some loss of power.

    Args:
        window: of the rules.
        wanted: the policy that the rules keep to; it has the window.
        services: the policy whose critical values the services export.
        exported_window: take that one's critical value as it is.

    Raises:
        ConfigError: if the services' policy does not have `exported_window`.
    """
    if exported_window is not None:
        if exported_window not in services.windows:
            known = ", ".join(services.windows)
            raise ConfigError(
                f"no critical value for the window {exported_window!r}; the policy has {known}"
            )
        return _exported(exported_window)
    source, ratio = _nearest(window, wanted, services)
    moved = _moved(_exported(source), ratio, services.share_of_all(source))
    same_rate = wanted.false_alarms_per_month == services.false_alarms_per_month
    if same_rate and source != window:
        return f"{_exported(window)}\nor\n{moved}"
    return moved


def ks_quantile(
    window: str, wanted: Policy, services: Policy, exported_window: str | None = None
) -> str:
    """Return PromQL for the square of what K-S must exceed in each version, but for the rows.

    It is that of `Policy.ks_critical`, ln(2 / a) / 2 at half of a variable's share. The square goes
    as the design effect and as 1/n + 1/m, as PSI's does.

    Args:
        window: of the rules.
        wanted: the policy that the rules keep to; it has the window.
        services: the policy of the services.
        exported_window: take the share of that window of the services.
    """
    policy, chosen = (wanted, window) if exported_window is None else (services, exported_window)
    one_variable, least = (
        format_float(math.log(2 / (share / 2)))
        for share in (policy.share_of_all(chosen), MOST_SHARE)
    )
    return (
        f"clamp_min({one_variable} + ln(version:boxkite_variables:count), {least}) / 2\n"
        f"* {design_effect(wanted)}"
    )


def design_effect(wanted: Policy) -> str:
    """Return PromQL for the design effect of each version: the services', or a greater one."""
    services = "version:boxkite_design_effect:max"
    if wanted.design_effect == 1.0:
        return services
    return f"clamp_min({services}, {format_float(wanted.design_effect)})"


def at_design_effect(expression: str, wanted: Policy) -> str:
    """Return PromQL for numbers of a variable, raised from the services' design effect to more.

    The critical value is exact for the services' own. For more it is multiplied, and so are the
    rows that a verdict needs: these many tell as much as those that the services' value holds for.
    """
    if wanted.design_effect == 1.0:
        return expression
    return (
        f"({expression})\n"
        "* on (model_name, model_version) group_left ()\n"
        f"({design_effect(wanted)} / version:boxkite_design_effect:max)"
    )


def remarks(wanted: Policy, services: Policy, windows: Sequence[str]) -> list[str]:
    """Return what an operator has to know of where the rules' critical values come from.

    Args:
        wanted: the policy that the rules keep to.
        services: the policy whose critical values the services export, as far as is known.
        windows: of the rules.
    """
    said: list[str] = []
    there = ", ".join(services.windows)
    lacking = [each for each in windows if each not in services.windows]
    if lacking:
        names = ", ".join(lacking)
        lengths = ", ".join(f'"{each}": {seconds_of(each) / 3600:g}' for each in windows)
        said.append(
            f"services export critical values for {there}; those for {names} are moved from them. "
            f"For exact ones give the services policy=Policy(windows={{{lengths}}})"
        )
    rate, theirs = wanted.false_alarms_per_month, services.false_alarms_per_month
    if rate != theirs:
        said.append(
            f"the rules keep to {rate:g} false alarms a month, the services' own verdicts to "
            f"{theirs:g}; give the services policy=Policy(false_alarms_per_month={rate:g}) and the "
            f"rules --services-agree, and both say the same"
        )
    if wanted.design_effect != services.design_effect:
        effect = f"{wanted.design_effect:g}"
        said.append(
            f"the rules keep to a design effect of {effect}, the services' own verdicts to that of "
            f"their setting DESIGN_EFFECT; with {effect} there both say the same"
        )
    return said


def _nearest(window: str, wanted: Policy, services: Policy) -> tuple[str, float]:
    """Return the services' window to start from, and how much smaller the wanted share is."""
    share = wanted.share_of_all(window)
    ratios = {each: services.share_of_all(each) / share for each in services.windows}
    source = window if window in ratios else min(ratios, key=lambda w: abs(math.log(ratios[w])))
    return source, ratios[source]


def _exported(window: str) -> str:
    name = json.dumps(window, ensure_ascii=False)
    series = f"boxkite_drift_critical{{window={name}}}"
    return (
        "max by (model_name, model_version, variable_role, variable) "
        f"(last_over_time({series}[5m]) >= 0)"
    )


def _moved(quantile: str, ratio: float, share_of_all: float) -> str:
    """Return PromQL for the quantile at a share that is smaller by a ratio.

    Args:
        quantile: PromQL for the one that there is.
        ratio: 1 or less leaves it.
        share_of_all: that of the one that there is, of all variables together.
    """
    if ratio < 1 + 1e-9:
        return quantile
    # A share is at most a half.
    logarithm = f"{format_float(-math.log(share_of_all))} + ln(version:boxkite_variables:count)"
    return (
        f"{quantile}\n"
        "* on (model_name, model_version) group_left ()\n"
        f"(1 + {format_float(2 * math.log(ratio))} / clamp_min({logarithm}, {math.log(2)!r}))"
    )
