"""The group of alerts on how the services are scraped and set up."""

from __future__ import annotations

from boxkite.baseline.text_writer import format_float
from boxkite.drift import Policy
from boxkite.drift.policy import DEFAULT_FLOORS
from boxkite.prometheus.rules.annotations import service_texts
from boxkite.prometheus.rules.durations import format_duration
from boxkite.prometheus.rules.label_sets import SERIES_LABELS
from boxkite.prometheus.rules.rule_options import RuleOptions, longest_scrape_interval
from boxkite.prometheus.rules.rule_template import render_group

__all__ = ["scraping_group"]

# A target at the longest interval has this many scrapes in a span; a few may fail.
_SCRAPES_A_SPAN, _LEAST_SCRAPES = 30, 24


def scraping_group(policy: Policy, options: RuleOptions, baseline_interval: str) -> str:
    """Return the group of alerts on scraping and on policies that differ.

    Args:
        policy: The policy that the rules keep to.
        options: Everything that does not change a verdict.
        baseline_interval: Time between two evaluations of the group that this one reads.
    """
    shortest = next(iter(policy.windows))
    longest = longest_scrape_interval(shortest)
    return render_group(
        "scraping.yaml",
        options,
        baseline_interval=baseline_interval,
        renamed_labels=_renamed_labels(options),
        scrape_span=format_duration(_SCRAPES_A_SPAN * longest),
        least_scrapes=str(_LEAST_SCRAPES),
        longest_scrape=format_duration(longest),
        policy_differences=_policy_differences(policy),
        policy_advice=_policy_advice(policy),
        **service_texts(options.environment),
    )


def _renamed_labels(options: RuleOptions) -> str:
    """Return PromQL for our series that arrive with a label that Prometheus renamed."""
    labels = ", ".join(dict.fromkeys((*options.environment, "job")))
    return "\nor\n".join(
        f'label_replace(count by ({labels}) ({{__name__=~"boxkite_.+", exported_{name}!=""}}),'
        f' "renamed_label", "{name}", "", "")'
        for name in SERIES_LABELS
    )


def _policy_differences(policy: Policy) -> str:
    """Return a template of PromQL for what the services' policy has and the rules' has not."""
    share = "version:boxkite_drift_share:max"
    lacking: list[str] = []
    others: list[str] = []
    for window in policy.windows:
        own = f'{share}{{window="{window}"}}'
        wanted = format_float(policy.share_of_all(window))
        lacking.append(f"(max by (@live_version) ({share}) unless on (@live_version) {own})")
        others.append(f"(abs(max by (@live_version) ({own}) / {wanted} - 1) > 0.01)")
    differences = [
        ("the windows", " or ".join(lacking)),
        (
            "the false alarms per month",
            f"({' or '.join(others)}) unless on (@live_version) ({' or '.join(lacking)})",
        ),
    ]
    # The rules take over the services' floors, unless they have one of their own.
    if policy.min_effect != DEFAULT_FLOORS.effect:
        floor = format_float(policy.min_effect)
        services = "max by (@live_version) (boxkite_drift_min_effect < +Inf)"
        differences.append(("the effect floor", f"{services} < {floor}"))
    return "\nor\n".join(
        f'label_replace(\n  {expression},\n  "setting", "{name}", "", ""\n)'
        for name, expression in differences
    )


def _policy_advice(policy: Policy) -> str:
    lengths = ", ".join(f'"{window}": {hours:g}' for window, hours in policy.windows.items())
    return (
        f"Policy(false_alarms_per_month={policy.false_alarms_per_month:g}, "
        f"min_effect={policy.min_effect:g}, windows={{{lengths}}})"
    )
