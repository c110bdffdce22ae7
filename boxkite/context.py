"""The prediction of the request at hand: what the view, or the adapter for it, fills in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from boxkite.errors import NoPredictionError
from boxkite.identity import Identity

__all__ = ["UNSET", "Prediction", "current_prediction", "prediction_scope"]


class _Unset:
    def __repr__(self) -> str:
        return "UNSET"

    def __bool__(self) -> bool:
        return False


UNSET: Any = _Unset()
"""Stands where nothing was set; None is a value."""


class Prediction:
    """One prediction in the making.

    Attributes:
        identity: names it; fixed when the view begins, so that the view can answer with the id.
        features: what the model was given, UNSET until the view sets it; a copy, so the view may
            change its own object afterwards.
        output: what it answered, likewise.
    """

    __slots__ = ("_features", "_output", "identity")

    def __init__(self, server_id: str) -> None:
        self.identity = Identity.new(server_id)
        self._features: Any = UNSET
        self._output: Any = UNSET

    @property
    def features(self) -> Any:
        return self._features

    @features.setter
    def features(self, features: Any) -> None:
        self._features = _copy(features)

    @property
    def output(self) -> Any:
        return self._output

    @output.setter
    def output(self, output: Any) -> None:
        self._output = _copy(output)

    @property
    def id(self) -> str:
        """The prediction id."""
        return self.identity.prediction_id


def _copy(value: Any) -> Any:
    """Return a copy of a list, mapping, array or frame, and anything else as it is."""
    if isinstance(value, list | dict):
        return value.copy()
    copy = getattr(value, "copy", None)
    return copy() if callable(copy) and hasattr(value, "shape") else value


_current: ContextVar[Prediction] = ContextVar("boxkite_prediction")


@contextmanager
def prediction_scope(server_id: str) -> Iterator[Prediction]:
    """Open a prediction for the code within, and put back the one that was current before."""
    prediction = Prediction(server_id)
    token = _current.set(prediction)
    try:
        yield prediction
    finally:
        _current.reset(token)


class _CurrentPrediction:
    """Stands for the prediction of the request that is being answered.

    Inside a view decorated with `predict` its `features` and `output` can be set, and win over
    what the decorator would find; its `id` is what the response carries as `X-Prediction-Id`.

    Raises:
        NoPredictionError: where one of these is used outside such a view.
    """

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # tools that look at a module's names ask for these
            raise AttributeError(name)
        return getattr(_prediction(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(_prediction(), name, value)

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
