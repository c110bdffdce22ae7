"""What one path of an application shows: the metrics of its models, to those who may see them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from prometheus_client import CollectorRegistry

from boxkite.errors import ConfigError
from boxkite.monitor import Monitor
from boxkite.prometheus.application import application_registry
from boxkite.prometheus.scrape import Scrape, Scraper
from boxkite.web.protection import ProtectedPage, Protection, taken

__all__ = ["MetricsPage"]


class MetricsPage(ProtectedPage):
    """One path, which answers for each model that joins it.

    Args:
        path: of the application.
        protection: of the page.
        registry: of the application's own metrics; None for none.
    """

    setting = "METRICS_PATH"

    def __init__(
        self, path: str, protection: Protection, registry: CollectorRegistry | None
    ) -> None:
        super().__init__(path, protection, self._report)
        self._registry = registry
        self._monitors: list[Monitor] = []
        self._looked = False

    def check(
        self, monitor: Monitor, protection: Protection, registry: CollectorRegistry | None
    ) -> None:
        """Refuse a monitor that the page cannot show as it asks for.

        Args:
            monitor: that is to join.
            protection: it asks for; none: the page's will do.
            registry: it asks for; None: the page's will do.

        Raises:
            ConfigError: saying what does not go together.
        """
        for part in ("token", "authorize"):
            asked = getattr(protection, part)
            if asked and asked != getattr(self.protection, part):
                raise ConfigError(
                    f"the metrics at {self.path} are protected by another {part} already: give the "
                    "same one to each Boxkite of the application, or another METRICS_PATH"
                )
        if registry is not None and registry is not self._registry:
            raise ConfigError(
                f"the metrics at {self.path} have another registry already: give registry= to "
                "the application's first Boxkite alone, or another METRICS_PATH"
            )
        classic = [each for each in (*self._monitors, monitor) if _is_classic(each)]
        if len(classic) > 1:
            names = " and ".join(repr(each.baseline.model) for each in classic)
            raise ConfigError(
                f"models {names} would have the same series at {self.path}, as the classic "
                "exposition names no model: use EXPOSITION labelled, or another METRICS_PATH"
            )

    def join(self, monitor: Monitor) -> None:
        """Show a monitor too."""
        self._monitors.append(monitor)
        self._scraper = Scraper(
            [each.series for each in self._monitors],
            application_registry(self._registry),
            self._monitors[0].report_export,
        )

    def export(self, accept: str, accept_encoding: str, names: Sequence[str]) -> Scrape:
        """Return the answer to a scrape, with arguments as `Monitor.export` has them."""
        return self._scraper.scrape(accept=accept, accept_encoding=accept_encoding, names=names)

    def _report(self, error: Exception) -> None:
        self._monitors[0].reporter.report("export", error, "authorize")

    def look_once(self, find: Callable[[], str | None]) -> None:
        """At the first scrape, report what `find` says of a route that came later."""
        if not self._looked:
            self._looked = True
            other = find()
            if other is not None:
                error = ConfigError(taken(self, other))
                self._monitors[0].reporter.count("export", error, "the metrics")


def _is_classic(monitor: Monitor) -> bool:
    return monitor.settings.exposition == "classic"
