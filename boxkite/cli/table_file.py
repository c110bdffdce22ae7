"""Tables of rows from Parquet and CSV files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from boxkite.errors import BaselineError

__all__ = ["read_table"]


def read_table(path: Path) -> Any:
    """Read a Parquet or CSV file by its ending; a CSV may be compressed, as `.csv.gz`.

    In a CSV file an empty field, NA and the like are missing, but not in quotes.

    Raises:
        BaselineError: naming the file, if it has another ending or cannot be read.
    """
    endings = path.suffixes
    try:
        if endings[-1:] == [".parquet"]:
            return pa.parquet.read_table(path)
        if ".csv" in endings[-2:]:
            options = pa.csv.ConvertOptions(
                strings_can_be_null=True, quoted_strings_can_be_null=False
            )
            return pa.csv.read_csv(path, convert_options=options)
    except (pa.ArrowException, OSError) as error:
        raise BaselineError(f"cannot read {path}: {error}") from error
    raise BaselineError(f"cannot read {path}: give a .parquet or .csv file")
