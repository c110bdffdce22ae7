"""The group of alerts on mistakes in how the services are scraped and set up."""

from __future__ import annotations

from collections.abc import Mapping

from boxkite.prometheus.rules.annotations import service_texts
from boxkite.prometheus.rules.durations import format_duration, parse_duration
from boxkite.prometheus.rules.label_sets import SERIES_LABELS
from boxkite.prometheus.rules.rule_options import RuleOptions, longest_scrape_interval
from boxkite.prometheus.rules.rule_template import render_group

__all__ = ["scraping_group"]

# A target with the longest interval has about this many scrapes in a span. A few may fail.
_SCRAPES_A_SPAN, _LEAST_SCRAPES = 30, 24


def scraping_group(
    sources: Mapping[str, str],
    quality_sources: Mapping[str, str],
    options: RuleOptions,
    baseline_interval: str,
) -> str:
    """Return the group of alerts on scraping, and on policies that differ.

    Args:
        sources: For each window of the rules, the window of the services that it uses.
        quality_sources: The same for the windows of quality.
        options: Everything that does not change a verdict.
        baseline_interval: Time between two evaluations of the group that this one reads.
    """
    longest = longest_scrape_interval(next(iter(sources)))
    return render_group(
        "scraping.yaml",
        options,
        baseline_interval=baseline_interval,
        renamed_labels=_renamed_labels(options),
        scrape_span=format_duration(_SCRAPES_A_SPAN * longest),
        least_scrapes=str(_LEAST_SCRAPES),
        longest_scrape=format_duration(longest),
        policy_differences=_policy_differences(sources, quality_sources),
        windows=_windows_argument(sources),
        quality_windows=_windows_argument(quality_sources),
        **service_texts(options.environment),
    )


def _renamed_labels(options: RuleOptions) -> str:
    """Return PromQL for boxkite's series with a label that Prometheus renamed."""
    labels = ", ".join(dict.fromkeys((*options.environment, "job")))
    return "\nor\n".join(
        f'label_replace(count by ({labels}) ({{__name__=~"boxkite_.+", exported_{name}!=""}}),'
        f' "renamed_label", "{name}", "", "")'
        for name in SERIES_LABELS
    )


def _policy_differences(windows: Mapping[str, str], quality_windows: Mapping[str, str]) -> str:
    """Return a template of PromQL that finds policies that the rules cannot follow."""
    differences = {
        "the windows of the rules": _lacking("version:boxkite_drift_share:max", windows),
        "the quality windows of the rules": _lacking(
            "model:boxkite_quality_critical:max", quality_windows
        ),
        "the policies of the replicas": (
            "max by (@live_version) (boxkite_policy_hash)\n"
            "    > min by (@live_version) (boxkite_policy_hash)"
        ),
    }
    return "\nor\n".join(
        f'label_replace(\n  {expression},\n  "setting", "{name}", "", ""\n)'
        for name, expression in differences.items()
        if expression
    )


def _lacking(exported: str, windows: Mapping[str, str]) -> str:
    """Return a template of PromQL for the models whose services lack a window of the rules.

    Args:
        exported: Series with the label `window` that the services' policy leads to. Segments have
            the windows of the whole, so only the whole is looked at.
        windows: For each window of the rules, the window of the services that it uses.
    """
    return " or ".join(
        f'(max by (@live_version) ({exported}{{segment=""}}) '
        f'unless on (@live_version) {exported}{{window="{source}"}})'
        for source in windows.values()
    )


def _windows_argument(sources: Mapping[str, str]) -> str:
    """Return the argument of a policy that sets the windows of the rules in a service."""
    hours = {source: parse_duration(source) / 3600 for source in sources.values()}
    return ", ".join(f'"{window}": {length:g}' for window, length in hours.items())
