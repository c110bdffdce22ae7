"""A view that predicts, in the prediction's scope and of the kind that it was."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from typing import Any, Protocol, TypeAlias

from boxkite.live.identity import Identity
from boxkite.monitor import Monitor
from boxkite.web.context import Prediction
from boxkite.web.models import Models
from boxkite.web.sources import Capture
from boxkite.web.streams import in_prediction

__all__ = ["Exchange", "decorated"]


def _prediction_of(monitor: Monitor) -> Prediction:
    return Prediction(Identity.new(monitor.settings.server_id), monitor.row_count)


def _unmonitored() -> Prediction:
    """Return what stands where nothing is monitored: what the view sets there is dropped."""
    return Prediction(Identity.new("unmonitored"))


class Exchange(Protocol):
    """The request that is being answered, as an adapter sees it."""

    @property
    def models(self) -> Models:
        """The models of the application that answers."""

    @property
    def outer(self) -> Exchange | None:
        """The same request in the application that has this one mounted, if it is monitored."""

    def finish(
        self, monitor: Monitor, capture: Capture, prediction: Prediction, returned: Any
    ) -> None:
        """Have the prediction logged once the status of the response is known to be no error."""

    def begin(
        self, monitor: Monitor, capture: Capture, prediction: Prediction, stream: Any
    ) -> Callable[[], object]:
        """Have the response name a prediction that is made while it is sent.

        Returns:
            What logs it, once the stream has ended.
        """


_Place: TypeAlias = Callable[[], tuple[Exchange | None, Monitor | None]]


def decorated(view: Callable[..., Any], capture: Capture, place: _Place) -> Callable[..., Any]:
    """Return a view whose answers are predictions.

    Args:
        view: sync, async or a generator of either kind.
        capture: finds features and output.
        place: returns the request at hand and what counts a prediction in it, None where nothing
            does.
    """
    if iscoroutinefunction(view) or iscoroutinefunction(type(view).__call__):
        return _async(view, capture, place)
    if isgeneratorfunction(view) or isasyncgenfunction(view):
        return _stream(view, capture, place)
    return _sync(view, capture, place)


def _async(view: Callable[..., Any], capture: Capture, place: _Place) -> Callable[..., Any]:
    @wraps(view)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        exchange, monitor = place()
        if exchange is None or monitor is None:
            with _unmonitored():
                return await view(*args, **kwargs)
        with _prediction_of(monitor) as prediction:
            returned = await view(*args, **kwargs)
        exchange.finish(monitor, capture, prediction, returned)
        return returned

    return wrapper


def _sync(view: Callable[..., Any], capture: Capture, place: _Place) -> Callable[..., Any]:
    @wraps(view)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        exchange, monitor = place()
        if exchange is None or monitor is None:
            with _unmonitored():
                return view(*args, **kwargs)
        with _prediction_of(monitor) as prediction:
            returned = view(*args, **kwargs)
        exchange.finish(monitor, capture, prediction, returned)
        return returned

    return wrapper


def _stream(view: Callable[..., Any], capture: Capture, place: _Place) -> Callable[..., Any]:
    @wraps(view)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        stream = view(*args, **kwargs)
        exchange, monitor = place()
        if exchange is None or monitor is None:
            return in_prediction(stream, _unmonitored(), lambda: None)
        prediction = _prediction_of(monitor)
        log = exchange.begin(monitor, capture, prediction, stream)
        return in_prediction(stream, prediction, log)

    return wrapper
