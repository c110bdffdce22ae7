"""Views that are generators: their code runs while the answer is sent, step by step."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator
from inspect import isasyncgen
from typing import Any

from boxkite.web.context import Prediction

__all__ = ["in_prediction"]

_END: Any = object()


def in_prediction(
    stream: Generator[Any, Any, Any] | AsyncGenerator[Any, Any],
    prediction: Prediction,
    ended: Callable[[], object],
) -> Generator[Any, Any, Any] | AsyncGenerator[Any, Any]:
    """Return a generator whose code has a prediction as its current one.

    Between its steps the prediction is not current: what sends the answer may take each of them
    in another thread.

    Args:
        stream: a generator, async or not.
        prediction: that it is about.
        ended: called once it has come to its end; not where it failed or was given up.
    """
    if isasyncgen(stream):
        return _async_steps(stream, prediction, ended)
    return _steps(stream, prediction, ended)  # type: ignore[arg-type]


def _steps(
    stream: Generator[Any, Any, Any], prediction: Prediction, ended: Callable[[], object]
) -> Generator[Any, Any, Any]:
    try:
        while True:
            with prediction:
                item = next(stream, _END)
            if item is _END:
                break
            yield item
    finally:
        with prediction:
            stream.close()
    ended()


async def _async_steps(
    stream: AsyncGenerator[Any, Any], prediction: Prediction, ended: Callable[[], object]
) -> AsyncGenerator[Any, Any]:
    try:
        while True:
            with prediction:
                item = await anext(stream, _END)
            if item is _END:
                break
            yield item
    finally:
        with prediction:
            await stream.aclose()
    ended()
