"""Segments at training: each is counted like a baseline of its rows alone."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boxkite import Baseline, BaselineError, BaselineWarning
from boxkite.baseline import CategoryVariable, Variable

pytestmark = [
    pytest.mark.filterwarnings("ignore:some segments have too few"),
    pytest.mark.filterwarnings("ignore:.*has no value in any row"),
]


def table(rows: int = 4000, seed: int = 1) -> pd.DataFrame:
    """Return a table whose columns depend on the country."""
    rng = np.random.default_rng(seed)
    countries = rng.choice(["DE", "FR", "US", None], rows, p=[0.5, 0.3, 0.19, 0.01])
    age = rng.normal(40, 10, rows) + 5 * (countries == "US")
    city = [f"{c}-{int(n)}" for c, n in zip(countries, rng.zipf(1.6, rows) % 300, strict=True)]
    return pd.DataFrame(
        {
            "country": countries,
            "age": np.where(rng.random(rows) < 0.02, np.nan, age),
            "size": pd.Categorical(
                rng.choice(["S", "M", "L"], rows), ["S", "M", "L"], ordered=True
            ),
            "city": city,
            "score": rng.random(rows).round(3),
        }
    )


def fitted(rows: Any, **options: Any) -> Baseline:
    return Baseline.fit(rows, "score", **{"max_categories": 20, "segments": ["country"], **options})


def by_category(variable: Variable) -> dict[str, Any]:
    """Return everything a variable holds, with counts by category instead of by cell."""
    found = dict(vars(variable))
    if isinstance(variable, CategoryVariable):
        found["counts"] = dict(zip(variable.categories, variable.counts.tolist(), strict=True))
        found["categories"] = frozenset(variable.categories)
    else:
        found["counts"], found["edges"] = variable.counts.tolist(), variable.edges.tolist()
    cached = ("segment", "whole", "kept", "index", "numbers", "tail_takes_unseen", "unseen_bound")
    return {name: value for name, value in found.items() if name not in (*cached, "upper_bounds")}


def test_each_segment_equals_a_fit_of_its_rows_alone() -> None:
    rows = table()
    whole = fitted(rows)
    parts = {
        **{f"country={each}": rows[rows.country == each] for each in ("DE", "FR", "US")},
        "country=__missing__": rows[rows.country.isna()],
    }
    for label, part in parts.items():
        alone = Baseline.fit(part, "score", like=fitted(rows, segments=()))
        found = whole.segment(label)
        assert found.rows == alone.rows == len(part)
        assert [by_category(each) for each in found.variables] == [
            by_category(each) for each in alone.variables
        ]


def test_segments_have_the_cells_of_the_whole_and_add_up_to_it() -> None:
    baseline = fitted(table())
    (column,) = baseline.segments
    assert column.values == ("DE", "FR", "US", "__other__", "__missing__")
    assert sum(column.rows) == baseline.rows
    for i, whole in enumerate(baseline.variables):
        own = [each.variables[i] for each in column]
        assert sum(each.counts for each in own).tolist() == whole.counts.tolist()
        assert sum(each.missing for each in own) == whole.missing
        assert {each.labels["segment"] for each in own} == set(column.labels)
        if isinstance(whole, CategoryVariable):
            assert {each.categories for each in own if isinstance(each, CategoryVariable)} == {
                whole.categories
            }
    assert baseline.counted_variables == (
        *baseline.variables,
        *(variable for each in column for variable in each.variables),
    )
    assert baseline.cell_bounds[-1] == 6 * sum(len(each.counts) for each in baseline.variables)


def test_a_column_that_is_no_feature_is_taken_out_and_any_form_counts_the_same() -> None:
    rows = table()
    by_name = fitted(rows, segments={"country": "country"})
    values = fitted(rows.drop(columns="country"), segments={"country": rows.country.tolist()})
    frame = pl.from_pandas(rows.assign(size=rows["size"].astype(str)))
    polars = fitted(
        frame.with_columns(pl.col("size").cast(pl.Enum(["S", "M", "L"]))),
        segments={"country": "country"},
    )
    assert [each.name for each in by_name.features] == ["age", "size", "city"]
    assert [each.is_feature for each in by_name.segments] == [False]
    assert by_name.as_text() == values.as_text() == polars.as_text()
    renamed = fitted(rows, segments={"land": "country", "size": None})
    assert renamed.segment_labels[:2] == ("land=DE", "land=FR")
    assert [each.name for each in renamed.features] == ["age", "size", "city"]


def test_a_file_holds_the_segments_and_lacks_nothing(tmp_path: Path) -> None:
    baseline = fitted(table(), segments={"country": None, "size": None})
    baseline.write(tmp_path / "histogram.prom")
    found = Baseline.read(tmp_path / "histogram.prom")
    assert found == baseline
    assert found.digest == baseline.digest
    text = baseline.as_text()
    assert 'boxkite_baseline_rows{model_name="default",model_version=' in text
    assert text.count("boxkite_baseline_rows{") == 1 + len(baseline.segment_labels)
    head = 'variable_role="feature",variable="age",segment="country=DE",gt="-Inf"'
    assert text.count(head) == 1
    damaged = text.replace('"values":["DE"', '"values":["XX"')
    with pytest.raises(BaselineError, match="digest"):
        Baseline.from_text(damaged)


def test_without_segments_file_and_digest_are_as_before() -> None:
    # The digest of the same rows before boxkite knew segments.
    rows = {"n": [1.0, 2.0, 3.0, None] * 50, "c": ["a", "b", "a", None] * 50}
    baseline = Baseline.fit(rows, [0.1, 0.9] * 100)
    assert baseline.digest == "49744baf"
    assert "segment" not in baseline.as_text()


def test_merged_parts_equal_a_fit_of_all_rows() -> None:
    rows = table(6000)
    options: dict[str, Any] = {"segments": {"country": None, "size": None}, "version": "1"}
    parts = [rows[:2500], rows[2500:2600], rows[2600:]]
    first = fitted(parts[0], **options)
    others = [Baseline.fit(part, "score", like=first, version="1") for part in parts[1:]]
    merged = first.merge(*others)
    assert merged.as_text() == others[1].merge(others[0], first).as_text()
    assert merged.as_text() == Baseline.fit(rows, "score", like=first, version="1").as_text()
    plain = fitted(parts[0], segments=())
    with pytest.raises(BaselineError, match="segments of different columns"):
        first.merge(Baseline.fit(parts[1], "score", like=plain, segments=["size"]))


@pytest.mark.slow
def test_a_million_unseen_values_add_nothing() -> None:
    rows = table(1000)
    many = pd.DataFrame({"id": np.arange(1_000_000), "n": np.arange(1_000_000) % 7})
    baseline = Baseline.fit(many, segments={"id": "id"})
    assert len(baseline.segment_labels) == 22
    (column,) = baseline.segments
    assert column.rows == (*[1] * 20, 999_980, 0)
    first = fitted(rows)
    strange = rows.assign(country=[f"land {i}" for i in range(len(rows))])
    assert Baseline.fit(strange, "score", like=first).segments[0].rows == (0, 0, 0, 1000, 0)


@pytest.mark.parametrize(
    ("value", "place"),
    [(1, 0), (1.0, 0), ("1", 0), ("1.0", 0), (True, 1), (None, 3), (np.nan, 3), ("new", 2)]
    + [(each, 2) for each in ("__other__", "__missing__", "__unseen__", "")],
)
def test_values_match_as_categories_do(value: Any, place: int) -> None:
    rows = {"n": [1.0] * 9, "flag": [1] * 5 + [True] * 4}
    (column,) = Baseline.fit(rows, segments={"flag": "flag"}).segments
    assert column.values == ("1", "true", "__other__", "__missing__")
    assert column.place_of(value) == place


def test_reserved_names_are_counted_with_the_others() -> None:
    rows = {"n": range(100), "c": ["__other__"] * 60 + ["__missing__"] * 30 + ["a"] * 10}
    (column,) = Baseline.fit(rows, segments="c").segments
    assert dict(zip(column.values, column.rows, strict=True)) == {
        "a": 10,
        "__other__": 90,
        "__missing__": 0,
    }


def test_outcomes_are_counted_by_segment() -> None:
    rows = table()
    truth = (np.random.default_rng(2).random(len(rows)) < rows.score).astype(int)
    whole = fitted(rows, outcome=truth)
    german = (rows.country == "DE").to_numpy()
    alone = Baseline.fit(
        rows[german], "score", like=fitted(rows, outcome=truth, segments=()), outcome=truth[german]
    )
    found = whole.segment("country=DE").outcomes
    assert found is not None
    assert alone.outcomes is not None
    (mine,), (theirs,) = found.pairs, alone.outcomes.pairs
    assert mine.counts.tolist() == theirs.counts.tolist()
    assert mine.losses == theirs.losses
    total = sum(each.outcomes.pairs[0].counts for each in whole.segments[0] if each.outcomes)
    assert whole.outcomes is not None
    assert np.array_equal(total, whole.outcomes.pairs[0].counts)
    assert Baseline.from_text(whole.as_text()) == whole


def test_natural_variation_is_learnt_for_each_segment() -> None:
    rows = table(20_000).assign(when=np.arange(20_000) * 120.0)
    whole = fitted(rows, time="when", windows=["1d"])
    german = rows[rows.country == "DE"]
    plain = fitted(rows.drop(columns="when"), segments=())
    alone = Baseline.fit(german, "score", like=plain, time="when", windows=["1d"])
    variable, same = whole.segment("country=DE").features[1], alone.features[1]
    assert variable.variation
    assert variable.variation["1d"] == same.variation["1d"]


def test_messages_name_the_column_and_the_fix() -> None:
    rows = table(500)
    with pytest.raises(BaselineError, match="names the column 'land', which does not exist"):
        fitted(rows, segments=["land"])
    with pytest.raises(BaselineError, match="'country' has 3 rows, but the table has 500"):
        fitted(rows, segments={"country": ["a", "b", "c"]})
    with pytest.raises(BaselineError, match="segments= divides a lazy frame, but some columns are"):
        Baseline.fit(pl.LazyFrame({"a": [1]}), segments={"b": ["x"]})
    first = fitted(rows, segments={"country": "country"})
    with pytest.raises(BaselineError, match="Pass its values"):
        Baseline.fit(rows.drop(columns="country"), "score", like=first)
    with pytest.raises(BaselineError, match="names 'size', but the segments"):
        Baseline.fit(rows, "score", like=first, segments=["size"])
    with pytest.raises(BaselineError, match="Did you mean 'country=DE'"):
        first.segment("country=D")
    with pytest.raises(BaselineError, match="two segments are called 'a=b=c'"):
        Baseline.fit({"a": ["b=c"], "a=b": ["c"]}, segments=["a", "a=b"])


def test_fit_warns_of_thin_segments_and_of_many_series() -> None:
    rng = np.random.default_rng(3)
    columns = {f"x{i}": rng.normal(size=2500) for i in range(100)}
    keys = [f"k{i % 20}" for i in range(2500)]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        Baseline.fit(columns, segments={"key": keys, "other": keys[::-1]})
    messages = [str(each.message) for each in caught if each.category is BaselineWarning]
    assert "the segments add 110,000 live series to each replica" in messages[0]
    assert caught[0].filename == __file__
    with pytest.warns(BaselineWarning, match=r"verdict on each variable.*k=b \(40 rows\)"):
        Baseline.fit({"x": rng.normal(size=3000)}, segments={"k": ["a"] * 2960 + ["b"] * 40})


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "c", None, "1", "1.0"]),
            st.one_of(st.none(), st.floats(allow_nan=True)),
            st.sampled_from(["x", "y", "z", "rare", None]),
        ),
        min_size=1,
        max_size=60,
    ),
    st.integers(0, 60),
)
def test_any_rows_round_trip_and_merge(rows: list[tuple[Any, Any, Any]], cut: int) -> None:
    def fit(part: list[tuple[Any, Any, Any]], **options: Any) -> Baseline:
        keys, numbers, texts = (list(each) for each in zip(*part, strict=True))
        columns = {"n": np.array(numbers, dtype=float), "t": texts}
        return Baseline.fit(columns, segments={"k": keys}, version="1", **options)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BaselineWarning)
        first = fit(rows, max_categories=2)
        assert Baseline.from_text(first.as_text()) == first
        if 0 < cut < len(rows):
            try:
                parts = [fit(part, like=first) for part in (rows[:cut], rows[cut:])]
            except BaselineError:
                return  # A part has a text in a column that counts as a number in the whole.
            assert parts[0].merge(parts[1]).as_text() == fit(rows, like=first).as_text()


def test_dates_and_booleans_of_a_segment_are_shown_as_such(tmp_path: Path) -> None:
    days = np.datetime64("2026-06-01") + np.arange(600) % 90
    columns = {"day": days, "is_new": np.arange(600) % 3 == 0}
    baseline = Baseline.fit(columns, segments={"side": ["a", "b"] * 300})
    baseline.write(tmp_path / "histogram.prom")
    found = Baseline.read(tmp_path / "histogram.prom")
    later = Baseline.fit(columns, segments={"side": ["a", "b"] * 300}, like=baseline)
    for each in (baseline, found, baseline.merge(later)):
        types = {getattr(variable, "value_type", "") for variable in each.counted_variables[::2]}
        assert types == {"time"}
        assert each.counted_variables[-1].value_type == "boolean"  # type: ignore[union-attr]
