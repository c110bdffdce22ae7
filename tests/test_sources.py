"""Where features and output are found: a key path, names, a callable, or the whole."""

import asyncio
from typing import Any

import pytest

from boxkite import Baseline, Capture, Monitor, current_prediction
from boxkite.context import Prediction, prediction_scope
from boxkite.sources import captured, pick

BODY = {
    "inputs": [{"values": [1, 2]}, {"values": [3, 4]}],
    "a.b": "dotted",
    "a": {"b": "nested", "c": None},
    "age": 7,
    "v1.0": {"deep.er": 8},
}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        (None, BODY),
        ("age", 7),
        ("inputs.1.values", [3, 4]),
        ("inputs.0.values.1", 2),
        ("a.b", "dotted"),
        ("a.c", None),
        ("v1.0.deep.er", 8),
        (["age", "absent"], [7, None]),
        (("b", "c"), ["nested", None]),
    ],
)
def test_a_path_or_names_point_to_a_part(source: Any, found: Any) -> None:
    assert pick(BODY, source, "the body") == found


@pytest.mark.parametrize(
    ("content", "source", "message"),
    [
        (BODY, "size", "no key 'size' in the body; it has 'inputs', 'a.b', 'a', 'age', 'v1.0'"),
        (BODY, "a.d", "no key 'd' of 'a.d' in the body; it has 'b', 'c'"),
        (BODY, "inputs.2", "no key '2' of 'inputs.2' in the body; it has a list of 2"),
        (BODY, "inputs.-1", "no key '-1' of 'inputs.-1' in the body; it has a list of 2"),
        (BODY, "age.x", "no key 'x' of 'age.x' in the body; it has a single int"),
        ({}, "age", "no key 'age' in the body; it has no keys"),
        (None, "age", "no key 'age' in the body; it has a single NoneType"),
        ("text", "0", "no key '0' in the body; it has a single str"),
        (
            BODY,
            ["x", "y"],
            "none of 'x', 'y' in the body; it has 'inputs', 'a.b', 'a', 'age', 'v1.0'",
        ),
        ([1], ["x"], "none of 'x' in the body; it has a list of 1"),
    ],
)
def test_what_is_not_there_is_an_error_that_says_what_is(
    content: Any, source: Any, message: str
) -> None:
    with pytest.raises(LookupError) as caught:
        pick(content, source, "the body")
    assert caught.value.args == (message,)


@pytest.mark.parametrize("source", [5, [], "", [1], b"age", {"age"}, object])
@pytest.mark.parametrize("part", ["features", "output"])
def test_what_can_be_no_source_is_refused_at_decoration(part: str, source: Any) -> None:
    if source is object:

        async def source(_: Any) -> None: ...

        reason = "source is async; give a function that returns at once"
    else:
        reason = f"{source!r}; give a key path, a list of names or a callable"
    with pytest.raises(TypeError) as caught:
        Capture(**{"features": None, "output": None, part: source}, view="view")
    assert str(caught.value) == f"{part}={reason}"


def _log(capture: Capture, monitor: Monitor, prediction: Prediction) -> str:
    return capture.log(
        monitor,
        prediction,
        request="request",
        body=lambda: {"x": [1]},
        returned="returned",
        answer=lambda: {"y": 2},
    )


@pytest.fixture
def monitor() -> Monitor:
    return Monitor(Baseline("default", "none", 0, ()), registry=None)


def _logged(monitor: Monitor, capture: Capture, **set_by_view: Any) -> tuple[Any, Any]:
    records: list[Any] = []
    monitor._log = records.append
    with prediction_scope("server") as prediction:
        for name, value in set_by_view.items():
            setattr(prediction, name, value)
    assert _log(capture, monitor, prediction) == prediction.id
    (record,) = records
    return record.features, record.output


def test_sources_find_features_and_output(monitor: Monitor) -> None:
    assert _logged(monitor, Capture("x", "y", "view")) == ([1], [2])
    assert _logged(monitor, Capture(None, None, "view")) == ({"x": [1]}, [{"y": 2}])
    capture = Capture(lambda request: [request], lambda returned: returned.upper(), "view")
    assert _logged(monitor, capture) == (["request"], ["RETURNED"])


@pytest.mark.parametrize(
    ("names", "row"),
    [
        (["b", "a"], {"b": 2, "a": 1}),  # the model's names, in another order than at training
        (["c", "d"], [3, 4]),  # the service's own names, in the model's order
    ],
)
def test_names_of_the_model_are_matched_by_name(names: list[str], row: Any) -> None:
    monitor = Monitor(Baseline.fit({"a": [1, 2], "b": [3, 4]}), registry=None)
    body = {"a": 1, "b": 2, "c": 3, "d": 4}
    capture = Capture(names, lambda _: None, "view")
    records: list[Any] = []
    monitor._log = records.append
    with prediction_scope("server") as prediction:
        capture.log(
            monitor,
            prediction,
            request=None,
            body=lambda: body,
            returned=None,
            answer=lambda: None,
        )
    assert [record.features for record in records] == [row]


def test_what_the_view_sets_wins_and_its_source_is_not_asked(monitor: Monitor) -> None:
    capture = Capture("absent", "absent", "view")
    assert _logged(monitor, capture, features=[5], output=6) == ([5], [6])
    assert _logged(monitor, capture, features=None, output=None) == ({}, {})
    assert sum(monitor.trouble.counts().values()) == 0


def test_a_source_that_finds_nothing_is_reported_with_its_view(
    monitor: Monitor, caplog: pytest.LogCaptureFixture
) -> None:
    def failing(_: Any) -> None:
        raise RuntimeError("not today")

    assert _logged(monitor, Capture("z", failing, "predict")) == ({}, {})
    features, output = (record.getMessage() for record in caplog.records)
    missing = "no key 'z' in the request's JSON body; it has 'x'"
    assert features == f"boxkite features: view 'predict': {missing} (1 so far)"
    assert output == "boxkite output: view 'predict': not today (1 so far)"


def test_a_captured_function_sets_its_part_during_a_request_only() -> None:
    @lambda function: captured(function, "features")
    def load(value: int) -> list[int]:
        """Load."""
        return [value]

    assert (load(1), load.__name__, load.__doc__) == ([1], "load", "Load.")
    with prediction_scope("server"):
        assert load(2) == [2]
        assert current_prediction.features == [2]


def test_a_captured_function_may_be_async() -> None:
    @lambda function: captured(function, "output")
    async def score(value: int) -> int:
        return value

    async def view() -> Any:
        with prediction_scope("server"):
            assert await score(3) == 3
            return current_prediction.output

    assert asyncio.run(view()) == 3
