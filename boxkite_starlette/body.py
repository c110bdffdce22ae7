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
        message: the first one of the request, mostly with all of it.
    """

    __slots__ = ("_content", "_most", "_problem", "_scope", "_whole")

    def __init__(self, scope: Scope, message: Message) -> None:
        self._scope = scope
        self._content: bytes | bytearray = message.get("body", b"")
        self._most = _MAX_OTHER
        self._problem = ""
        self._whole = not message.get("more_body", False)
        if len(self._content) > self._most[0]:
            self._check_size()

    def add(self, message: Message) -> None:
        """Keep one more message of the request."""
        self._whole = not message.get("more_body", False)
        if self._problem:
            return
        chunk = message.get("body", b"")
        if not self._content:
            self._content = chunk
        elif isinstance(self._content, bytearray):
            self._content += chunk
        else:
            self._content = bytearray(self._content + chunk)
        if len(self._content) > self._most[0]:
            self._check_size()

    def _check_size(self) -> None:
        if self._is_json():
            self._most = _MAX_JSON
        most, spelled = self._most
        if len(self._content) > most:
            self._problem = f"the request's body is beyond {spelled}"
            self._content = b""

    def _is_json(self) -> bool:
        named = "json" in Headers(scope=self._scope).get("content-type", "")
        return named or self._content.lstrip()[:1] in (b"{", b"[")

    def json(self) -> Any:
        """Return the body as plain values, parsed anew at each call.

        Raises:
            ValueError: if it is no JSON, too large, or the endpoint did not read all of it.
        """
        try:
            return _decode(self._content)
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
