"""Parts that are fitted like the first one merge in any order into the fit of everything."""

import math
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boxkite import Baseline
from boxkite.baseline import CategoryVariable, NumericVariable
from boxkite.baseline.exact_sum import ExactSum
from boxkite.errors import BaselineError, BaselineWarning

NUMBERS = st.floats() | st.integers(-3, 3).map(float) | st.sampled_from([1e300, -0.0, 0.1, 5e-324])
LABELS = st.sampled_from([*"abcdefgh", "1", "1.0", "true", "__other__", "__unseen__", None, ""])
ROWS = st.lists(st.tuples(NUMBERS, LABELS), min_size=1, max_size=40)


def fit(rows: list[tuple[float, str | None]], **options: Any) -> Baseline:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BaselineWarning)
        table = {"x": [x for x, _ in rows], "c": pd.Series([c for _, c in rows], dtype="string")}
        return Baseline.fit(table, **options)


@given(st.lists(ROWS, min_size=2, max_size=4), st.integers(1, 5), st.randoms())
def test_parts_in_any_order_equal_one_fit(
    parts: list[list[tuple[float, str | None]]], max_categories: int, random: Any
) -> None:
    first = fit(parts[0], max_categories=max_categories)
    assert fit(parts[0], like=first).as_text() == first.as_text()
    fitted = [first, *(fit(part, like=first) for part in parts[1:])]
    whole = fit([row for part in parts for row in part], like=first)
    random.shuffle(fitted)
    assert fitted[0].merge(*fitted[1:]).as_text() == whole.as_text()
    # Files hold what merging needs.
    read = [Baseline.from_text(each.as_text()) for each in fitted]
    assert read[-1].merge(*read[-2::-1]).as_text() == whole.as_text()


def test_thirty_days_equal_the_month() -> None:
    random = np.random.default_rng(0)
    month = pd.DataFrame(
        {
            "price": random.lognormal(size=3_000),
            "distance": np.where(random.random(3_000) < 0.1, np.nan, random.normal(size=3_000)),
            "shop": random.zipf(1.3, 3_000).astype(str),
            "score": random.random(3_000),
        }
    )
    days = [month.iloc[start : start + 100] for start in range(0, 3_000, 100)]
    columns = ["price", "distance", "shop"]
    first = Baseline.fit(days[0][columns], days[0]["score"], model="prices", max_categories=8)
    # The columns go by name, and a single output without a name is the one that `like` has.
    others = [
        Baseline.fit(day[columns[::-1]], day["score"].tolist(), like=first) for day in days[1:]
    ]
    whole = Baseline.fit(month[columns], month["score"], like=first)
    assert others[-1].merge(*others[:-1], first).as_text() == whole.as_text()
    assert whole.model == "prices"


def test_a_category_that_only_a_part_has_is_rare_and_not_unseen() -> None:
    first = Baseline.fit({"c": ["a", "b"] * 50})
    part = Baseline.fit({"c": ["a", "z"] * 50}, like=first)
    (variable,) = first.merge(part).variables
    assert isinstance(variable, CategoryVariable)
    assert variable.categories == ("a", "b", "__other__", "__unseen__")
    assert variable.counts.tolist() == [100, 50, 50, 0]


def test_parts_that_were_fitted_alone_merge_if_every_category_has_a_count_in_both() -> None:
    parts = [
        Baseline.fit({"c": ["a", "b"] * 50}),
        Baseline.fit({"c": ["a", "z"] * 50}),
        fit([(1.0, None)] * 100),
    ]
    empty = Baseline.from_variables([parts[2].variables[1]], 100)
    with pytest.warns(BaselineWarning, match="has no value"):
        numeric = Baseline.fit({"c": [None] * 100})
    for nothing in (numeric, empty):
        merged = nothing.merge(parts[0], parts[1])
        assert merged.as_text() == parts[1].merge(nothing, parts[0]).as_text()
        (variable,) = merged.variables
        assert isinstance(variable, CategoryVariable)
        assert variable.categories == ("a", "b", "z", "__unseen__")
        assert (variable.counts.tolist(), variable.missing) == ([100, 50, 50, 0], 100)


def test_columns_without_values_merge_in_either_order() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BaselineWarning)
        text = Baseline.fit({"c": pd.Series([None, None], dtype="string")})
        numbers = Baseline.fit({"c": [math.nan]})
    assert text.merge(numbers).as_text() == numbers.merge(text).as_text()


def test_ordered_categories_keep_their_order() -> None:
    sizes = ["S", "M", "L"]
    first = Baseline.fit({"size": ["M", "S", "M"]}, ordered={"size": sizes})
    part = Baseline.fit({"size": ["L", "L", None]}, like=first)
    rows = ["M", "S", "M", "L", "L", None]
    whole = Baseline.fit({"size": rows}, ordered={"size": sizes})
    assert part.merge(first).as_text() == whole.as_text()
    with pytest.raises(BaselineError, match="has the value 'XL', which its order"):
        Baseline.fit({"size": ["XL"]}, like=first)
    with pytest.raises(BaselineError, match="has a different order of categories"):
        first.merge(Baseline.fit({"size": rows}))


