"""The universal rule file: drift statistics, verdicts and alerts for every model at once."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import resources
from string import Template

from boxkite.baseline.text_writer import format_float
from boxkite.drift import Policy
from boxkite.drift.rates import EVALUATIONS_A_MONTH, MIN_RATE, rate_critical
from boxkite.errors import ConfigError
from boxkite.prometheus.rules_counts import counted_in_step, counts_of, is_summed
from boxkite.prometheus.rules_critical import (
    at_design_effect,
    critical_quantile,
    design_effect,
    ks_quantile,
)
from boxkite.prometheus.rules_duration import seconds_of, spelled
from boxkite.prometheus.rules_text import beside_critical, evidence, looked_up, scaled

__all__ = ["as_kubernetes", "render_rules"]

_HEADER = """\
# Drift statistics, verdicts and alerts for every model, version, feature and output that boxkite
# monitors. A new model or baseline needs no new rules. For Prometheus 2.42 and later.
#
# Without drift, one model gives at most @false_alarms false alarms of drift a month, over all of
# its variables and the windows @windows; those on missing, unseen and invalid values take at most
# one per cent of that besides.
#
# Live rows of a window are the difference of a counter's greatest and least sample in it. All
# series of a target come from one scrape, and exist from its start at 0: so the cells of a
# variable are exact and agree with each other, for the rows between the first and the last scrape
# of the window. `increase` would extrapolate each series by itself. A target that is gone, or
# missed scrapes, counts with the samples it left in the window. A window longer than 2h is a sum of
# steps of 5m (group boxkite-5m), which are differences too, and leave no row between them.
#
# Where a target restarted in the window (its boxkite_predictions_total fell), all of its series
# take `increase` instead, in a sum those of that step. That adds the rows of at most about one
# scrape interval at either end of the window, or adds or leaves out as many at either end of the
# step; where it adds more to a lower bucket than to the next one, the bin is cut at 0. The other
# targets stay exact.
#
# Replicas of one model and version count together; versions never mix. A variable of B cells makes
# at most 2 B + 5 series once, B + 2 where a window is a sum, and 3 B + 16 a window, however many
# replicas there are.

