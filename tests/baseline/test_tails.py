"""The number of rare categories in one row each, in files and in merged baselines."""

from collections import Counter
from dataclasses import replace
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boxkite import Baseline, BaselineError
from boxkite.baseline import CategoryVariable
from boxkite.drift import Policy
from boxkite.drift.rates import expected_unseen

KEPT = ["a", "b"]
TAILS = st.lists(st.integers(0, 40), min_size=1, max_size=80)


def fit(tail: list[int], often: int = 100) -> Baseline:
    """Return a baseline that keeps two categories; the others are its tail."""
    labels = [*KEPT * often, *(f"t{number}" for number in tail)]
    return Baseline.fit({"c": labels}, max_categories=2, version="v")


def variable_of(baseline: Baseline) -> CategoryVariable:
    (variable,) = baseline.variables
    assert isinstance(variable, CategoryVariable)
    return variable


def once(*tails: list[int]) -> int:
    """Return how many categories stand once in all tails together."""
    return sum(rows == 1 for rows in Counter(chain(*tails)).values())


def without_number(baseline: Baseline) -> Baseline:
    """Return a baseline that does not know how many categories of its tail stand once."""
    variable = replace(variable_of(baseline), tail_once=None, once=None)
    return Baseline.from_variables([variable], baseline.rows, version="v")


@given(TAILS)
def test_the_file_keeps_how_many_categories_of_the_tail_stand_once(tail: list[int]) -> None:
    baseline = fit(tail)
    assert variable_of(baseline).tail_once == once(tail)
    text = baseline.as_text()
    assert Baseline.from_text(text) == baseline
    assert Baseline.from_text(text + "\n") == baseline
    assert Baseline.from_text(baseline.as_text("classic")) == baseline


@given(TAILS)
def test_a_file_without_the_number_is_read_and_written_as_it_was(tail: list[int]) -> None:
    text = without_number(fit(tail)).as_text()
    assert "tail_once" not in text
    found = Baseline.from_text(text)
    assert variable_of(found).tail_once is None
    assert variable_of(found).tail == variable_of(fit(tail)).tail
    assert found.as_text() == text
    assert expected_unseen(variable_of(found)) == len(tail)


@given(TAILS, TAILS)
def test_a_merged_tail_has_no_more_that_stand_once_than_are_said(
    one: list[int], other: list[int]
) -> None:
    parts = fit(one), fit(other)
    merged = variable_of(parts[0].merge(parts[1]))
    assert expected_unseen(merged) == merged.tail_once == once(one, other)
    # Files of older versions hold the numbers, but not which categories occur once.
    older = [
        Baseline.from_variables([replace(variable_of(part), once=None)], part.rows, version="v")
        for part in parts
    ]
    bound = variable_of(older[0].merge(older[1])).tail_once
    assert bound is not None
    assert once(one, other) <= bound <= once(one) + once(other)


@given(TAILS)
def test_a_tail_merged_with_itself_has_none_that_stands_once(tail: list[int]) -> None:
    assert variable_of(fit(tail).merge(fit(tail))).tail_once == 0


def test_tails_without_a_common_category_add_up() -> None:
    assert variable_of(fit([1, 2, 3, 3]).merge(fit([4, 5, 5]))).tail_once == 3


def test_a_merged_baseline_does_not_know_the_number_unless_both_do() -> None:
    known = fit([1, 2])
    unknown = without_number(known)
    for merged in (known.merge(unknown), unknown.merge(known)):
        assert variable_of(merged).tail_once is None


def test_without_a_tail_there_is_no_number() -> None:
    baseline = Baseline.fit({"c": KEPT * 50})
    assert variable_of(baseline).tail_once is None
    assert "tail_once" not in baseline.as_text()


@pytest.mark.parametrize(
    ("found", "damaged"),
    [
        ("tail_once{", "tail_twice{"),
        ('variable="c"} 2\n# BASELINE', 'variable="c"} 1\n# BASELINE'),
        ('"tail_once":2', '"tail_once":3'),
        ('"tail_once":2', '"tail_once":-2'),
        ('"tail_once":2', '"tail_once":2.0'),
        ('"tail_once":2', '"tail_once":true'),
        (',"tail_once":2', ""),
    ],
)
def test_a_number_that_is_damaged_is_found(found: str, damaged: str) -> None:
    text = fit([1, 2]).as_text()
    assert text.count(found) == 1
    with pytest.raises(BaselineError):
        Baseline.from_text(text.replace(found, damaged))


def test_a_number_beyond_the_tails_rows_is_damage() -> None:
    variable = replace(variable_of(fit([1, 2])), tail_once=3)
    text = Baseline.from_variables([variable], 202).as_text()
    with pytest.raises(BaselineError, match="has more categories than __other__ has rows"):
        Baseline.from_text(text)


def test_the_tail_has_a_bit_for_each_hash() -> None:
    variable = replace(variable_of(fit([1, 2])), once=frozenset())
    text = Baseline.from_variables([variable], 202).as_text()
    with pytest.raises(BaselineError, match="does not have a bit for each of its hashes"):
        Baseline.from_text(text)


def test_a_tail_that_training_saw_often_is_judged() -> None:
    tail = [number for number in range(400) for _ in range(10)]
    known = variable_of(fit(tail, often=1000))
    unknown = variable_of(without_number(fit(tail, often=1000)))
    assert expected_unseen(known) == 0
    assert expected_unseen(unknown) == 4000
    policy = Policy()
    sure, guessed = (policy.critical("1h", 10, each) for each in (known, unknown))
    assert sure < 60
    assert not guessed <= sure
