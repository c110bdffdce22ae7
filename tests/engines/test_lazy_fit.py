"""A fit in an engine gives the bytes of a fit in memory, whatever the columns hold."""

import datetime as dt
import math
from collections.abc import Callable
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from boxkite import Baseline
from boxkite.baseline.engines import engine_column, gridded_values
from boxkite.errors import BaselineError

Lazy = Callable[[pl.DataFrame], Any]

pytestmark = pytest.mark.filterwarnings("ignore::boxkite.errors.BaselineWarning")

RANDOM = np.random.default_rng(7)
ROWS = 3000
START = dt.datetime.fromisoformat("2026-03-01T05:30:01.000500")


def duckdb_relation(frame: pl.DataFrame) -> Any:
    return duckdb.from_arrow(frame.to_arrow())


ENGINES: list[Lazy] = [pl.DataFrame.lazy, duckdb_relation]


@pytest.fixture(params=ENGINES, ids=["polars", "duckdb"])
def lazy(request: pytest.FixtureRequest) -> Lazy:
    found: Lazy = request.param
    return found


@pytest.fixture
def several_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Divide columns of a few thousand rows in as many steps as columns of a billion."""
    monkeypatch.setattr(gridded_values, "CELLS", 256)
    monkeypatch.setattr(gridded_values, "FEW_ROWS", 20)


def columns() -> pl.DataFrame:
    """Return columns of every type, and of distributions that are hard to cut."""
    normal = RANDOM.normal(size=ROWS)
    times = [START + dt.timedelta(minutes=37 * i) for i in range(ROWS)]
    return pl.DataFrame(
        {
            "normal": normal,
            "wide": normal * np.exp(40 * RANDOM.normal(size=ROWS)),
            "heavy": np.where(RANDOM.random(ROWS) < 0.4, 7.0, RANDOM.exponential(size=ROWS)),
            "whole": RANDOM.integers(-3, 4, ROWS),
            "ids": np.arange(ROWS) + 10**15,
            "constant": np.full(ROWS, 0.1),
            "empty": pl.Series([None] * ROWS, dtype=pl.Float64),
            "null": pl.Series([None] * ROWS, dtype=pl.Null),
            "holes": [
                None if i % 7 == 0 else math.nan if i % 11 == 0 else i / 3 for i in range(ROWS)
            ],
            "unlimited": np.where(normal > 2, math.inf, np.where(normal < -2, -math.inf, normal)),
            "narrow": pl.Series(normal, dtype=pl.Float32),
            "flag": [None if i % 5 == 0 else i % 3 == 0 for i in range(ROWS)],
            "text": RANDOM.choice(["tea", "café", "", "__other__"], ROWS),
            "rare": [f"r{int(each)}" for each in RANDOM.zipf(1.3, ROWS) % 500],
            "kind": pl.Series(RANDOM.choice(["a", "b"], ROWS), dtype=pl.Categorical),
            "size": pl.Series(RANDOM.choice(["S", "L"], ROWS), dtype=pl.Enum(["S", "M", "L"])),
            "day": [None if i % 9 == 0 else each.date() for i, each in enumerate(times)],
            "time": times,
        }
    )


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"time": "time", "windows": ["1d"]},
        {"categorical": ["whole", "flag", "day"], "bins": {"normal": [-1.0, 0.0, 0.5], "wide": 7}},
        {"ordered": {"kind": ["b", "a"]}, "max_categories": 3},
    ],
    ids=["default", "time", "categorical", "ordered"],
)
@pytest.mark.usefixtures("several_passes")
def test_every_kind_of_column_is_counted_as_in_memory(lazy: Lazy, options: Any) -> None:
    frame = columns()
    if lazy is duckdb_relation:
        frame = frame.drop("size")  # DuckDB's enumerations count as unordered.
    if "time" in options:  # Learning natural variation takes time, and does not depend on the type.
        frame = frame.select("normal", "holes", "null", "flag", "rare", "time")
    assert Baseline.fit(lazy(frame), **options).as_text() == (
        Baseline.fit(frame, **options).as_text()
    )


ADVERSARIAL = st.one_of(
    st.floats(width=64),
    st.floats(-1e-300, 1e-300),
    st.sampled_from([0.0, -0.0, 5e-324, -5e-324, 1.0, math.nextafter(1.0, 2.0), 1e300, -1e308]),
    st.none(),
)


@settings(max_examples=12, deadline=None)
@given(
    values=st.lists(ADVERSARIAL, min_size=1, max_size=60),
    copies=st.integers(1, 30),
    bins=st.integers(2, 30),
)
@example(values=[1e308, -1e308, 1e308, 1e308], copies=30, bins=5)
@example(values=[5e-324, 1e-323, 0.0, -5e-324], copies=20, bins=20)
@example(values=[1.0, math.nextafter(1.0, 2.0), math.inf, None], copies=20, bins=3)
@example(values=[*np.geomspace(1e-290, 1e300, 50), -1e300], copies=10, bins=20)
@pytest.mark.parametrize("engine", ENGINES, ids=["polars", "duckdb"])
def test_hostile_numbers_are_counted_as_in_memory(
    engine: Lazy, values: list[float | None], copies: int, bins: int
) -> None:
    heavy = [*values, *[values[0]] * copies]
    frame = pl.DataFrame({"x": pl.Series(heavy, dtype=pl.Float64)})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gridded_values, "FEW_ROWS", 5)
        found = Baseline.fit(engine(frame), bins=bins)
    assert found.as_text() == Baseline.fit(frame, bins=bins).as_text()


def test_too_many_labels_are_an_error_that_names_the_column(
    lazy: Lazy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_column, "MOST_LABELS", 3)
    with pytest.raises(BaselineError, match="column 'user' has more than 3 different labels"):
        Baseline.fit(lazy(pl.DataFrame({"x": [1, 2, 3, 4], "user": list("abcd")})))


def test_a_source_that_changes_between_passes_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gridded_values, "FEW_ROWS", 20)
    connection = duckdb.connect()
    # Each query draws other numbers.
    relation = connection.sql("SELECT random() AS x FROM range(5000)")
    with pytest.raises(BaselineError, match=r"the data changed while it was counted.*'x' differ"):
        Baseline.fit(relation)


def test_a_column_of_lists_is_an_error_that_names_it(lazy: Lazy) -> None:
    with pytest.raises(BaselineError, match="column 'x' has the type List"):
        Baseline.fit(lazy(pl.DataFrame({"x": [[1.0], [2.0]]})))


PROBABILITIES = RANDOM.dirichlet([2, 1, 1], 400).round(1)


def test_columns_of_the_features_can_be_named_as_outputs(lazy: Lazy) -> None:
    frame = pl.DataFrame(PROBABILITIES, schema=["a", "b", "c"]).with_columns(
        x=pl.Series(RANDOM.normal(size=400)), class_=pl.lit("k"), b=pl.col("b").replace(0.0, None)
    )
    frame = frame.rename({"class_": "class"})
    outputs = ["a", "b", "c"]
    expected = Baseline.fit(frame.drop(outputs), frame.select(outputs), classes=True)
    for table in (frame, lazy(frame)):
        assert Baseline.fit(table, outputs, classes=True).as_text() == expected.as_text()
    # Two lazy frames need not come from one source.
    several = Baseline.fit(lazy(frame.drop(outputs)), lazy(frame.select(outputs)), classes=True)
    assert several.as_text() == expected.as_text()


def test_an_output_that_names_no_column_is_an_error(lazy: Lazy) -> None:
    with pytest.raises(BaselineError, match="output= names the column 'scroe', which does not"):
        Baseline.fit(lazy(pl.DataFrame({"x": [1.0], "score": [0.5]})), "scroe")


def test_texts_are_an_output_unless_all_of_them_name_columns() -> None:
    baseline = Baseline.fit({"x": [1.0, 2.0, 3.0]}, ["x", "y", "x"])
    assert [each.name for each in baseline.outputs] == ["output"]


def test_times_of_another_frame_are_an_error(lazy: Lazy) -> None:
    frame = columns().select("normal", "time")
    with pytest.raises(BaselineError, match="does not have output 'normal'"):
        Baseline.fit(lazy(frame), lazy(frame.select("normal")), time="time")
