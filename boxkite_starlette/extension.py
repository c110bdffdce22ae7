"""The extension for Starlette and FastAPI: middleware, the metrics route and the decorator."""

from __future__ import annotations

import os
from typing import Any

from starlette.applications import Starlette

import boxkite
from boxkite_starlette.exchange import current_exchange
from boxkite_starlette.lifespan import wrap_lifespan
from boxkite_starlette.middleware import BoxkiteMiddleware
from boxkite_starlette.routes import mount_page

__all__ = ["Boxkite"]


class Boxkite(boxkite.Extension):
    """Monitors the predictions of a Starlette or FastAPI application.

    An application with several models has one for each: `Boxkite(app, model="a")`,
    `Boxkite(app, model="b")`.

    Args:
        app: to set up at once; without it call `init_app`.
        **options: settings by name (`model=`, `metrics_path=` …), `baseline=`, `log=`, `registry=`
            and `policy=` as of `boxkite.Monitor`, and `authorize=`, a function, async or not,
            called with a request for the metrics, which tells by True or False whether it is
            answered; they win over the environment.
    """

    _awaits_sources = True
    _current_exchange = staticmethod(current_exchange.get)

    def __init__(self, app: Starlette | None = None, **options: Any) -> None:
        super().__init__(**options)
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Starlette) -> None:
        """Set one application up, from the environment variables `BOXKITE_…`.

        Afterwards `app.state.boxkite` is the monitor of the first model, and
        `app.state.boxkite_models` has those of all by name.

        Raises:
            ConfigError: if a setting is unknown or cannot be used, the metrics' path is taken, or
                the application has a monitor for the model already, or has answered a request.
        """
        found: boxkite.Models | None = getattr(app.state, "boxkite_models", None)
        models = boxkite.Models(app) if found is None else found

        def mount(page: boxkite.ProtectedPage) -> None:
            mount_page(app, page)

        if found is None and app.middleware_stack is not None:
            raise boxkite.ConfigError(
                "the application has answered already: set Boxkite up before its first request"
            )
        monitor = self._set_up(app, models, [(os.environ, "BOXKITE_")], mount, debug=app.debug)
        if monitor is None or found is not None:
            return
        app.add_middleware(BoxkiteMiddleware, models=models)
        wrap_lifespan(app, models)
        app.state.boxkite = monitor
        app.state.boxkite_models = models
