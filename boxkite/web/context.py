"""The prediction of the current request, and `current_prediction`, which refers to it."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar, Token
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, Literal, ParamSpec, Protocol, TypeVar, cast

import msgspec

from boxkite.errors import NoPredictionError
from boxkite.live.identity import Identity
from boxkite.system.type_guards import is_dict, is_list

__all__ = ["UNSET", "Part", "Prediction", "captured", "current_prediction"]

P = ParamSpec("P")
T = TypeVar("T")

Part = Literal["features", "output", "segments"]
"""The parts of a prediction."""


class _Unset:
    def __repr__(self) -> str:
        return "UNSET"

    def __bool__(self) -> bool:
        return False


UNSET: Any = _Unset()
"""The value of a part that the view has not set. It differs from None, which is a value."""


class RowCounter(Protocol):
    """Counts the rows in features of any form, as a monitor does."""

    def row_count(self, features: Any) -> int:
        """Return the number of predictions that the features are for."""
        ...


class Prediction(msgspec.Struct, eq=False):
    """The prediction, or batch of predictions, that a view makes.

    Inside a `with` block, it is the current prediction. Blocks nest: at the end of a block, the
    previous prediction is current again.

    Attributes:
        identity: The identity of the prediction, or of the first one in a batch. It is fixed
            before the view runs, so that the view can send the id in its response.
        rows: Counts the rows of a batch; None if nothing monitors the view.
        is_set: Whether the view has set any of its parts.
    """

    identity: Identity
    rows: RowCounter | None = None
    is_set: bool = False
    _features: Any = UNSET
    _output: Any = UNSET
    _segments: Any = UNSET
    _token: Token[Prediction] | None = None

    def __enter__(self) -> Prediction:
        self._token = _current.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._token is not None
        _current.reset(self._token)

    def __repr__(self) -> str:
        # Features and output may be secret, and representations end up in logs.
        return f"<Prediction {self.id}>"

    def __bool__(self) -> bool:
        """Return True. `current_prediction` is false if there is no prediction."""
        return True

    @property
    def features(self) -> Any:
        """Features as the model takes them, one row or several; `UNSET` until they are set.

        Lists, mappings, arrays and frames are copied, so the view may change its own afterwards.
        """
        return self._features

    @features.setter
    def features(self, features: Any) -> None:
        self._features = _copied(features)
        self.is_set = True

    @property
    def output(self) -> Any:
        """Output of the model, one value per row; `UNSET` until it is set. It is copied too."""
        return self._output

    @output.setter
    def output(self, output: Any) -> None:
        self._output = _copied(output)
        self.is_set = True

    @property
    def segments(self) -> Any:
        """Values of segment columns that are no features, by name; `UNSET` until they are set.

        Each value is for all rows of the request, or a list has one for each row.
        """
        return self._segments

    @segments.setter
    def segments(self, segments: Any) -> None:
        self._segments = _copied(segments)
        self.is_set = True

    @property
    def id(self) -> str:
        """Prediction id in the header `X-Prediction-Id`. For a batch, the id of its first row."""
        return self.identity.prediction_id

    @property
    def ids(self) -> list[str]:
        """Prediction ids of all rows. Set the features first: until then it holds only `id`."""
        known = self.rows is not None and self._features is not UNSET
        number = self.rows.row_count(self._features) if known and self.rows is not None else 1
        return [each.prediction_id for each in self.identity.rows(number)]


def _copied(value: Any) -> Any:
    """Return a copy of a list, mapping, array or frame; return other values unchanged.

    The copy includes rows in a list and columns in a mapping.
    """
    try:
        return _copy(value, 2)
    except Exception:  # noqa: BLE001 - a value that cannot be copied is reported when it is read
        return value


def _copy(value: Any, depth: int) -> Any:
    if depth == 0 or type(value) in _IMMUTABLE:
        return value
    if is_list(value):
        return [_copy(each, depth - 1) for each in value]
    if is_dict(value):
        return {name: _copy(each, depth - 1) for name, each in value.items()}
    # Tensors call it clone.
    copy = getattr(value, "copy", None) or getattr(value, "clone", None)
    return copy() if callable(copy) and hasattr(value, "shape") else value


_IMMUTABLE = frozenset({float, int, str, bool, type(None), bytes})


_current: ContextVar[Prediction] = ContextVar("boxkite_prediction")


class _CurrentPrediction:
    """Forwards to the prediction of the current request.

    It is not a subclass of `Prediction`, because each field and property of that class would then
    hide the forwarding.
    """

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        # doctest, inspect and mock probe module attributes for names such as __wrapped__. They
        # expect an AttributeError, also outside of a request.
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(_current_or_raise(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        prediction = _current_or_raise()
        if name not in ("features", "output", "segments"):
            raise AttributeError(
                f"cannot set current_prediction.{name}: only features, output and segments can be "
                "set"
            )
        setattr(prediction, name, value)

    def __bool__(self) -> bool:
        """Return True inside of a prediction."""
        return _current.get(None) is not None

    def __repr__(self) -> str:
        return f"<current_prediction {_current.get(None)!r}>"


def _current_or_raise() -> Prediction:
    prediction = _current.get(None)
    if prediction is None:
        raise NoPredictionError(
            "there is no current prediction: current_prediction can only be used while a view "
            "decorated with @monitor.predict runs"
        )
    return prediction


current_prediction = cast(Prediction, _CurrentPrediction())
"""The `Prediction` of the current request.

A view decorated with `@monitor.predict` may set its `features`, `output` and `segments`, which
override the decorator's sources. `id` is sent as `X-Prediction-Id`, and `ids` lists the ids of a
batch. `current_prediction` is false if there is no prediction.

Raises:
    NoPredictionError: if an attribute is used while no decorated view runs.
"""


def captured(function: Callable[P, T], part: Part) -> Callable[P, T]:
    """Wrap a function so that its result becomes a part of the current prediction.

    Args:
        function: The function, sync or async. Outside of a prediction, the wrapper only calls it.
        part: The part to set, "features" or "output".
    """
    if iscoroutinefunction(function):

        @wraps(function)
        async def async_wrapper(*args: Any, **kwargs: Any) -> Any:
            return _set(await function(*args, **kwargs), part)

        return cast("Callable[P, T]", async_wrapper)

    @wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        return _set(function(*args, **kwargs), part)

    return wrapper


def _set(result: T, part: Part) -> T:
    if current_prediction:
        setattr(current_prediction, part, result)
    return result
