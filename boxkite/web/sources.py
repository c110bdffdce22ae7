"""Sources of features and output, which `@monitor.predict` reads in each request and response."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine, Sequence
from inspect import isasyncgenfunction, isawaitable, iscoroutinefunction
from types import TracebackType
from typing import Any, Protocol, TypeAlias, TypeVar

import msgspec

from boxkite.baseline import Baseline
from boxkite.errors import ConfigError
from boxkite.live.recorder import NAMED, Named
from boxkite.monitor import Monitor
from boxkite.web.answers import Answered, answer_of
from boxkite.web.context import UNSET, Part, Prediction
from boxkite.web.lookup import Lookup
from boxkite.web.request_body import parsed_body

__all__ = [
    "PREDICTION_COUNT_HEADER",
    "PREDICTION_ID_HEADER",
    "Capture",
    "PendingPrediction",
    "Source",
]

PREDICTION_ID_HEADER = "X-Prediction-Id"
PREDICTION_COUNT_HEADER = "X-Prediction-Count"

Source: TypeAlias = str | Sequence[str] | Callable[[Any], Any] | None
"""Where to find the features or the output.

It is a key path such as "inputs.0.values", a list of names, a callable, or None for the whole
request body or answer. A callable for the features gets the request, and a callable for the output
gets the returned value.
"""

T = TypeVar("T")

_CONTAINERS_PER_ROW = 2  # as in `{"rows": [{"values": [1, 2]}, …]}`
_SLOW_SECONDS = 0.1
_QUIET_SECONDS = 60.0


class Capture:
    """The two sources of one decorated view.

    Args:
        features: The source of the features.
        output: The source of the output.
        view: The view's name, for messages.
        awaited: Whether the adapter awaits sources, so that callables may be async.

    Attributes:
        view: The view's name in messages, such as "view 'score'".
        features: Reads the features.
        output: Reads the output.
        may_await: Whether a source may return an awaitable.
        named: Which parts the decorator names. Clients fill a body, or the part of it at a key
            path. An answer is the service's own, so a key path is enough there.

    Raises:
        TypeError: if a source has another type.
    """

    def __init__(
        self, features: Source, output: Source, view: str, *, awaited: bool = False
    ) -> None:
        _check("features", features, awaited)
        _check("output", output, awaited)
        self.view = f"view {view!r}"
        self.features = _Reader("features", features, self.view)
        self.output = _Reader("output", output, self.view)
        self.may_await = callable(features) or callable(output)
        named = Named(not isinstance(features, str | None), output is not None)
        self.named = NAMED if all(named) else named

    def check(self, baseline: Baseline) -> None:
        """Check that lists of names fit the baseline.

        Raises:
            ConfigError: if some names are the baseline's and some are not.
        """
        try:
            self.features.check(baseline)
            self.output.check(baseline)
        except LookupError as error:
            raise ConfigError(f"{self.view}: {error}") from None


class Runner(Protocol):
    """Runs work that may take long."""

    async def run(self, work: Callable[[], T]) -> T:
        """Return the result of the work. Meanwhile, other requests go on."""
        ...


class PendingPrediction(msgspec.Struct, eq=False):
    """A prediction that is logged once its response is known not to be an error.

    Attributes:
        exchange: The request and its response, from the adapter.
        monitor: The monitor of the model.
        capture: The sources of the view.
        prediction: The prediction. Parts that the view has set override the sources.
        returned: The value that the view returned.
        awaited: Features and output from callable sources that were awaited; `UNSET` for others.
        runner: Runs `log` for `log_awaiting`. An adapter may set it; None for no one.
    """

    exchange: Answered
    monitor: Monitor
    capture: Capture
    prediction: Prediction
    returned: Any = None
    awaited: tuple[Any, Any] = (UNSET, UNSET)
    runner: Runner | None = None

    __repr__ = object.__repr__  # the returned value may be secret

    @property
    def id(self) -> str:
        """Prediction id; for a batch, the id of the first prediction."""
        return self.prediction.id

    @property
    def _named(self) -> Named:
        """Which parts the service's code names, in the decorator or by setting them."""
        named, prediction = self.capture.named, self.prediction
        if named is NAMED or not prediction.is_set:
            return named
        return Named(
            named.features or prediction.features is not UNSET,
            named.output or prediction.output is not UNSET,
        )

    @property
    def may_await(self) -> bool:
        """Whether a source may be async. If so, call `log_awaiting`."""
        return self.capture.may_await

    def log(self) -> dict[str, str]:
        """Log the prediction. A part that cannot be found is reported, and nothing is raised.

        Returns:
            The headers to set in the response: the prediction id, and for a batch the number of
            predictions too.
        """
        features, output = self.awaited
        if features is UNSET:
            features = self.capture.features.read(self)
        if output is UNSET:
            output = self.capture.output.read(self)
        return self._logged(features, output)

    async def _await_sources(self) -> None:
        """Call the callable sources. Afterwards `log` calls none and may run in any thread."""
        features = await self.capture.features.call_awaiting(self)
        self.awaited = features, await self.capture.output.call_awaiting(self)

    async def log_awaiting(self) -> dict[str, str]:
        """Log the prediction, as `log` does, and await async sources."""
        if self.may_await:
            await self._await_sources()
        return self.log() if self.runner is None else await self.runner.run(self.log)

    def body(self) -> Any:
        """Return the request's JSON body as plain values.

        Raises:
            ValueError: if the view read no JSON body, or it is too large.
        """
        settings = self.monitor.settings
        return parsed_body(
            self.exchange, settings.body_max_bytes, _CONTAINERS_PER_ROW * settings.max_rows
        )

    def _logged(self, features: Any, output: Any) -> dict[str, str]:
        monitor, view, body = self.monitor, self.capture.view, None
        if monitor.settings.log_request_body:
            try:
                body = self.body()
            except Exception as error:  # noqa: BLE001 - the client decides what the body is
                monitor.reporter.report("log", error, view)
        identity = self.prediction.identity
        ids = monitor.recorder.take_all(identity, features, output, body, view, self._named)
        if len(ids) == 1:
            return {PREDICTION_ID_HEADER: ids[0]}
        first = {PREDICTION_ID_HEADER: ids[0]} if ids else {}
        return {**first, PREDICTION_COUNT_HEADER: str(len(ids))}


