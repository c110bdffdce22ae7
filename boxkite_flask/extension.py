"""The Flask extension: one monitor an application, found again through the application."""

from __future__ import annotations

import os
from typing import Any

from flask import Flask, current_app, has_request_context

import boxkite
from boxkite_flask.exchange import FlaskExchange
from boxkite_flask.views import metrics_blueprint

__all__ = ["Boxkite"]

_KEY = "boxkite"


class Boxkite(boxkite.Extension):
    """Monitors the predictions of a Flask application.

    Reads `histogram.prom`, mounts `/metrics`, and gives the decorator for the views that predict.
    The extension keeps no application: one may serve many, by `init_app`.

    Args:
        app: to set up at once; without it call `init_app`, as in a factory.
        **options: settings by name (`model=`, `metrics_path=` …), and `baseline=`, `log=`,
            `registry=` and `policy=` as of `boxkite.Monitor`; they win over the configuration.
    """

    def __init__(self, app: Flask | None = None, **options: Any) -> None:
        super().__init__(**options)
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Set one application up, from `app.config` and the environment.

        Raises:
            ConfigError: if a setting is unknown or cannot be used, or the application has a
                monitor already.
        """
        if _KEY in app.extensions:
            raise boxkite.ConfigError(
                f"application {app.name!r} has a Boxkite already: a second one would count each "
                "prediction twice; use the first, app.extensions['boxkite']"
            )
        layers = [
            (app.config, "FLASK_BOXKITE_"),
            (app.config, "BOXKITE_"),
            (os.environ, "FLASK_BOXKITE_"),
        ]
        monitor = self._new_monitor(layers, raises=lambda: app.testing)
        if monitor is None:
            return
        if monitor.settings.metrics_path:
            app.register_blueprint(metrics_blueprint(monitor.settings.metrics_path))
        app.extensions[_KEY] = monitor

    def _current_exchange(self) -> FlaskExchange | None:
        monitor = current_app.extensions.get(_KEY) if has_request_context() else None
        return FlaskExchange(monitor) if monitor is not None else None
