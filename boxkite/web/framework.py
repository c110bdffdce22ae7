"""The interfaces that an adapter implements for its framework: an application and an exchange."""

from __future__ import annotations

import logging
import os
import weakref
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

from boxkite.baseline import Baseline
from boxkite.errors import ConfigError
from boxkite.settings import Layer, misplaced_settings
from boxkite.web.answers import Answered
from boxkite.web.models import Models
from boxkite.web.page import Page
from boxkite.web.registered_views import RegisteredView, report_uncounted
from boxkite.web.sources import PendingPrediction
from boxkite.web.start_line import usual_logger

__all__ = ["Application", "Exchange", "require_application"]

App = TypeVar("App")

_logger = logging.getLogger("boxkite")


class Application(ABC, Generic[App]):
    """One application of the framework.

    Monitors hold this object as long as they live, but must not keep the framework's application
    alive. So it holds only a weak reference to the application.

    Args:
        app: The framework's application.
    """

    def __init__(self, app: App) -> None:
        self._app = weakref.ref(app)

    @property
    def app(self) -> App:
        """The framework's application.

        Raises:
            ReferenceError: if it is gone.
        """
        app = self._app()
        if app is None:
            raise ReferenceError("the application is gone")
        return app

    @property
    @abstractmethod
    def models(self) -> Models | None:
        """The application's models, from `keep`; None before the first Boxkite is set up."""

    @abstractmethod
    def keep(self, models: Models) -> None:
        """Keep the models for as long as the application lives, and add any middleware.

        This is called once for each application, when its first model is set up. Later requests
        must be able to find the models (see `Exchange.models`).
        """

    @abstractmethod
    def mount(self, page: Page) -> None:
        """Add a route that answers GET and HEAD with a page, at its path and at its subpaths."""

    @abstractmethod
    def route_at(self, path: str) -> str | None:
        """Name the route, other than boxkite's own, that answers GET at exactly this path.

        For example "the endpoint 'index'", or None if the path is free.
        """

    def registered_views(self) -> Sequence[RegisteredView]:
        """Return the views of all routes, so that `report_uncounted` finds mistakes.

        Default: none, so no mistakes are found.
        """
        return ()

    def report_uncounted(self, models: Models) -> None:
        """Report views whose decorator has no effect.

        An adapter calls this once, when the routes are complete: at the start of the server, or at
        the first request.
        """
        report_uncounted(self.registered_views(), models.first)

    @property
    def layers(self) -> Sequence[Layer]:
        """Mappings that hold settings; the first one wins. Default: the environment."""
        return [(os.environ, "BOXKITE_")]

    @property
    def foreign_prefixes(self) -> Sequence[str]:
        """Prefixes that environment variables of boxkite have in other frameworks only.

        A setting with such a prefix is reported. Default: Flask's prefix.
        """
        return ("FLASK_BOXKITE_",)

    def report_misplaced(self, arguments: Mapping[str, Any]) -> None:
        """Report environment variables with the prefix of another framework.

        Args:
            arguments: Settings that were passed by name, and so need no variable.

        Raises:
            ConfigError: only under `TESTING`. Otherwise this is logged.
        """
        for prefix in self.foreign_prefixes:
            for key, name in misplaced_settings(os.environ, prefix, self.layers, arguments):
                problem = f"the environment variable {key} has no effect here; set {name} instead"
                _logger.warning("boxkite: %s", problem)
                if self.raises():
                    raise ConfigError(problem)

    @property
    def logger(self) -> logging.Logger:
        """The logger of the line at the start.

        Default: the server's own if one runs, because it shows INFO; otherwise boxkite's.
        """
        return usual_logger()

    @property
    def debug(self) -> bool:
        """Whether the application is in debug mode, in which it shows the drift page by default."""
        return False

    @property
    def testing(self) -> bool:
        """Whether failures of monitoring are raised. It is read for each failure."""
        return False

    def raises(self) -> bool:
        """Return whether the application still lives and raises failures of monitoring."""
        return self._app() is not None and self.testing

    def sender(self) -> object | None:
        """Return the sender of the monitor's signals: the framework's application, if it lives."""
        return self._app()


class Exchange(Answered, Protocol):
    """The current request and its response."""

    @property
    def models(self) -> Models:
        """The models of the application that answers."""
        ...

    @property
    def outer(self) -> Exchange | None:
        """The same request in the application that mounted this one, if that is monitored."""

    def log_when_answered(self, pending: PendingPrediction) -> None:
        """Log a prediction when the response is ready, and add the headers that `log` returns.

        If the status is 400 or more, forget the prediction.
        """

    def announce(self, pending: PendingPrediction) -> None:
        """Add the prediction's id to the response of a view that is a generator.

        boxkite logs the prediction when the generator ends, without a call from the adapter.
        """


def require_application(app: object, kind: type) -> None:
    """Refuse anything but an application, such as the path of a baseline.

    Raises:
        ConfigError: if `app` is of another type.
    """
    if isinstance(app, kind):
        return
    found = type(app).__name__
    if isinstance(app, str | os.PathLike):
        fix = "pass the application first, as in Boxkite(app, baseline='histogram.prom')"
    elif isinstance(app, Baseline):
        fix = "pass the application first, as in Boxkite(app, baseline=baseline)"
    else:
        fix = f"pass the {kind.__name__} application itself, before anything wraps it"
    raise ConfigError(f"Boxkite got a {found} instead of an application; {fix}")
