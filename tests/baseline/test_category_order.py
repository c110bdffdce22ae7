"""Ordered categories: where their order comes from, and what it changes."""

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy.stats import binom

from boxkite import Baseline, BaselineError, BaselineWarning, compare
from boxkite.baseline import CategoryVariable
from boxkite.baseline.category_variable import UNSEEN
from boxkite.baseline.merging import merge_variables
from boxkite.baseline.variable_json import StoredCategory, restore, store

SIZES = ["S", "M", "L", "XL"]
ROWS = ["L", "S", "S", None, "M", "L", "S"]
CELLS = ("S", "M", "L", "XL", UNSEEN)


def dictionary(ordered: bool) -> Any:
    codes = pa.array([None if each is None else SIZES.index(each) for each in ROWS])
    return pa.DictionaryArray.from_arrays(codes, pa.array(SIZES), ordered=ordered)


def fit(values: Any, **options: Any) -> CategoryVariable:
    (variable,) = Baseline.fit({"size": values}, **options).variables
    assert isinstance(variable, CategoryVariable)
    return variable


@pytest.mark.parametrize(
    ("values", "options"),
    [
        (ROWS, {"ordered": {"size": SIZES}}),
        (np.array(ROWS, dtype=object), {"ordered": {"size": iter(SIZES)}}),
        (pd.Series(ROWS), {"ordered": {"size": pd.Index(SIZES)}}),
        (pd.Series(pd.Categorical(ROWS, SIZES, ordered=True)), {}),
        (pd.Series(pd.Categorical(ROWS, SIZES, ordered=True)), {"ordered": "size"}),
        (pd.Series(pd.Categorical(ROWS, SIZES[::-1], ordered=True)), {"ordered": {"size": SIZES}}),
        (pl.Series(ROWS, dtype=pl.Enum(SIZES)), {}),
        (dictionary(ordered=True), {}),
        (pa.chunked_array([dictionary(ordered=True)[:3], dictionary(ordered=True)[3:]]), {}),
    ],
)
def test_categories_stand_in_their_order_with_unused_ones(values: Any, options: Any) -> None:
    variable = fit(values, **options)
    assert variable.kind == "ordered"
    assert variable.categories == CELLS
    assert variable.counts.tolist() == [3, 1, 2, 0, 0]
    assert variable.missing == 1
    assert variable.upper_bounds == ("1.0", "2.0", "3.0", "4.0", "+Inf")


@pytest.mark.parametrize(
    "values",
    [
        ROWS,
        pd.Series(pd.Categorical(ROWS, SIZES)),
        pl.Series(ROWS, dtype=pl.Categorical),
        dictionary(ordered=False),
    ],
)
def test_other_types_have_no_order(values: Any) -> None:
    variable = fit(values)
    assert variable.kind == "category"
    assert not variable.is_ordered
    with pytest.raises(BaselineError, match=r"ordered=\{'size': \[least, ..., greatest\]\}"):
        fit(values, ordered=["size"])


@pytest.mark.parametrize(
    ("values", "ordered", "categories"),
    [
        ([10, 9, 2, 9], ["grade"], ("2", "9", "10", UNSEEN)),
        ([10, 9, 2, 9], {"grade": []}, ("2", "9", "10", UNSEEN)),
        ([10.0, 9.5, 2.0], "grade", ("2", "9.5", "10", UNSEEN)),
        (["10", "9", "2"], ["grade"], ("2", "9", "10", UNSEEN)),
        ([True, False], ["grade"], ("false", "true", UNSEEN)),
        ([3.0, 1.0], {"grade": [3, 2, 1]}, ("3", "2", "1", UNSEEN)),
    ],
)
def test_numbers_ascend_unless_their_order_is_given(
    values: Any, ordered: Any, categories: tuple[str, ...]
) -> None:
    (variable,) = Baseline.fit({"grade": values}, ordered=ordered).variables
    assert isinstance(variable, CategoryVariable)
    assert (variable.kind, variable.categories) == ("ordered", categories)
    assert variable.counts.sum() == len(values)


