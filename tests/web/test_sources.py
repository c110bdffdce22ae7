"""Sources of a view: values that they find are logged, and failures are reported."""

import asyncio
import functools
import json
import re
from typing import Any

import pytest

from boxkite import Baseline, ConfigError, Monitor, Settings, current_prediction
from boxkite.live.identity import Identity
from boxkite.web.context import Prediction, captured
from boxkite.web.sources import Capture, PendingPrediction

NONE = Baseline("default", "none", 0, ())


class Answered:
    """A request and its answer."""

    def __init__(self, body: Any, returned: Any) -> None:
        self._body, self.returned = body, returned

    def request(self) -> Any:
        return "request"

    def body(self) -> bytes:
        return json.dumps(self._body).encode()

    def content_encoding(self) -> str:
        return ""

    def content(self, returned: Any) -> Any:
        return returned

    def media_type(self, _: Any) -> str:
        raise AssertionError("no response is returned here")


def pending(
    capture: Capture, monitor: Monitor, prediction: Prediction, answered: Answered
) -> PendingPrediction:
    return PendingPrediction(answered, monitor, capture, prediction, answered.returned)


def logged(
    records: Any,
    capture: Capture,
    baseline: Baseline = NONE,
    body: Any = None,
    returned: Any = None,
    settings: Settings | None = None,
    **set_by_view: Any,
) -> tuple[Any, Any, Monitor]:
    """Return the features and the output of the only record, and its monitor."""
    monitor = Monitor(baseline, records, registry=None, settings=settings)
    answered = Answered({"x": [1]} if body is None else body, returned or {"y": 2})
    with Prediction(Identity.new("server"), monitor) as prediction:
        for name, value in set_by_view.items():
            setattr(prediction, name, value)
    headers = pending(capture, monitor, prediction, answered).log()
    assert headers == {"X-Prediction-Id": prediction.id}
    (record,) = records
    return record.features, record.output, monitor


@pytest.mark.parametrize(
    ("capture", "found"),
    [
        (Capture("x", "y", "view"), ([1], 2)),
        (Capture(None, None, "view"), ({"x": [1]}, {"y": 2})),
        (Capture(lambda request: [request], lambda returned: returned["y"] + 1, "view"),
         (["request"], 3)),
    ],
    ids=["paths", "whole", "callables"],
)  # fmt: skip
def test_sources_find_features_and_output(capture: Capture, found: Any, records: Any) -> None:
    everything = Settings(log_unknown=True)
    assert logged(records, capture, settings=everything)[:2] == found


@pytest.mark.parametrize(
    ("capture", "found"),
    [
        (Capture(None, None, "view"), ({}, None)),
        (Capture("x", "y", "view"), ({}, 2)),  # clients fill the body, the service its answer
        (Capture(["x"], ["y"], "view"), ([1], 2)),
        (Capture(lambda _: {"x": 3}, lambda _: 4, "view"), ({"x": 3}, 4)),
    ],
    ids=["whole", "paths", "names", "callables"],
)
def test_without_a_baseline_only_what_the_code_names_is_logged(
    capture: Capture, found: Any, records: Any
) -> None:
    assert logged(records, capture)[:2] == found


def test_without_a_baseline_what_the_view_sets_is_logged(records: Any) -> None:
    capture = Capture(None, None, "view")
    assert logged(records, capture, features={"x": 3})[:2] == ({"x": 3}, None)


@pytest.mark.parametrize(
    ("names", "row"),
    [
        (["b", "a"], {"b": 2, "a": 1}),  # the model's names, in another order than at training
        (["b"], {"b": 2}),  # a part of them
        (["c", "d"], {"a": 3, "b": 4}),  # the service's own names, in the model's order
    ],
)
def test_names_of_the_model_are_matched_by_name(names: list[str], row: Any, records: Any) -> None:
    baseline = Baseline.fit({"a": [1, 2], "b": [3, 4]})
    body = {"a": 1, "b": 2, "c": 3, "d": 4}
    assert logged(records, Capture(names, lambda _: None, "view"), baseline, body)[0] == row


@pytest.mark.parametrize("names", [["b", "aa"], ["aa", "b"], ["x", "y", "a"], ["a", "b", "c"]])
def test_names_that_are_only_partly_the_models_are_refused(
    names: list[str], caplog: pytest.LogCaptureFixture, records: Any
) -> None:
    baseline = Baseline.fit({"a": [1, 2], "b": [3, 4]})
    row, _, monitor = logged(records, Capture(names, lambda _: None, "view"), baseline)
    assert (row, monitor.reporter.counts()["features"]) == ({}, 1)
    unknown = next(name for name in names if name not in "ab")
    problem = f"features= names {unknown!r}, which the baseline does not have; did you mean '"
    assert f"boxkite features: view 'view': {problem}" in caplog.text
    with pytest.raises(ConfigError, match=f"view 'view': {re.escape(problem)}"):
        Capture(names, None, "view").check(baseline)


def test_outputs_that_are_only_partly_the_models_are_refused() -> None:
    baseline = Baseline.fit({"a": [1, 2]}, {"delay": [1, 2], "price": [3, 4]})
    with pytest.raises(ConfigError) as caught:
        Capture(None, ["delay", "prise"], "view").check(baseline)
    assert str(caught.value) == (
        "view 'view': output= names 'prise', which the baseline does not have; did you mean "
        "'price'?"
    )
    Capture(["x"], ["delay"], "view").check(baseline)
    Capture(lambda _: None, "delay", "view").check(baseline)


