"""The extension for Starlette and FastAPI: middleware, the metrics route and the decorator."""

from __future__ import annotations

import os
from typing import Any

from starlette.applications import Starlette

import boxkite
from boxkite_starlette.exchange import Exchange, current_exchange
from boxkite_starlette.middleware import BoxkiteMiddleware
from boxkite_starlette.routes import add_metrics_route

__all__ = ["Boxkite"]


class Boxkite(boxkite.Extension):
    """Monitors the predictions of a Starlette or FastAPI application.

    Args:
        app: to set up at once; without it call `init_app`.
        **options: settings by name (`model=`, `metrics_path=` …), and `baseline=`, `log=`,
            `registry=` and `policy=` as of `boxkite.Monitor`; they win over the environment.
    """

    def __init__(self, app: Starlette | None = None, **options: Any) -> None:
        super().__init__(**options)
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Starlette) -> None:
        """Set one application up, from the environment variables `BOXKITE_…`.

        Raises:
            ConfigError: if a setting is unknown or cannot be used, or the application has a
                monitor already.
        """
        if hasattr(app.state, "boxkite"):
            raise boxkite.ConfigError(
                "the application has a Boxkite already: a second one would count each prediction "
                "twice; use the first, app.state.boxkite"
            )
        monitor = self._new_monitor([(os.environ, "BOXKITE_")])
        if monitor is None:
            return
        app.add_middleware(BoxkiteMiddleware, monitor=monitor)
        if monitor.settings.metrics_path:
            add_metrics_route(app, monitor.settings.metrics_path, monitor)
        app.state.boxkite = monitor

    def _current_exchange(self) -> Exchange | None:
        return current_exchange.get()
