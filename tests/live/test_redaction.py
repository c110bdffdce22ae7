"""Redacted values never reach the journal, and are counted all the same."""

import enum
import json
import math
import sys
import time
import tracemalloc
import unicodedata
from collections import namedtuple
from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boxkite import Baseline
from boxkite.live.counts import Counts
from boxkite.live.fold import fold, mark_of
from boxkite.live.mark import Mark
from boxkite.live.name_matching import visible
from boxkite.live.record import Record, decode, encode, plain
from boxkite.live.redaction import REDACTED, Redaction, shown
from boxkite.rows.row import Row, output_row, plain_row

BASELINE = Baseline.fit(
    {
        "distance": np.arange(100.0),
        "age": np.arange(100.0),
        "carrier": ["UA", "[0, 1)", "DL", "AA"] * 25,
    },
    {"delay": np.arange(100.0), "Score": np.arange(100.0)},
    bins=4,
)
NOTHING = Baseline("default", "none", 0, ())
FEATURES_ONLY = Baseline.fit({"age": np.arange(100.0)}, bins=4)
SECRET = "s3cr3t-9f1b"
FULL_WIDTH = "".join(chr(ord(letter) + 0xFEE0) for letter in "age")

AGE = Redaction(["age"], BASELINE)
SCORE = Redaction(["score"], BASELINE)

Point = namedtuple("Point", ["x", "age"])


@dataclass
class Person:
    name: str
    age: Any


class Listed:
    """Becomes a list in the journal, with its names lost."""

    def __init__(self, age: Any) -> None:
        self.age = age

    def tolist(self) -> list[Any]:
        return [self.age]


class Wire(msgspec.Struct, rename={"years": "age"}):
    years: Any


class Array(msgspec.Struct, array_like=True):
    name: str
    age: Any


class Key(enum.Enum):
    AGE = "age"


class Text(str):
    __slots__ = ()


class Own(Mapping[str, Any]):
    def __getitem__(self, key: str) -> Any:
        return {"age": SECRET, "x": 1}[key]

    def __iter__(self) -> Any:
        return iter(["age", "x"])

    def __len__(self) -> int:
        return 2


class Raising(Mapping[str, Any]):
    __getitem__ = __iter__ = __len__ = None  # type: ignore[assignment]


def written(redaction: Redaction, body: Any) -> Any:
    """Return a request body as it stands in the journal."""
    record = decode(encode(Record("", 0, None, None, redaction.body(body))))
    return record.request_body


def age(value: Any) -> Mark:
    return mark_of(BASELINE.features[1], value)


@pytest.mark.parametrize("value", [42, 42.0, "42", None, "abc", np.float32(42), 10**400, [1]])
def test_a_feature_is_replaced_by_the_mark_that_counts_as_it_would(value: Any) -> None:
    assert AGE.row([1.5, value, "UA"]) == [1.5, age(value), "UA"]
    assert AGE.row({"age": value, "carrier": "UA"}) == {"age": age(value), "carrier": "UA"}


@pytest.mark.parametrize("name", ["age", "AGE", " Age ", FULL_WIDTH])
def test_names_are_compared_in_any_case_and_form(name: str) -> None:
    assert Redaction([name], BASELINE).row([1, 42, "UA"]) == [1, age(42), "UA"]
    assert AGE.row({name: 42})[name] in (REDACTED, age(42))  # type: ignore[index, call-overload]
    assert AGE.body({name: 42}) == {name: REDACTED}


def test_a_key_of_a_row_that_is_no_feature_is_replaced_by_text() -> None:
    redaction = Redaction(["passport", "Straße"], BASELINE)
    row = {"passport": SECRET, "STRASSE": 1, "age": 42}
    assert redaction.row(row) == {"passport": REDACTED, "STRASSE": REDACTED, "age": 42}


def test_a_row_is_not_changed_itself() -> None:
    by_position, by_name = [1, 42, "UA"], {"age": 42, "x": {"age": 42}}
    AGE.row(by_position)
    AGE.row(by_name)
    assert (by_position, by_name) == ([1, 42, "UA"], {"age": 42, "x": {"age": 42}})


@pytest.mark.parametrize("baseline", [NOTHING, FEATURES_ONLY])
def test_a_positional_row_without_known_names_loses_all_values(baseline: Baseline) -> None:
    assert Redaction(["x"], baseline).row([1, SECRET]) == [REDACTED, REDACTED]


