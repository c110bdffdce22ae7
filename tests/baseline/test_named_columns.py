"""A table of any library is split into the same columns."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from boxkite.baseline.named_columns import named_columns
from boxkite.errors import BaselineError

EXPECTED = "a table, a mapping of columns, (name, values) pairs or a 2-D array"
NOT_READ = (
    "cannot read 'july.csv' as columns. Read the file first, for instance with "
    "pandas.read_parquet, or use the command line: boxkite baseline, boxkite compare"
)
NAMES = ["n", "t"]
N, T = [1.0, 2.0], ["a", "b"]
FRAME = pd.DataFrame({"n": N, "t": T})
TABLES: dict[str, Callable[[], Any]] = {
    "mapping": lambda: {"n": N, "t": T},
    "pairs": lambda: [("n", N), ("t", T)],
    "generator of pairs": lambda: (pair for pair in [["n", N], ["t", T]]),
    "pandas": lambda: FRAME,
    "pandas items": FRAME.items,
    "polars": lambda: pl.from_pandas(FRAME),
    "lazy polars": lambda: pl.from_pandas(FRAME).lazy(),
    "pyarrow": lambda: pa.table({"n": N, "t": T}),
    "narwhals": lambda: nw.from_native(pl.DataFrame({"n": N, "t": T})),
    "structured array": lambda: np.array(
        list(zip(N, T, strict=True)), dtype=[("n", "f8"), ("t", "U1")]
    ),
}


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES.keys())
def test_tables_of_any_make_give_the_same_columns(table: Callable[[], Any]) -> None:
    (first, numbers), (second, texts) = named_columns(table())
    assert [first, second] == NAMES
    assert list(map(float, numbers)) == N
    assert list(map(str, texts)) == T


@pytest.mark.parametrize(
    ("array", "arguments", "names"),
    [
        (np.ones((2, 2)), {}, ["x0", "x1"]),
        (np.ones((2, 2)), {"names": NAMES}, NAMES),
        (np.ones((2, 2)), {"names": np.array(NAMES)}, NAMES),
        (np.ones((2, 2)), {"single": "p"}, ["p_0", "p_1"]),
        (np.ma.ones((2, 2)), {}, ["x0", "x1"]),
        (np.ones(2), {"single": "p"}, ["p"]),
        ([1, 2], {"single": "p"}, ["p"]),
        ([("a", [1]), ("b", [2])], {"single": "p"}, ["a", "b"]),
        (pd.Series([1]), {"single": "p"}, ["p"]),
        (pd.Series([1], name=0), {"single": "p"}, ["0"]),
        (pl.Series("s", [1]), {"single": "p"}, ["s"]),
        (pd.DataFrame([[1, 2]], columns=[0, ("a", 1)]), {}, ["0", "('a', 1)"]),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), {}, ["a", "a"]),
    ],
)
def test_columns_are_named_by_the_table_or_by_default(
    array: Any, arguments: dict[str, Any], names: list[str]
) -> None:
    assert [name for name, _ in named_columns(array, **arguments)] == names


@pytest.mark.parametrize(
    ("data", "arguments", "message"),
    [
        (
            np.ones((2, 3)),
            {"names": NAMES},
            "names= has 2 names, but the array has 3 columns. Pass one name for each column",
        ),
        (
            np.ones(3),
            {},
            "an array of shape (3,) is not a table. Pass one of shape (rows, features)",
        ),
        (
            np.ones((1, 2, 3)),
            {},
            "an array of shape (1, 2, 3) is not a table. Pass one of shape (rows, features)",
        ),
        (
            FRAME,
            {"names": NAMES},
            (
                "names= was given with a DataFrame, which has its own column names. Pass names= "
                "only with a 2-D array"
            ),
        ),
        (pd.Series([1]), {}, "the column has no name. Pass a table, or {name: column}"),
        (
            pa.table([[1], [2]], names=["a", "a"]),
            {},
            (
                "two columns have the same name: Expected unique column names, got:\n"
                "- 'a' 2 times. Rename one"
            ),
        ),
        ("july.csv", {}, NOT_READ),
        (Path("july.csv"), {}, NOT_READ),
        (b"text", {}, f"cannot read bytes as columns. Pass {EXPECTED}"),
        (5, {}, f"cannot read int as columns. Pass {EXPECTED}"),
        ([1], {}, f"cannot read int as a column. Pass {EXPECTED}"),
    ],
)
def test_what_is_no_table_is_an_error_that_says_what_to_give(
    data: Any, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(BaselineError) as caught:
        list(named_columns(data, **arguments))
    assert str(caught.value) == message
