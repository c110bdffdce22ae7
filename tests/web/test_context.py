"""The current prediction exists inside its context, and belongs to one request."""

import asyncio
import inspect
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from boxkite import NoPredictionError, current_prediction
from boxkite.live.identity import Identity
from boxkite.web.context import UNSET, Prediction

OUTSIDE = (
    "there is no current prediction: current_prediction can only be used while a view decorated "
    "with @monitor.predict runs"
)


class Rows:
    """Counts the items of a list."""

    def row_count(self, features: Any) -> int:
        return len(features)


def test_within_a_scope_it_is_what_the_scope_opened() -> None:
    with Prediction(Identity.new("server")) as prediction:
        current_prediction.features = [1]
        current_prediction.output = None
        assert (prediction.features, prediction.output) == ([1], None)
        assert current_prediction.id == prediction.id == prediction.identity.prediction_id
        assert bool(current_prediction)


def test_its_representation_tells_the_id_and_nothing_of_what_was_asked() -> None:
    with Prediction(Identity.new("server")) as prediction:
        current_prediction.features = ["secret"]
        assert repr(current_prediction) == f"<current_prediction <Prediction {prediction.id}>>"


@pytest.mark.parametrize(
    ("given", "change"),
    [
        ([1, 2], lambda row: row.append(3)),
        ({"a": 1}, lambda row: row.update(a=2)),
        (np.array([1.0, 2.0]), lambda row: row.fill(0)),
        ([[1, 2], [3, 4]], lambda rows: rows[0].append(5)),
        ([{"a": 1}], lambda rows: rows[0].update(a=2)),
        ({"a": [1, 2]}, lambda columns: columns["a"].append(3)),
        (pd.DataFrame({"a": [1]}), lambda frame: frame.insert(1, "b", [2])),
    ],
)
def test_what_the_view_does_to_its_own_object_afterwards_does_not_matter(
    given: Any, change: Callable[[Any], None]
) -> None:
    with Prediction(Identity.new("server")) as prediction:
        current_prediction.features = given
        before = str(given)
        change(given)
        assert str(prediction.features) == before


def test_what_cannot_be_copied_is_kept_as_it_is() -> None:
    class Hostile(dict[str, Any]):
        def items(self) -> Any:
            raise RuntimeError

    with Prediction(Identity.new("server")) as prediction:
        given = Hostile(a=1)
        current_prediction.features = given
        assert prediction.features is given


def test_the_ids_are_those_of_the_rows_once_the_features_are_set() -> None:
    with Prediction(Identity.new("server"), Rows()) as prediction:
        assert current_prediction.ids == [current_prediction.id]
        current_prediction.features = [1, 2, 3]
        assert current_prediction.ids == [
            each.prediction_id for each in prediction.identity.rows(3)
        ]
        current_prediction.features = []
        assert current_prediction.ids == []


def test_nothing_is_set_at_first_and_none_is_a_value() -> None:
    with Prediction(Identity.new("server")) as prediction:
        assert prediction.features is UNSET
        assert (repr(UNSET), bool(UNSET)) == ("UNSET", False)


def test_an_inner_scope_gives_the_outer_one_back_even_after_an_error() -> None:
    with Prediction(Identity.new("outer")) as outer:
        with pytest.raises(KeyError), Prediction(Identity.new("inner")):
            raise KeyError(current_prediction.id)
        assert current_prediction.id == outer.id
    assert not current_prediction


@pytest.mark.parametrize("name", ["id", "ids", "features", "output", "identity", "other"])
def test_outside_of_a_scope_any_use_is_an_error_that_says_so(name: str) -> None:
    with pytest.raises(NoPredictionError) as read:
        getattr(current_prediction, name)
    with pytest.raises(NoPredictionError) as written:
        setattr(current_prediction, name, 1)
    assert (str(read.value), str(written.value)) == (OUTSIDE, OUTSIDE)


def test_tools_may_look_at_it_outside_of_a_scope() -> None:
    assert inspect.unwrap(current_prediction) is current_prediction
    assert repr(current_prediction) == "<current_prediction None>"


@pytest.mark.parametrize("name", ["id", "ids", "featurs", "rows", "is_set"])
def test_what_is_not_the_views_to_set_is_an_error(name: str) -> None:
    with Prediction(Identity.new("server")), pytest.raises(AttributeError):
        setattr(current_prediction, name, 1)


def test_threads_and_tasks_have_each_their_own() -> None:
    found = []

    async def request(number: int) -> tuple[int, int]:
        with Prediction(Identity.new("server")):
            current_prediction.features = number
            await asyncio.sleep(0)
            return number, current_prediction.features

    async def requests() -> list[tuple[int, int]]:
        return await asyncio.gather(*map(request, range(10)))

    with Prediction(Identity.new("server")):
        thread = threading.Thread(target=lambda: found.append(bool(current_prediction)))
        thread.start()
        thread.join()
    assert found == [False]
    assert asyncio.run(requests()) == [(number, number) for number in range(10)]
