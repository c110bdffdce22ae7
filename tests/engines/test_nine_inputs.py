"""The same rows give the same bytes, whatever holds them."""

import datetime as dt
import os
import shutil
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from boxkite import Baseline, compare
from tests.optional_packages import require

RANDOM = np.random.default_rng(9)
ROWS = 600
START = dt.datetime.fromisoformat("2026-03-01T05:30:01.000500")

pytestmark = [
    pytest.mark.filterwarnings("ignore::boxkite.errors.BaselineWarning"),
    pytest.mark.filterwarnings("ignore:Dask support is moving:FutureWarning"),
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support:FutureWarning"),
]


def arrow() -> pa.Table:
    normal = RANDOM.normal(size=ROWS)
    return pa.table(
        {
            "normal": normal,
            "heavy": np.where(RANDOM.random(ROWS) < 0.4, 7.0, np.exp(9 * normal)),
            "unlimited": np.where(normal > 2, np.inf, np.where(normal < -2, -np.inf, normal)),
            "holes": pa.array([None if i % 7 == 0 else i / 3 for i in range(ROWS)], pa.float64()),
            "whole": pa.array([None if i % 8 == 0 else i % 5 for i in range(ROWS)], pa.int64()),
            "flag": pa.array([i % 3 == 0 for i in range(ROWS)]),
            "text": pa.array([None if i % 9 == 0 else f"café {i % 4}" for i in range(ROWS)]),
            "time": pa.array([START + dt.timedelta(minutes=73 * i) for i in range(ROWS)]),
            "score": RANDOM.random(ROWS),
        }
    )


@pytest.fixture(scope="module")
def table() -> pa.Table:
    return arrow()


@pytest.fixture(scope="module")
def expected(table: pa.Table) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return fitted(table).as_text()


def fitted(data: Any) -> Baseline:
    return Baseline.fit(data, "score", time="time", windows=["1d"])


def parquet_folder(table: pa.Table, folder: Path) -> Any:
    pl.DataFrame(table).head(400).write_parquet(folder / "0.parquet")
    pl.DataFrame(table).tail(200).write_parquet(folder / "1.parquet")
    return duckdb.read_parquet(f"{folder}/*.parquet")


def dask_frame(table: pa.Table, _: Path) -> Any:
    import dask.dataframe as dd

    return dd.from_pandas(table.to_pandas(types_mapper=pd.ArrowDtype), npartitions=3)


def ibis_table(table: pa.Table, _: Path) -> Any:
    import ibis

    return ibis.memtable(table)


INPUTS: dict[str, Callable[[pa.Table, Path], Any]] = {
    "pandas": lambda table, _: table.to_pandas(),
    "polars": lambda table, _: pl.DataFrame(table),
    "polars lazy": lambda table, _: pl.DataFrame(table).lazy(),
    "arrow": lambda table, _: table,
    "duckdb": lambda table, _: duckdb.from_arrow(table),
    "folder of Parquet": parquet_folder,
    "ibis": ibis_table,
}
# These engines take seconds for each query, so they get one column of each kind.
FEW = ["normal", "flag", "text", "time", "score"]


@pytest.mark.parametrize("name", INPUTS)
def test_an_input_gives_the_bytes_of_arrow(
    table: pa.Table, expected: str, name: str, tmp_path: Path
) -> None:
    if name == "ibis":
        require(name)
    assert fitted(INPUTS[name](table, tmp_path)).as_text() == expected


@pytest.mark.slow
def test_dask_gives_the_bytes_of_arrow(table: pa.Table, tmp_path: Path) -> None:
    require("dask")
    part = table.select(FEW)
    assert fitted(dask_frame(part, tmp_path)).as_text() == fitted(part).as_text()


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    require("pyspark")
    if shutil.which("java") is None:
        lacking = pytest.fail if os.environ.get("CI") else pytest.skip
        lacking("needs Java: apt-get install default-jre-headless")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pyspark.sql import SparkSession

        builder = SparkSession.builder.master("local[2]")
        options = {"ui.enabled": "false", "sql.session.timeZone": "Asia/Tokyo"}
        for name, value in options.items():
            builder = builder.config(f"spark.{name}", value)
        session = builder.config("spark.sql.shuffle.partitions", "2").getOrCreate()
    yield session
    session.stop()


@pytest.mark.slow
def test_pyspark_gives_the_bytes_of_arrow(table: pa.Table, spark: Any, tmp_path: Path) -> None:
    # Parquet keeps that the times have no zone, so the zone of the session must not matter.
    part = table.select(FEW)
    pl.DataFrame(part).write_parquet(tmp_path / "rows.parquet")
    frame = spark.read.parquet(str(tmp_path))
    baseline = fitted(frame)
    assert baseline.as_text() == fitted(part).as_text()
    assert compare(baseline, frame).as_dict() == compare(baseline, part).as_dict()
