"""The prediction of the request at hand: what the view, or the adapter for it, fills in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from boxkite.errors import NoPredictionError

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
        features: what the model was given, UNSET until the view or the adapter sets it.
        output: what it answered.
        id: the prediction id, None until it is logged.
    """

    __slots__ = ("features", "id", "output")

    def __init__(self) -> None:
        self.features: Any = UNSET
        self.output: Any = UNSET
        self.id: str | None = None


_current: ContextVar[Prediction] = ContextVar("boxkite_prediction")


@contextmanager
def prediction_scope() -> Iterator[Prediction]:
    """Open a prediction for the code within, and put back the one that was current before."""
    prediction = Prediction()
    token = _current.set(prediction)
    try:
        yield prediction
    finally:
        _current.reset(token)


class _CurrentPrediction:
    """Stands for the prediction of the request that is being answered.

    Inside a view decorated with `predict` its `features` and `output` can be set, and win over
    what the decorator would find; after the view `id` is the prediction's id.

    Raises:
        NoPredictionError: on any use outside such a view.
    """

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        return getattr(_prediction(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(_prediction(), name, value)

    def __repr__(self) -> str:
        prediction = _current.get(None)
        return f"<current_prediction of {prediction!r}>" if prediction else "<no prediction>"


def _prediction() -> Prediction:
    prediction = _current.get(None)
    if prediction is None:
        raise NoPredictionError(
            "current_prediction is set only while a view decorated with @monitor.predict runs"
        )
    return prediction


current_prediction = _CurrentPrediction()
