"""What an adapter implements for its framework: an application to set up, and an exchange."""

from __future__ import annotations

import os
import weakref
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

from boxkite.settings import Layer
from boxkite.web.answers import Answered
from boxkite.web.models import Models
from boxkite.web.page import Page
from boxkite.web.sources import PendingPrediction

__all__ = ["Application", "Exchange"]

App = TypeVar("App")


class Application(ABC, Generic[App]):
    """One application of the framework.

    Monitors ask it for as long as they live, and must not keep the framework's application alive.
    So it holds a weak reference.

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
        must find the models again, see `Exchange.models`.
        """

    @abstractmethod
    def mount(self, page: Page) -> None:
        """Add a route that shows a page to GET and HEAD, at its path and at its subpaths."""

    @abstractmethod
    def route_at(self, path: str) -> str | None:
        """Name the route, other than boxkite's own, that answers GET at exactly this path.

        For example "the endpoint 'index'", or None if the path is free.
        """

    @property
    def layers(self) -> Sequence[Layer]:
        """The places that hold settings, the strongest first; by default the environment."""
        return [(os.environ, "BOXKITE_")]

    @property
    def debug(self) -> bool:
        """Whether the application is being debugged, and shows the drift page by default."""
        return False

    @property
    def testing(self) -> bool:
        """Whether failures of monitoring are raised. It is asked for each failure."""
        return False

    def raises(self) -> bool:
        """Return whether the application still lives and raises failures of monitoring."""
        return self._app() is not None and self.testing

    def sender(self) -> object | None:
        """Return the sender of the monitor's signals: the framework's application, if it lives."""
        return self._app()


class Exchange(Answered, Protocol):
    """The request that is being answered, and its response."""

    @property
    def models(self) -> Models:
        """The models of the application that answers."""
        ...

    @property
    def outer(self) -> Exchange | None:
        """The same request in the application that has mounted this one, if it is monitored."""

    def log_when_answered(self, pending: PendingPrediction) -> None:
        """Log a prediction when the response is ready, and add the headers that `log` returns.

        If the status is 400 or more, forget the prediction.
        """

    def announce(self, pending: PendingPrediction) -> None:
        """Add the prediction's id to the response of a view that is a generator.

        The prediction is logged without the adapter when the generator ends.
        """
