"""Key paths and names, in plain values, in objects, and in each object of a list."""

import collections
import dataclasses
from typing import Any, NamedTuple

import attrs
import msgspec
import numpy as np
import pydantic
import pytest

from boxkite.web.key_paths import PerObject, pick

BODY = {
    "inputs": [{"values": [1, 2]}, {"values": [3, 4]}],
    "a.b": "dotted",
    "a": {"b": "nested", "c": None},
    "age": 7,
    "v1.0": {"deep.er": 8},
}
ROWS = [{"age": 1, "inner": {"colour": "red"}}, {"age": 2, "inner": {"colour": "blue"}}]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        (None, BODY),
        ("age", 7),
        ("inputs.1.values", [3, 4]),
        ("inputs.0.values.1", 2),
        ("inputs.values", [[1, 2], [3, 4]]),
        ("a.b", "dotted"),
        ("a.c", None),
        ("v1.0.deep.er", 8),
        (["age", "absent"], [7, None]),
        (("b", "c"), ["nested", None]),
        (["values"], [[[1, 2]], [[3, 4]]]),
    ],
)
def test_a_path_or_names_point_to_a_part(source: Any, found: Any) -> None:
    assert pick(BODY, source, "the body") == found


@pytest.mark.parametrize(
    ("content", "source", "found"),
    [
        (ROWS, "age", [1, 2]),
        (ROWS, "inner.colour", ["red", "blue"]),
        (ROWS, ["age"], [[1], [2]]),
        ({"id": 3, "rows": ROWS}, "rows.age", [1, 2]),
        ({"id": 3, "rows": ROWS}, ["age", "inner"], [[1, ROWS[0]["inner"]], [2, ROWS[1]["inner"]]]),
        ([{"age": 1}, {"error": "cut"}], "age", [1, None]),
        ([{"age": 1}, {"error": "cut"}], ["age"], [[1], None]),
        ([], "age", []),
        ([], ["age"], []),
        ({"rows": []}, "rows.age", []),
        ({"rows": []}, ["age"], []),
    ],
)
def test_in_a_list_of_objects_they_apply_to_each(content: Any, source: Any, found: Any) -> None:
    several = pick(content, source, "the body")
    assert (type(several), list(several)) == (PerObject, found)


class Model(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(populate_by_name=True)
    value: int = pydantic.Field(alias="shownAs")


class Root(pydantic.RootModel[list[int]]):
    pass


class Struct(msgspec.Struct, rename={"value": "shownAs"}):
    value: int


@dataclasses.dataclass(slots=True)
class Data:
    value: int


@attrs.define
class Attrs:
    value: int


class Named(NamedTuple):
    value: int


class Plain:
    def __init__(self, value: int) -> None:
        self.value = value
        self._secret = 1


@pytest.mark.parametrize(
    ("content", "source", "found"),
    [
        (Model(value=1), "value", 1),
        (Model(value=1), "shownAs", 1),
        ({"a": [Model(value=1)]}, "a.0.value", 1),
        ([Model(value=1), Model(value=2)], "shownAs", [1, 2]),
        ([Model(value=1), Model(value=2)], ["shownAs"], [[1], [2]]),
        (Root([4, 5]), "1", 5),
        (Struct(1), "value", 1),
        (Struct(1), "shownAs", 1),
        (Data(1), "value", 1),
        ([Data(1), Data(2)], "value", [1, 2]),
        (Attrs(1), ["value"], [1]),
        (Named(1), "value", 1),
        (Plain(1), "value", 1),
        (collections.UserDict(value=1), "value", 1),
        ({"p": np.array([[1, 2], [3, 4]])}, "p.1.0", 3),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_objects_with_named_fields_are_looked_into(content: Any, source: Any, found: Any) -> None:
    assert pick(content, source, "the body") == found


@pytest.mark.parametrize(
    ("content", "source", "message"),
    [
        (BODY, "size", "no key 'size' in the body; it has 'inputs', 'a.b', 'a', 'age', 'v1.0'"),
        (BODY, "a.d", "no key 'd' of 'a.d' in the body; it has 'b', 'c'"),
        (BODY, "inputs.2", "no key '2' of 'inputs.2' in the body; it has a list of 2"),
        (BODY, "inputs.-1", "no key '-1' of 'inputs.-1' in the body; it has 'values'"),
        (BODY, "age.x", "no key 'x' of 'age.x' in the body; it has a single int"),
        (ROWS, "size", "no key 'size' in the body; it has 'age', 'inner'"),
        (ROWS, ["size"], "none of 'size' in the body; it has a list of 2"),
        ([1, {"age": 1}], "age", "no key 'age' in the body; it has a list of 2"),
        ([], "0", "no key '0' in the body; it has a list of 0"),
        ({}, "age", "no key 'age' in the body; it has no keys"),
        (None, "age", "no key 'age' in the body; it has a single NoneType"),
        ("text", "0", "no key '0' in the body; it has a single str"),
        (object(), "age", "no key 'age' in the body; it has a single object"),
        (Plain(1), "_secret", "no key '_secret' in the body; it has 'value'"),
        (Model(value=1), "other", "no key 'other' in the body; it has 'value'"),
        (Data(1), ["other"], "none of 'other' in the body; it has 'value'"),
        (
            BODY,
            ["x", "y"],
            "none of 'x', 'y' in the body; it has 'inputs', 'a.b', 'a', 'age', 'v1.0'",
        ),
        ([1], ["x"], "none of 'x' in the body; it has a list of 1"),
        ({"rows": [], "id": 3}, ["x"], "none of 'x' in the body; it has 'rows', 'id'"),
    ],
)
def test_what_is_not_there_is_an_error_that_says_what_is(
    content: Any, source: Any, message: str
) -> None:
    with pytest.raises(LookupError) as caught:
        pick(content, source, "the body")
    assert caught.value.args == (message,)
