"""Outputs and features in every form that a view can return or set, in all frameworks.

The views here return any object. A wrapper outside the decorated function turns into JSON what the
framework cannot send, as the decorators of real services do.
"""

import collections
import dataclasses
import enum
import typing
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import attrs
import msgspec
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pydantic
import pytest

from boxkite import current_prediction

BODY = {"age": 30, "colour": "red"}
COUNTED = {
    "predictions": 1.0,
    "age sum": 30.0,
    "age count": 1.0,
    "colour red rows": 1.0,
    "score sum": 0.5,
    "score count": 1.0,
}


class Model(pydantic.BaseModel):
    score: float


class Aliased(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(populate_by_name=True)
    value: float = pydantic.Field(alias="score")


class Computed(pydantic.BaseModel):
    percent: float

    @pydantic.computed_field
    def score(self) -> float:
        return self.percent / 100


class Root(pydantic.RootModel[list[float]]):
    pass


class RowModel(pydantic.BaseModel):
    age: int
    colour: str


@dataclasses.dataclass
class Data:
    score: float


@dataclasses.dataclass(frozen=True, slots=True)
class RowData:
    age: int
    colour: str


class Struct(msgspec.Struct):
    score: float


class Renamed(msgspec.Struct, rename={"value": "score"}):
    value: float


class RowStruct(msgspec.Struct):
    age: int
    colour: str


@attrs.define
class Attrs:
    score: float


@attrs.define
class RowAttrs:
    age: int
    colour: str


class Named(typing.NamedTuple):
    score: float


class Half(enum.Enum):
    SCORE = 0.5


class Plain:
    """An object with attributes only, like the result classes of some libraries."""

    def __init__(self) -> None:
        self.score = 0.5
        self._model = object()


class Tensor:
    """A tensor like PyTorch's, which refuses to become an array while it records gradients."""

    def __init__(self, values: Any, *, records: bool = False) -> None:
        self._array, self._records = np.asarray(values), records
        self.shape = self._array.shape

    def detach(self) -> Any:
        return Tensor(self._array)

    def cpu(self) -> Any:
        return self

    def __iter__(self) -> Iterator[Any]:
        return iter(self._array)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        if self._records:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad")
        return self._array


RETURNED: dict[str, tuple[Any, Any]] = {
    "mapping": ({"score": 0.5}, None),
    "mapping by key": ({"score": 0.5, "id": 7}, "score"),
    "ordered mapping": (collections.OrderedDict(score=0.5), "score"),
    "mapping of another class": (collections.UserDict(score=0.5), "score"),
    "chained mappings": (collections.ChainMap({"id": 7}, {"score": 0.5}), "score"),
    "nested mapping": ({"a": {"b": [{"score": 0.5}]}}, "a.b.0.score"),
    "list": ([0.5], None),
    "list in a list": ([[0.5]], None),
    "list by index": ([7, 0.5], "1"),
    "list of one object": ([{"score": 0.5}], "score"),
    "number": (0.5, None),
    "text that spells a number": ("0.5", None),
    "decimal": (Decimal("0.5"), None),
    "decimal in a mapping": ({"score": Decimal("0.5")}, "score"),
    "fraction": (Fraction(1, 2), None),
    "enumeration": (Half.SCORE, None),
    "enumeration in a mapping": ({"score": Half.SCORE}, "score"),
    "scalar of numpy": (np.float64(0.5), None),
    "narrow scalar of numpy": (np.float32(0.5), None),
    "scalar of numpy in a mapping": ({"score": np.float32(0.5)}, "score"),
    "array without dimensions": (np.array(0.5), None),
    "array": (np.array([0.5]), None),
    "array of two dimensions": (np.array([[0.5]]), None),
    "array in a mapping by index": ({"p": np.array([0.25, 0.5])}, "p.1"),
    "masked array": (np.ma.array([0.5], mask=[False]), None),
    "series of pandas": (pd.Series([0.5]), None),
    "named series of pandas": (pd.Series({"score": 0.5}), None),
    "frame of pandas": (pd.DataFrame({"score": [0.5]}), None),
    "series of polars": (pl.Series([0.5]), None),
    "frame of polars": (pl.DataFrame({"score": [0.5]}), None),
    "array of pyarrow": (pa.array([0.5]), None),
    "table of pyarrow": (pa.table({"score": [0.5]}), None),
    "tensor": (Tensor([0.5]), None),
    "tensor that records": (Tensor([0.5], records=True), None),
    "tensor in a mapping": ({"score": Tensor([0.5])}, "score"),
    "Pydantic model": (Model(score=0.5), "score"),
    "whole Pydantic model": (Model(score=0.5), None),
    "Pydantic model in a mapping": ({"result": Model(score=0.5)}, "result.score"),
    "Pydantic model in a list": ([Model(score=0.5)], "0.score"),
    "Pydantic model by the alias": (Aliased(value=0.5), "score"),
    "Pydantic model by the name": (Aliased(value=0.5), "value"),
    "Pydantic model by names": (Aliased(value=0.5), ["score"]),
    "Pydantic model with a computed field": (Computed(percent=50), "score"),
    "Pydantic model with a root": (Root([0.25, 0.5]), "1"),
    "dataclass": (Data(0.5), "score"),
    "whole dataclass": (Data(0.5), None),
    "dataclass in a dataclass's list": ({"results": [Data(0.5)]}, "results.0.score"),
    "msgspec struct": (Struct(0.5), "score"),
    "msgspec struct by the name in JSON": (Renamed(0.5), "score"),
    "attrs class": (Attrs(0.5), "score"),
    "named tuple in a mapping": ({"result": Named(0.5)}, "result.score"),
    "object with attributes": (Plain(), "score"),
    "names in a model in a mapping": ({"id": 7, "result": Model(score=0.5)}, ["score"]),
    "callable of an object": (Plain(), lambda returned: returned.score),
    "callable that returns an array": (Plain(), lambda _: np.array([0.5])),
    "callable that returns a model": (Plain(), lambda _: Model(score=0.5)),
    "callable that returns a generator": (Plain(), lambda _: (each for each in [0.5])),
}

RESPONSES: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "JSON": (lambda make: make.json({"score": 0.5}), "score"),
    "JSON with a status": (lambda make: make.json({"score": 0.5}, 201), "score"),
    "JSON with headers": (lambda make: make.json({"score": 0.5}, 200, {"x-a": "b"}), "score"),
    "JSON of a number": (lambda make: make.json(0.5), None),
    "JSON with NaN": (lambda make: make.text('{"score": 0.5, "b": NaN}'), "score"),
    "JSON under another type": (lambda make: make.text('{"score": 0.5}'), "score"),
    "text": (lambda make: make.text("0.5"), None),
    "stream and a callable": (lambda make: make.stream(iter(["0.", "5"])), lambda _: 0.5),
    "nothing and a callable": (lambda make: make.text(""), lambda _: 0.5),
}  # fmt: skip

