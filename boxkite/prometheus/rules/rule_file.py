"""Put the groups of the rule file together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from boxkite.baseline.text_writer import format_float
from boxkite.drift import Policy
from boxkite.errors import ConfigError
from boxkite.prometheus.rules.annotations import service_texts
from boxkite.prometheus.rules.counting import counted_in_step, is_summed
from boxkite.prometheus.rules.durations import format_duration, parse_duration
from boxkite.prometheus.rules.floors import floor_expressions
from boxkite.prometheus.rules.job_groups import job_groups
from boxkite.prometheus.rules.quality_groups import QUALITY_WINDOWS, quality_groups
from boxkite.prometheus.rules.rule_options import RuleOptions
from boxkite.prometheus.rules.rule_template import render_group
from boxkite.prometheus.rules.scraping_group import scraping_group
from boxkite.prometheus.rules.window_groups import WindowGroups

__all__ = ["DEFAULT_WINDOWS", "render_rules"]

_HEADER = """\
# Drift statistics, verdicts and alerts for every model, version, feature and output that boxkite
# monitors. A new model or baseline needs no new rules. For Prometheus 2.42 to 3.5.
#
# The services export their policy: how many false alarms they allow, and which differences matter.
# Without drift, one model in one environment raises at most that many false alarms of drift, one a
# month by default, over all of its variables and the windows {windows}. Alerts on rates add
# at most one per cent of that.
#
# {environments}
#
# The live rows of a window are the difference between a counter's greatest and least sample in it.
# All series of a target come from one scrape and start at 0. So the counts of a variable's cells
# are exact and agree with each other, for the rows between the first and the last scrape of the
# window. `increase` would extrapolate each series separately. If a target is gone or missed
# scrapes, its samples within the window still count. A window longer than 2h is a sum of steps of
# 5m (group boxkite-steps). These are differences too, and no row is lost between them.
#
# If a target restarted in the window (its boxkite_predictions_total fell), all of its series use
# `increase` instead. In a sum, only the step of the restart does. In a window, that adds the rows
# of at most about one scrape interval at either end. In a step, it adds or loses as many at either
# end. If it adds more to a lower bucket than to the next one, the bin is cut off at 0. Other
# targets stay exact.
#
# Prometheus evaluates the rules of a group in order, and starts the groups at different times. So
# rules that must agree on the rows are in one group. The comment of a group names the groups that
# it reads and how old their results may be.
#
# A variable of B cells makes at most 3 B + 8 series once, and 3 B + 22 in each environment and
# window, for any number of replicas. If a window is a sum, add B + 3 in each environment. If d
# directions of natural variation are known, add d B + 1 for each window, and B + 4 d + 4 in each
# environment and window.

groups:
"""

DEFAULT_WINDOWS = tuple(Policy().windows)


def render_rules(
    *,
    windows: Sequence[str] = DEFAULT_WINDOWS,
    critical_windows: Mapping[str, str] | None = None,
    quality_windows: Sequence[str] = QUALITY_WINDOWS,
    options: RuleOptions | None = None,
) -> str:
    """Return a Prometheus rule file for all models.

    The rules compute the same statistics as `boxkite.drift`, from the series of the labelled
    exposition. The services export their policy: the false alarms that they allow, the floors, and
    the quantiles. So the rules depend only on the windows.

    Args:
        windows: How far back to look, as Prometheus durations, the shortest first. A service gets a
            verdict in a window only if its policy has that window.
        critical_windows: For a window, the window of the services whose policy is used instead.
            This is for demonstrations that cannot wait for an hour.
        quality_windows: How far back to look for labels, the shortest first. None measure no
            quality.
        options: Everything that does not change a verdict; the defaults if None.

    Raises:
        ConfigError: if a window or an interval is not a Prometheus duration such as 1h, there is
            no window, the interval is too long, or the services are scraped too rarely.
    """
    options = options or RuleOptions()
    if not windows:
        raise ConfigError("the rules need at least one window, such as 1h")
    for each in (windows, quality_windows):
        seconds = [parse_duration(window) for window in each]
        if seconds != sorted(set(seconds)):
            raise ConfigError(f"give each window once, the shortest first, not {', '.join(each)}")
    for window in windows:
        options.check_scrapes(window)
    interval = format_duration(min(options.seconds_between(each) for each in windows))
    groups = [
        render_group(
            "baseline.yaml",
            options,
            interval=interval,
            min_rows_a_cell=format_float(Policy().min_rows_a_cell),
            **floor_expressions(),
        )
    ]
    if quality_windows or any(map(is_summed, windows)):
        groups.append(render_group("steps.yaml", options, **counted_in_step()))
    sources, quality_sources = (
        {window: (critical_windows or {}).get(window, window) for window in each}
        for each in (windows, quality_windows)
    )
    for window, source in sources.items():
        of_window = WindowGroups(window, source, window == windows[-1], options, interval)
        groups += [of_window.records(), of_window.details(), *of_window.alerts()]
    groups += quality_groups(quality_sources, options)
    groups.append(render_group("service.yaml", options, **service_texts(options.environment)))
    groups.append(scraping_group(sources, quality_sources, options, interval))
    groups += job_groups(options)
    return _header(windows, options) + "\n".join(filter(None, groups))


def _header(windows: Sequence[str], options: RuleOptions) -> str:
    if options.environment:
        names = ", ".join(options.environment)
        environments = (
            f"Replicas with the same {names} are judged together.\n"
            "# A label that a target lacks counts as empty. Model versions never mix."
        )
    else:
        environments = "All replicas of a model version are judged together."
    return _HEADER.format(windows=" and ".join(windows), environments=environments)
