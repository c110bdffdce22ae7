"""Where the features and the output of a view are taken from.

A source is a key path in JSON (`"inputs.0.values"`), a list of names, a callable, or None for the
whole. Adapters give it the request's body or the view's answer as plain values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, ParamSpec, TypeAlias, TypeVar, cast

from boxkite.baseline import Baseline
from boxkite.context import UNSET, Prediction, current_prediction
from boxkite.monitor import Monitor

__all__ = ["PREDICTION_ID_HEADER", "Capture", "Source", "captured"]

PREDICTION_ID_HEADER = "X-Prediction-Id"

Source: TypeAlias = "str | Sequence[str] | Callable[[Any], Any] | None"

P = ParamSpec("P")
T = TypeVar("T")


class Capture:
    """The two sources of one decorated view.

    Args:
        features: of the request: a key path into its JSON body, names to pick from the body or
            from an object in it, a callable of the request, or None for the whole body.
        output: of the answer: a key path, names, a callable of the returned value, or None for
            the whole of it.
        view: the view's name, for messages.

    Raises:
        TypeError: if a source is none of these.
    """

    def __init__(self, features: Source, output: Source, view: str) -> None:
        _check("features", features)
        _check("output", output)
        self._features = features
        self._output = output
        self._view = f"view {view!r}"

    def log(
        self,
        monitor: Monitor,
        prediction: Prediction,
        *,
        request: Any,
        body: Callable[[], Any],
        returned: Any,
        answer: Callable[[], Any],
    ) -> str:
        """Log the prediction of one request; what cannot be found is reported, not raised.

        Args:
            monitor: of the application.
            prediction: what the view set itself wins over the sources.
            request: given to a callable source of features.
            body: returns the request's JSON body as plain values.
            returned: what the view returned, given to a callable source of the output.
            answer: returns that as plain values.

        Returns:
            The prediction id.
        """
        found = {"features": prediction.features, "output": prediction.output}
        places = {
            "features": (self._features, request, body, "the request's JSON body"),
            "output": (self._output, returned, answer, "the returned object"),
        }
        for stage, (source, whole, content, where) in places.items():
            if found[stage] is not UNSET:
                continue
            try:
                value = source(whole) if callable(source) else pick(content(), source, where)
                found[stage] = _by_name(source, value, monitor.baseline)
            except Exception as error:  # noqa: BLE001 - sources are the user's code
                found[stage] = None
                monitor.trouble.report(stage, error, self._view)
        return monitor.log_prediction(
            found["features"],
            found["output"],
            self._request_body(monitor, body),
            identity=prediction.identity,
        )

    def _request_body(self, monitor: Monitor, body: Callable[[], Any]) -> Any:
        """Return the body for the log, where that is switched on and there is one."""
        if not monitor.settings.log_request_body:
            return None
        try:
            return body()
        except Exception as error:  # noqa: BLE001 - the body is the client's
            monitor.trouble.report("log", error, self._view)
            return None


def _by_name(source: Any, value: Any, baseline: Baseline) -> Any:
    """Return picked values by name where the names are the baseline's, in whatever order."""
    if callable(source) or source is None or isinstance(source, str):
        return value
    known = {each.name for each in baseline.variables}
    return dict(zip(source, value, strict=True)) if known.issuperset(source) else value


def _check(part: str, source: Any) -> None:
    """Refuse at decoration what would fail in each request."""
    names = isinstance(source, Sequence) and all(isinstance(name, str) for name in source)
    if iscoroutinefunction(source):
        raise TypeError(f"{part}={source.__name__} is async; give a function that returns at once")
    if source is not None and not callable(source) and not (names and source):
        raise TypeError(f"{part}={source!r}; give a key path, a list of names or a callable")


def pick(content: Any, source: str | Sequence[str] | None, where: str) -> Any:
    """Return the part of plain values that a key path or a list of names points to.

    Raises:
        LookupError: saying what was looked for and what there is.
    """
    if source is None:
        return content
    if isinstance(source, str):
        return _at_path(content, source, where)
    return _names_from(content, source, where)


def _at_path(content: Any, path: str, where: str) -> Any:
    place, keys = content, path.split(".")
    while keys:
        # A key may hold a dot itself, so the longest that fits is taken.
        for length in range(len(keys), 0, -1):
            key = ".".join(keys[:length])
            if isinstance(place, Mapping) and key in place:
                place = place[key]
                break
            if isinstance(place, list | tuple) and key.isdecimal() and int(key) < len(place):
                place = place[int(key)]
                break
        else:
            key = keys[0]
            looked_for = f"no key {key!r} of {path!r}" if key != path else f"no key {path!r}"
            raise LookupError(f"{looked_for} in {where}; it has {_inventory(place)}")
        keys = keys[length:]
    return place


def _names_from(content: Any, names: Sequence[str], where: str) -> list[Any]:
    """Return the values of the names, from the object or from the first object in it that fits."""
    if isinstance(content, Mapping):
        inner = [each for each in content.values() if isinstance(each, Mapping)]
        for place in (content, *inner):
            if any(name in place for name in names):
                return [place.get(name) for name in names]
    raise LookupError(
        f"none of {', '.join(map(repr, names))} in {where}; it has {_inventory(content)}"
    )


def _inventory(place: Any) -> str:
    if isinstance(place, Mapping):
        return ", ".join(repr(key) for key in list(place)[:10]) or "no keys"
    if isinstance(place, list | tuple):
        return f"a list of {len(place)}"
    return f"a single {type(place).__name__}"


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
