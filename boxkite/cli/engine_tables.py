"""Open tables that need not fit into memory: folders, globs, object stores and large files.

Arrow lists and reads the files, and DuckDB counts the rows. CSV and JSON lines are first converted
to a temporary Parquet file, because each pass over the data would parse the text again.
"""

from __future__ import annotations

import contextlib
import glob
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

import narwhals as nw
import pyarrow as pa
import pyarrow.dataset  # pyright: ignore[reportUnusedImport, reportMissingTypeStubs]
import pyarrow.fs  # pyright: ignore[reportUnusedImport, reportMissingTypeStubs]

from boxkite.errors import BaselineError

__all__ = ["format_of", "needs_engine", "open_lazily"]

MEMORY_LIMIT = "800MB"
"""Memory that DuckDB may use before it writes intermediate results to disk."""

_LARGE = 256 * 2**20

_FORMATS = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".jsonl": "json",
    ".ndjson": "json",
    ".arrow": "arrow",
    ".feather": "arrow",
}
_COMPRESSIONS = (".gz", ".zst", ".bz2")


def format_of(name: str) -> str | None:
    """Return the format of a file by the ending of its name, or None if it is unknown."""
    endings = [each for each in Path(name).suffixes if each not in _COMPRESSIONS]
    return _FORMATS.get(endings[-1]) if endings else None


def needs_engine(source: Path | str) -> bool:
    """Return whether a table is more than one file of moderate size in Parquet or CSV."""
    path = Path(source)
    if isinstance(source, str) and "://" in source:
        return True
    return not path.is_file() or format_of(path.name) in ("json", "arrow") or _is_large(path)


def _is_large(path: Path) -> bool:
    return path.stat().st_size > _LARGE


@contextlib.contextmanager
def open_lazily(source: str, csv_conversion: Any) -> Generator[nw.LazyFrame[Any]]:
    """Open a table as a lazy frame of DuckDB.

    Args:
        source: a file, a folder, a glob, or an `s3://`, `gs://` or `az://` URL of a file or folder.
        csv_conversion: pyarrow's options for the fields of CSV files.

    Raises:
        BaselineError: if DuckDB is not installed, or the table cannot be read.
    """
    try:
        import duckdb
    except ImportError:
        raise BaselineError(
            f"reading {source} needs DuckDB. Install it with: pip install 'boxkite[engine]'"
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
                raise BaselineError(f"cannot read {source}: {_first_line(error)}") from error


def _dataset(source: str, csv_conversion: Any) -> tuple[Any, str]:
    """Return the files of a table as an Arrow dataset, and their format."""
    # Arrow knows Azure by another scheme.
    system, place = (
        pa.fs.FileSystem.from_uri("abfs" + source[2:] if source.startswith("az://") else source)
        if "://" in source
        else (pa.fs.LocalFileSystem(), str(Path(source).absolute()))
    )
    paths = _paths(system, place)
    forms = sorted({each for each in map(format_of, paths) if each is not None})
    if not forms:
        raise BaselineError(
            f"cannot read {source}: it has no file that ends in {', '.join(_FORMATS)}"
        )
    if len(forms) > 1:
        raise BaselineError(
            f"cannot read {source}: it has files of several formats, {', '.join(forms)}. Pass a "
            f"folder or a glob with one format"
        )
    (form,) = forms
    readers = {"csv": pa.dataset.CsvFileFormat(convert_options=csv_conversion)}
    kept = [path for path in paths if format_of(path) is not None]
    return pa.dataset.dataset(kept, filesystem=system, format=readers.get(form, form)), form


def _paths(system: Any, place: str) -> list[str]:
    """Return the files of a path, a folder or a glob, in order."""
    if any(character in place for character in "*?["):
        if not isinstance(system, pa.fs.LocalFileSystem):
            raise BaselineError(
                f"cannot read the glob {place}: object stores have none. Pass a folder"
            )
        return sorted(path for path in glob.glob(place, recursive=True) if Path(path).is_file())
    found = system.get_file_info(place)
    if found.type == pa.fs.FileType.NotFound:
        raise BaselineError(f"cannot read {place}: it does not exist")
    if found.type == pa.fs.FileType.File:
        return [place]
    selected = system.get_file_info(pa.fs.FileSelector(place, recursive=True))
    return sorted(each.path for each in selected if each.type == pa.fs.FileType.File)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:160]
