"""Objects with named fields, of any make, as mappings."""

import collections
import dataclasses
from typing import Any, NamedTuple

import attrs
import msgspec
import pydantic
import pytest

from boxkite.rows.fields import fields_of, opened


class Model(pydantic.BaseModel):
    a: int
    b: str = pydantic.Field(default="x", serialization_alias="B")


class Inner(pydantic.BaseModel):
    model: Model


class Root(pydantic.RootModel[list[int]]):
    pass


@dataclasses.dataclass
class Data:
    a: int
    b: str = "x"


@dataclasses.dataclass(frozen=True, slots=True)
class Slotted:
    a: int
    b: str = "x"


class Struct(msgspec.Struct, rename={"b": "B"}):
    a: int
    b: str = "x"


@attrs.define
class Attrs:
    a: int
    b: str = "x"


class Named(NamedTuple):
    a: int
    b: str = "x"


@pytest.mark.parametrize("kind", [Data, Slotted, Attrs, Named, Struct, Model])
def test_an_object_is_a_mapping_of_its_fields(kind: Any) -> None:
    value = kind(a=1)
    assert opened(value) == fields_of(value) == {"a": 1, "b": "x"}


@pytest.mark.parametrize("kind", [Struct, Model])
def test_by_alias_it_has_the_names_of_json(kind: Any) -> None:
    assert opened(kind(a=1), by_alias=True) == {"a": 1, "B": "x"}


class Twins(pydantic.BaseModel):
    a: int = pydantic.Field(0, serialization_alias="x")
    b: int = pydantic.Field(1, serialization_alias="x")


@pytest.mark.parametrize("kind", [Struct, Model])
@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["a", "B"], {"a": 1, "B": "x"}),
        (["a", "b"], {"a": 1, "b": "x"}),
        (["b", "B"], {"a": 1, "b": "x"}),
        (["c"], {"a": 1, "b": "x"}),
        ([], {"a": 1, "b": "x"}),
    ],
)
def test_a_field_has_its_alias_if_only_that_is_a_variable(
    kind: Any, names: list[str], found: Any
) -> None:
    assert opened(kind(a=1), names) == found
    assert opened(Twins(), names) == {"a": 0, "b": 1}


def test_a_model_is_opened_at_every_depth_and_a_root_is_itself() -> None:
    assert opened(Inner(model=Model(a=1))) == {"model": {"a": 1, "b": "x"}}
    assert (opened(Root([1, 2])), fields_of(Root([1, 2]))) == ([1, 2], None)


def test_a_model_that_does_not_hold_what_it_declares_is_opened_without_a_warning() -> None:
    assert opened(Model.model_construct(a="odd")) == {"a": "odd", "b": "x"}


@pytest.mark.parametrize(
    "value",
    [{"a": 1}, collections.ChainMap({"a": 1}), [1], (1, 2), 1, 0.5, "a", None, b"a", {1}, object(),
     Data, Model, Named],
)  # fmt: skip
def test_anything_else_is_as_it_is(value: Any) -> None:
    assert opened(value) is value
    assert fields_of(value) is (value if hasattr(value, "keys") else None)
