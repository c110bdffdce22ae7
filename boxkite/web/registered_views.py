"""Find views whose decorator has no effect because the route got another function."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from boxkite.errors import ConfigError
from boxkite.monitor import Monitor

__all__ = ["RegisteredView", "mark_decorated", "report_uncounted"]

_NAME = "__boxkite_view__"  # an attribute of the decorated view
_DECORATED = "__boxkite_decorated__"  # an attribute of the view that was given to the decorator


@dataclass(frozen=True)
class RegisteredView:
    """A function that the application calls for a route.

    Attributes:
        function: The function, or another callable.
        is_websocket: Whether it handles websockets instead of HTTP requests.
    """

    function: Any
    is_websocket: bool = False


def mark_decorated(view: Callable[..., Any], wrapper: Any, name: str) -> None:
    """Mark a view and its wrapper as decorated, with the view's name for messages."""
    # The wrapper has a copy of the view's attributes, which may include the mark of an earlier
    # decorator.
    wrapper.__dict__.pop(_DECORATED, None)
    setattr(wrapper, _NAME, name)
    with suppress(AttributeError, TypeError):  # methods and built-in functions take no attributes
        setattr(view, _DECORATED, name)


def report_uncounted(views: Sequence[RegisteredView], monitor: Monitor) -> None:
    """Report each view whose decorator has no effect.

    Call this once all routes are known: at the start, or at the first request.
    """
    inside = {id(part) for view in views for part in _wrapped(view.function)}
    for view in views:
        attributes = getattr(view.function, "__dict__", {})
        problem = None
        if view.is_websocket and _NAME in attributes:
            problem = (
                f"view {attributes[_NAME]!r} is a websocket, but @monitor.predict counts only HTTP "
                "requests; call log_prediction of the monitor for each prediction"
            )
        elif _DECORATED in attributes and id(view.function) not in inside:
            problem = (
                f"the route of view {attributes[_DECORATED]!r} got the view without "
                "@monitor.predict, so nothing is counted; put @monitor.predict below the route's "
                "decorator"
            )
        if problem is not None:
            monitor.reporter.report("features", ConfigError(problem))


def _wrapped(function: Any) -> Iterator[Any]:
    """Yield the functions inside a decorated function, outermost first."""
    for _ in range(100):  # a function may wrap itself
        function = getattr(function, "__wrapped__", None)
        if function is None:
            return
        yield function
