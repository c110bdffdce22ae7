"""A file of our writer is read at once; of any other the same comes as line by line."""

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from boxkite.baseline import Baseline, CategoryVariable, NumericVariable, Variable
from boxkite.baseline.baseline import Exposition
from boxkite.baseline.canonical_reader import guess
from boxkite.baseline.tails import read_tails
from boxkite.baseline.text_reader import Comment, Sample, parse
from boxkite.errors import BaselineError

EXPOSITIONS: list[Exposition] = ["labelled", "classic"]
NAMES = st.text(max_size=5) | st.sampled_from(
    [
        '"',
        "\\",
        "\n",
        "\\n",
        '",le="1.0"} 3',
        "\n# HELP x",
        "\n# TAIL feature",
        "\u2028\x85\r",
        "🪁",
    ]
)
COUNTS = st.integers(0, 9) | st.sampled_from([10**15 - 1, 10**15, 2**53 + 1, 2**62, 2**63 - 1, -1])
FLOATS = st.floats() | st.sampled_from([-0.0, 5e-324, 1e6, 1e16, -1.7e308, math.inf, math.nan])
POSITIONS = st.integers(0, 3) | st.sampled_from([-1, 10**9])


@st.composite
def numeric(draw: st.DrawFn) -> NumericVariable:
    edges = draw(st.lists(FLOATS, max_size=4))
    if draw(st.booleans()):
        edges = sorted({edge for edge in edges if math.isfinite(edge)})
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


ROLES: Any = st.sampled_from(["feature", "output", "outcome"] * 3 + ["", 'x"'])
ENDS = st.sampled_from([["__unseen__"]] * 3 + [["__other__", "__unseen__"]] * 3 + [["a"], []])


def counts(length: int) -> Any:
    return st.lists(COUNTS, min_size=length, max_size=length).map(
        lambda cells: np.array(cells, dtype=np.int64)
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
    )


@st.composite
def baselines(draw: st.DrawFn) -> Baseline:
    """Draw baselines, possible and impossible, whose text is in the form of our writer."""
    variables = draw(st.lists(numeric() | category(), max_size=3))
    if draw(st.booleans()):
        variables.sort(key=lambda each: (each.role, each.position))
    rows = variables[0].rows if variables and draw(st.booleans()) else draw(COUNTS)
    return Baseline(draw(NAMES), draw(NAMES), rows, tuple(variables))


def outcome(read: Callable[[str], Baseline], text: str) -> Baseline | str:
    """Return what is read, or what the error says."""
    try:
        return read(text)
    except BaselineError as error:
        return str(error)


def by_line(text: str) -> Baseline:
    """Read without a guess."""
    items = list(parse(text.split("\n"), max_series=10_000))
    comments = [each for each in items if isinstance(each, Comment)]
    documentation = {each.subject: each.text for each in comments if each.keyword == "HELP"}
    samples = [each for each in items if isinstance(each, Sample)]
    return Baseline.from_samples(samples, documentation, read_tails(comments))


def assert_reads_as_by_line(text: str) -> None:
    assert outcome(Baseline.from_text, text) == outcome(by_line, text)


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


def c(*categories: str, tail: frozenset[int] = frozenset()) -> CategoryVariable:
    cells = np.array([3] + [0] * (len(categories) - 1))
    common: dict[str, Any] = {"name": "c", "role": "feature", "position": 1, "missing": 0}
    return CategoryVariable(**common, counts=cells, categories=categories, tail=tail)


def of(*variables: Variable, rows: int = 3, version: str = "v") -> Baseline:
    return Baseline("m", version, rows, variables)


WHOLE = of(x(), c("red", "__other__", "__unseen__", tail=frozenset([7, 2**32 - 1])))


@pytest.mark.parametrize("exposition", EXPOSITIONS)
def test_a_file_of_our_writer_is_guessed(exposition: Exposition) -> None:
    found = guess(WHOLE.as_text(exposition))
    assert found is not None
    assert found.header == ("m", "v", 3)
    assert tuple(found.variables) == WHOLE.variables
    assert found.classic == (exposition == "classic")


@pytest.mark.parametrize("exposition", EXPOSITIONS)
def test_a_file_of_our_writer_reads_the_same_at_once_and_by_line(exposition: Exposition) -> None:
    text = WHOLE.as_text(exposition)
    assert Baseline.from_text(text) == by_line(text) == WHOLE


@given(baselines())
@example(of())
@example(of(x(), version=""))
@example(of(x(), rows=4))
@example(of(x(), x()))
@example(of(x(), x(name="y")))
@example(of(x(position=1), x(name="y")))
@example(of(x(role="other")))
@example(of(x(position=-1)))
@example(of(x(position=10**9)))
@example(of(x(counts=np.array([4, -1]))))
@example(of(x(missing=-1), rows=2))
@example(of(x(edges=np.array([math.nan]))))
@example(of(x(edges=np.array([math.inf]))))
@example(of(x(edges=np.array([1.0, 0.5]), counts=np.array([1, 1, 1]))))
@example(of(x(counts=np.array([2**53 + 1, 0])), rows=2**53 + 1))
@example(of(x(counts=np.array([2**62] * 4), edges=np.array([1.0, 2.0, 3.0])), rows=0))
@example(of(c("red", "red", "__unseen__")))
@example(of(c("red")))
@example(of(c("red", "__other__", "__unseen__")))
@example(of(c("red", "__unseen__", tail=frozenset([1]))))
@example(of(c("__other__", "red", "__unseen__", tail=frozenset([1]))))
def test_an_impossible_baseline_in_our_writers_form_reads_as_by_line(baseline: Baseline) -> None:
    assert_reads_as_by_line(baseline.as_text())


TOKENS = ["1.0", "01", "1_0", "-1", "1e+00", "1e3", "+Inf", "-Inf", "NaN", "nan", "\u0663"]
TOKENS += ["", " ", "\n", "\r", '"', "\\", "}", "# HELP ", "# TAIL feature ", "__unseen__"]
TOKENS += ["9" * 15, "9" * 16]


@pytest.mark.parametrize("exposition", EXPOSITIONS)
@given(data=st.data())
def test_a_changed_file_reads_as_by_line(exposition: Exposition, data: st.DataObject) -> None:
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
    assert_reads_as_by_line(changed)


@pytest.mark.parametrize("exposition", EXPOSITIONS)
@given(data=st.data())
def test_a_file_of_rearranged_lines_reads_as_by_line(
    exposition: Exposition, data: st.DataObject
) -> None:
    lines = WHOLE.as_text(exposition).splitlines(keepends=True)
    place = st.integers(0, len(lines))
    first, last, to = data.draw(place), data.draw(place), data.draw(place)
    kept = lines[:first] + lines[last:] if data.draw(st.booleans()) else lines
    changed = "".join(kept[:to] + lines[first:last] + kept[to:])
    assert_reads_as_by_line(changed)
