"""The models of one application."""

from __future__ import annotations

import time
import weakref
from collections.abc import Iterator, Mapping

from boxkite.errors import ConfigError
from boxkite.monitor import Monitor
from boxkite.web.drift_page import DriftPage
from boxkite.web.metrics_page import MetricsPage

__all__ = ["Models"]


class Models(Mapping[str, Monitor]):
    """The monitors of an application by the names of their models, the first one first.

    Args:
        app: the application, which is not kept alive.

    Attributes:
        app: returns the application, None once it is gone.
        pages: what shows their metrics, by path.
        drift: the page that shows their drift; None for none.
    """

    def __init__(self, app: object) -> None:
        self.app = weakref.ref(app)
        self.pages: dict[str, MetricsPage] = {}
        self.drift: DriftPage | None = None
        self._by_name: dict[str, Monitor] = {}
        self._by_owner: dict[object, Monitor] = {}

    def __getitem__(self, model: str) -> Monitor:
        return self._by_name[model]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    @property
    def first(self) -> Monitor:
        """The application's first monitor."""
        return next(iter(self._by_name.values()))

    def of(self, owner: object, model: str | None) -> Monitor | None:
        """Return the monitor of a model or, where none is named, that of an extension."""
        return self._by_owner.get(owner) if model is None else self._by_name.get(model)

    def check(self, owner: object, monitor: Monitor | None = None) -> None:
        """Refuse an extension that is set up already, or a monitor of a model that has one.

        Raises:
            ConfigError: saying which one there is.
        """
        name = monitor.baseline.model if monitor else None
        there = self.of(owner, None) if monitor is None else self.of(None, name)
        if there is not None:
            raise ConfigError(
                f"the application has a Boxkite for model {there.baseline.model!r} already: a "
                "second one would count each prediction twice; use the first, or name another "
                "model, as Boxkite(app, model='b')"
            )

    def add(self, owner: object, monitor: Monitor) -> None:
        """Add the monitor that an extension made."""
        self._by_name[monitor.baseline.model] = self._by_owner[owner] = monitor

    def close(self, timeout: float = 5.0) -> None:
        """Close all monitors within `timeout` seconds together; what fails is counted."""
        deadline = time.monotonic() + timeout
        for monitor in self.values():
            try:
                monitor.close(max(0.0, deadline - time.monotonic()))
            except Exception as error:  # noqa: BLE001 - the end of a service is not to fail
                monitor.reporter.count("journal", error)