CAPTURED: dict[str, Any] = {
    "list": [30, "red"],
    "tuple": (30, "red"),
    "list in a list": [[30, "red"]],
    "mapping": BODY,
    "mapping of numpy's": {"age": np.int8(30), "colour": np.str_("red")},
    "mapping in a list": [BODY],
    "mapping of columns of one": {"age": [30], "colour": ["red"]},
    "mapping of arrays of one": {"age": np.array([30]), "colour": pd.Series(["red"])},
    "array": np.array([30, "red"], dtype=object),
    "array of one row": np.array([[30, "red"]], dtype=object),
    "record of numpy": np.array([(30, "red")], dtype=[("age", "i4"), ("colour", "U3")]),
    "array in a list": [np.array([30, "red"], dtype=object)],
    "series": pd.Series([30, "red"]),
    "row of a frame": pd.DataFrame([BODY]).iloc[0],
    "frame of pandas": pd.DataFrame([BODY]),
    "frame of polars": pl.DataFrame([BODY]),
    "table of pyarrow": pa.table({"age": [30], "colour": ["red"]}),
    "Pydantic model": RowModel(**BODY),
    "Pydantic model in a list": [RowModel(**BODY)],
    "dataclass": RowData(**BODY),
    "msgspec struct": RowStruct(**BODY),
    "attrs class": RowAttrs(**BODY),
    "named tuple": collections.namedtuple("Row", BODY)(**BODY),
    "deque": collections.deque([30, "red"]),
    "values of a mapping": BODY.values(),
    "tensor": Tensor(np.array([30, "red"], dtype=object)),
}


@pytest.fixture
def check(serve: Callable[..., Any], counted: Callable[[str], dict[str, float]]) -> Any:
    """Give a function that compares a decorated view with a bare one, and checks the counts."""

    def check(view: Callable[..., Any], expected: dict[str, float], **sources: Any) -> None:
        content = msgspec.json.encode(BODY)
        headers = {"content-type": "application/json"}
        plain = serve(view, None)("POST", "/predict", content, **headers)
        ask = serve(view, sources)
        answer = ask("POST", "/predict", content, **headers)
        assert answer.headers.pop("x-prediction-id")
        assert answer == plain
        assert counted(ask("GET", "/metrics").body.decode()) == expected

    return check


@pytest.mark.parametrize("form", RETURNED)
def test_a_returned_object_is_read_in_each_form(form: str, check: Any) -> None:
    returned, source = RETURNED[form]
    check(lambda _: returned, COUNTED, output=source)


@pytest.mark.parametrize("form", RESPONSES)
def test_a_response_is_read_in_each_form(form: str, check: Any) -> None:
    make, source = RESPONSES[form]
    check(lambda _, framework: make(framework), COUNTED, output=source)


@pytest.mark.parametrize("form", CAPTURED)
def test_features_are_set_in_each_form(form: str, check: Any) -> None:
    def view(_: Any) -> Any:
        if current_prediction:
            current_prediction.features = CAPTURED[form]
        return {"score": 0.5}

    check(view, COUNTED, features="nothing", output="score")


@pytest.mark.parametrize("form", CAPTURED)
def test_features_are_returned_by_a_callable_in_each_form(form: str, check: Any) -> None:
    check(lambda _: {"score": 0.5}, COUNTED, features=lambda _: CAPTURED[form], output="score")
