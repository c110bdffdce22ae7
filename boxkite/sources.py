"""Where the features and the output of a view are taken from.

A source is a key path in JSON (`"inputs.0.values"`), a list of names, a callable, or None for the
whole. Adapters give it the request and the view's answer.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import wraps
from inspect import isasyncgenfunction, isawaitable, iscoroutinefunction
from types import TracebackType
from typing import Any, ParamSpec, Protocol, TypeAlias, TypeVar, cast

from boxkite.answers import answer_of
from boxkite.baseline import Baseline, Variable
from boxkite.baseline.class_probabilities import WINNER
from boxkite.context import UNSET, Prediction, current_prediction
from boxkite.live.row import is_row
from boxkite.monitor import Monitor
from boxkite.picking import Several, pick

__all__ = [
    "PREDICTION_COUNT_HEADER",
    "PREDICTION_ID_HEADER",
    "Answered",
    "Capture",
    "Source",
    "captured",
]

PREDICTION_ID_HEADER = "X-Prediction-Id"
PREDICTION_COUNT_HEADER = "X-Prediction-Count"

Source: TypeAlias = "str | Sequence[str] | Callable[[Any], Any] | None"

P = ParamSpec("P")
T = TypeVar("T")

_STAGES = ("features", "output")
_PLACES = {"features": "the request's JSON body", "output": "the returned object"}

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

    Raises:
        TypeError: if a source is none of these.
    """

    def __init__(
        self, features: Source, output: Source, view: str, *, awaited: bool = False
    ) -> None:
        self._sources = {"features": features, "output": output}
        for part, source in self._sources.items():
            _check(part, source, awaited)
        self._view = f"view {view!r}"
        self._names: dict[str, tuple[Baseline, Sequence[str], bool]] = {}
        self._slow_at: dict[str, float] = {}

    def log(self, monitor: Monitor, prediction: Prediction, answered: Answered) -> dict[str, str]:
        """Log what one request predicted; what cannot be found is reported, not raised.

        Args:
            monitor: of the model.
            prediction: what the view set itself wins over the sources.
            answered: the request and its answer.

        Returns:
            The headers that name the prediction, or the first of a batch and their number.
        """
        found = dict.fromkeys(_STAGES)
        for stage in _STAGES:
            with _Isolated(self, monitor, stage):
                value = self._value(stage, monitor, prediction, answered)
                if callable(self._sources[stage]) and isawaitable(value):
                    raise _not_awaited(value)
                found[stage] = value
        return self._logged(monitor, prediction, answered, found)

    async def log_awaiting(
        self, monitor: Monitor, prediction: Prediction, answered: Answered
    ) -> dict[str, str]:
        """Do as `log`, and await what an async source returns."""
        found = dict.fromkeys(_STAGES)
        for stage in _STAGES:
            with _Isolated(self, monitor, stage):
                value = self._value(stage, monitor, prediction, answered)
                if callable(self._sources[stage]) and isawaitable(value):
                    value = await value
                found[stage] = value
        return self._logged(monitor, prediction, answered, found)

    def _value(
        self, stage: str, monitor: Monitor, prediction: Prediction, answered: Answered
    ) -> Any:
        """Return what the view has set, or what stands where the source points to."""
        given = prediction.features if stage == "features" else prediction.output
        if given is not UNSET:
            if hasattr(given, "__next__"):
                raise ValueError("an iterator can be read once only, by the view: give a list")
            return given
        source = self._sources[stage]
        if callable(source):
            return source(answered.request() if stage == "features" else answered.returned)
        content = answered.body() if stage == "features" else answer_of(answered.content())
        if source is None:
            return content
        if isinstance(source, str):
            return _as_rows(pick(content, source, _PLACES[stage]), stage)
        names, by_name = self._ordered(stage, source, monitor.baseline)
        value = pick(content, names, _PLACES[stage])
        if not by_name:
            return _as_rows(value, stage)
        if type(value) is not Several:
            return dict(zip(names, value, strict=True))
        rows = [None if row is None else dict(zip(names, row, strict=True)) for row in value]
        return _as_rows(Several(rows), stage)

    def _ordered(
        self, stage: str, source: Sequence[str], baseline: Baseline
    ) -> tuple[Sequence[str], bool]:
        """Return names in the baseline's order where they are its names; and if they are a part.

        Of a part the values are taken by name; names that are not the baseline's stand for its
        variables in the order in which they are given.
        """
        kept = self._names.get(stage)
        if kept is not None and kept[0] is baseline:
            return kept[1:]
        known = [each.name for each in _variables(stage, baseline)]
        if baseline.classes and stage == "output" and WINNER not in source:
            known = list(baseline.classes)
        same = set(source) == set(known)
        part = set(source) < set(known)
        names = known if same else source
        self._names[stage] = (baseline, names, part)
        return names, part

    def _logged(
        self,
        monitor: Monitor,
        prediction: Prediction,
        answered: Answered,
        found: Mapping[str, Any],
    ) -> dict[str, str]:
        body = None
        if monitor.settings.log_request_body:
            try:
                body = answered.body()
            except Exception as error:  # noqa: BLE001 - the body is the client's
                monitor.trouble.report("log", error, self._view)
        ids = monitor.log_predictions(
            found["features"],
            found["output"],
            body,
            identity=prediction.identity,
            view=self._view,
        )
        if len(ids) == 1:
            return {PREDICTION_ID_HEADER: ids[0]}
        first = {PREDICTION_ID_HEADER: ids[0]} if ids else {}
        return {**first, PREDICTION_COUNT_HEADER: str(len(ids))}

    def failed(self, monitor: Monitor, stage: str, error: Exception) -> None:
        """Report a source that raised."""
        monitor.trouble.report(stage, error, self._view)

    def took(self, monitor: Monitor, stage: str, seconds: float) -> None:
        """Count a slow callable, once a minute; its value is used."""
        if not callable(self._sources[stage]):
            return  # a machine that pauses is no news
        now = time.monotonic()
        if now - self._slow_at.get(stage, -_QUIET_SECONDS) >= _QUIET_SECONDS:
            self._slow_at[stage] = now
            slow = TimeoutError(f"the response waited {seconds:.1f} s for the {stage}")
            monitor.trouble.count(stage, slow, self._view)


