"""The Flask extension: the models of an application, found again through the application."""

from __future__ import annotations

import os
import weakref
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from flask import Flask, current_app, has_request_context

import boxkite
from boxkite_flask.exchange import FlaskExchange
from boxkite_flask.views import mount

__all__ = ["Boxkite"]

_FIRST = "boxkite"
_MODELS = "boxkite_models"
_EXCHANGE = "boxkite_exchange"
_SHOWN = "boxkite_config"
_PREFIX = "FLASK_BOXKITE_"


def _current_exchange() -> FlaskExchange | None:
    return current_app.extensions.get(_EXCHANGE) if has_request_context() else None


class Boxkite(boxkite.Extension):
    """Monitors the predictions of a Flask application.

    Reads `histogram.prom`, mounts `/metrics`, and gives the decorator for the views that predict.
    The extension keeps no application: one may serve many, by `init_app`. An application with
    several models has one for each: `Boxkite(app, model="a")`, `Boxkite(app, model="b")`.

    Args:
        app: to set up at once; without it call `init_app`, as in a factory.
        **options: settings by name (`model=`, `metrics_path=` …), `baseline=`, `log=`, `registry=`
            and `policy=` as of `boxkite.Monitor`, and `authorize=`, called with a request for the
            metrics, which tells by True or False whether it is answered; they win over the
            configuration.
    """

    _current_exchange = staticmethod(_current_exchange)

    def __init__(self, app: Flask | None = None, **options: Any) -> None:
        super().__init__(**options)
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Set one application up, from `app.config` and the environment.

        Afterwards `app.config` shows the settings, `app.extensions["boxkite"]` is the monitor of
        the first model and `app.extensions["boxkite_models"]` has those of all by name.

        Raises:
            ConfigError: if a setting is unknown or cannot be used, the metrics' path is taken, or
                the application has a monitor for the model already.
        """
        shown: dict[str, Any] = app.extensions.get(_SHOWN, {})
        # What an earlier model's settings are shown as is not what the user configured.
        configured = {k: v for k, v in app.config.items() if k not in shown or v is not shown[k]}
        layers = [
            (configured, _PREFIX),
            (configured, "BOXKITE_"),
            (os.environ, _PREFIX),
        ]
        found = app.extensions.get(_MODELS)
        models = boxkite.Models(app) if found is None else found
        weak = weakref.ref(app)
        monitor = self._set_up(
            app,
            models,
            layers,
            mount=lambda page: mount(app, page),
            debug=app.debug,
            raises=lambda: (living := weak()) is not None and living.testing,
        )
        if monitor is None:
            return
        if found is None:
            exchange = FlaskExchange(models)
            app.extensions.update({_FIRST: monitor, _MODELS: models, _EXCHANGE: exchange})
            app.extensions[_SHOWN] = _show(app, self._shown(monitor))

    def _shown(self, monitor: boxkite.Monitor) -> dict[str, Any]:
        """Return the settings as they took effect; without those for which an object was given."""
        values = asdict(monitor.settings)
        for name in ("baseline", "log"):
            given = self._options.get(name)
            if isinstance(given, str | os.PathLike):
                values[name] = os.fspath(given)
            elif given is not None:
                del values[name]
        return values


def _show(app: Flask, values: Mapping[str, Any]) -> dict[str, Any]:
    """Set what is not in the configuration yet; return what was set."""
    keys = {_PREFIX + name.upper(): value for name, value in values.items()}
    missing = {key: value for key, value in keys.items() if app.config.get(key) is None}
    app.config.update(missing)
    return missing
