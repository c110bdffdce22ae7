"""Tables of rows from Parquet and CSV files."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from boxkite.baseline import Baseline, CategoryVariable
from boxkite.errors import BaselineError

__all__ = ["read_table"]

_MOST_SAID = 160


def read_table(path: Path, baseline: Baseline | None = None) -> Any:
    """Read a Parquet or CSV file by its ending; a CSV may be compressed, as `.csv.gz`.

    In a CSV file an empty field, NA and the like are missing, but not in quotes.

    Args:
        path: of the file.
        baseline: that the rows are compared with: its categories are read as the texts they are,
            also those that spell a number, a date or NA.

    Raises:
        BaselineError: naming the file, if it has another ending or cannot be read.
    """
    endings = path.suffixes
    try:
        if endings[-1:] == [".parquet"]:
            table = pa.parquet.read_table(path)
        elif ".csv" in endings[-2:]:
            table = pa.csv.read_csv(path, convert_options=_conversion(baseline))
        else:
            raise BaselineError(f"cannot read {path}: give a .parquet or .csv file")
        names = Counter(table.column_names)
    except UnicodeDecodeError as error:
        raise BaselineError(f"cannot read {path}: its header is not UTF-8") from error
    except (pa.ArrowException, OSError) as error:
        raise BaselineError(f"cannot read {path}: {_reason(error)}") from error
    twice = [name for name, count in names.items() if count > 1]
    if twice:
        raise BaselineError(f"cannot read {path}: it has several columns named {twice[0]!r}")
    return table


def _reason(error: Exception) -> str:
    """Return what a reader says, without the pages of the file that some say with it."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    text = str(error)
    return text if len(text) <= _MOST_SAID else f"{text[:_MOST_SAID]}…"


def _conversion(baseline: Baseline | None) -> Any:
    """Return how the fields of a CSV file become values."""
    variables = baseline.variables if baseline is not None else ()
    categorical = [each for each in variables if isinstance(each, CategoryVariable)]
    labels = {category for each in categorical for category in each.categories}
    missing = set(pa.csv.ConvertOptions().null_values) - labels
    return pa.csv.ConvertOptions(
        column_types={each.name: pa.string() for each in categorical},
        null_values=sorted(missing | {""}),
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )
