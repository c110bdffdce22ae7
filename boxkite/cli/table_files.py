"""Find the files of a table in a folder, by a glob or in an object store, with Arrow."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from datetime import timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.fs  # pyright: ignore[reportUnusedImport, reportMissingTypeStubs]

from boxkite.cli.table_source import is_glob, is_url
from boxkite.errors import BaselineError
from boxkite.system.safe_url import safe_url

__all__ = ["TableFiles", "find_files", "first_line"]

# Arrow's own limit is 15 minutes, which looks as if the command hung.
_GOOGLE_RETRIES = timedelta(seconds=30)


class TableFiles(NamedTuple):
    """Files of a file system.

    Attributes:
        system: Arrow's file system.
        paths: paths of the files in it, in order.
    """

    system: Any
    paths: list[str]


def find_files(source: str) -> TableFiles:
    """Return the files of a table, whatever their names end in.

    Args:
        source: a file, a folder, a glob, or an `s3://`, `gs://` or `az://` URL of one.

    Raises:
        BaselineError: if there is no such file or folder, or the URL cannot be used.
        OSError: if the object store refuses or cannot be reached.
    """
    if not is_url(source):
        system = pa.fs.LocalFileSystem()
        if is_glob(source):
            matching = glob.glob(str(Path(source).absolute()), recursive=True)
            return TableFiles(system, sorted(path for path in matching if Path(path).is_file()))
        return TableFiles(system, _below(system, str(Path(source).absolute()), source))
    base, pattern = _split(source)
    try:
        system, place = _file_system(base)
    except (pa.ArrowException, OSError, ImportError) as error:
        # Arrow quotes the URL, which may hold a password.
        reason = first_line(error).replace(base, safe_url(base))
        raise BaselineError(f"cannot read {safe_url(source)}: {reason}") from None
    paths = _below(system, place, source)
    if pattern:
        prefix = len(Path(place).parts)
        paths = [path for path in paths if _matches(path.split("/")[prefix:], pattern)]
    return TableFiles(system, paths)


def _split(url: str) -> tuple[str, Sequence[str]]:
    """Return the URL of the folder above all wildcards, and the parts of the path below it."""
    if not is_glob(url):
        return url, ()
    address, mark, options = url.partition("?")
    parts = address.split("/")
    first = next(number for number, part in enumerate(parts) if "*" in part or "[" in part)
    return "/".join(parts[:first]) + mark + options, parts[first:]


def _matches(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    """Return whether a path matches a glob, in which `**` stands for any number of folders."""
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(_matches(parts[skipped:], pattern[1:]) for skipped in range(len(parts) + 1))
    return bool(parts) and fnmatchcase(parts[0], pattern[0]) and _matches(parts[1:], pattern[1:])


def _file_system(url: str) -> tuple[Any, str]:
    """Return the file system of a URL, and the path in it."""
    scheme, _, place = url.partition("://")
    if scheme == "az":
        return _azure(), place.rstrip("/")
    if scheme == "gs" and not {"@", "?"} & set(place):
        return pa.fs.GcsFileSystem(retry_time_limit=_GOOGLE_RETRIES), place.rstrip("/")
    system, path = pa.fs.FileSystem.from_uri(url)
    return system, path.rstrip("/")


def _azure() -> Any:
    """Return Azure's blob storage. Arrow reads none of its environment variables by itself."""
    account = os.environ.get("AZURE_STORAGE_ACCOUNT_NAME")
    if not account:
        raise OSError("Set AZURE_STORAGE_ACCOUNT_NAME to the name of the storage account")
    options: dict[str, Any] = {
        "account_key": os.environ.get("AZURE_STORAGE_ACCOUNT_KEY"),
        "sas_token": os.environ.get("AZURE_STORAGE_SAS_TOKEN"),
    }
    endpoint = urlsplit(os.environ.get("AZURE_STORAGE_ENDPOINT", ""))
    if endpoint.netloc:
        for service in ("blob", "dfs"):
            options[f"{service}_storage_authority"] = endpoint.netloc
            options[f"{service}_storage_scheme"] = endpoint.scheme
    return pa.fs.AzureFileSystem(account, **options)


def _below(system: Any, place: str, source: str) -> list[str]:
    """Return a file, or the files of a folder and its subfolders."""
    found = system.get_file_info(place)
    if found.type == pa.fs.FileType.NotFound:
        raise BaselineError(f"cannot read {safe_url(source)}: it does not exist")
    if found.type == pa.fs.FileType.File:
        return [place]
    selected = system.get_file_info(pa.fs.FileSelector(place, recursive=True))
    return sorted(each.path for each in selected if each.type == pa.fs.FileType.File)


def first_line(error: Exception) -> str:
    """Return the first line of an error's message, shortened, because some quote the file."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:160]
