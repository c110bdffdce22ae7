"""Compress files of the log piece by piece. Equal files give equal bytes."""

from __future__ import annotations

import functools
import importlib
import zlib
from collections.abc import Callable, Iterator
from typing import Literal, Protocol, TypeAlias

from boxkite.errors import ConfigError

__all__ = ["Compress", "Compression", "compressor"]

Compression = Literal["gzip", "zstd"]
Compress: TypeAlias = Callable[[Iterator[bytes]], Iterator[bytes]]
"""Turns the pieces of a file into the pieces of the compressed file."""

_GZIP_LEVEL = 6
_GZIP_WINDOW = 16 + zlib.MAX_WBITS  # zlib's number for a gzip header, which has no time in it
_ZSTD_LEVEL = 3


class _Packer(Protocol):
    """Compresses one file, as objects of zlib and zstandard do."""

    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self) -> bytes: ...


def compressor(compression: Compression | None) -> Compress:
    """Return a function that compresses the pieces of a file.

    Args:
        compression: the compression, or None to leave the pieces as they are.

    Raises:
        ConfigError: if the compression is unknown, or the package that it needs is missing.
    """
    if compression is None:
        return iter
    if compression == "gzip":
        return functools.partial(_packed, _gzip)
    if compression != "zstd":
        raise ConfigError(f"Unknown log compression {compression!r}. Use gzip, zstd or none.")
    try:
        zstandard = importlib.import_module("zstandard")
    except ImportError as error:
        raise ConfigError(
            "The log compression zstd needs zstandard: pip install 'boxkite[zstd]'"
        ) from error
    return functools.partial(_packed, zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compressobj)


def _gzip() -> _Packer:
    return zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)


def _packed(new_packer: Callable[[], _Packer], pieces: Iterator[bytes]) -> Iterator[bytes]:
    packer = new_packer()
    for piece in pieces:
        yield packer.compress(piece)
    yield packer.flush()
