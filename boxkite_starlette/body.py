"""The body of one request, kept as it passes, if it is or looks like JSON."""

from __future__ import annotations

import json
from typing import Any

import msgspec

__all__ = ["KeptBody"]

_MAX_BYTES = 16 * 2**20


class KeptBody:
    """Collects the chunks that the endpoint reads, up to 16 MiB.

    Args:
        content_type: of the request. Of a body under another type than JSON, as many clients
            send it, the first character decides.
    """

    def __init__(self, content_type: str) -> None:
        self._is_json = True if "json" in content_type else None
        self._content = bytearray()
        self._problem = ""

    def add(self, chunk: bytes) -> None:
        """Keep one chunk."""
        start = chunk.lstrip()[:1] if self._is_json is None else b""
        if start:
            self._is_json = start in (b"{", b"[")
        if not self._is_json or self._problem:
            return
        self._content += chunk
        if len(self._content) > _MAX_BYTES:
            self._problem = f"the request's body is beyond {_MAX_BYTES // 2**20} MiB"
            self._content = bytearray()

    @property
    def content(self) -> bytes:
        """What was kept."""
        return bytes(self._content)

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
            raise ValueError(f"{problem}; give features= a callable") from None
