"""The body of one request, kept as it passes."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from starlette.datastructures import Headers
from starlette.types import Message, Scope

__all__ = ["KeptBody"]

_MAX_JSON = (16 * 2**20, "16 MiB")
_MAX_OTHER = (256 * 2**10, "256 KiB")

_decode = msgspec.json.Decoder().decode
_INSTEAD = "give features= a callable, or set current_prediction.features"


class KeptBody:
    """Collects the chunks that the endpoint reads: up to 16 MiB of JSON, 256 KiB of all else.

    Args:
        scope: of the request. Of a body under another type than JSON, as many clients send it,
            the first character decides.
    """

    __slots__ = ("_chunks", "_problem", "_scope", "_size", "_whole")

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._chunks: list[bytes] = []
        self._size = 0
        self._problem = ""
        self._whole = False

    def add(self, message: Message) -> None:
        """Keep one message of the request."""
        self._whole = not message.get("more_body", False)
        if self._problem:
            return
        chunk = message.get("body", b"")
        self._chunks.append(chunk)
        self._size += len(chunk)
        if self._size > _MAX_OTHER[0]:
            self._check_size()

    def _check_size(self) -> None:
        most, spelled = _MAX_JSON if self._is_json() else _MAX_OTHER
        if self._size > most:
            self._problem = f"the request's body is beyond {spelled}"
            self._chunks.clear()

    def _is_json(self) -> bool:
        if "json" in Headers(scope=self._scope).get("content-type", ""):
            return True
        starts = (chunk.lstrip()[:1] for chunk in self._chunks)
        return next(filter(None, starts), b"") in (b"{", b"[")

    def _content(self) -> bytes:
        if len(self._chunks) != 1:
            self._chunks = [b"".join(self._chunks)]
        return self._chunks[0]

    def json(self) -> Any:
        """Return the body as plain values, parsed anew at each call.

        Raises:
            ValueError: if it is no JSON, too large, or the endpoint did not read all of it.
        """
        content = self._chunks[0] if len(self._chunks) == 1 else self._content()
        try:
            return _decode(content)
        except msgspec.DecodeError:
            pass
        try:
            # Python's parser, which Starlette uses, takes NaN and Infinity, and UTF-16.
            return json.loads(content)
        except ValueError:
            problem = self._problem or "the request has no JSON body that the endpoint read"
            raise ValueError(f"{problem}; {_INSTEAD}") from None

    async def receive(self) -> Message:
        """Hand the body out once more, as a server would.

        Raises:
            ValueError: if it was too large to be kept, or the endpoint did not read all of it.
        """
        if self._problem or not self._whole:
            problem = self._problem or "the endpoint did not read the request's body"
            raise ValueError(f"{problem}; set current_prediction.features")
        return {"type": "http.request", "body": bytes(self._content()), "more_body": False}