def test_no_row_stays_none() -> None:
    assert AGE.row(None) is None
    assert AGE.output(None) is None


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ({"age": SECRET, "x": 1}, {"age": REDACTED, "x": 1}),
        ([{"x": [{"AGE": SECRET}]}], [{"x": [{"AGE": REDACTED}]}]),
        (np.array([{"age": SECRET}]), [{"age": REDACTED}]),
    ],
)
def test_a_container_in_a_row_is_searched(value: Any, kept: Any) -> None:
    assert AGE.row({"carrier": value}) == {"carrier": kept}
    assert AGE.row({"other": value}) == {"other": kept}


@pytest.mark.parametrize(
    "value",
    [
        "UA", "[0, 1)", b"UA", Text("UA"), "", '"', "{", '"DL"', "[1, 2]", '{"a": 1}', None, 1, 2.5,
        True, pd.Timestamp("2013-07-04"), np.str_("UA"), Key.AGE, object(), 1j, pd.Interval(0, 1),
        f'{{"age": "{SECRET}"}}', Person("a", SECRET), SimpleNamespace(age=SECRET),
        pd.Series({"age": SECRET}), np.array(3.5), (1, 2), Listed(SECRET),
    ],
)  # fmt: skip
def test_features_that_are_not_named_count_as_ever(value: Any) -> None:
    for name in ("distance", "carrier"):
        expected, found = Counts.zero(BASELINE), Counts.zero(BASELINE)
        for counts, row in ((expected, {name: value}), (found, AGE.row({name: value}))):
            content = encode(Record("", 0, row, None))
            fold(BASELINE, [decode(content)], counts)
        assert SECRET.encode() not in content
        assert found.cells.tolist() == expected.cells.tolist()
        assert found.missing.tolist() == expected.missing.tolist()
        assert found.invalid.tolist() == expected.invalid.tolist()


def score(value: float) -> Mark:
    return mark_of(BASELINE.outputs[1], value)


def test_outputs_are_replaced_like_features() -> None:
    assert SCORE.output([0.5, 42]) == [0.5, score(42)]
    assert SCORE.output({"delay": 0.5, "Score": 42}) == {"delay": 0.5, "Score": score(42)}
    assert SCORE.output({"delay": {"score": SECRET}}) == {"delay": {"score": REDACTED}}


def test_an_output_that_no_baseline_names_is_kept_beside_named_features_only() -> None:
    assert Redaction(["age"], FEATURES_ONLY).output([0.5]) == [0.5]
    assert Redaction(["age"], FEATURES_ONLY).output([{"age": 1}]) == [{"age": REDACTED}]
    assert Redaction(["age"], NOTHING).output([0.5]) == [REDACTED]


@pytest.mark.parametrize(
    "given",
    [{"age": 42}, pd.Series({"age": 42}), pd.DataFrame({"age": [42]}), pl.DataFrame({"age": [42]})],
    ids=lambda value: type(value).__module__,
)
def test_an_output_whose_name_was_lost_in_the_row_is_replaced(given: Any) -> None:
    baseline = Baseline.fit({"x": np.arange(100.0)}, {"delay": np.arange(100.0)}, bins=4)
    row = output_row(given, ["delay"]) if isinstance(given, dict) else [42]
    assert Redaction(["age"], baseline).output(row, given) == [mark_of(baseline.outputs[0], 42)]
    assert Redaction(["other"], baseline).output(row, given) == [42]


