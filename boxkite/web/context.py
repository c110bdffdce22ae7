"""The prediction of the request at hand: what the view, or the adapter for it, fills in."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar, Token
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, ParamSpec, TypeVar, cast

import msgspec

from boxkite.errors import NoPredictionError
from boxkite.live.identity import Identity

__all__ = ["UNSET", "Prediction", "captured", "current_prediction"]

P = ParamSpec("P")
T = TypeVar("T")


class _Unset:
    def __repr__(self) -> str:
        return "UNSET"

    def __bool__(self) -> bool:
        return False


UNSET: Any = _Unset()
"""Stands where nothing was set; None is a value."""


def _one_row(_: Any) -> int:
    return 1


class Prediction(msgspec.Struct, eq=False):
    """One prediction in the making; as a context, the current one of the code within.

    At the end of the context the one before is current again.

    Attributes:
        identity: names it, or the first of a batch; fixed when the view begins, so that the view
            can answer with the id.
        row_count: tells for how many predictions features are: more than one in a batch.
        features: what the model was given, UNSET until the view sets it; a copy, so the view may
            change its own object afterwards.
        output: what it answered, likewise.
        is_set: whether the view has set one of the two.
    """

    identity: Identity
    row_count: Callable[[Any], int] = _one_row
    is_set: bool = False
    _features: Any = UNSET
    _output: Any = UNSET
    _token: Token[Prediction] | None = None

    def __enter__(self) -> Prediction:
        self._token = _current.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._token is not None
        _current.reset(self._token)

    def __repr__(self) -> str:
        return f"<Prediction {self.id}>"  # not what was asked, which may be secret

    @property
    def features(self) -> Any:
        return self._features

    @features.setter
    def features(self, features: Any) -> None:
        self._features = _copied(features)
        self.is_set = True

    @property
    def output(self) -> Any:
        return self._output

    @output.setter
    def output(self, output: Any) -> None:
        self._output = _copied(output)
        self.is_set = True

    @property
    def id(self) -> str:
        """The prediction id, of a batch the first."""
        return self.identity.prediction_id

    @property
    def ids(self) -> list[str]:
        """The ids of a batch's rows, once its features are set or captured; until then the one."""
        number = 1 if self._features is UNSET else self.row_count(self._features)
        return [each.prediction_id for each in self.identity.rows(number)]


def _copied(value: Any) -> Any:
    """Return a copy of a list, mapping, array or frame, and anything else as it is.

    Rows in a list, and columns in a mapping, are copied too.
    """
    try:
        return _copy(value, 2)
    except Exception:  # noqa: BLE001 - what cannot be copied is reported when it is read
        return value


def _copy(value: Any, depth: int) -> Any:
    if depth == 0 or type(value) in _UNCHANGING:
        return value
    if isinstance(value, list):
        return [_copy(each, depth - 1) for each in value]
    if isinstance(value, dict):
        return {name: _copy(each, depth - 1) for name, each in value.items()}
    # Tensors call it clone.
    copy = getattr(value, "copy", None) or getattr(value, "clone", None)
    return copy() if callable(copy) and hasattr(value, "shape") else value


_UNCHANGING = frozenset({float, int, str, bool, type(None), bytes})


_current: ContextVar[Prediction] = ContextVar("boxkite_prediction")


class _CurrentPrediction:
    """Stands for the prediction of the request that is being answered.

    Inside a view decorated with `predict` its `features` and `output` can be set, and win over
    what the decorator would find; its `id` is what the response carries as `X-Prediction-Id`, and
    `ids` are those of a batch.

    Raises:
        NoPredictionError: where one of these is used outside such a view.
    """

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # tools that look at a module's names ask for these
            raise AttributeError(name)
        return getattr(_prediction(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        prediction = _prediction()
        if name not in ("features", "output"):
            raise AttributeError(
                f"current_prediction.{name} cannot be set; features and output can"
            )
        setattr(prediction, name, value)

    def __bool__(self) -> bool:
        """Tell whether there is one."""
        return _current.get(None) is not None

    def __repr__(self) -> str:
        return f"<current_prediction {_current.get(None)!r}>"


def _prediction() -> Prediction:
    prediction = _current.get(None)
    if prediction is None:
        raise NoPredictionError(
            "current_prediction is set only while a view decorated with @monitor.predict runs"
        )
    return prediction


current_prediction = _CurrentPrediction()


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
