"""The extension for Flask, and its view of an application."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Unpack, cast

from flask import Flask, current_app, has_request_context, request_started

from boxkite import Monitor
from boxkite.adapters import (
    Application,
    Extension,
    Layer,
    Models,
    Options,
    Page,
    RegisteredView,
    require_application,
)
from boxkite_flask.blueprint import endpoint_at, mount
from boxkite_flask.exchange import FlaskExchange

__all__ = ["Boxkite"]

_FIRST = "boxkite"
_MODELS = "boxkite_models"
_SHOWN = "boxkite_config"
_PREFIX = "FLASK_BOXKITE_"


class Boxkite(Extension):
    """Monitors the predictions of Flask applications.

    It reads `histogram.prom`, mounts `/metrics`, and decorates the views that predict. One
    extension may serve several applications: call `init_app` for each. An application with several
    models has one extension for each model: `Boxkite(app, model="a")`, `Boxkite(app, model="b")`.

    Args:
        app: The application to set up. Leave it out in a factory, and call `init_app`.
        **options: Settings by name, such as `model=` and `metrics_path=`; `baseline=`, `log=`,
            `registry=` and `policy=` as in `boxkite.Monitor`; and `authorize=`, a callable that
            gets each request for a page of boxkite. Only `True` grants access. Options override
            the configuration.
    """

    knows_requests = True

    def __init__(self, app: Flask | None = None, **options: Unpack[Options]) -> None:
        super().__init__(**options)
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Set up an application from its configuration and the environment.

        Afterwards `app.config` shows the settings. `app.extensions["boxkite"]` is the monitor of
        the first model, and `app.extensions["boxkite_models"]` holds the monitors by model.

        Raises:
            ConfigError: if `app` is not an application, a setting is unknown or invalid, the path
                of the metrics is taken, or the application already has a monitor for the model.
        """
        require_application(app, Flask)
        is_first = _MODELS not in app.extensions
        monitor = self.set_up(FlaskApplication(app))
        if monitor is not None and is_first:
            app.extensions[_SHOWN] = _show(app, self._effective(monitor))

    def current_exchange(self) -> FlaskExchange | None:
        """Return the exchange of the current request, or None if the application has no monitor."""
        if not has_request_context():
            return None
        models = current_app.extensions.get(_MODELS)
        return None if models is None else FlaskExchange(models)

    def unmonitored_application(self) -> FlaskApplication | None:
        """Return the application of the current request, or None outside of a request."""
        if not has_request_context():
            return None
        return FlaskApplication(current_app._get_current_object())  # type: ignore[attr-defined]  # noqa: SLF001

    def _effective(self, monitor: Monitor) -> dict[str, Any]:
        """Return the settings in effect, without those that were given as objects."""
        values = asdict(monitor.settings)
        for name in ("baseline", "log"):
            given = self._options.get(name)
            if isinstance(given, str | os.PathLike):
                values[name] = os.fspath(given)
            elif given is not None:
                del values[name]
        return values


class FlaskApplication(Application[Flask]):
    """One application of Flask."""

    @property
    def models(self) -> Models | None:
        """The models in `app.extensions`."""
        return self.app.extensions.get(_MODELS)

    def keep(self, models: Models) -> None:
        """Keep the models in `app.extensions`, and look at the views at the first request."""
        self.app.extensions.update({_FIRST: models.first, _MODELS: models})
        request_started.connect(self._at_first_request, self.app)

    def _at_first_request(self, app: Flask, **_: Any) -> None:
        request_started.disconnect(self._at_first_request, app)
        if self.models is not None:
            self.report_uncounted(self.models)

    def registered_views(self) -> Sequence[RegisteredView]:
        """Return the view functions."""
        return [RegisteredView(view) for view in self.app.view_functions.values()]

    def mount(self, page: Page) -> None:
        """Register a blueprint with the page."""
        mount(self.app, page)

    def route_at(self, path: str) -> str | None:
        """Name the endpoint of the application whose rule is exactly this path."""
        return endpoint_at(self.app, path)

    @property
    def layers(self) -> Sequence[Layer]:
        """The configuration, under either prefix, and the environment."""
        config = cast("dict[str, Any]", self.app.config)
        shown: dict[str, Any] = self.app.extensions.get(_SHOWN, {})
        # `_show` has added the settings of an earlier model. The user did not configure these, so
        # they must not apply to the next model.
        configured = {k: v for k, v in config.items() if k not in shown or v is not shown[k]}
        return [(configured, _PREFIX), (configured, "BOXKITE_"), (os.environ, _PREFIX)]

    @property
    def foreign_prefixes(self) -> Sequence[str]:
        """The prefix of the environment variables in every other framework."""
        return ("BOXKITE_",)

    @property
    def logger(self) -> logging.Logger:
        """The server's logger if one runs, otherwise the application's own.

        `app.logger` would add a handler, although the application may configure logging later. So
        it is only used in debug mode, which shows INFO.
        """
        if self.app.debug:
            return self.app.logger
        server = super().logger
        return logging.getLogger(self.app.name) if server.name == "boxkite" else server

    @property
    def debug(self) -> bool:
        """The application's `debug`."""
        return self.app.debug

    @property
    def testing(self) -> bool:
        """The application's `testing`, which tests often set after `init_app`."""
        return self.app.testing


def _show(app: Flask, values: Mapping[str, Any]) -> dict[str, Any]:
    """Add settings that the configuration lacks, and return the added ones."""
    config = cast("dict[str, Any]", app.config)
    keys = {_PREFIX + name.upper(): value for name, value in values.items()}
    missing = {key: value for key, value in keys.items() if config.get(key) is None}
    config.update(missing)
    return missing
