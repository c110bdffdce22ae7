"""The extension for Starlette and FastAPI, and its view of an application."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from starlette.applications import Starlette

from boxkite import ConfigError
from boxkite.adapters import (
    Application,
    Extension,
    Models,
    Options,
    Page,
    RegisteredView,
    require_application,
)
from boxkite_starlette.exchange import StarletteExchange, current_exchange
from boxkite_starlette.middleware import BoxkiteMiddleware, wrap_lifespan
from boxkite_starlette.routes import mount, registered_views, route_at

__all__ = ["Boxkite"]


class Boxkite(Extension):
    """Monitors the predictions of Starlette and FastAPI applications.

    It reads `histogram.prom`, mounts `/metrics`, and decorates the endpoints that predict. An
    application with several models has one extension for each: `Boxkite(app, model="a")`,
    `Boxkite(app, model="b")`.

    Args:
        app: The application to set up. Leave it out in a factory, and call `init_app`.
        **options: Settings by name, such as `model=` and `metrics_path=`; `baseline=`, `log=`,
            `registry=` and `policy=` as in `boxkite.Monitor`; and `authorize=`, a callable, async
            or not, that gets each request for a page of boxkite. Only `True` grants access.
            Options override the environment.
    """

    awaits_sources = True

    def __init__(self, app: Starlette | None = None, **options: Unpack[Options]) -> None:
        super().__init__(**options)
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Starlette) -> None:
        """Set up an application from the environment variables `BOXKITE_…`.

        Afterwards `app.state.boxkite` is the monitor of the first model, and
        `app.state.boxkite_models` holds the monitors by model.

        Raises:
            ConfigError: if `app` is not an application, a setting is unknown or invalid, the path
                of the metrics is taken, or the application already has a monitor for the model or
                has answered a request.
        """
        require_application(app, Starlette)
        application = StarletteApplication(app)
        if application.models is None and app.middleware_stack is not None:
            raise ConfigError(
                "the application has already answered a request; set Boxkite up before that"
            )
        self.set_up(application)

    def current_exchange(self) -> StarletteExchange | None:
        """Return the exchange of the current request, or None if the application has no monitor."""
        return current_exchange.get()


class StarletteApplication(Application[Starlette]):
    """One application of Starlette or FastAPI."""

    @property
    def models(self) -> Models | None:
        """The models in `app.state`."""
        return getattr(self.app.state, "boxkite_models", None)

    def keep(self, models: Models) -> None:
        """Keep the models in `app.state`, add the middleware, and wrap the lifespan."""
        app = self.app
        app.state.boxkite = models.first
        app.state.boxkite_models = models
        # Starlette makes the middleware at the first request, or when the server starts. Then the
        # routes are known.
        app.add_middleware(BoxkiteMiddleware, models=models, start=self.report_uncounted)
        wrap_lifespan(app, models)

    def registered_views(self) -> Sequence[RegisteredView]:
        """Return the endpoints, including those of mounted applications."""
        return list(registered_views(self.app.router.routes))

    def mount(self, page: Page) -> None:
        """Add the routes of the page."""
        mount(self.app, page)

    def route_at(self, path: str) -> str | None:
        """Name the route or mount of the application that is exactly at this path."""
        return route_at(self.app.router.routes, path)

    @property
    def debug(self) -> bool:
        """The application's `debug`."""
        return self.app.debug
