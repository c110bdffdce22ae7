"""The code of a generator runs inside its prediction, and no other code does."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from boxkite.live.identity import Identity
from boxkite.web.context import Prediction, current_prediction
from boxkite.web.views import in_prediction


class Pending:
    """A prediction that waits for the end of a stream."""

    def __init__(self) -> None:
        self.logged = 0

    def log(self) -> None:
        self.logged += 1

    async def log_awaiting(self) -> None:
        self.logged += 1


def numbers(log: list[Any], fail: bool = False) -> Iterator[int]:
    current_prediction.output = 0
    try:
        yield 1
        current_prediction.output = 1
        if fail:
            raise ValueError("no model")
        yield 2
        current_prediction.output = 2
    finally:
        log.append(current_prediction.id)


async def async_numbers(log: list[Any]) -> AsyncIterator[int]:
    current_prediction.output = 0
    try:
        yield 1
        await asyncio.sleep(0)
        current_prediction.output = 2
        yield 2
    finally:
        log.append(current_prediction.id)


def test_each_step_of_a_generator_has_the_prediction_and_nobody_between() -> None:
    prediction, log, pending = Prediction(Identity.new("server")), list[Any](), Pending()
    steps = in_prediction(numbers(log), prediction, pending)
    seen = [(item, bool(current_prediction), pending.logged) for item in steps]
    assert seen == [(1, False, 0), (2, False, 0)]
    assert (prediction.output, log, pending.logged) == (2, [prediction.id], 1)


def test_its_steps_may_run_in_different_threads() -> None:
    prediction, pending = Prediction(Identity.new("server")), Pending()
    stream = in_prediction(numbers([]), prediction, pending)
    found: list[Any] = []
    for _ in range(3):
        thread = threading.Thread(target=lambda: found.append(next(stream, None)))
        thread.start()
        thread.join()
    assert (found, prediction.output, pending.logged) == ([1, 2, None], 2, 1)


def test_an_async_generator_likewise() -> None:
    prediction, log, pending = Prediction(Identity.new("server")), list[Any](), Pending()

    async def drive() -> list[Any]:
        steps = in_prediction(async_numbers(log), prediction, pending)
        return [(item, bool(current_prediction)) async for item in steps]

    assert asyncio.run(drive()) == [(1, False), (2, False)]
    assert (prediction.output, log, pending.logged) == (2, [prediction.id], 1)


def test_what_fails_or_is_given_up_has_not_ended_and_is_cleaned_up() -> None:
    prediction, log, pending = Prediction(Identity.new("server")), list[Any](), Pending()
    failing = in_prediction(numbers(log, fail=True), prediction, pending)
    assert next(failing) == 1
    with pytest.raises(ValueError, match="no model"):
        next(failing)
    given_up = in_prediction(numbers(log), prediction, pending)
    assert next(given_up) == 1
    given_up.close()
    assert (log, pending.logged, bool(current_prediction)) == ([prediction.id] * 2, 0, False)


def test_an_async_one_that_is_given_up_is_cleaned_up() -> None:
    prediction, log, pending = Prediction(Identity.new("server")), list[Any](), Pending()

    async def drive() -> None:
        steps = in_prediction(async_numbers(log), prediction, pending)
        assert await anext(steps) == 1
        await steps.aclose()

    asyncio.run(drive())
    assert (log, pending.logged) == ([prediction.id], 0)