groups:
"""

_KUBERNETES = """\
# An object of the Prometheus operator. Add the labels that your Prometheus selects rules by.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: boxkite
spec:
"""

# A recorded series is seen for five minutes, so its rule runs well within them.
_SHORTEST_INTERVAL, _LONGEST_INTERVAL, _FORGOTTEN = 5, 120, 300
_EVALUATIONS_A_WINDOW = 60
_MONTH = 30 * 86_400
_HOUR = 3_600


class _RuleTemplate(Template):
    delimiter = "@"  # PromQL and alert templates are full of dollars and braces


def render_rules(
    policy: Policy | None = None,
    *,
    services: Policy | None = None,
    windows: Sequence[str] | None = None,
    critical_windows: Mapping[str, str] | None = None,
    interval: str | None = None,
    runbook: str = "docs/runbook.md",
) -> str:
    """Return a Prometheus rule file: one group of rules a window, and those of the services.

    The statistics are those of `boxkite.drift`, from the series of the labelled exposition.

    Args:
        policy: the false alarms, the least effect and the rows that a verdict needs; the default
            if None. A design effect of more than the services' raises what they export.
        services: the policy whose critical values of PSI the services export; `policy` if None.
            Where it has not the window, or allows more false alarms, the rules raise the critical
            value to the safe side of where they keep to `policy`. That of K-S is exact.
        windows: how far back to look, as Prometheus durations; the policy's if None.
        critical_windows: for a window, one of the services' whose critical values are taken as
            they are, for a demonstration that does not wait for an hour.
        interval: between two evaluations; by default a sixtieth of the window, within 5 seconds
            and 2 minutes.
        runbook: path or URL that the alerts' `runbook_url` begins with.

    Raises:
        ConfigError: if a window or the interval is not a Prometheus duration such as 1h, no
            window is given, the interval is too long, or a critical window is not the services'.
    """
    policy = policy or Policy()
    services = services or policy
    if windows is not None:
        policy = replace(policy, windows=_lengths(windows))
    if not policy.windows:
        raise ConfigError("the rules need at least one window, as 1h")
    quoted_runbook = json.dumps(runbook, ensure_ascii=False)[1:-1]
    intervals = {each: _interval(each, interval) for each in policy.windows}
    groups = [_render("rules_training.yaml", interval=spelled(min(intervals.values())))]
    if any(map(is_summed, intervals)):
        groups.append(_render("rules_steps.yaml", **counted_in_step()))
    for window, every in intervals.items():
        exported = (critical_windows or {}).get(window)
        quantiles = {
            "quantile": at_design_effect(
                critical_quantile(window, policy, services, exported), policy
            ),
            "ks_quantile": ks_quantile(window, policy, services, exported),
        }
        groups.append(_window_group(window, every, policy, quantiles, quoted_runbook))
    groups.append(_render("rules_service.yaml", runbook=quoted_runbook))
    header = _RuleTemplate(_HEADER).substitute(
        false_alarms=f"{policy.false_alarms_per_month:g}", windows=" and ".join(policy.windows)
    )
    return header + "\n".join(groups)


def as_kubernetes(rules: str) -> str:
    """Return the rules as a `PrometheusRule`, the object of the Prometheus operator."""
    comment, _, groups = rules.partition("groups:\n")
    content = "".join(f"  {line}" if line.strip() else line for line in groups.splitlines(True))
    return f"{comment}{_KUBERNETES}  groups:\n{content}"


def _lengths(windows: Sequence[str]) -> dict[str, float]:
    """Return the hours of each window."""
    seconds = [seconds_of(each) for each in windows]
    if seconds != sorted(set(seconds)):
        raise ConfigError(f"give each window once, the shortest first, not {', '.join(windows)}")
    return {window: length / _HOUR for window, length in zip(windows, seconds, strict=True)}


def _window_group(
    window: str, every: int, policy: Policy, quantiles: Mapping[str, str], runbook: str
) -> str:
    least = format_float(policy.min_rows_a_cell)
    evaluations = max(EVALUATIONS_A_MONTH, _MONTH / every)
    chosen = f'window="{window}"'
    missing, unseen, invalid = (
        f"variable:boxkite_{name}:increase{{{chosen}}}" for name in ("missing", "unseen", "invalid")
    )
    rows, all_rows = (
        f"variable:boxkite_live_{name}:sum{{{chosen}}}" for name in ("rows", "all_rows")
    )
    trained, all_trained = (
        f"variable:boxkite_training_{name}:sum" for name in ("rows", "all_rows")
    )
    return _render(
        "rules_window.yaml",
        window=window,
        interval=spelled(every),
        pending=spelled(max(1, seconds_of(window) // 10)),
        min_effect=format_float(policy.min_effect),
        least_rows=at_design_effect(f"{least} * variable:boxkite_cells:count", policy),
        min_rate=format_float(MIN_RATE),
        **quantiles,
        design_effect=design_effect(policy),
        rate_critical_of_one_variable=format_float(
            rate_critical(replace(policy, design_effect=1.0), 1, evaluations)
        ),
        p=f"cell:boxkite_live_rows:fraction{{{chosen}}}",
        q="cell:boxkite_training_rows:fraction",
        **counts_of(window),
        missing_evidence=evidence(
            missing, all_rows, "variable:boxkite_training_missing:max", all_trained
        ),
        unseen_evidence=evidence(
            scaled(unseen, rows, trained),
            scaled(rows, rows, trained),
            "variable:boxkite_training_unseen:sum",
            trained,
        ),
        invalid_evidence=evidence(invalid, all_rows, f"(0 * {all_trained})", all_trained),
        beside_critical=beside_critical(window),
        live_rows=looked_up("variable:boxkite_live_rows:sum", window, "%.0f"),
        all_rows=looked_up("variable:boxkite_live_all_rows:sum", window, "%.0f"),
        missing_evidence_text=looked_up(
            "variable:boxkite_missing_fraction:evidence", window, "%.1f"
        ),
        unseen_evidence_text=looked_up("variable:boxkite_unseen_fraction:evidence", window, "%.1f"),
        invalid_evidence_text=looked_up(
            "variable:boxkite_invalid_fraction:evidence", window, "%.1f"
        ),
        rate_critical_text=looked_up(
            "version:boxkite_fraction:critical", window, "%.1f", ("model_name", "model_version")
        ),
        runbook=runbook,
    )


def _render(file: str, **values: str) -> str:
    """Fill in a template; a value of several lines is indented as the line that it stands on."""
    text = resources.files("boxkite.prometheus").joinpath(file).read_text("utf-8")

    def block(match: re.Match[str]) -> str:
        indent, name = match.groups()
        return values[name].replace("\n", f"\n{indent}").join((indent, ""))

    text = re.sub(r"^( *)@(\w+)(?=[,\s]*$)", block, text, flags=re.MULTILINE)
    return _RuleTemplate(text).substitute(values)


def _interval(window: str, chosen: str | None) -> int:
    length = seconds_of(window)
    if chosen is None:
        return min(max(length // _EVALUATIONS_A_WINDOW, _SHORTEST_INTERVAL), _LONGEST_INTERVAL)
    every = seconds_of(chosen)
    if every >= _FORGOTTEN:
        raise ConfigError(f"the interval {chosen} is too long: Prometheus forgets a value in 5m")
    if every > length:
        raise ConfigError(f"the interval {chosen} is longer than the window {window}")
    return every
