"""Class probabilities: one output for each class, and one for the most probable class."""

import re
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from boxkite import Baseline, BaselineError
from boxkite.baseline import CategoryVariable
from boxkite.baseline.class_probabilities import classes_of, winner

FEATURES = {"a": [0.0, 1.0, 2.0, 3.0]}
ROWS = np.array([[0.5, 0.25, 0.25], [0.25, 0.5, 0.25], [0.25, 0.5, 0.25], [0.5, 0.5, 0.0]])


def classes(baseline: Baseline) -> dict[str, int]:
    """Return how often each class won at training."""
    last = baseline.outputs[-1]
    assert isinstance(last, CategoryVariable)
    return dict(zip(last.categories, last.counts.tolist(), strict=True))


@pytest.mark.parametrize(
    ("output", "given"),
    [
        (ROWS, ["x", "y", "z"]),
        (ROWS, np.array(["x", "y", "z"])),
        (pd.DataFrame(ROWS, columns=["x", "y", "z"]), True),
        (pd.DataFrame(ROWS), ["x", "y", "z"]),
        (pl.DataFrame(ROWS, schema=["x", "y", "z"]), ["z", "y", "x"]),
        (dict(zip("xyz", ROWS.T.tolist(), strict=True)), True),
        (((name, column) for name, column in zip("xyz", ROWS.T, strict=True)), True),
    ],
    ids=["array", "names in an array", "frame", "frame without names", "names in another order",
         "columns", "pairs"],
)  # fmt: skip
def test_each_class_is_an_output_and_the_winner_is_the_last(output: Any, given: Any) -> None:
    baseline = Baseline.fit(FEATURES, output, classes=given)
    found = [(each.name, each.kind, each.position) for each in baseline.outputs]
    assert found == [("x", "numeric", 0), ("y", "numeric", 1), ("z", "numeric", 2),
                     ("class", "category", 3)]  # fmt: skip
    assert baseline.outputs[0].counts.sum() == 4
    assert classes(baseline) == {"x": 2, "y": 2, "z": 0, "__unseen__": 0}
    assert baseline.classes == ("x", "y", "z")


def test_classes_that_are_numbers_are_named_as_everywhere() -> None:
    baseline = Baseline.fit(FEATURES, ROWS, classes=np.array([0, 1, 2]))
    assert baseline.classes == ("0", "1", "2")
    assert Baseline.fit(FEATURES, ROWS[:, :2], classes=[False, True]).classes == ("false", "true")


def test_a_row_that_lacks_a_probability_has_no_winner() -> None:
    rows = np.array([[0.5, np.nan], [0.25, 0.75], [np.nan, np.nan], [1.0, 0.0]])
    baseline = Baseline.fit(FEATURES, rows, classes=["x", "y"])
    assert (classes(baseline), baseline.outputs[-1].missing) == (
        {"x": 1, "y": 1, "__unseen__": 0}, 2
    )  # fmt: skip


def test_more_classes_than_categories_are_kept_have_no_tail() -> None:
    rows = np.random.default_rng(1).dirichlet(np.ones(80), 200)
    names = [f"class {number}" for number in range(80)]
    baseline = Baseline.fit({"a": range(200)}, rows, classes=names, max_categories=10)
    assert (baseline.classes, len(classes(baseline))) == (tuple(names), 81)


def test_the_classes_are_known_again_from_the_file_and_after_a_merge() -> None:
    baseline = Baseline.fit(FEATURES, ROWS, classes=["x", "y", "z"])
    read = Baseline.from_text(baseline.as_text())
    assert (read, read.classes) == (baseline, ("x", "y", "z"))
    assert baseline.merge(baseline).classes == ("x", "y", "z")


@pytest.mark.parametrize(
    "output",
    [
        None,
        [1, 2, 3, 4],
        ROWS,
        {"x": [1, 2, 3, 4], "class": ["x", "x", "y", "y"]},
        {"x": [1, 2, 3, 4], "y": [1, 2, 3, 4], "class": ["x", "x", "z", "z"]},
        {"x": [1, 2, 3, 4], "y": ["1", "2", "a", "b"], "class": ["x", "x", "y", "y"]},
        {"x": [1, 2, 3, 4], "y": [1, 2, 3, 4], "label": ["x", "x", "y", "y"]},
    ],
    ids=["none", "one", "several", "one class", "other labels", "text", "another name"],
)
def test_other_outputs_are_no_class_probabilities(output: Any) -> None:
    assert Baseline.fit(FEATURES, output).classes == ()
    assert classes_of(()) == ()


@pytest.mark.parametrize(
    ("output", "given", "message"),
    [
        (ROWS, ["x", "y"], ("classes= has 2 classes, but the output has 3 columns. Name one class "
            "for each column")),
        (ROWS, "xyz", ("classes= has 1 classes, but the output has 3 columns. Name one class "
            "for each column")),
        ([1, 2, 3, 4], True, "class probabilities need at least 2 output columns, but there are 1"),
        (None, True, "class probabilities need at least 2 output columns, but there are 0"),
        (ROWS, ["x", "y", "class"], "the class name 'class' is reserved. Rename the class"),
        (ROWS, ["x", "y", "__other__"], "the class name '__other__' is reserved. Rename"),
        (ROWS, ["x", "y", "y"], "two classes have the name 'y'. Rename one"),
        ({"x": ["a", "b", "c", "d"], "y": [1, 2, 3, 4]}, True,
         "the probabilities of class 'x' are text, not numbers"),
        ({"x": [1, 2], "y": [1, 2, 3]}, True, "feature 'a' has 4 rows, but output 'x' has 2"),
    ],
)  # fmt: skip
def test_what_cannot_be_class_probabilities_is_an_error(
    output: Any, given: Any, message: str
) -> None:
    with pytest.raises(BaselineError, match=f"^{re.escape(message)}"):
        Baseline.fit(FEATURES, output, classes=given)


@pytest.mark.parametrize(
    ("probabilities", "expected"),
    [
        ([0.25, 0.75], "yes"),
        ([0.5, 0.5], "no"),
        (["0.25", np.float32(0.75)], "yes"),
        ([1, 0], "no"),
        ([0.25, None], None),
        ([float("nan"), 1.0], None),
        ([0.25, "much"], None),
    ],
)
def test_the_first_of_the_most_probable_wins_where_all_are_numbers(
    probabilities: list[Any], expected: str | None
) -> None:
    assert winner(probabilities, ["no", "yes"]) == expected
