"""The JSON line of `histogram.prom` is exact, and any damage to it is an error."""

import hashlib
import json
import math
import re
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from boxkite.baseline import Baseline, CategoryVariable, NumericVariable, Variable
from boxkite.baseline.baseline import Exposition
from boxkite.baseline.json_line import find_json_line
from boxkite.errors import BaselineError

EXPOSITIONS: list[Exposition] = ["labelled", "classic"]
HEAD = "# BASELINE "
DAMAGED = "the JSON of the # BASELINE line is damaged: "
NAMES = st.text(max_size=5) | st.sampled_from(
    [
        '"',
        "\\",
        "\n",
        "\\n",
        '",le="1.0"} 3',
        "\n# HELP x",
        "\n# BASELINE {}",
        "\u2028\x85\r",
        "🪁",
    ]
)
COUNTS = st.integers(0, 9) | st.sampled_from([10**15 - 1, 10**15, 2**53 + 1, 2**62, 2**63 - 1, -1])
FLOATS = st.floats() | st.sampled_from([-0.0, 5e-324, 1e6, 1e16, -1.7e308, math.inf, math.nan])
EDGES = st.floats(allow_nan=False, allow_infinity=False)
POSITIONS = st.integers(0, 3) | st.sampled_from([-1, 10**9])
ROLES: Any = st.sampled_from(["feature", "output", "outcome"] * 3 + ["", 'x"'])
ENDS = st.sampled_from([["__unseen__"]] * 3 + [["__other__", "__unseen__"]] * 3 + [["a"], []])


def counts(length: int) -> Any:
    return st.lists(COUNTS, min_size=length, max_size=length).map(
        lambda cells: np.array(cells, dtype=np.int64)
    )


@st.composite
def numeric(draw: st.DrawFn) -> NumericVariable:
    edges = draw(st.lists(EDGES, max_size=4))
    if draw(st.booleans()):
        edges = sorted(set(edges))
    return NumericVariable(
        name=draw(NAMES),
        role=draw(ROLES),
        position=draw(POSITIONS),
        missing=draw(COUNTS),
        counts=draw(counts(len(edges) + 1)),
        edges=np.array(edges, dtype=np.float64),
        sum=draw(FLOATS),
        minimum=draw(FLOATS),
        maximum=draw(FLOATS),
    )


@st.composite
def category(draw: st.DrawFn) -> CategoryVariable:
    categories = (*draw(st.lists(NAMES, max_size=3)), *draw(ENDS))
    return CategoryVariable(
        name=draw(NAMES),
        role=draw(ROLES),
        position=draw(POSITIONS),
        missing=draw(COUNTS),
        counts=draw(counts(len(categories))),
        categories=categories,
        tail=draw(st.frozensets(st.integers(0, 2**32 - 1), max_size=3)),
        tail_once=draw(st.none() | st.integers(-1, 3)),
    )


@st.composite
def baselines(draw: st.DrawFn) -> Baseline:
    """Draw baselines, possible and impossible."""
    variables = draw(st.lists(numeric() | category(), max_size=3))
    if draw(st.booleans()):
        variables.sort(key=lambda each: (each.role, each.position))
    rows = variables[0].rows if variables and draw(st.booleans()) else draw(COUNTS)
    return Baseline(draw(NAMES), draw(NAMES), rows, tuple(variables))


def x(**fields: Any) -> NumericVariable:
    given: dict[str, Any] = {
        "name": "x",
        "role": "feature",
        "position": 0,
        "missing": 0,
        "sum": 1.0,
    }
    given |= {"counts": np.array([1, 2]), "edges": np.array([0.5])}
    return NumericVariable(**given | fields)


def c(*categories: str, tail: frozenset[int] = frozenset(), **fields: Any) -> CategoryVariable:
    cells = np.array([3] + [0] * (len(categories) - 1))
    common: dict[str, Any] = {"name": "c", "role": "feature", "position": 1, "missing": 0}
    given = {"counts": cells, "categories": categories, "tail": tail}
    return CategoryVariable(**common | given | fields)


