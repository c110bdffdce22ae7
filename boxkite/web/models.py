"""The models of one application."""

from __future__ import annotations

import time
import weakref
from collections.abc import Iterator, Mapping

from boxkite.errors import ConfigError
from boxkite.monitor import Monitor
from boxkite.web.drift_page import DriftPage, ShownModel
from boxkite.web.metrics_page import MetricsPage

__all__ = ["Models"]


class Models(Mapping[str, Monitor]):
    """The monitors of an application by model, in the order in which they were added.

    Args:
        app: The framework's application. It is not kept alive.

    Attributes:
        app: A weak reference to the application.
        pages: The pages of metrics by path.
        drift_pages: The drift pages by path.
        shown: The models that drift pages may show.
    """

    def __init__(self, app: object) -> None:
        self.app = weakref.ref(app)
        self.pages: dict[str, MetricsPage] = {}
        self.drift_pages: dict[str, DriftPage] = {}
        self.shown: list[ShownModel] = []
        self._by_name: dict[str, Monitor] = {}
        self._by_extension: dict[object, Monitor] = {}

    def __getitem__(self, model: str) -> Monitor:
        return self._by_name[model]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    @property
    def first(self) -> Monitor:
        """The monitor that was added first."""
        return next(iter(self._by_name.values()))

    def find(self, extension: object, model: str | None) -> Monitor | None:
        """Return the monitor of a model; without a name, the one that the extension added."""
        return self._by_extension.get(extension) if model is None else self._by_name.get(model)

    def check(self, extension: object, monitor: Monitor | None = None) -> None:
        """Refuse an extension that was already added, or a second monitor of one model.

        Raises:
            ConfigError: if this is either of them. The message names the model.
        """
        name = monitor.baseline.model if monitor else None
        there = self.find(extension, None) if monitor is None else self.find(None, name)
        if there is not None:
            raise ConfigError(
                f"the application already has a Boxkite for model {there.baseline.model!r}, and a "
                "second one would count each prediction twice; use the first one, or name another "
                "model, as in Boxkite(app, model='b')"
            )

    def add(self, extension: object, monitor: Monitor) -> None:
        """Add the monitor that an extension made."""
        self._by_name[monitor.baseline.model] = self._by_extension[extension] = monitor

    def close(self, timeout: float = 5.0) -> None:
        """Close all monitors.

        Args:
            timeout: Seconds that all of them may take together. A failure is only counted.
        """
        deadline = time.monotonic() + timeout
        for monitor in self.values():
            try:
                monitor.close(max(0.0, deadline - time.monotonic()))
            except Exception as error:  # noqa: BLE001 - a failure must not keep a service from ending
                monitor.reporter.count("journal", error)
