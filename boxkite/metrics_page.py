"""What one path of an application shows: the metrics of its models, to those who may see them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry

from boxkite.errors import ConfigError
from boxkite.monitor import Monitor
from boxkite.prometheus.application import application_registry
from boxkite.prometheus.scrape import Scrape, Scraper

__all__ = ["FORBIDDEN", "UNAUTHORIZED", "MetricsPage", "Protection", "Refusal", "taken"]


@dataclass(frozen=True)
class Refusal:
    """The answer to one who may not see the page: it says nothing of the service.

    Attributes:
        status: of HTTP.
        body: a line of text.
        headers: that go with it.
    """

    status: int
    body: bytes
    headers: dict[str, str]


_PLAIN = {"Content-Type": "text/plain; charset=utf-8"}
UNAUTHORIZED = Refusal(401, b"unauthorized\n", {**_PLAIN, "WWW-Authenticate": "Bearer"})
FORBIDDEN = Refusal(403, b"forbidden\n", _PLAIN)


@dataclass(frozen=True)
class Protection:
    """Who may see a page.

    Attributes:
        token: the bearer token that a request must bring; None or empty: none.
        authorize: called with the request, tells by True or False; None: all may.
    """

    token: str | None = None
    authorize: Callable[[Any], Any] | None = None

    def takes(self, authorization: str | None) -> bool:
        """Tell whether an `Authorization` header brings the token, in constant time."""
        if not self.token:
            return True
        scheme, _, given = (authorization or "").partition(" ")
        return scheme.lower() == "bearer" and secrets.compare_digest(
            given.encode(), self.token.encode()
        )


class MetricsPage:
    """One path, which answers for each model that joins it.

    Args:
        path: of the application.
        protection: of the page.
        registry: of the application's own metrics; None for none.
    """

    def __init__(
        self, path: str, protection: Protection, registry: CollectorRegistry | None
    ) -> None:
        self.path = path
        self.protection = protection
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

    def admits(self, verdict: object) -> bool:
        """Tell whether what `authorize` returned, or raised, is True.

        Whatever is neither True nor False is reported, and denies: a response or a coroutine that
        it returned would else count as a yes.
        """
        if isinstance(verdict, bool):
            return verdict
        error = (
            verdict
            if isinstance(verdict, Exception)
            else TypeError(f"it returned a {type(verdict).__name__}; return True or False")
        )
        self._monitors[0].trouble.report("export", error, "authorize")
        return False

    def look_once(self, find: Callable[[], str | None]) -> None:
        """At the first scrape, report what `find` says of a route that came later."""
        if not self._looked:
            self._looked = True
            other = find()
            if other is not None:
                error = ConfigError(taken(self.path, other))
                self._monitors[0].trouble.count("export", error, "the metrics")


def taken(path: str, other: str) -> str:
    """Return what is said where a path leads elsewhere already."""
    return f"METRICS_PATH {path} is taken by {other}: give another path, or remove that route"


def _is_classic(monitor: Monitor) -> bool:
    return monitor.settings.exposition == "classic"
