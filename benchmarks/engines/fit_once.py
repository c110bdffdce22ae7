"""Fit one baseline of a folder of Parquet files, with the engine that the command line names."""

import json
import sys
import warnings
from typing import Any


def table(engine: str, folder: str) -> Any:
    """Return the rows as an object of the engine."""
    files = f"{folder}/*.parquet"
    if engine == "pandas":
        import pandas as pd

        return pd.read_parquet(folder)
    if engine == "duckdb":
        import duckdb

        return duckdb.read_parquet(files)
    if engine == "polars":
        import polars as pl

        return pl.scan_parquet(files)
    from pyspark.sql import SparkSession

    session = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    return session.getOrCreate().read.parquet(folder)


def profile(folder: str) -> str:
    """Profile the files one after another with whylogs, which needs only one in memory."""
    from pathlib import Path

    import pandas as pd
    import whylogs as why

    merged = None
    for path in sorted(Path(folder).glob("*.parquet")):
        view = why.log(pd.read_parquet(path)).view()
        merged = view if merged is None else merged.merge(view)
    assert merged is not None
    return f"none, {len(merged.get_columns())} columns"


def main() -> None:
    engine, folder = sys.argv[1:]
    warnings.simplefilter("ignore")
    if engine == "whylogs":
        version = profile(folder)
    else:
        from boxkite import Baseline

        version = Baseline.fit(table(engine, folder)).version
    print(json.dumps({"version": version}))


if __name__ == "__main__":
    main()
