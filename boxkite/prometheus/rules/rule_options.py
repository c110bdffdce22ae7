"""The options of the rule file that do not change a verdict."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field

from boxkite.errors import ConfigError
from boxkite.prometheus.rules.durations import parse_duration
from boxkite.prometheus.rules.label_sets import DEFAULT_ENVIRONMENT

__all__ = ["ALERTS", "RuleOptions", "longest_scrape_interval"]

ALERTS = (
    "BoxkiteFeatureDrift", "BoxkiteOutputDrift", "BoxkiteMissingValues",
    "BoxkiteUnseenCategories", "BoxkiteOutsideValues", "BoxkiteInvalidValues",
    "BoxkiteQualityWorse", "BoxkiteLabelsStopped", "BoxkiteLabelsLate",
    "BoxkiteBaselinesDiffer", "BoxkiteNoBaseline", "BoxkiteBaselineNotExported",
    "BoxkiteNoPredictions",
    "BoxkiteLogDropping", "BoxkiteLogPendingGrowing", "BoxkiteMonitoringErrors",
    "BoxkiteLabelsRenamed", "BoxkiteScrapedTooRarely", "BoxkiteCountersFall",
    "BoxkiteScrapedTwice", "BoxkitePolicyDiffers",
    "BoxkiteJobStopped",
)  # fmt: skip
"""The name of each alert, in the order of the rule file and of the runbook."""

# Prometheus ignores a sample after five minutes, and a single scrape may fail.
_LONGEST_SCRAPE_SECONDS = 120

_SCRAPES_A_WINDOW = 10

# Prometheus ignores a recorded sample after five minutes, so its rule must run well within that
# time.
_SHORTEST_INTERVAL, _LONGEST_INTERVAL, _FORGOTTEN = 5, 120, 300
_EVALUATIONS_A_WINDOW = 60


@dataclass(frozen=True, kw_only=True)
class RuleOptions:
    """The settings of a platform team for all alerts.

    Attributes:
        environment: Target labels that keep environments apart; see `environment_labels`.
        interval: Time between two evaluations; by default a sixtieth of each window, within
            5 seconds and 2 minutes.
        scrape_interval: Time between two scrapes of the services, if known, to check it against the
            windows.
        runbook: Path or URL that `runbook_url` begins with; None omits the annotation.
        alert_labels: Labels that every alert carries.
        severities: The severity to use, by the severity that it replaces (`warning` or `critical`)
            or by the name of an alert.
        without: Names of alerts to leave out.
        alerts: False leaves out all alerts and keeps the recorded series.

    Raises:
        ConfigError: if an alert, a severity or a duration is unknown.
    """

    environment: tuple[str, ...] = DEFAULT_ENVIRONMENT
    interval: str | None = None
    scrape_interval: str | None = None
    runbook: str | None = None
    alert_labels: Mapping[str, str] = field(default_factory=dict[str, str])
    severities: Mapping[str, str] = field(default_factory=dict[str, str])
    without: frozenset[str] = frozenset()
    alerts: bool = True

    def __post_init__(self) -> None:
        for name in self.without:
            _known(name, ALERTS)
        for name in self.severities:
            _known(name, (*ALERTS, "warning", "critical"))

    def has(self, alert: str) -> bool:
        """Return whether the file contains an alert."""
        return self.alerts and alert not in self.without

    def severity(self, alert: str, level: str) -> str:
        """Return the severity of an alert whose own level is `warning` or `critical`."""
        return self.severities.get(alert, self.severities.get(level, level))

    def seconds_between(self, window: str) -> int:
        """Return the seconds between two evaluations of a window.

        Raises:
            ConfigError: if the given interval is too long.
        """
        length = parse_duration(window)
        if self.interval is None:
            every = length // _EVALUATIONS_A_WINDOW
            return min(max(every, _SHORTEST_INTERVAL), _LONGEST_INTERVAL)
        every = parse_duration(self.interval)
        if every >= _FORGOTTEN:
            raise ConfigError(
                f"the interval {self.interval} is too long, because Prometheus forgets a value "
                "after 5m. Use 2m or less"
            )
        if every > length:
            raise ConfigError(
                f"the interval {self.interval} is longer than the window {window}. "
                "Use a shorter one"
            )
        return every

    def check_scrapes(self, window: str) -> None:
        """Check that the services are scraped often enough for a window.

        Raises:
            ConfigError: if they are not.
        """
        if self.scrape_interval is None:
            return
        longest = longest_scrape_interval(window)
        if parse_duration(self.scrape_interval) > longest:
            raise ConfigError(
                f"a scrape every {self.scrape_interval} is too rare for the window {window}: no "
                f"alert could fire. Scrape every {longest} seconds or more often"
            )


def longest_scrape_interval(window: str) -> int:
    """Return the longest time between two scrapes that a window allows, in seconds.

    A window counts the rows between its first and its last scrape, so it must contain several
    scrapes.
    """
    return max(1, min(_LONGEST_SCRAPE_SECONDS, parse_duration(window) // _SCRAPES_A_WINDOW))


def _known(name: str, names: tuple[str, ...]) -> None:
    if name not in names:
        nearest = difflib.get_close_matches(name, names, n=1)
        fix = f"Did you mean {nearest[0]}?" if nearest else f"Give one of {', '.join(names)}"
        raise ConfigError(f"there is no alert or severity {name!r}. {fix}")
