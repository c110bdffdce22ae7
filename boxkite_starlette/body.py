"""The body of one request, kept as it passes."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from starlette.types import Message

__all__ = ["KeptBody"]

_MAX_JSON = (16 * 2**20, "16 MiB")
_MAX_OTHER = (256 * 2**10, "256 KiB")

_INSTEAD = "give features= a callable, or set current_prediction.features"


class KeptBody:
    """Collects the chunks that the endpoint reads: up to 16 MiB of JSON, 256 KiB of all else.

    Args:
        content_type: of the request. Of a body under another type than JSON, as many clients
            send it, the first character decides.
    """

    def __init__(self, content_type: str) -> None:
        self._is_json = True if "json" in content_type else None
        self._content = bytearray()
        self._problem = ""
        self._whole = False

    def add(self, chunk: bytes, *, last: bool) -> None:
        """Keep one chunk."""
        self._whole = last
        start = chunk.lstrip()[:1] if self._is_json is None else b""
        if start:
            self._is_json = start in (b"{", b"[")
        if self._problem:
            return
        self._content += chunk
        most, spelled = _MAX_JSON if self._is_json else _MAX_OTHER
        if len(self._content) > most:
            self._problem = f"the request's body is beyond {spelled}"
            self._content = bytearray()

    def json(self) -> Any:
        """Return the body as plain values, parsed anew at each call.

        Raises:
            ValueError: if it is no JSON, too large, or the endpoint did not read all of it.
        """
        try:
            return msgspec.json.decode(self._content)
        except msgspec.DecodeError:
            pass
        try:
            # Python's parser, which Starlette uses, takes NaN and Infinity, and UTF-16.
            return json.loads(self._content)
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
        return {"type": "http.request", "body": bytes(self._content), "more_body": False}
