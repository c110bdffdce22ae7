"""Read the inputs of the commands: baselines, tables of rows, and prediction logs."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Generator
from pathlib import Path
from typing import Any

import click
import narwhals as nw
import pyarrow as pa
import pyarrow.csv  # pyright: ignore[reportUnusedImport] - used as pa.csv
import pyarrow.parquet  # pyright: ignore[reportUnusedImport] - used as pa.parquet

from boxkite.baseline import Baseline, CategoryVariable
from boxkite.baseline.engines.lazy_source import LazySource
from boxkite.baseline.engines.questions import Progress
from boxkite.cli.engine_tables import needs_engine, open_lazily
from boxkite.cli.group import print_message
from boxkite.cli.logged_columns import named_like_baseline
from boxkite.cli.table_source import TableSource
from boxkite.errors import BaselineError
from boxkite.logs.reader.log_reader import LogReader

__all__ = ["log_reader", "opened_table", "read_baseline", "read_table", "watched"]

_LONGEST_REASON = 160


def read_baseline(source: Baseline | str) -> Baseline:
    """Read a baseline from a path or URL, or return the one that a service already has.

    Raises:
        click.UsageError: If the path is a table of rows: the arguments were probably swapped.
        BoxkiteError: If the baseline cannot be read.
        OSError: If the file or address cannot be reached.
    """
    if isinstance(source, str) and Path(source).suffix in (".csv", ".parquet"):
        raise click.UsageError(
            f"{source} is a table of rows, but BASELINE comes first: "
            "give a baseline such as histogram.prom"
        )
    return source if isinstance(source, Baseline) else Baseline.read(source)


def read_table(path: Path, baseline: Baseline | None = None) -> Any:
    """Read a Parquet or CSV file. A CSV file may be compressed, such as `rows.csv.gz`.

    In a CSV file, an empty field, NA and similar texts are missing values unless they are quoted.

    Args:
        path: Path of the file. Its ending determines the format.
        baseline: Baseline to compare the rows with. Columns of its categorical variables are read
            as text, even if they look like numbers, dates or NA.

    Raises:
        BaselineError: If the file has another ending, cannot be read, or has two columns with the
            same name.
    """
    endings = path.suffixes
    try:
        if endings[-1:] == [".parquet"]:
            table = pa.parquet.read_table(path)
        elif ".csv" in endings[-2:]:
            table = pa.csv.read_csv(path, convert_options=_conversion(baseline))
        else:
            raise BaselineError(f"cannot read {path}: the file must end in .parquet or .csv")
        names: Counter[str] = Counter(table.column_names)
    except UnicodeDecodeError as error:
        raise BaselineError(f"cannot read {path}: its header is not UTF-8") from error
    except (pa.ArrowException, OSError) as error:
        raise BaselineError(f"cannot read {path}: {_reason(error)}") from error
    twice = [name for name, count in names.items() if count > 1]
    if twice:
        raise BaselineError(
            f"cannot read {path}: it has several columns named {twice[0]!r}. Rename all but one"
        )
    return table if baseline is None else named_like_baseline(table, baseline)


@contextlib.contextmanager
def opened_table(
    source: TableSource, baseline: Baseline | None = None
) -> Generator[nw.DataFrame[Any] | nw.LazyFrame[Any]]:
    """Open a table: in memory if it is one file of moderate size, and lazily otherwise.

    Args:
        source: A file, a folder, a glob, or a URL of an object store.
        baseline: As for `read_table`.

    Raises:
        BaselineError: If it cannot be read, or has two columns with the same name.
    """
    if not needs_engine(source.text):
        yield nw.from_native(read_table(Path(source.text), baseline), eager_only=True)
        return
    with open_lazily(source.text, _conversion(baseline)) as frame:
        yield frame


def watched(table: nw.DataFrame[Any] | nw.LazyFrame[Any], progress: Progress) -> Any:
    """Return a table whose engine, if it is lazy, reports to a display."""
    return LazySource(table, progress=progress) if isinstance(table, nw.LazyFrame) else table


def _reason(error: Exception) -> str:
    """Return an error's message, shortened, because some quote pages of the file."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    text = str(error)
    return text if len(text) <= _LONGEST_REASON else f"{text[:_LONGEST_REASON]}…"


def _conversion(baseline: Baseline | None) -> Any:
    """Return how pyarrow converts the fields of a CSV file."""
    variables = baseline.variables if baseline is not None else ()
    categorical = [each for each in variables if isinstance(each, CategoryVariable)]
    labels = {category for each in categorical for category in each.categories}
    # If "NA" is a category of the baseline, it is a value and not a missing one.
    missing = set(pa.csv.ConvertOptions().null_values) - labels
    return pa.csv.ConvertOptions(
        column_types={each.name: pa.string() for each in categorical},
        null_values=sorted(missing | {""}),
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )


def log_reader(url: str, endpoint: str | None, since: str | None, until: str | None) -> LogReader:
    """Return a reader for a part of a log. It prints each damaged line to stderr.

    Args:
        url: Folder or URL of the log.
        endpoint: Endpoint to read; None for all.
        since: First time to read, as text; None for the start.
        until: First time after the part, as text; None for the end.

    Raises:
        BoxkiteError: If an argument is invalid, or there is no log.
        OSError: If the log cannot be reached.
    """
    return LogReader.open(url, endpoint, since, until, report=print_message)