def test_marks_show_as_redacted() -> None:
    assert shown([1, Mark(3), "a"]) == [1, REDACTED, "a"]
    assert shown({"a": Mark(Mark.MISSING), "b": 1}) == {"a": REDACTED, "b": 1}
    for row in ([1, 2], {"a": 1}, None, "text"):
        assert shown(row) is row


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (None, None),
        ("", ""),
        (b"", b""),
        ({"age": SECRET, "x": 1}, {"age": REDACTED, "x": 1}),
        ({"a": [{"b": ({"Age": [SECRET]},)}]}, {"a": [{"b": [{"Age": REDACTED}]}]}),
        ('{"age": "s3cr3t-9f1b", "x": 1}', {"age": REDACTED, "x": 1}),
        (b'\xef\xbb\xbf {"\\u0061ge": 1}\n', {"age": REDACTED}),
        (bytearray(b'{"a": 1}'), {"a": 1}),
        (memoryview(b'{"a": Infinity, "age": 1}'), {"a": math.inf, "age": REDACTED}),
        ('{"age": 1}'.encode("utf-16"), {"age": REDACTED}),
        ('{"a": 1, "a": {"age": 1}}', {"a": {"age": REDACTED}}),
        ("age=s3cr3t-9f1b&x=1", REDACTED),
        ('{"age": "s3cr3t-9f1b"', REDACTED),
        ("[" * 100_000, REDACTED),
        (b"\x81\xa3age\x2a", REDACTED),
        (b"\xff\xfe\x00", REDACTED),
        ({b"age": 1, 7: 2}, {b"age": REDACTED, 7: 2}),
        ({Key.AGE: 1}, {"age": REDACTED}),
        ({Text("age"): 1, "x": Text("y")}, {"age": REDACTED, "x": "y"}),
        (Own(), {"age": REDACTED, "x": 1}),
        (Person("n", SECRET), {"name": "n", "age": REDACTED}),
        ([Point(1, SECRET)], [{"x": 1, "age": REDACTED}]),
        (Wire(SECRET), {"age": REDACTED}),
        (Array("n", SECRET), {"name": "n", "age": REDACTED}),
        ([Listed(SECRET)], [REDACTED]),
        ({"a": SimpleNamespace(age=SECRET)}, {"a": REDACTED}),
        ({"a": pd.Series({"age": SECRET})}, {"a": REDACTED}),
        ({"a": np.array([(1.5,)], dtype=[("age", float)])}, {"a": REDACTED}),
        ({"a": np.array([1.5, 2.5])}, {"a": REDACTED}),
        ({"distance": [1.5, 2.5], "age": [42, 43]}, {"distance": [1.5, 2.5], "age": REDACTED}),
        (Raising(), REDACTED),
        ({"a": '{"b": [{"age": 1}]}', "c": '{"b": 1}'}, {"a": REDACTED, "c": '{"b": 1}'}),
        ({"a": json.dumps(json.dumps({"age": 1}))}, {"a": REDACTED}),
        ({"a": b'{"age": 1}', "c": b"\xff"}, {"a": REDACTED, "c": b"\xff"}),
        ({"a": '{"age": 1}\n{"age": 2}', "c": "{}\n{}"}, {"a": REDACTED, "c": "{}\n{}"}),
        ({"a": '{"b": {"\\u0061ge": 1}, "b": 2}'}, {"a": REDACTED}),
        ({"a": "my age is 42", "b": "[draft"}, {"a": "my age is 42", "b": "[draft"}),
        ({"inputs": [{"name": "age", "data": [42]}]}, {"inputs": [REDACTED]}),
        ({"columns": ["x", "AGE"], "data": [[1, 42]]}, REDACTED),
        ({"inputs": [{"name": "x", "data": [1]}]}, {"inputs": [{"name": "x", "data": REDACTED}]}),
        ({"a": [["age", 42], ["x", 1]]}, REDACTED),
        ({"a": {"name": {"text": "age"}, "value": 42}}, REDACTED),
        ({"op": "replace", "path": "/user/age", "with": 42}, REDACTED),
        ({"user.age": 42, "user": "my.name"}, {"user.age": REDACTED, "user": "my.name"}),
        ({"a": "age 42/43"}, {"a": "age 42/43"}),
        ({"inputs": [[1, 42, "UA"]]}, {"inputs": [REDACTED]}),
        ({"inputs": [1, 42, {"carrier": "UA"}]}, {"inputs": REDACTED}),
        ({"inputs": [{"distance": 1, "age": 42}]}, {"inputs": [{"distance": 1, "age": REDACTED}]}),
        ({"inputs": []}, {"inputs": []}),
        ({"inputs": [{"v": 1}, {"v": 42}, {"v": "UA"}]}, {"inputs": REDACTED}),
        ({"inputs": [[{"v": 1}, {"v": 42}]]}, {"inputs": [REDACTED]}),
        ([{"id": 7, "row": {"distance": 1}}], [{"id": 7, "row": {"distance": 1}}]),
    ],
)  # fmt: skip
def test_a_body_is_written_without_what_is_under_the_names(body: Any, kept: Any) -> None:
    assert written(AGE, body) == kept


def test_lists_in_a_body_are_replaced_where_no_names_of_features_are_known() -> None:
    assert written(Redaction(["age"], NOTHING), {"inputs": [[1, 42]]}) == {"inputs": [REDACTED]}


