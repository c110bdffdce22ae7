"""Where the features and the output of a view are taken from.

A source is a key path in JSON (`"inputs.0.values"`), a list of names, a callable, or None for the
whole. Adapters give it the request and the view's answer.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine, Sequence
from inspect import isasyncgenfunction, isawaitable, iscoroutinefunction
from typing import Any, Protocol, TypeAlias

from boxkite.monitor import Monitor
from boxkite.web.answers import answer_of
from boxkite.web.context import UNSET, Prediction
from boxkite.web.lookup import Lookup, Stage

__all__ = ["PREDICTION_COUNT_HEADER", "PREDICTION_ID_HEADER", "Answered", "Capture", "Source"]

PREDICTION_ID_HEADER = "X-Prediction-Id"
PREDICTION_COUNT_HEADER = "X-Prediction-Count"

Source: TypeAlias = "str | Sequence[str] | Callable[[Any], Any] | None"

_SLOW_SECONDS = 0.1
_QUIET_SECONDS = 60.0


class Answered(Protocol):
    """One request with its answer, as an adapter has them; what is not asked for is not made."""

    @property
    def returned(self) -> Any:
        """What the view returned, as a callable source of the output is given it."""

    def request(self) -> Any:
        """Return the framework's request, as a callable source of features is given it."""

    def body(self) -> Any:
        """Return the request's JSON body as plain values.

        Raises:
            ValueError: if it has none that the view has read.
        """

    def content(self) -> Any:
        """Return the object that the view returned, or the `Content` of the response."""


class Capture:
    """The two sources of one decorated view.

    Args:
        features: of the request: a key path into its JSON body, names to pick from the body or
            from an object in it, a callable of the request, or None for the whole body.
        output: of the answer: a key path, names, a callable of the returned value, or None for
            the whole of it.
        view: the view's name, for messages.
        awaited: whether `log_awaiting` is used, so that callables may be async.

    Attributes:
        may_await: whether a source may return something to be awaited; else `log` does the same.

    Raises:
        TypeError: if a source is none of these.
    """

    def __init__(
        self, features: Source, output: Source, view: str, *, awaited: bool = False
    ) -> None:
        _check("features", features, awaited)
        _check("output", output, awaited)
        self._view = f"view {view!r}"
        self._features = _Part("features", features, self._view)
        self._output = _Part("output", output, self._view)
        self.may_await = callable(features) or callable(output)

    def log(self, monitor: Monitor, prediction: Prediction, answered: Answered) -> dict[str, str]:
        """Log what one request predicted; what cannot be found is reported, not raised.

        Args:
            monitor: of the model.
            prediction: what the view set itself wins over the sources.
            answered: the request and its answer.

        Returns:
            The headers that name the prediction, or the first of a batch and their number.
        """
        features = self._features.take(monitor, prediction, answered)
        output = self._output.take(monitor, prediction, answered)
        return self._logged(monitor, prediction, answered, features, output)

    async def log_awaiting(
        self, monitor: Monitor, prediction: Prediction, answered: Answered
    ) -> dict[str, str]:
        """Do as `log`, and await what an async source returns."""
        features = await self._features.take_awaiting(monitor, prediction, answered)
        output = await self._output.take_awaiting(monitor, prediction, answered)
        return self._logged(monitor, prediction, answered, features, output)

    def _logged(
        self,
        monitor: Monitor,
        prediction: Prediction,
        answered: Answered,
        features: Any,
        output: Any,
    ) -> dict[str, str]:
        body = None
        if monitor.settings.log_request_body:
            try:
                body = answered.body()
            except Exception as error:  # noqa: BLE001 - the body is the client's
                monitor.reporter.report("log", error, self._view)
        identity = prediction.identity
        ids = monitor.recorder.take_all(identity, features, output, body, self._view)
        if len(ids) == 1:
            return {PREDICTION_ID_HEADER: ids[0]}
        first = {PREDICTION_ID_HEADER: ids[0]} if ids else {}
        return {**first, PREDICTION_COUNT_HEADER: str(len(ids))}


