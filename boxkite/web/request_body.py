"""Parse the JSON body of a request, within limits on its size and its parts."""

from __future__ import annotations

import json
from typing import Any, Protocol

import msgspec

from boxkite.web.content_encoding import decompressed

__all__ = ["RequestBody", "parsed_body"]

_decode = msgspec.json.Decoder().decode

_FEW_BYTES = 2**14
_FIX = "pass a callable as features=, or set current_prediction.features"


class RequestBody(Protocol):
    """The body of a request, as far as the view has read it."""

    def body(self) -> bytes | bytearray:
        """Return the bytes of the body.

        Raises:
            ValueError: if the view did not read them.
        """
        ...

    def content_encoding(self) -> str:
        """Return the request's header `Content-Encoding`, or an empty text."""
        ...


def parsed_body(request: RequestBody, max_bytes: int, max_containers: int) -> Any:
    """Return the JSON body of a request as plain values.

    It is parsed again each time, because the view may have changed its own object.

    Args:
        request: The request.
        max_bytes: The greatest size of the body, before and after decompression.
        max_containers: The greatest number of lists and objects in it, if it is not small.

    Raises:
        ValueError: if there is no JSON body, or it is too large. The message says what to do.
    """
    data = request.body()
    size = len(data)
    if size > _FEW_BYTES or size > max_bytes:
        _check_size(data, max_bytes, max_containers)
    try:
        # Try this first, because a middleware may have decompressed the body and left the header.
        return _decode(data)
    except (msgspec.DecodeError, RecursionError):
        pass
    encoding = request.content_encoding()
    if encoding:
        try:
            data = decompressed(bytes(data), encoding, max_bytes)
        except ValueError as error:
            raise ValueError(f"{error}; {_FIX}") from None
        _check_size(data, max_bytes, max_containers)
    try:
        # Python's parser also accepts NaN, Infinity and UTF-16.
        return json.loads(data)
    except RecursionError:
        problem = "the request body is nested too deep"
    except ValueError:
        problem = "the view read no JSON body"
    raise ValueError(f"{problem}; {_FIX}")


def _check_size(data: bytes | bytearray, max_bytes: int, max_containers: int) -> None:
    if len(data) > max_bytes:
        problem = f"the request body has {len(data)} bytes, but BODY_MAX_BYTES is {max_bytes}"
        raise ValueError(f"{problem}; raise it, or {_FIX}")
    # Python's garbage collector looks at each list and object, and holds up all threads meanwhile.
    # Text may contain brackets too, so there are at most this many.
    containers = data.count(b"[") + data.count(b"{")
    if containers > max_containers:
        problem = f"the request body has more than {max_containers} lists and objects"
        raise ValueError(f"{problem}; {_FIX}")