def of(*variables: Variable, rows: int = 3, version: str = "v") -> Baseline:
    return Baseline("m", version, rows, variables)


WHOLE = of(x(), c("red", "__other__", "__unseen__", tail=frozenset([7, 2**32 - 1])))
ODD = of(
    x(
        edges=np.array([-5e-324, 0.1, 1e300]),
        counts=np.array([2**53 + 1, 0, 1, 2]),
        sum=-math.inf,
        minimum=-0.0,
        maximum=math.nan,
    ),
    rows=2**62,
)


def read_or_explained(text: str) -> Baseline | None:
    """Return what is read, or None if the error names the line."""
    try:
        return Baseline.from_text(text)
    except BaselineError as error:
        if re.match(r"line \d+: |no baseline series in it, or it is cut short$", str(error)):
            return None
        raise


def with_json(change: Callable[[dict[str, Any]], Any]) -> str:
    """Return the file of WHOLE with its JSON changed, and a digest that fits."""
    series, _, line = WHOLE.as_text().partition(HEAD)
    document = json.loads(line)
    change(document)
    if "content" in document:
        content = json.dumps(document["content"], separators=(",", ":"))
        document["digest"] = hashlib.sha256(content.encode()).hexdigest()[:8]
    return f"{series}{HEAD}{json.dumps(document, separators=(',', ':'))}\n"


def message_of(text: str) -> str:
    with pytest.raises(BaselineError) as caught:
        Baseline.from_text(text)
    found = re.fullmatch(r"line (\d+): (.*)", str(caught.value))
    assert found is not None
    assert int(found[1]) == text.count("\n")
    return found[2]


@pytest.mark.parametrize("exposition", EXPOSITIONS)
@pytest.mark.parametrize("baseline", [WHOLE, ODD])
def test_the_line_holds_all_of_the_baseline(baseline: Baseline, exposition: Exposition) -> None:
    text = baseline.as_text(exposition)
    line = find_json_line(text, 100)
    assert line is not None
    assert text[line.start :].startswith(HEAD)
    assert text[line.end :] == "\n"
    assert Baseline.of(line.stored) == baseline
    assert line.exposition == exposition
    assert repr(Baseline.from_text(text)) == repr(baseline)


def test_floats_that_json_lacks_are_spelled_as_by_prometheus() -> None:
    text = ODD.as_text()
    assert '"sum":"-Inf","minimum":-0.0,"maximum":"NaN"' in text
    assert '"edges":[-5e-324,0.1,1e+300]' in text


@given(baseline=baselines())
@example(baseline=of())
@example(baseline=of(x(), version=""))
@example(baseline=of(x(), rows=4))
@example(baseline=of(x(), x()))
@example(baseline=of(x(), x(name="y")))
@example(baseline=of(x(position=1), x(name="y")))
@example(baseline=of(x(role="other")))
@example(baseline=of(x(position=-1)))
@example(baseline=of(x(position=10**9)))
@example(baseline=of(x(counts=np.array([4, -1]))))
@example(baseline=of(x(missing=-1), rows=2))
@example(baseline=of(x(edges=np.array([1.0, 0.5]), counts=np.array([1, 1, 1]))))
@example(baseline=of(x(counts=np.array([2**53 + 1, 0])), rows=2**53 + 1))
@example(baseline=of(x(counts=np.array([2**62] * 4), edges=np.array([1.0, 2.0, 3.0])), rows=0))
@example(baseline=of(c("red", "red", "__unseen__")))
@example(baseline=of(c("red")))
@example(baseline=of(c("red", "__other__", "__unseen__")))
@example(baseline=of(c("red", "__unseen__", tail=frozenset([1]))))
@example(baseline=of(c("__other__", "red", "__unseen__", tail=frozenset([1]))))
def test_any_baseline_is_read_as_it_was_written_or_is_an_error(baseline: Baseline) -> None:
    assert read_or_explained(baseline.as_text()) in (None, baseline)