@pytest.mark.parametrize(
    ("ordered", "message"),
    [
        ({"size": ["S", "M"]}, r"has the value 'L', which its order \(S, M\) lacks"),
        ({"size": ["S", "M", "S"]}, "lists 'S' for column 'size', which is missing, repeated or a"),
        ({"size": ["S", None]}, "lists None"),
        ({"size": ["S", UNSEEN]}, f"lists '{UNSEEN}'"),
        ({"size": ["S"]}, "An order needs at least two"),
        ({"siez": SIZES}, "ordered= names columns that do not exist: 'siez'"),
        (["siez"], "ordered= names columns that do not exist: 'siez'"),
    ],
)
def test_an_order_that_does_not_fit_is_named(ordered: Any, message: str) -> None:
    with pytest.raises(BaselineError, match=message):
        fit(ROWS, ordered=ordered)


def test_an_order_of_too_many_categories_is_not_used_and_warned_of() -> None:
    with pytest.warns(BaselineWarning, match=r"Pass max_categories=4 to use it"):
        variable = fit(ROWS, ordered={"size": SIZES}, max_categories=3)
    assert (variable.kind, variable.categories[0]) == ("category", "S")
    assert fit(ROWS, ordered={"size": SIZES}, max_categories=4).kind == "ordered"


def test_a_file_keeps_the_order_and_files_without_one_stay_as_they_were(tmp_path: Any) -> None:
    ordered = Baseline.fit({"size": ROWS}, ordered={"size": SIZES[::-1]})
    ordered.write(tmp_path / "histogram.prom")
    text = (tmp_path / "histogram.prom").read_text()
    assert Baseline.read(tmp_path / "histogram.prom") == ordered
    assert 'variable="size",variable_kind="ordered",position="0"} 1' in text
    assert 'boxkite_baseline_value_bucket{model_name="default",' in text
    assert 'variable="size",le="2.0"} 2' in text
    assert 'variable="size"} 19' in text  # 2 x 2 + 1 x 3 + 3 x 4
    assert "ordered" not in Baseline.fit({"size": ROWS}).as_text()


def test_a_stored_order_with_a_tail_is_damaged() -> None:
    stored = store(fit(ROWS, max_categories=2))
    assert isinstance(stored, StoredCategory)
    stored.ordered = True
    with pytest.raises(BaselineError, match="__other__ has no place in an order"):
        restore([stored])


def test_merging_keeps_the_order_and_needs_the_same() -> None:
    one, reverse = (fit(ROWS, ordered={"size": each}) for each in (SIZES, SIZES[::-1]))
    merged = merge_variables(one, one)
    assert (merged.kind, merged.counts.tolist()) == ("ordered", [6, 2, 4, 0, 0])
    unordered = fit([*ROWS, "XL"])
    for other in (reverse, unordered):
        with pytest.raises(BaselineError, match="a different order of categories"):
            merge_variables(one, other)
        with pytest.raises(BaselineError, match="a different order of categories"):
            merge_variables(other, one)


def test_ks_finds_a_step_up_that_psi_misses() -> None:
    labels = [f"level {i:02}" for i in range(20)]

    def levels(rows: int) -> Any:
        return binom.ppf((np.arange(rows) + 0.5) / rows, 19, 0.5).astype(int)

    training = [labels[i] for i in levels(20_000)]
    with_order = Baseline.fit({"level": training}, ordered={"level": labels})
    without = Baseline.fit({"level": training})
    rows = {"level": [labels[min(i + row % 2, 19)] for row, i in enumerate(levels(700))]}
    (found,) = compare(with_order, rows).variables
    (unordered,) = compare(without, rows).variables
    assert found.above == ("K-S",)
    assert found.verdict == "drift"
    assert (unordered.verdict, unordered.above) == ("ok", ())
    assert np.isnan(unordered.ks)


def test_an_unseen_category_counts_after_the_last_one() -> None:
    baseline = Baseline.fit({"size": ["S", "M"] * 500}, ordered={"size": SIZES})
    (found,) = compare(baseline, {"size": ["S", "M"] * 50 + ["tiny"] * 100}).variables
    assert found.ks == pytest.approx(0.5)
    assert found.unseen == 100


def test_natural_variation_of_ordered_categories_has_a_distance() -> None:
    random = np.random.default_rng(2)
    hours = np.repeat(np.arange(14 * 24), 60)
    levels = np.clip(random.normal(2 + np.sin(2 * np.pi * hours / 24)), 0, 4).astype(int)
    with_order, without = (
        Baseline.fit({"grade": levels}, time=hours * 3600.0, windows=["1h"], **options)
        for options in ({"ordered": ["grade"]}, {"categorical": ["grade"]})
    )
    assert with_order.variables[0].variation["1h"].distance is not None
    assert without.variables[0].variation["1h"].distance is None