def test_a_body_nested_too_deep_or_in_itself_is_cut() -> None:
    deep: Any = {"age": SECRET}
    for _ in range(500):
        deep = [deep]
    endless: list[Any] = [{"age": SECRET}]
    endless.append(endless)
    wide: list[Any] = []
    wide.extend([wide] * 50)
    for body in (deep, endless, wide, json.dumps(deep)):
        content = encode(Record("", 0, None, None, AGE.body(body)))
        assert SECRET.encode() not in content
        assert len(content) < 1_000_000


def nested(depth: int, inner: Any) -> Any:
    for _ in range(depth):
        inner = [inner]
    return inner


def as_json(value: Any) -> Any:
    """Return a value as JSON text; itself where it has objects that JSON does not know."""
    try:
        return json.dumps(value)
    except TypeError:
        return value


HIDING: list[Any] = [
    lambda inner: [inner],
    lambda inner: {"x": inner, "y": 1},
    lambda inner: (inner, 1),
    lambda inner: {"x": as_json(inner)},
    lambda inner: {"x": as_json(inner).encode() if type(inner) is str else inner},
    as_json,
    lambda inner: np.array([inner, None], dtype=object),
    lambda inner: Point(inner, 1),
    lambda inner: Person("n", 1) if inner is None else Person(inner, 1),
    lambda inner: SimpleNamespace(x=inner),
    lambda inner: pd.Series({"x": inner}),
]


PASSPORT = Redaction(["passport"], BASELINE)


def test_what_is_below_sixteen_levels_is_replaced() -> None:
    assert PASSPORT.body(nested(16, 1)) == nested(16, 1)
    assert PASSPORT.body(nested(17, 1)) == nested(16, REDACTED)


def test_a_long_list_of_numbers_in_a_body_stays_whole() -> None:
    numbers = [number / 2 for number in range(200_000)]
    assert PASSPORT.body({"a": numbers}) == {"a": numbers}


def test_a_row_with_a_name_as_a_value_loses_its_unknown_fields() -> None:
    row = {"distance": 1.5, "field": "passport", "content": SECRET}
    assert PASSPORT.row(row) == {"distance": 1.5, "field": REDACTED, "content": REDACTED}


def test_the_first_body_that_cannot_be_redacted_is_logged_without_its_content(
    caplog: pytest.LogCaptureFixture,
) -> None:
    redaction = Redaction(["passport"], BASELINE)
    for body in ({"columns": ["passport"], "data": [[SECRET]]}, SECRET, Raising()):
        assert redaction.body(body) == REDACTED
    (told,) = [each.getMessage() for each in caplog.records]
    assert told == (
        "boxkite log: a request body was left out because it cannot be redacted: it has a redacted "
        "name in a list. This is said once."
    )


INVISIBLE = "\u00ad\u200b\u200d\u200f\u202e\u2060\ufeff\u0000\u0007\u115f\ufe0f\U000e0041\ud800"


def spelled(name: str, form: str, between: str, times: int, upper: bool) -> str:
    """Write a name in another normal form, with invisible characters between its letters."""
    text = unicodedata.normalize(form, name.upper() if upper else name)  # type: ignore[arg-type]
    return (between * times).join(["", *text, ""])


SPELLED = st.builds(
    spelled,
    st.just("né le"),
    st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]),
    st.sampled_from(INVISIBLE),
    st.sampled_from([0, 1, 3, 50]),
    st.booleans(),
)
FILLER = st.sampled_from([1.5, "x", None, [2], {"y": 3}, "{}"])

# Each form gets a spelled name, a secret and something harmless.
FORMS: list[Any] = [
    lambda name, secret, rest: {name: secret, "x": rest},
    lambda name, secret, rest: {f"user.{name}": secret, "x": rest},
    lambda name, secret, rest: {"name": name, "value": secret, "x": rest},
    lambda name, secret, rest: {"x": rest, "field": name, "content": secret},
    lambda name, secret, rest: {"field": {"id": name, "x": rest}, "content": secret},
    lambda name, secret, rest: {
        "fields": [{"name": name}, {"name": "x"}],
        "data": [[secret, rest]],
    },
    lambda name, secret, rest: {"columns": ["x", name], "data": [[rest, secret]]},
    lambda name, secret, rest: [["x", name], [rest, secret]],
    lambda name, secret, rest: [name, secret, rest],
    lambda name, secret, rest: {"path": f"/{name}", "with": secret, "x": rest},
    lambda name, secret, rest: {"text": json.dumps({name: secret, "x": rest})},
    lambda name, secret, rest: {"text": json.dumps({"columns": [name], "data": [secret, rest]})},
]


