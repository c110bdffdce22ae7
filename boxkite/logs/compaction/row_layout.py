"""How the predictions of a day become rows of Parquet: which columns there are, and their types.

`features` is a struct with a typed field for each feature, so that `features.delay` means the same
in a query of the lines and of the compacted day. `output` is a single column, or a struct if there
are several outputs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

import msgspec
import pyarrow as pa

from boxkite.logs.log_line import LoggedPrediction
from boxkite.logs.reader.arrow_columns import HEAD, TAIL
from boxkite.system.type_guards import is_dict, is_list

__all__ = ["FIELDS", "SINGLE", "FieldLayout", "Kind", "LayoutFinder", "RowLayout", "by_name"]

Form: TypeAlias = Literal["object", "list", "single"]
Kind: TypeAlias = Literal["float", "integer", "boolean", "text", "json"]

FIELDS: tuple[Literal["features"], Literal["output"]] = ("features", "output")

SINGLE = ""
"""The name of a single output, which has none."""

# Requests with random names would make the schema grow without end. If a row has other names, its
# column `line` holds the whole line.
_MAX_NAMES = 2000

_TYPES: dict[Kind, pa.DataType] = {
    "float": pa.float64(),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
    "text": pa.string(),
    "json": pa.string(),
}
_TAIL: dict[str, pa.DataType] = {
    **TAIL,
    "shape": pa.string(),
    "line": pa.binary(),
}
_METADATA_KEY = b"boxkite"


class FieldLayout(msgspec.Struct, frozen=True):
    """The columns of `features` or `output`.

    Attributes:
        form: the form that most rows have: values by name, a list, or a single value.
        kinds: kind of each column by name, in the order of the names in a row. The columns of a
            list are named by position, from "0".
    """

    form: Form
    kinds: dict[str, Kind]

    @property
    def type(self) -> pa.DataType | None:
        """Type of the field's column; None if no row has a value."""
        if self.form == "single":
            return _TYPES[self.kinds[SINGLE]]
        fields = [(name, _TYPES[kind]) for name, kind in self.kinds.items()]
        return pa.struct(fields) if fields else None


class RowLayout(msgspec.Struct, frozen=True):
    """The columns of a compacted day.

    Attributes:
        features: the columns of the features.
        output: the columns of the outputs.
    """

    features: FieldLayout
    output: FieldLayout

    @property
    def schema(self) -> pa.Schema:
        """Schema of the parts. Its metadata holds the layout."""
        fields = {name: getattr(self, name).type for name in FIELDS}
        columns: dict[str, pa.DataType] = dict(HEAD)
        columns.update((name, type_) for name, type_ in fields.items() if type_ is not None)
        columns.update(_TAIL)
        return pa.schema(columns, metadata={_METADATA_KEY: msgspec.json.encode(self)})

    @classmethod
    def of(cls, schema: pa.Schema) -> RowLayout:
        """Return the layout in the metadata of a part's schema.

        Raises:
            ValueError: if there is none.
        """
        metadata: dict[bytes, bytes] = schema.metadata or {}
        return msgspec.json.decode(metadata.get(_METADATA_KEY, b""), type=cls)


def by_name(form: Form, value: Any) -> dict[str, Any] | None:
    """Return the values of a row by name; None if the row does not have this form."""
    if form == "object":
        return value if is_dict(value) else None
    if form == "list":
        return {str(i): each for i, each in enumerate(value)} if is_list(value) else None
    return None if is_dict(value) or is_list(value) or value is None else {SINGLE: value}


class LayoutFinder:
    """Finds the layout that suits most of the predictions in a day."""

    def __init__(self) -> None:
        self._fields = {name: _FieldFinder() for name in FIELDS}

    def add(self, predictions: Sequence[LoggedPrediction]) -> None:
        """Note the forms, names and types of predictions."""
        self._fields["features"].add([each.features for each in predictions])
        self._fields["output"].add([each.output for each in predictions])

    def layout(self) -> RowLayout:
        """Return the layout."""
        return RowLayout(**{name: finder.layout() for name, finder in self._fields.items()})


class _FieldFinder:
    def __init__(self) -> None:
        self._rows: Counter[Form] = Counter()
        self._kinds: dict[Form, dict[str, Counter[Kind]]] = {}

    def add(self, values: Sequence[Any]) -> None:
        for form in _FORMS:
            rows = [row for each in values if (row := by_name(form, each)) is not None]
            if rows:
                self._rows[form] += len(rows)
                self._add_rows(self._kinds.setdefault(form, {}), rows)

    def _add_rows(self, kinds: dict[str, Counter[Kind]], rows: Sequence[Mapping[str, Any]]) -> None:
        for row in rows:
            for name in row:
                if name not in kinds and len(kinds) < _MAX_NAMES:
                    kinds[name] = Counter()
        for name, counter in kinds.items():
            _count_kinds(counter, [row.get(name) for row in rows])

    def layout(self) -> FieldLayout:
        if not self._rows:
            return FieldLayout("object", {})
        ((form, _),) = self._rows.most_common(1)
        return FieldLayout(form, {name: _kind(each) for name, each in self._kinds[form].items()})


_FORMS: tuple[Form, ...] = ("object", "list", "single")
_KINDS: dict[type, Kind] = {
    float: "float",
    int: "integer",
    bool: "boolean",
    str: "text",
    dict: "json",
    list: "json",
}
_OTHERS: tuple[Kind, ...] = ("boolean", "text", "json")
_INFINITIES = frozenset({"Infinity", "-Infinity"})  # JSON has no infinities, so the log has texts


def _count_kinds(counter: Counter[Kind], values: Sequence[Any]) -> None:
    """Count values by the kind of column that suits them."""
    types = Counter(map(type, values))
    for type_, number in types.items():
        if type_ in _KINDS:
            counter[_KINDS[type_]] += number
    if str in types:
        infinite = sum(type(each) is str and each in _INFINITIES for each in values)
        counter["text"] -= infinite
        counter["float"] += infinite
    if int in types:
        large = sum(type(each) is int and not -(2**63) <= each < 2**63 for each in values)
        counter["integer"] -= large
        counter["json"] += large


def _kind(counter: Counter[Kind]) -> Kind:
    """Return the kind that suits most values.

    One wrong value in a million must not turn a column of numbers into text. A value that does not
    fit is null in its column, and `line` holds the whole line.
    """
    numbers = counter["float"] + counter["integer"]
    most = max(_OTHERS, key=lambda kind: counter[kind])
    if counter[most] > numbers:
        return most
    return "integer" if counter["integer"] and not counter["float"] else "float"