TOKENS = ["1.0", "01", "1_0", "-1", "1e+00", "1e3", "+Inf", "-Inf", "NaN", "nan", "\u0663", "null"]
TOKENS += ["", " ", "\n", "\r", '"', "\\", "}", "]", "# HELP ", HEAD, f"\n{HEAD}", "__unseen__"]
TOKENS += ["9" * 15, "9" * 40, "1e999", "[" * 5000, '{"a":' * 5000, "\ud800", "\\ud800", "true"]


@pytest.mark.parametrize("exposition", EXPOSITIONS)
@given(data=st.data())
def test_a_changed_file_is_an_error_or_the_same(
    exposition: Exposition, data: st.DataObject
) -> None:
    text = WHOLE.as_text(exposition)
    pieces = re.split(r"(\W)", text)
    old = data.draw(st.sampled_from(pieces))
    new = data.draw(st.sampled_from([*TOKENS, *pieces]) | st.text(max_size=3))
    everywhere = data.draw(st.booleans())
    if everywhere and old:
        changed = text.replace(old, new)
    else:
        place = data.draw(st.integers(0, len(pieces) - 1))
        changed = "".join([*pieces[:place], new, *pieces[place + 1 :]])
    read = read_or_explained(changed)
    # Replacing a model's name everywhere gives the whole file of another model.
    if read is not None and not everywhere:
        assert read == WHOLE


@pytest.mark.parametrize("exposition", EXPOSITIONS)
@given(data=st.data())
def test_a_file_of_rearranged_lines_is_an_error_or_the_same(
    exposition: Exposition, data: st.DataObject
) -> None:
    lines = WHOLE.as_text(exposition).splitlines(keepends=True)
    place = st.integers(0, len(lines))
    first, last, to = data.draw(place), data.draw(place), data.draw(place)
    kept = lines[:first] + lines[last:] if data.draw(st.booleans()) else lines
    changed = "".join(kept[:to] + lines[first:last] + kept[to:])
    assert read_or_explained(changed) in (None, WHOLE)


def variable(number: int, **fields: Any) -> Callable[[dict[str, Any]], Any]:
    """Return a change of fields of one variable."""
    return lambda document: document["content"]["variables"][number].update(fields)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda document: document.update(format=2),
            (
                "the # BASELINE line has format 2, but this version of boxkite reads format 1. "
                "Upgrade boxkite, or write the file again with this version"
            ),
        ),
        (
            lambda document: document.update(exposition="other"),
            f"{DAMAGED}Invalid enum value 'other' - at `$.exposition`",
        ),
        (
            lambda document: document.pop("model"),
            f"{DAMAGED}Object missing required field `model`",
        ),
        (
            lambda document: document["content"].update(variables=[]),
            "the # BASELINE line has no variables",
        ),
        (
            variable(0, colour="red"),
            f"{DAMAGED}Object contains unknown field `colour` - at `$.variables[0]`",
        ),
        (
            variable(0, counts=[1, 2, 3]),
            "feature 'x' has 1 edges and 3 counts; there must be one count more than edges",
        ),
        (
            variable(0, edges=[2.0, 1.0], counts=[1, 1, 1]),
            "the edges of feature 'x' do not ascend",
        ),
        (
            variable(0, counts=[2**62, 2**62]),
            "feature 'x' counts more rows than 64 bits hold",
        ),
        (
            variable(1, counts=[3]),
            "feature 'c' has 3 categories and 1 counts; there must be one count for each",
        ),
        (
            variable(1, categories=["red", "red", "__unseen__"]),
            "the categories of feature 'c' repeat, or do not end in __unseen__",
        ),
        (
            variable(1, categories=["red", "blue", "__unseen__"]),
            "the tail of feature 'c' has more categories than __other__ has rows",
        ),
        (
            variable(1, tail="AAA="),
            "the tail of feature 'c' is not the base64 of 32-bit hashes",
        ),
        (
            variable(1, position=0),
            "feature 'c' has position 0, but comes after feature 0",
        ),
        (variable(1, name="x"), "two variables have the same role and name"),
    ],
)
def test_what_is_wrong_with_the_line_is_told(
    change: Callable[[dict[str, Any]], Any], message: str
) -> None:
    assert message_of(with_json(change)) == message