class _Reader:
    """Reads the features or the output of one view.

    A source is the user's code, so its errors and its slowness are reported and never reach the
    response.
    """

    def __init__(self, part: Part, source: Source, view: str) -> None:
        self._part: Part = part
        self._view = view
        self._is_features = part == "features"
        self._call = source if callable(source) else None
        self._lookup = Lookup(part, None if callable(source) else source)
        self._slow_at = -_QUIET_SECONDS

    def check(self, baseline: Baseline) -> None:
        """Check that a list of names fits the baseline. See `Lookup.check`."""
        self._lookup.check(baseline)

    def read(self, pending: PendingPrediction) -> Any:
        """Return the part that the view has set, or the source's value, or None after a failure."""
        prediction, monitor = pending.prediction, pending.monitor
        try:
            if prediction.is_set and (given := self._given(prediction)) is not UNSET:
                return _checked(given)
            if self._call is None:
                if self._is_features:
                    content = pending.body()
                else:
                    content = answer_of(pending.exchange, pending.returned)
                return self._lookup.find(content, monitor.baseline)
            with _Stopwatch(self, monitor):
                value = self._call(self._argument(pending))
            if isawaitable(value):
                raise _not_awaited(value)
            return value
        except Exception as error:  # noqa: BLE001 - sources are the user's code
            monitor.reporter.report(self._part, error, self._view)
            return None

    async def call_awaiting(self, pending: PendingPrediction) -> Any:
        """Return the value of a callable source, awaited if necessary.

        Return `UNSET` if there is none to call, so that `read` gets the part.
        """
        if self._call is None or self._given(pending.prediction) is not UNSET:
            return UNSET
        try:
            with _Stopwatch(self, pending.monitor):
                value = self._call(self._argument(pending))
                return await value if isawaitable(value) else value
        except Exception as error:  # noqa: BLE001 - sources are the user's code
            pending.monitor.reporter.report(self._part, error, self._view)
            return None

    def _given(self, prediction: Prediction) -> Any:
        return prediction.features if self._is_features else prediction.output

    def _argument(self, pending: PendingPrediction) -> Any:
        return pending.exchange.request() if self._is_features else pending.returned

    def note_duration(self, monitor: Monitor, seconds: float) -> None:
        """Report a slow callable, at most once a minute. Its value is still used."""
        now = time.monotonic()
        if seconds > _SLOW_SECONDS and now - self._slow_at >= _QUIET_SECONDS:
            self._slow_at = now
            slow = TimeoutError(f"the response waited {seconds:.1f} s for {self._part}=")
            # Do not use `report`, which may raise: a slow machine must not fail a user's tests.
            monitor.reporter.count(self._part, slow, self._view)


class _Stopwatch:
    """Tells a reader how long its callable took, even if it failed."""

    __slots__ = ("_monitor", "_reader", "_started")

    def __init__(self, reader: _Reader, monitor: Monitor) -> None:
        self._reader = reader
        self._monitor = monitor
        self._started = time.perf_counter()

    def __enter__(self) -> None:
        """Do nothing, because the time started when the object was created."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._reader.note_duration(self._monitor, time.perf_counter() - self._started)


def _checked(given: Any) -> Any:
    """Return the value that the view has set.

    Raises:
        ValueError: if it is an iterator. Reading it here would take its items from the view.
    """
    if hasattr(given, "__next__"):
        raise ValueError(
            "the view set an iterator, which can be read only once; set a list instead"
        )
    return given


def _not_awaited(value: Any) -> TypeError:
    if isinstance(value, Coroutine):
        value.close()  # otherwise Python warns that it was never awaited
    return TypeError("the source returned an awaitable, but this framework's adapter is not async")


def _check(part: Part, source: Source, awaited: bool) -> None:
    """Refuse a source that would fail in each request already when the view is decorated."""
    if isasyncgenfunction(source):
        raise TypeError(f"{part}={source.__name__} is an async generator; pass a function")
    if not awaited and (iscoroutinefunction(source) or iscoroutinefunction(type(source).__call__)):
        name = getattr(source, "__name__", type(source).__name__)
        raise TypeError(
            f"{part}={name} is async, but this framework's adapter cannot await it; pass a "
            f"sync function, or set current_prediction.{part} in the view"
        )
    if source is None or callable(source):
        return
    # The types rule this out, but not every user checks types.
    if not isinstance(source, Sequence) or not source or not all(map(_is_text, source)):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(
            f"{part}={source!r} is not a source; pass a key path, a list of names or a callable"
        )


def _is_text(name: object) -> bool:
    return isinstance(name, str)