@given(SPELLED, st.sampled_from(FORMS), FILLER, st.lists(st.sampled_from(HIDING), max_size=3))
def test_a_name_is_found_in_each_spelling_and_form(
    name: str, form: Any, rest: Any, hiding: list[Any]
) -> None:
    body = form(name, SECRET, rest)
    for hide in hiding:
        body = hide(body)
    kept = BORN.body(body)
    assert SECRET.encode() not in encode(Record("", 0, None, None, kept))
    row: Row = {"distance": 1.0, "other": body, **(body if type(body) is dict else {})}
    assert SECRET.encode() not in encode(Record("", 0, BORN.row(row), None))


BORN = Redaction(["Né le"], BASELINE)


@given(
    st.integers(1, 6), st.integers(1, 6), st.integers(0, 5), st.booleans(), st.sampled_from(HIDING)
)
def test_a_feature_in_rows_or_columns_of_any_width_is_not_kept(
    rows: int, width: int, place: int, by_column: bool, hide: Any
) -> None:
    """A service may take other fields too, so the feature may stand anywhere in a row."""
    table = [[SECRET if each == place % width else 1 for each in range(width)]] * rows
    body: Any = [list(column) for column in zip(*table, strict=True)] if by_column else table
    for each in (body, {"inputs": body}, hide({"inputs": body}), body[0], {"inputs": body[0]}):
        content = encode(Record("", 0, None, None, AGE.body(each)))
        assert SECRET.encode() not in content


def test_redaction_keeps_no_text_of_clients() -> None:
    body = {"ключ" * 2_000 + str(number): 1 for number in range(10)}
    PASSPORT.body(dict(body))
    tracemalloc.start()
    try:
        for number in range(20):
            PASSPORT.body({f"{number}é{key}": 1 for key in body})
        assert tracemalloc.get_traced_memory()[0] < 100_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "body",
    [
        {"a\u0301\u0316" * 200_000: 1},
        {"a": "{a" + "\u0301\u0316" * 200_000},
        {"a": "\u200b" * 400_000 + "{}"},
        {"/" * 400_000: "/" * 400_000},
        ["[" * 400_000],
        {str(number): "é" for number in range(50_000)},
    ],
    ids=["marks in a key", "marks in a text", "invisible", "separators", "brackets", "keys"],
)
def test_no_body_takes_more_than_linear_time(body: Any) -> None:
    started = time.process_time()
    PASSPORT.body(body)
    assert time.process_time() - started < 3  # quadratic time would be minutes


def test_each_invisible_character_of_unicode_is_removed() -> None:
    for code in range(sys.maxunicode + 1):
        if unicodedata.category(chr(code)) in ("Cc", "Cf", "Cs", "Co"):
            assert visible(f"a{chr(code)}b") == "ab"
    for text in ("né le", "a b", "ключ", "名前", "👍", "a\u0301"):
        assert visible(text) == text


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(alphabet='xyz{["é'),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(alphabet="xyzé"), inner),
)


@given(JSON)
def test_a_body_without_the_names_is_as_it_was(body: Any) -> None:
    redaction = Redaction(["passport"], BASELINE)
    assert redaction.body({"a": body}) == {"a": body}
    assert redaction.body(json.dumps(body)) == body


@given(
    st.sampled_from(["age", "AGE", FULL_WIDTH]),
    st.sampled_from([SECRET, [SECRET], {"x": SECRET}, SECRET.encode(), Text(SECRET)]),
    st.lists(st.sampled_from(HIDING), max_size=6),
)
def test_a_value_under_a_name_is_in_no_byte_wherever_it_hides(
    name: str, value: Any, hiding: list[Any]
) -> None:
    hidden: Any = {name: value, "x": 1}
    for hide in hiding:
        hidden = hide(hidden)
    row: Row = plain_row({"carrier": hidden, "other": hidden, name: value})
    content = encode(Record("", 0, AGE.row(row), AGE.output([hidden, 1]), AGE.body(hidden)))
    assert SECRET.encode() not in content
    assert decode(content).created_at == 0
    assert plain(AGE.row([1, value, hidden])) is not None
    assert SECRET.encode() not in encode(Record("", 0, AGE.row([1, value, hidden]), None))
