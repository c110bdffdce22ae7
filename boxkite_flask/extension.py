"""The Flask extension: one monitor an application, found again through the application."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, ParamSpec, TypeVar, overload

from flask import Flask, Response, after_this_request, current_app, has_request_context, request

import boxkite
from boxkite_flask.capture import answer_of, json_body
from boxkite_flask.views import metrics_blueprint

__all__ = ["Boxkite", "monitor_of"]

P = ParamSpec("P")
T = TypeVar("T")

_KEY = "boxkite"
_MONITOR_OPTIONS = ("baseline", "log", "registry", "policy")
_ERROR_STATUS = 400


class Boxkite:
    """Monitors the predictions of a Flask application.

    Reads `histogram.prom`, mounts `/metrics`, and gives the decorator for the views that predict.
    The extension keeps no application: one may serve many, by `init_app`.

    Args:
        app: to set up at once; without it call `init_app`, as in a factory.
        **options: settings by name (`model=`, `metrics_path=` …), and `baseline=`, `log=`,
            `registry=` and `policy=` as of `boxkite.Monitor`; they win over the configuration.
    """

    def __init__(self, app: Flask | None = None, **options: Any) -> None:
        self._options = options
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
        options = dict(self._options)
        given = {key: options.pop(key) for key in _MONITOR_OPTIONS if key in options}
        layers = [
            (app.config, "FLASK_BOXKITE_"),
            (app.config, "BOXKITE_"),
            (os.environ, "FLASK_BOXKITE_"),
        ]
        settings = boxkite.resolve_settings(layers, options)
        if not settings.enabled:
            return
        app.extensions[_KEY] = boxkite.Monitor(
            settings=settings, raises=lambda: app.testing, **given
        )
        if settings.metrics_path:
            app.register_blueprint(metrics_blueprint(settings.metrics_path))

    @overload
    def predict(self, view: Callable[P, T], /) -> Callable[P, T]: ...

    @overload
    def predict(
        self, view: None = None, /, *, features: boxkite.Source = ..., output: boxkite.Source = ...
    ) -> Callable[[Callable[P, T]], Callable[P, T]]: ...

    def predict(
        self,
        view: Callable[..., Any] | None = None,
        /,
        *,
        features: boxkite.Source = None,
        output: boxkite.Source = None,
    ) -> Any:
        """Decorate a view: each of its answers below status 400 is a prediction.

        The answer goes out as it is, with the header `X-Prediction-Id`. What the view sets in
        `boxkite.current_prediction` wins over the sources.

        Args:
            view: the view itself, where the decorator stands without parentheses.
            features: a key path into the JSON body, names to pick from it, a callable of the
                request, or None for the whole body.
            output: a key path into the returned object, names to pick from it, a callable of the
                returned object, or None for the whole of it.
        """

        def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
            return _decorated(view, boxkite.Capture(features, output, view.__name__))

        return decorate if view is None else decorate(view)

    def features(self, function: Callable[P, T]) -> Callable[P, T]:
        """Decorate a function: what it returns during a request are the model's features."""
        return boxkite.captured(function, "features")

    def output(self, function: Callable[P, T]) -> Callable[P, T]:
        """Decorate a function: what it returns during a request is the model's output."""
        return boxkite.captured(function, "output")


def monitor_of(app: Flask) -> boxkite.Monitor | None:
    """Return the application's monitor; None where there is none, or it is switched off."""
    return app.extensions.get(_KEY)


def _decorated(view: Callable[..., Any], capture: boxkite.Capture) -> Callable[..., Any]:
    """Return the view in a prediction's scope, of the same kind: sync or async."""

    def monitor_now() -> boxkite.Monitor | None:
        return monitor_of(current_app) if has_request_context() else None

    def finish(monitor: boxkite.Monitor, prediction: boxkite.Prediction, returned: Any) -> None:
        """Log the prediction once the response is made, as its status tells if it is one."""

        def log(response: Response) -> Response:
            if response.status_code < _ERROR_STATUS:
                response.headers[boxkite.PREDICTION_ID_HEADER] = capture.log(
                    monitor,
                    prediction,
                    request=request,
                    body=lambda: json_body(request),
                    returned=returned,
                    answer=lambda: answer_of(returned, response),
                )
            return response

        after_this_request(log)

    if iscoroutinefunction(view):

        @wraps(view)
        async def async_wrapper(*args: Any, **kwargs: Any) -> Any:
            monitor = monitor_now()
            if monitor is None:
                return await view(*args, **kwargs)
            with boxkite.prediction_scope(monitor.settings.server_id) as prediction:
                returned = await view(*args, **kwargs)
            finish(monitor, prediction, returned)
            return returned

        return async_wrapper

    @wraps(view)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        monitor = monitor_now()
        if monitor is None:
            return view(*args, **kwargs)
        with boxkite.prediction_scope(monitor.settings.server_id) as prediction:
            returned = view(*args, **kwargs)
        finish(monitor, prediction, returned)
        return returned

    return wrapper
