"""Read one part of a prediction from its source, in each request and response."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine, Sequence
from inspect import isasyncgenfunction, isawaitable, iscoroutinefunction
from types import TracebackType
from typing import Any, Protocol, TypeAlias

from boxkite.baseline import Baseline
from boxkite.monitor import Monitor
from boxkite.web.answers import Answered, answer_of
from boxkite.web.context import UNSET, Part, Prediction
from boxkite.web.lookup import Lookup

__all__ = ["Answering", "Source", "SourceReader", "check_source"]

Source: TypeAlias = str | Sequence[str] | Callable[[Any], Any] | None
"""Where to find the features or the output.

It is a key path such as "inputs.0.values", a list of names, a callable, or None for the whole
request body or answer. A callable for the features gets the request, and a callable for the output
gets the returned value.
"""

_SLOW_SECONDS = 0.1
_QUIET_SECONDS = 60.0


class Answering(Protocol):
    """A prediction whose request and response are known, as `PendingPrediction` has it."""

    exchange: Answered
    monitor: Monitor
    prediction: Prediction
    returned: Any

    def body(self) -> Any:
        """Return the request's JSON body."""


class SourceReader:
    """Reads one part of a view's predictions: the features, the output, or segments.

    A source is the user's code, so its errors and its slowness are reported and never reach the
    response.
    """

    def __init__(self, part: Part, source: Source, view: str) -> None:
        self._part: Part = part
        self._stage = "output" if part == "output" else "features"
        self._view = view
        self._call = source if callable(source) else None
        self._lookup = Lookup(part, None if callable(source) else source)
        self._slow_at = -_QUIET_SECONDS

    def check(self, baseline: Baseline) -> None:
        """Check that a list of names fits the baseline. See `Lookup.check`."""
        self._lookup.check(baseline)

    def read(self, pending: Answering) -> Any:
        """Return the part that the view has set, or the source's value, or None after a failure."""
        prediction, monitor = pending.prediction, pending.monitor
        try:
            if prediction.is_set and (given := self._given(prediction)) is not UNSET:
                return _checked(given)
            if self._call is None:
                if self._part == "output":
                    content = answer_of(pending.exchange, pending.returned)
                else:
                    content = pending.body()
                return self._lookup.find(content, monitor.baseline)
            with _Stopwatch(self, monitor):
                value = self._call(self._argument(pending))
            if isawaitable(value):
                raise _not_awaited(value)
            return value
        except Exception as error:  # noqa: BLE001 - sources are the user's code
            monitor.reporter.report(self._stage, error, self._view)
            return None

    async def call_awaiting(self, pending: Answering) -> Any:
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
            pending.monitor.reporter.report(self._stage, error, self._view)
            return None

    def _given(self, prediction: Prediction) -> Any:
        return getattr(prediction, self._part)

    def _argument(self, pending: Answering) -> Any:
        return pending.returned if self._part == "output" else pending.exchange.request()

    def note_duration(self, monitor: Monitor, seconds: float) -> None:
        """Report a slow callable, at most once a minute. Its value is still used."""
        now = time.monotonic()
        if seconds > _SLOW_SECONDS and now - self._slow_at >= _QUIET_SECONDS:
            self._slow_at = now
            slow = TimeoutError(f"the response waited {seconds:.1f} s for {self._part}=")
            # Do not use `report`, which may raise: a slow machine must not fail a user's tests.
            monitor.reporter.count(self._stage, slow, self._view)


class _Stopwatch:
    """Tells a reader how long its callable took, even if it failed."""

    __slots__ = ("_monitor", "_reader", "_started")

    def __init__(self, reader: SourceReader, monitor: Monitor) -> None:
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


def check_source(part: Part, source: Source, awaited: bool) -> None:
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
