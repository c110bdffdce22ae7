"""Open tables that need not fit into memory: folders, globs, object stores and large files.

Arrow lists and reads the files, and DuckDB counts the rows. CSV and JSON lines are first converted
to a temporary Parquet file, because each pass over the data would parse the text again.
"""

from __future__ import annotations

import contextlib
import importlib
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

import narwhals as nw
import pyarrow as pa

from boxkite.cli.table_files import find_files, first_line
from boxkite.cli.table_source import FORMATS, format_of, is_url
from boxkite.errors import BaselineError
from boxkite.system.safe_url import safe_url

__all__ = ["needs_engine", "open_lazily"]

MEMORY_LIMIT = "800MB"
"""Memory that DuckDB may use before it writes intermediate results to disk."""

_LARGE = 256 * 2**20


def needs_engine(source: str) -> bool:
    """Return whether a table is more than one file of moderate size in Parquet or CSV."""
    path = Path(source)
    if is_url(source):
        return True
    return not path.is_file() or format_of(path.name) in ("json", "arrow") or _is_large(path)


def _is_large(path: Path) -> bool:
    return path.stat().st_size > _LARGE


@contextlib.contextmanager
def open_lazily(source: str, csv_conversion: Any) -> Generator[nw.LazyFrame[Any]]:
    """Open a table as a lazy frame of DuckDB.

    Args:
        source: a file, a folder, a glob, or an `s3://`, `gs://` or `az://` URL of one.
        csv_conversion: pyarrow's options for the fields of CSV files.

    Raises:
        BaselineError: if DuckDB is not installed, or the table cannot be read.
    """
    try:
        import duckdb
    except ImportError:
        raise BaselineError(
            f"reading {safe_url(source)} needs DuckDB. Install it with: "
            f"pip install 'boxkite[engine]'"
        ) from None
    with tempfile.TemporaryDirectory() as scratch:
        settings: dict[str, Any] = {"memory_limit": MEMORY_LIMIT, "temp_directory": scratch}
        with duckdb.connect(config=settings) as connection:
            try:
                files, form = _dataset(source, csv_conversion)
                relation = connection.from_arrow(files)
                if form in ("csv", "json"):
                    converted = str(Path(scratch, "rows.parquet"))
                    relation.write_parquet(converted)
                    relation = connection.read_parquet(converted)
                frame: nw.LazyFrame[Any] = nw.from_native(relation)
                yield frame
            except (pa.ArrowException, OSError, duckdb.Error) as error:
                raise BaselineError(
                    f"cannot read {safe_url(source)}: {first_line(error)}"
                ) from error


def _dataset(source: str, csv_conversion: Any) -> tuple[Any, str]:
    """Return the files of a table as an Arrow dataset, and their format."""
    system, paths = find_files(source)
    forms = sorted({each for each in map(format_of, paths) if each is not None})
    if not forms:
        raise BaselineError(
            f"cannot read {safe_url(source)}: it has no file that ends in {', '.join(FORMATS)}"
        )
    if len(forms) > 1:
        raise BaselineError(
            f"cannot read {safe_url(source)}: it has files of several formats, {', '.join(forms)}. "
            f"Pass a folder or a glob with one format"
        )
    (form,) = forms
    # This imports pandas if it is installed, which every command would have to wait for.
    arrow_dataset: Any = importlib.import_module("pyarrow.dataset")
    readers = {"csv": arrow_dataset.CsvFileFormat(convert_options=csv_conversion)}
    kept = [path for path in paths if format_of(path) is not None]
    return arrow_dataset.dataset(kept, filesystem=system, format=readers.get(form, form)), form
