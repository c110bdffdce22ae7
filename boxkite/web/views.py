"""Wrap a view (sync, async or generator) so that each call runs inside a prediction."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator
from functools import wraps
from inspect import isasyncgen, isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from typing import Any, Protocol

from boxkite.live.identity import Identity
from boxkite.monitor import Monitor
from boxkite.web.context import Prediction
from boxkite.web.framework import Exchange
from boxkite.web.sources import Capture, PendingPrediction

__all__ = ["MonitoredView", "in_prediction"]

_END: Any = object()


class Locator(Protocol):
    """Finds the monitor that counts a view's predictions, as an extension does."""

    def locate(self, view: str, model: str | None) -> tuple[Exchange, Monitor] | None:
        """Return the current request and the monitor; return None if nothing is monitored."""


class MonitoredView:
    """Wraps a view so that each of its answers is a prediction.

    Args:
        locator: The extension.
        capture: The sources of features and output.
        name: The view's name, for messages.
        model: The model that the view uses; None for the extension's own.
    """

    def __init__(self, locator: Locator, capture: Capture, name: str, model: str | None) -> None:
        self._locator = locator
        self._capture = capture
        self._name = name
        self._model = model

    def wrap(self, view: Callable[..., Any]) -> Callable[..., Any]:
        """Return a view of the same kind: sync, async, or a generator of either."""
        if iscoroutinefunction(view) or iscoroutinefunction(type(view).__call__):
            return self._async(view)
        if isgeneratorfunction(view) or isasyncgenfunction(view):
            return self._stream(view)
        return self._sync(view)

    def _begin(self) -> tuple[Exchange, PendingPrediction] | None:
        """Begin a prediction in the current request; return None if nothing monitors the view."""
        found = self._locator.locate(self._name, self._model)
        if found is None:
            return None
        exchange, monitor = found
        prediction = Prediction(Identity.new(monitor.settings.server_id), monitor)
        return exchange, PendingPrediction(exchange, monitor, self._capture, prediction)

    def _async(self, view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        async def wrapper(*args: Any, **kwargs: Any) -> Any:
            begun = self._begin()
            if begun is None:
                with _unmonitored():
                    return await view(*args, **kwargs)
            exchange, pending = begun
            with pending.prediction:
                returned = pending.returned = await view(*args, **kwargs)
            exchange.log_when_answered(pending)
            return returned

        return wrapper

    def _sync(self, view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            begun = self._begin()
            if begun is None:
                with _unmonitored():
                    return view(*args, **kwargs)
            exchange, pending = begun
            with pending.prediction:
                returned = pending.returned = view(*args, **kwargs)
            exchange.log_when_answered(pending)
            return returned

        return wrapper

    def _stream(self, view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            stream = view(*args, **kwargs)
            begun = self._begin()
            if begun is None:
                return in_prediction(stream, _unmonitored(), None)
            exchange, pending = begun
            pending.returned = stream
            exchange.announce(pending)
            return in_prediction(stream, pending.prediction, pending)

        return wrapper


def _unmonitored() -> Prediction:
    """Return a prediction whose parts are dropped, for a view that sets them unmonitored."""
    return Prediction(Identity.new("unmonitored"))


class Loggable(Protocol):
    """A prediction to log, as a pending one is."""

    def log(self) -> object:
        """Log it."""

    async def log_awaiting(self) -> object:
        """Log it, and await its sources if necessary."""


def in_prediction(
    stream: Generator[Any, Any, Any] | AsyncGenerator[Any, Any],
    prediction: Prediction,
    pending: Loggable | None,
) -> Generator[Any, Any, Any] | AsyncGenerator[Any, Any]:
    """Return a generator whose code runs inside a prediction.

    Args:
        stream: The generator, async or not.
        prediction: The prediction.
        pending: Logged when the stream reaches its end, not if it fails or is closed early.
    """
    if isasyncgen(stream):
        return _async_steps(stream, prediction, pending)
    return _steps(stream, prediction, pending)  # type: ignore[arg-type]


# Make the prediction current only within each step. Between two steps, the server may run other
# requests in the same thread. It may also run each step in another thread, where resetting the
# context variable of the first thread would fail.
def _steps(
    stream: Generator[Any, Any, Any], prediction: Prediction, pending: Loggable | None
) -> Generator[Any, Any, Any]:
    try:
        while True:
            with prediction:
                item = next(stream, _END)
            if item is _END:
                break
            yield item
    finally:
        with prediction:
            stream.close()
    if pending is not None:
        pending.log()


async def _async_steps(
    stream: AsyncGenerator[Any, Any], prediction: Prediction, pending: Loggable | None
) -> AsyncGenerator[Any, Any]:
    try:
        while True:
            with prediction:
                item = await anext(stream, _END)
            if item is _END:
                break
            yield item
    finally:
        with prediction:
            await stream.aclose()
    if pending is not None:
        await pending.log_awaiting()