class _Isolated:
    """Keeps what a source does from the response: its errors are reported, and its slowness."""

    __slots__ = ("_capture", "_monitor", "_stage", "_started")

    def __init__(self, capture: Capture, monitor: Monitor, stage: str) -> None:
        self._capture = capture
        self._monitor = monitor
        self._stage = stage
        self._started = 0.0

    def __enter__(self) -> None:
        self._started = time.perf_counter()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        seconds = time.perf_counter() - self._started
        if seconds > _SLOW_SECONDS:
            self._capture.took(self._monitor, self._stage, seconds)
        if not isinstance(error, Exception):
            return False
        self._capture.failed(self._monitor, self._stage, error)
        return True


def _variables(stage: str, baseline: Baseline) -> Sequence[Variable]:
    return baseline.features if stage == "features" else baseline.outputs


def _as_rows(value: Any, stage: str) -> Any:
    """Return what was picked from each object as rows of features, where it is that."""
    if type(value) is not Several or stage == "output":
        return value
    return [{} if row is None else row if is_row(row) else [row] for row in value]


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


def captured(function: Callable[P, T], part: str) -> Callable[P, T]:
    """Return a function whose result becomes the current prediction's features or output.

    Args:
        function: sync or async, called during a request; outside of one it is as it was.
        part: "features" or "output".
    """
    if iscoroutinefunction(function):

        @wraps(function)
        async def async_wrapper(*args: Any, **kwargs: Any) -> Any:
            return _kept(await function(*args, **kwargs), part)

        return cast("Callable[P, T]", async_wrapper)

    @wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        return _kept(function(*args, **kwargs), part)

    return wrapper


def _kept(result: T, part: str) -> T:
    if current_prediction:
        setattr(current_prediction, part, result)
    return result
