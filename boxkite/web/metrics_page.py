"""The page that Prometheus scrapes: the metrics of one or more models, and the application's."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from prometheus_client import CollectorRegistry

from boxkite.errors import ConfigError
from boxkite.monitor import Monitor
from boxkite.prometheus.application import application_registry
from boxkite.prometheus.scrape import Scrape, Scraper
from boxkite.web.page import Guarded, Page, PageAnswer, PageRequest, Routes
from boxkite.web.protection import Protection

__all__ = ["MetricsPage"]


class MetricsPage(Page):
    """One path that shows the series of all models that join it.

    Args:
        path: The path in the application.
        protection: The conditions for access.
        registry: The application's own metrics; None for none.
        routes: The application's routes, for a warning about a route that is added later.
    """

    name = "metrics"
    setting = "METRICS_PATH"
    threads = 4

    def __init__(
        self,
        path: str,
        protection: Protection,
        registry: CollectorRegistry | None,
        routes: Routes | None = None,
    ) -> None:
        super().__init__(path)
        self._protection = protection
        self._joined: list[Monitor] = []
        self._registry = registry
        self._routes = routes

    def check(
        self, monitor: Monitor, protection: Protection, registry: CollectorRegistry | None
    ) -> None:
        """Refuse a monitor whose options contradict those of the page.

        Args:
            monitor: The monitor to add.
            protection: Its own conditions for access. If one is missing, the page's applies.
            registry: Its own registry; None for the page's.

        Raises:
            ConfigError: if the options contradict each other.
        """
        for part in ("token", "authorize"):
            asked = getattr(protection, part)
            if asked and asked != getattr(self._protection, part):
                raise ConfigError(
                    f"the metrics at {self.path} are already protected by another {part}; pass the "
                    "same one to each Boxkite of the application, or set another METRICS_PATH"
                )
        if registry is not None and registry is not self._registry:
            raise ConfigError(
                f"the metrics at {self.path} already show another registry; pass registry= only to "
                "the first Boxkite of the application, or set another METRICS_PATH"
            )
        classic = [each for each in (*self._joined, monitor) if _is_classic(each)]
        if len(classic) > 1:
            names = " and ".join(repr(each.baseline.model) for each in classic)
            raise ConfigError(
                f"models {names} would have the same series at {self.path}, because the classic "
                "exposition has no label for the model; set EXPOSITION to labelled, or set another "
                "METRICS_PATH"
            )

    def join(self, monitor: Monitor) -> None:
        """Show the series of one more monitor."""
        self._joined.append(monitor)
        self._scraper = Scraper(
            [each.series for each in self._joined],
            application_registry(self._registry),
            self._joined[0].report_export,
        )

    def guarded(self) -> Sequence[Guarded]:
        """Return the first monitor, because the page shows all of them or none."""
        return [Guarded(self._joined[0], self._protection)]

    def key(self, request: PageRequest) -> Hashable:
        """Return the format and the names that the request asks for."""
        return request.accept, request.accept_encoding, frozenset(request.query.get("name[]", ()))

    def answer(self, request: PageRequest, monitors: Sequence[Monitor]) -> PageAnswer:  # noqa: ARG002
        """Return the series that the request asks for, in the format that it accepts."""
        self._report_conflict()
        scrape = self.scrape(request)
        return PageAnswer(200, scrape.body, scrape.headers)

    def scrape(self, request: PageRequest) -> Scrape:
        """Return the series that `name[]` in the query selects, or all series without it."""
        return self._scraper.scrape(
            accept=request.accept,
            accept_encoding=request.accept_encoding,
            names=request.query.get("name[]", ()),
        )

    def _report_conflict(self) -> None:
        """At the first scrape, report a route that was added at the same path after the page."""
        routes, self._routes = self._routes, None
        problem = self._conflict(routes) if routes is not None else None
        if problem is not None:
            self._joined[0].reporter.count("export", problem, "the metrics")


def _is_classic(monitor: Monitor) -> bool:
    return monitor.settings.exposition == "classic"
