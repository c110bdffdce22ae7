"""The body of a request, kept while the application reads it."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import Message, Scope

__all__ = ["KeptBody"]

_MAX_JSON = (16 * 2**20, "16 MiB")
_MAX_OTHER = (256 * 2**10, "256 KiB")

# A body of this size holds at most 2,730 rows, which take 30 ms.
_QUICK_BYTES = 2**13
_ENCODING = b"content-encoding"


class KeptBody:
    """Collects the chunks that the endpoint reads: up to 16 MiB of JSON, 256 KiB of other types.

    Many clients send JSON under another content type, so the first character decides too.

    Args:
        scope: The scope of the request.
        message: The first message of the request, which usually holds the whole body.
    """

    __slots__ = ("_complete", "_content", "_limit", "_problem", "_scope")

    def __init__(self, scope: Scope, message: Message) -> None:
        self._scope = scope
        self._content: bytes | bytearray = message.get("body", b"")
        self._limit = _MAX_OTHER
        self._problem = ""
        self._complete = not message.get("more_body", False)
        if len(self._content) > self._limit[0]:
            self._check_size()

    def add(self, message: Message) -> None:
        """Keep one more message of the request."""
        self._complete = not message.get("more_body", False)
        if self._problem:
            return
        chunk = message.get("body", b"")
        if not self._content:
            self._content = chunk
        elif isinstance(self._content, bytearray):
            self._content += chunk
        else:
            # Appending to bytes would copy them each time, which takes quadratic time.
            self._content = bytearray(self._content + chunk)
        if len(self._content) > self._limit[0]:
            self._check_size()

    def _check_size(self) -> None:
        # Only check the headers of a body beyond the smaller limit, because few bodies are that
        # large.
        if self._is_json():
            self._limit = _MAX_JSON
        limit, limit_text = self._limit
        if len(self._content) > limit:
            self._problem = f"the request body is larger than {limit_text}"
            self._content = b""

    def _is_json(self) -> bool:
        named = "json" in Headers(scope=self._scope).get("content-type", "")
        return named or self._content.lstrip()[:1] in (b"{", b"[")

    @property
    def takes_long(self) -> bool:
        """Whether parsing the body, and counting its rows, could hold up the event loop."""
        content = self._content
        if len(content) > _QUICK_BYTES:
            return True
        # A small body may expand to a large one.
        return bool(content) and any(name == _ENCODING for name, _ in self._scope["headers"])

    def content(self) -> bytes | bytearray:
        """Return the body, as far as the endpoint has read it.

        Raises:
            ValueError: if it was too large.
        """
        if self._problem:
            raise ValueError(f"{self._problem}; set current_prediction.features")
        return self._content

    def content_encoding(self) -> str:
        """Return the request's `Content-Encoding`, or an empty text."""
        return ", ".join(Headers(scope=self._scope).getlist("content-encoding"))

    async def receive(self) -> Message:
        """Return the body as one message, as a server would, so that it can be read again.

        Raises:
            ValueError: if it was too large, or the endpoint did not read all of it.
        """
        content = self.content()
        if not self._complete:
            problem = "the endpoint did not read the whole request body"
            raise ValueError(f"{problem}; set current_prediction.features")
        return {"type": "http.request", "body": bytes(content), "more_body": False}
