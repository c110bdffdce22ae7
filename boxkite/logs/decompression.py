"""The lines of a file of the log, compressed or not, without holding all of them."""

from __future__ import annotations

import gzip
import importlib
import io
import zlib
from collections.abc import Iterable

from boxkite.logs.partition import SUFFIXES

__all__ = ["DECOMPRESSION_ERRORS", "open_lines"]

DECOMPRESSION_ERRORS = (EOFError, OSError, zlib.error)
"""What iterating over the lines raises where the compressed content is damaged."""


def open_lines(content: bytes, suffix: str) -> Iterable[bytes]:
    """Return the lines of a file's content.

    Args:
        content: of the file.
        suffix: of its name, one of `SUFFIXES`.

    Raises:
        ModuleNotFoundError: if it is compressed with zstd and pyarrow is not installed.
    """
    raw = io.BytesIO(content)
    if suffix == SUFFIXES["gzip"]:
        return gzip.GzipFile(fileobj=raw)
    if suffix == SUFFIXES["zstd"]:
        arrow = importlib.import_module("pyarrow")
        return io.BufferedReader(arrow.CompressedInputStream(raw, "zstd"))
    return raw