def test_class_probabilities_take_over_the_classes() -> None:
    features, rows = {"f": [1.0, 2.0]}, {"x": [0.9, 0.2], "y": [0.1, 0.8]}
    first = Baseline.fit(features, rows, classes=True)
    part = Baseline.fit(features, {"y": [0.3, 0.4], "x": [0.7, 0.6]}, like=first)
    assert part.classes == ("x", "y")
    both = {"x": [0.9, 0.2, 0.7, 0.6], "y": [0.1, 0.8, 0.3, 0.4]}
    whole = Baseline.fit({"f": [1.0, 2.0] * 2}, both, like=first)
    assert first.merge(part).as_text() == whole.as_text()


def test_like_is_a_baseline_or_its_path(tmp_path: Path) -> None:
    first = Baseline.fit(np.array([[1.0, 2.0], [3.0, 4.0]]), names=["a", "b"])
    first.write(tmp_path / "histogram.prom")
    part = np.array([[5.0, 6.0]])
    read = Baseline.fit(part, like=tmp_path / "histogram.prom")
    assert read == Baseline.fit(part, like=str(tmp_path / "histogram.prom"))
    assert read == Baseline.fit(part, like=first)


def test_text_in_a_column_of_numbers_is_read_as_in_rows_to_compare() -> None:
    first = Baseline.fit({"x": [1.0, 2.0, 3.0]})
    assert Baseline.fit({"x": ["1", "2.0", None]}, like=first) == Baseline.fit(
        {"x": [1.0, 2.0, math.nan]}, like=first
    )


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        (
            {"x": [1.0]},
            {},
            (
                "the baseline of like= has feature 'c', but the rows have no such column. Their "
                "features are 'x'"
            ),
        ),
        (
            {"x": [1.0], "c": ["a"], "d": [1]},
            {},
            (
                "the rows have feature 'd', which the baseline of like= does not have. Leave out "
                "the column, or fit all parts again with it"
            ),
        ),
        (
            {"x": ["4.92 EUR"], "c": ["a"]},
            {},
            (
                "column 'x' has the value '4.92 EUR', but the baseline of like= counts it as a "
                "number. Correct the column, or fit all parts again with categorical="
            ),
        ),
        (
            {"x": [1.0], "c": ["a"]},
            {"bins": 5},
            "like= takes over the bins and categories of a baseline. Leave out bins=",
        ),
        (
            {"x": [1.0], "c": ["a"]},
            {"max_categories": 5},
            "like= takes over the bins and categories of a baseline. Leave out max_categories=",
        ),
    ],
    ids=["lacking", "strange", "text", "bins", "max_categories"],
)
def test_a_part_that_does_not_fit_is_an_error(
    columns: dict[str, Any], options: dict[str, Any], message: str
) -> None:
    first = Baseline.fit({"x": [1.0, 2.0], "c": ["a", "b"]})
    with pytest.raises(BaselineError) as caught:
        Baseline.fit(columns, like=first, **options)
    assert str(caught.value) == message


def test_a_first_part_without_values_does_not_say_what_a_column_holds() -> None:
    with pytest.warns(BaselineWarning, match="has no value"):
        first = Baseline.fit({"c": [None, None]})
    with pytest.raises(BaselineError, match="Take like= from a part that has values"):
        Baseline.fit({"c": ["a"]}, like=first)


@pytest.mark.parametrize("exact", [ExactSum(32, (1,)), ExactSum(0, (1,) * 5), ExactSum(0, (0,))])
def test_a_sum_that_no_rows_have_is_damage(exact: ExactSum) -> None:
    (variable,) = Baseline.fit({"x": [1.0, 2.0]}).variables
    assert isinstance(variable, NumericVariable)
    text = Baseline.from_variables([replace(variable, exact_sum=exact)], 2).as_text()
    with pytest.raises(BaselineError, match="cannot be those of a sum"):
        Baseline.from_text(text)


def test_files_without_pieces_of_the_sum_merge_too() -> None:
    (variable,) = Baseline.fit({"x": [1.0, 2.0]}).variables
    assert isinstance(variable, NumericVariable)
    older = Baseline.from_variables([replace(variable, exact_sum=None)], 2)
    (merged,) = Baseline.from_text(older.as_text()).merge(older).variables
    assert isinstance(merged, NumericVariable)
    assert (merged.sum, merged.exact_sum) == (6.0, None)


def test_parts_of_two_models_do_not_merge() -> None:
    one, other = (Baseline.fit({"x": [1.0]}, model=model) for model in "ab")
    with pytest.raises(BaselineError, match="of two models, 'a' and 'b'"):
        one.merge(other)