class _Part:
    """The features or the output of one view.

    What its source does is kept from the response: its errors are reported, and its slowness.
    """

    def __init__(self, stage: Stage, source: Source, view: str) -> None:
        self._stage = stage
        self._view = view
        self._is_features = stage == "features"
        self._call = source if callable(source) else None
        self._lookup = Lookup(stage, None if callable(source) else source)
        self._slow_at = -_QUIET_SECONDS

    def take(self, monitor: Monitor, prediction: Prediction, answered: Answered) -> Any:
        """Return what the view has set, or what the source gives; None after a failure."""
        try:
            if prediction.is_set and (given := self._given(prediction)) is not UNSET:
                return _not_iterated(given)
            if self._call is None:
                content = answered.body() if self._is_features else answer_of(answered.content())
                return self._lookup.find(content, monitor.baseline)
            with _Timed(self, monitor):
                value = self._call(self._argument(answered))
            if isawaitable(value):
                raise _not_awaited(value)
            return value
        except Exception as error:  # noqa: BLE001 - sources are the user's code
            monitor.reporter.report(self._stage, error, self._view)
            return None

    async def take_awaiting(
        self, monitor: Monitor, prediction: Prediction, answered: Answered
    ) -> Any:
        """Do as `take`, and await what the source returns."""
        if self._given(prediction) is not UNSET or self._call is None:
            return self.take(monitor, prediction, answered)
        try:
            with _Timed(self, monitor):
                value = self._call(self._argument(answered))
                return await value if isawaitable(value) else value
        except Exception as error:  # noqa: BLE001 - sources are the user's code
            monitor.reporter.report(self._stage, error, self._view)
            return None

    def _given(self, prediction: Prediction) -> Any:
        return prediction.features if self._is_features else prediction.output

    def _argument(self, answered: Answered) -> Any:
        return answered.request() if self._is_features else answered.returned

    def took(self, monitor: Monitor, seconds: float) -> None:
        """Count a slow callable, once a minute; its value is used."""
        now = time.monotonic()
        if seconds > _SLOW_SECONDS and now - self._slow_at >= _QUIET_SECONDS:
            self._slow_at = now
            slow = TimeoutError(f"the response waited {seconds:.1f} s for the {self._stage}")
            monitor.reporter.count(self._stage, slow, self._view)


class _Timed:
    """Tells a part how long its callable took, however it ended."""

    __slots__ = ("_monitor", "_part", "_started")

    def __init__(self, part: _Part, monitor: Monitor) -> None:
        self._part = part
        self._monitor = monitor
        self._started = time.perf_counter()

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, *_: object) -> None:
        self._part.took(self._monitor, time.perf_counter() - self._started)


def _not_iterated(given: Any) -> Any:
    """Return what the view has set.

    Raises:
        ValueError: if it is an iterator.
    """
    if hasattr(given, "__next__"):
        raise ValueError("an iterator can be read once only, by the view: give a list")
    return given


def _not_awaited(value: Any) -> TypeError:
    if isinstance(value, Coroutine):
        value.close()
    return TypeError("the source returned something to be awaited, and here nothing can")


def _check(part: str, source: Any, awaited: bool) -> None:
    """Refuse at decoration what would fail in each request."""
    if isasyncgenfunction(source):
        raise TypeError(f"{part}={source.__name__} is an async generator; give a function")
    if not awaited and (iscoroutinefunction(source) or iscoroutinefunction(type(source).__call__)):
        name = getattr(source, "__name__", type(source).__name__)
        raise TypeError(
            f"{part}={name} is async, and here nothing can await it, as the framework is not; "
            f"give a function, or set current_prediction.{part} in the view"
        )
    names = isinstance(source, Sequence) and all(isinstance(name, str) for name in source)
    if source is not None and not callable(source) and not (names and source):
        raise TypeError(f"{part}={source!r}; give a key path, a list of names or a callable")