def test_a_view_under_two_monitors_matches_the_names_of_each(records: Any) -> None:
    capture = Capture(["b", "a"], lambda _: None, "view")
    for names in ("ab", "ba", "xy"):
        monitor = Monitor(Baseline.fit({name: [1, 2] for name in names}), records, registry=None)
        with Prediction(Identity.new("server")) as prediction:
            pending(capture, monitor, prediction, Answered({"a": 1, "b": 2}, {})).log()
    found = [each.features for each in records]
    assert found == [{"a": 1, "b": 2}, {"b": 2, "a": 1}, {"x": 2, "y": 1}]


def test_what_the_view_sets_wins_and_its_source_is_not_asked(records: Any) -> None:
    capture = Capture("absent", "absent", "view")
    *found, monitor = logged(records, capture, features=[5], output=6)
    assert (found, sum(monitor.reporter.counts().values())) == ([[5], 6], 0)


def test_none_is_a_value_that_the_view_may_set(records: Any) -> None:
    *found, monitor = logged(records, Capture("a", "a", "view"), features=None, output=None)
    assert (found, sum(monitor.reporter.counts().values())) == ([{}, None], 0)


def test_a_source_that_finds_nothing_is_reported_with_its_view(
    records: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def failing(_: Any) -> None:
        raise RuntimeError("not today")

    assert logged(records, Capture("z", failing, "predict"))[:2] == ({}, None)
    told = [record.getMessage() for record in caplog.records]
    features, output = (each for each in told if "view 'predict'" in each)
    missing = "no key 'z' in the request's JSON body; it has 'x'"
    assert features == f"boxkite features: view 'predict': {missing} (1 so far)"
    assert output == "boxkite output: view 'predict': not today (1 so far)"


async def source(_: Any) -> Any:
    await asyncio.sleep(0)
    return [1]


class AsyncSource:
    async def __call__(self, request: Any) -> Any:
        return await source(request)


AWAITED = [source, functools.partial(source), AsyncSource(), lambda request: source(request)]


@pytest.mark.parametrize("given", AWAITED, ids=["function", "partial", "object", "coroutine"])
def test_an_async_source_is_awaited_where_it_can_be(given: Any, records: Any) -> None:
    monitor = Monitor(NONE, records, registry=None)
    capture = Capture(given, "y", "view", awaited=True)
    with Prediction(Identity.new("server")) as prediction:
        pass
    waiting = pending(capture, monitor, prediction, Answered({}, {"y": 2}))
    assert waiting.may_await
    asyncio.run(waiting.log_awaiting())
    assert [(each.features, each.output) for each in records] == [([1], 2)]


@pytest.mark.parametrize("given", AWAITED[:3], ids=["function", "partial", "object"])
@pytest.mark.parametrize("part", ["features", "output"])
def test_an_async_source_is_refused_where_nothing_can_await_it(part: str, given: Any) -> None:
    name = getattr(given, "__name__", type(given).__name__)
    with pytest.raises(TypeError) as caught:
        Capture(**{"features": None, "output": None, part: given}, view="view")
    assert str(caught.value) == (
        f"{part}={name} is async, but this framework's adapter cannot await it; pass a sync "
        f"function, or set current_prediction.{part} in the view"
    )


def test_a_coroutine_that_nothing_can_await_is_reported(
    records: Any, caplog: pytest.LogCaptureFixture
) -> None:
    assert logged(records, Capture(AWAITED[3], "y", "view"))[:2] == ({}, 2)
    (told,) = (each.getMessage() for each in caplog.records if "view 'view'" in each.getMessage())
    problem = "the source returned an awaitable, but this framework's adapter is not async"
    assert told == f"boxkite features: view 'view': {problem} (1 so far)"


def test_a_source_that_is_cancelled_logs_nothing(records: Any) -> None:
    monitor = Monitor(NONE, records, registry=None)

    async def hanging(_: Any) -> None:
        await asyncio.sleep(3600)

    async def run() -> None:
        with Prediction(Identity.new("server")) as prediction:
            pass
        capture = Capture(hanging, None, "view", awaited=True)
        waiting = pending(capture, monitor, prediction, Answered({}, {}))
        await asyncio.wait_for(waiting.log_awaiting(), 0.01)

    with pytest.raises(TimeoutError):
        asyncio.run(run())
    assert (list(records), sum(monitor.reporter.counts().values())) == ([], 0)


@pytest.mark.parametrize("given", [5, [], "", [1], b"age", {"age"}])
@pytest.mark.parametrize("part", ["features", "output"])
def test_what_can_be_no_source_is_refused_at_decoration(part: str, given: Any) -> None:
    with pytest.raises(TypeError) as caught:
        Capture(**{"features": None, "output": None, part: given}, view="view")
    reason = "is not a source; pass a key path, a list of names or a callable"
    assert str(caught.value) == f"{part}={given!r} {reason}"


def test_a_captured_function_sets_its_part_during_a_request_only() -> None:
    @lambda function: captured(function, "features")
    def load(value: int) -> list[int]:
        """Load."""
        return [value]

    assert (load(1), load.__name__, load.__doc__) == ([1], "load", "Load.")
    with Prediction(Identity.new("server")):
        assert load(2) == [2]
        assert current_prediction.features == [2]


def test_a_captured_function_may_be_async() -> None:
    @lambda function: captured(function, "output")
    async def score(value: int) -> int:
        return value

    async def view() -> Any:
        with Prediction(Identity.new("server")):
            assert await score(3) == 3
            return current_prediction.output

    assert asyncio.run(view()) == 3