def test_a_change_inside_the_line_is_told_by_its_digest() -> None:
    text = WHOLE.as_text()
    assert text.count("AAAAB/////8=") == 1
    message = message_of(text.replace("AAAAB/////8=", "AAAAC/////8="))
    assert message.startswith("the # BASELINE line was changed: its digest is ")


def test_a_small_line_that_describes_huge_series_is_refused_at_once() -> None:
    huge = {"name": "x" * 10_000, "counts": [0] * 100_001, "edges": list(range(100_000))}
    message = message_of(with_json(variable(0, **huge)))
    assert message.startswith(
        "the # BASELINE line describes 200,005 series, more than the file has "
    )


@pytest.mark.parametrize(
    "change",
    [
        variable(0, name="x" * 16_385),
        variable(1, categories=["x" * 16_385, "__other__", "__unseen__"]),
        lambda line: line.update(model="x" * 16_385),
        lambda line: line.update(version="x" * 16_385),
    ],
    ids=["name", "category", "model", "version"],
)
def test_a_label_that_is_too_long_is_refused(change: Callable[[dict[str, Any]], Any]) -> None:
    assert message_of(with_json(change)) == (
        f"the name or category '{'x' * 80}'… has 16,385 characters, and a label may have 16,384. "
        "Shorten it in the training data"
    )


def test_a_label_of_16_mib_takes_little_memory_and_names_its_line() -> None:
    text = with_json(variable(1, name="x" * 2**24))
    tracemalloc.start()
    try:
        message = message_of(text)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "has 16,777,216 characters" in message
    assert len(message) < 300
    assert peak < 6 * 2**24  # the JSON line as text, as bytes and decoded


@pytest.mark.parametrize("given", [{"x" * 16_385: [1.0, 2.0]}, {"a": ["u", "x" * 16_385]}])
def test_a_label_that_no_reader_takes_is_not_written(given: Any, tmp_path: Path) -> None:
    path = tmp_path / "histogram.prom"
    with pytest.raises(BaselineError, match=r"has 16,385 characters, and a label may have 16,384"):
        Baseline.fit({name: values * 50 for name, values in given.items()}).write(path)
    assert not path.exists()


def test_a_line_of_too_many_series_is_refused() -> None:
    text = with_json(variable(0, counts=[0] * 50_001, edges=list(range(50_000))))
    with pytest.raises(BaselineError, match="describes more than 1,000 series"):
        Baseline.from_text(text, max_series=1000)


CONTENT = (
    '# BASELINE {"format":1,"exposition":"labelled","model":"m","version":"v","digest":"0",'
    '"content":{"rows":1,"variables":['
)


@pytest.mark.parametrize(
    "text",
    [
        "\n" * 2**18,
        "a 1\n" * 2**16,
        "# HELP a b\n" * 2**16,
        "#" * 2**20,
        HEAD + "[" * 2**20,
        HEAD + '{"format":1,"x":' + "[" * 2**20,
        CONTENT + "{}," * 2**18,
        "\nboxkite_baseline_rows 1" * 2**16,
    ],
    ids=range(8),
)
def test_a_hostile_file_is_an_error_in_bounded_memory(text: str) -> None:
    # Threads that other tests left in this process allocate too, so one attempt of three may do.
    assert any(peak_of_reading(text) < 20 * len(text) for _ in range(3))


def peak_of_reading(text: str) -> int:
    """Return the most bytes that the process allocated while the text was read."""
    tracemalloc.start()
    try:
        assert read_or_explained(text) is None
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
