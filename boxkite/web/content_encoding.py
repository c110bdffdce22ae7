"""Decompress a request body, but never to more bytes than boxkite parses."""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Callable
from typing import Any, TypeAlias

__all__ = ["decompressed"]

_MAX_ENCODINGS = 2  # a client could name hundreds, and each of them takes time

_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
_RAW_DEFLATE = -zlib.MAX_WBITS
_MAX_ZSTD_WINDOW = 2**23  # the greatest that RFC 8878 recommends to support
_CHUNK = 2**16

_Decompress: TypeAlias = Callable[[bytes, int], bytes]


def decompressed(data: bytes, content_encoding: str, max_bytes: int) -> bytes:
    """Return a body without its `Content-Encoding` (RFC 9110, section 8.4).

    Args:
        data: The compressed body.
        content_encoding: The header, which lists the encodings in the order of their application.
        max_bytes: The greatest size of the result, and of each step towards it.

    Raises:
        ValueError: if an encoding is unknown or needs a package that is not installed, or the body
            is damaged or too large. The message names the encoding.
    """
    names = [name.strip().lower() for name in content_encoding.split(",")]
    names = [name for name in names if name not in ("", "identity")]
    if len(names) > _MAX_ENCODINGS:
        raise ValueError(f"the request body has {len(names)} encodings; boxkite reads at most 2")
    for name in reversed(names):
        data = _without(data, name, max_bytes)
    return data


def _without(data: bytes, name: str, max_bytes: int) -> bytes:
    decompress = _DECOMPRESS.get(name)
    if decompress is None:
        raise ValueError(f"boxkite cannot read the Content-Encoding {name[:40]!r}")
    try:
        # One byte more than allowed shows that there is more.
        content = decompress(data, max_bytes + 1)
    except ImportError as error:
        raise ValueError(f"the request body is compressed with {name!r}: {error}") from None
    except Exception as error:  # noqa: BLE001 - each library has its own errors for a damaged body
        raise ValueError(f"the request body is not {name!r}: {error}") from None
    if len(content) > max_bytes:
        raise ValueError(f"the {name!r} request body is larger than {max_bytes} bytes")
    return content


def _gunzip(data: bytes, size: int) -> bytes:
    """Return the content of gzip, with all members, or of zlib."""
    found = b""
    while data and len(found) < size:
        member = zlib.decompressobj(_GZIP_OR_ZLIB)
        found += member.decompress(data, size - len(found))
        if not member.eof and len(found) < size:
            raise ValueError("it ends too early")
        data = member.unused_data
    return found


def _inflate(data: bytes, size: int) -> bytes:
    """Return the content of zlib, which the standard asks for, or raw deflate, which many send."""
    try:
        return _gunzip(data, size)
    except zlib.error:
        stream = zlib.decompressobj(_RAW_DEFLATE)
        found = stream.decompress(data, size)
        if not stream.eof and len(found) < size:
            raise ValueError("it ends too early") from None
        return found


def _unbrotli(data: bytes, size: int) -> bytes:
    stream: Any = _imported("brotli").Decompressor()
    try:
        found = [stream.process(data, output_buffer_limit=min(size, _CHUNK))]
    except TypeError:
        # Without this limit, a few bytes of brotli may expand to gigabytes.
        raise ImportError("install brotli 1.2 or later to read it") from None
    left = size - len(found[0])
    while left > 0 and not stream.is_finished():
        if stream.can_accept_more_data():
            raise ValueError("it ends too early")
        found.append(stream.process(b"", output_buffer_limit=min(left, _CHUNK)))
        left -= len(found[-1])
    return b"".join(found)


def _unzstd(data: bytes, size: int) -> bytes:
    library = _imported("zstandard")
    reader = library.ZstdDecompressor(max_window_size=_MAX_ZSTD_WINDOW).stream_reader(
        data, read_across_frames=True
    )
    content: bytes = reader.read(size)
    return content


def _imported(package: str) -> Any:
    try:
        return importlib.import_module(package)
    except ImportError:
        raise ImportError(f"install the package {package} to read it") from None


_DECOMPRESS: dict[str, _Decompress] = {
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "deflate": _inflate,
    "br": _unbrotli,
    "zstd": _unzstd,
}
