"""What every framework's extension shares: its options, its decorators, and the prediction's scope.

An adapter adds how an application is set up, and an `Exchange`: the request at hand.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import wraps
from inspect import iscoroutinefunction, signature
from typing import Any, ParamSpec, Protocol, TypeVar, overload

from boxkite.config import Layer, resolve
from boxkite.context import Prediction, prediction_scope
from boxkite.monitor import Monitor
from boxkite.sources import Capture, Source, captured

__all__ = ["Exchange", "Extension", "is_authorized"]

P = ParamSpec("P")
T = TypeVar("T")

# Names the server where nothing is monitored: what the view sets there is dropped.
_NOBODY = "unmonitored"

_MONITOR_OPTIONS = ("baseline", "log", "registry", "policy")


class Exchange(Protocol):
    """The request that is being answered, as an adapter sees it."""

    @property
    def monitor(self) -> Monitor:
        """The application's monitor."""

    def finish(self, capture: Capture, prediction: Prediction, returned: Any) -> None:
        """Have the prediction logged once the status of the response is known to be no error."""


class Extension:
    """Monitors the predictions of an application. Adapters derive from it.

    Args:
        **options: settings by name (`model=`, `metrics_path=` …), and `baseline=`, `log=`,
            `registry=` and `policy=` as of `boxkite.Monitor`; they win over the configuration.
    """

    def __init__(self, **options: Any) -> None:
        self._options = options

    def _current_exchange(self) -> Exchange | None:
        """Return the request at hand; None outside of one, or where nothing is monitored."""
        raise NotImplementedError

    def _new_monitor(
        self, layers: Sequence[Layer], raises: Callable[[], bool] = lambda: False
    ) -> Monitor | None:
        """Return a monitor for one application; None where it is switched off."""
        settings = resolve(
            layers, {k: v for k, v in self._options.items() if k not in _MONITOR_OPTIONS}
        )
        if not settings.enabled:
            return None
        given = {k: v for k, v in self._options.items() if k in _MONITOR_OPTIONS}
        return Monitor(settings=settings, raises=raises, **given)

    @overload
    def predict(self, view: Callable[P, T], /) -> Callable[P, T]: ...

    @overload
    def predict(
        self, view: None = None, /, *, features: Source = ..., output: Source = ...
    ) -> Callable[[Callable[P, T]], Callable[P, T]]: ...

    def predict(
        self,
        view: Callable[..., Any] | None = None,
        /,
        *,
        features: Source = None,
        output: Source = None,
    ) -> Any:
        """Decorate a view: each of its answers below status 400 is a prediction.

        The view keeps its signature, and its answer goes out as it is, with the header
        `X-Prediction-Id`. What the view sets in `boxkite.current_prediction` wins over the
        sources.

        Args:
            view: the view itself, where the decorator stands without parentheses.
            features: a key path into the JSON body, names to pick from it, a callable of the
                request, or None for the whole body.
            output: a key path into the returned object, names to pick from it, a callable of the
                returned object, or None for the whole of it.
        """

        if view is not None and not callable(view):
            raise TypeError(f"predict({view!r}): name the source, as features={view!r}")

        def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
            if isinstance(view, type):
                raise TypeError(f"{view.__name__} is a class: decorate its methods with predict")
            name = getattr(view, "__name__", type(view).__name__)
            wrapper = self._decorated(view, Capture(features, output, name))
            with suppress(Exception):
                # Some frameworks look up annotations that are text among the wrapper's globals;
                # here each stands resolved, unless its name is defined only later.
                wrapper.__signature__ = signature(view, eval_str=True)  # type: ignore[attr-defined]
            return wrapper

        return decorate if view is None else decorate(view)

    def features(self, function: Callable[P, T]) -> Callable[P, T]:
        """Decorate a function: what it returns during a request are the model's features."""
        return captured(function, "features")

    def output(self, function: Callable[P, T]) -> Callable[P, T]:
        """Decorate a function: what it returns during a request is the model's output."""
        return captured(function, "output")

    def _decorated(self, view: Callable[..., Any], capture: Capture) -> Callable[..., Any]:
        """Return the view in a prediction's scope, of the same kind: sync or async."""
        if iscoroutinefunction(view) or iscoroutinefunction(type(view).__call__):

            @wraps(view)
            async def async_wrapper(*args: Any, **kwargs: Any) -> Any:
                exchange = self._current_exchange()
                if exchange is None:
                    with prediction_scope(_NOBODY):
                        return await view(*args, **kwargs)
                with prediction_scope(exchange.monitor.settings.server_id) as prediction:
                    returned = await view(*args, **kwargs)
                exchange.finish(capture, prediction, returned)
                return returned

            return async_wrapper

        @wraps(view)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            exchange = self._current_exchange()
            if exchange is None:
                with prediction_scope(_NOBODY):
                    return view(*args, **kwargs)
            with prediction_scope(exchange.monitor.settings.server_id) as prediction:
                returned = view(*args, **kwargs)
            exchange.finish(capture, prediction, returned)
            return returned

        return wrapper


def is_authorized(authorization: str | None, token: str | None) -> bool:
    """Tell whether an `Authorization` header brings the bearer token, in constant time.

    Args:
        authorization: the header, None where there is none.
        token: that is asked for; None or empty: none is.
    """
    if not token:
        return True
    scheme, _, given = (authorization or "").partition(" ")
    return scheme.lower() == "bearer" and secrets.compare_digest(given.encode(), token.encode())
