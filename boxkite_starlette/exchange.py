"""One HTTP exchange: keeps what the decorator needs of it, for as long as it lasts."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import msgspec
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

import boxkite

__all__ = ["Exchange", "answer_of", "current_exchange"]

current_exchange: ContextVar[Exchange | None] = ContextVar("boxkite_exchange", default=None)

# A body beyond this is not kept; its features must come from the context or the view.
_MAX_BODY_BYTES = 16 * 2**20
_ERROR_STATUS = 400


class Exchange:
    """Passes messages between server and application, and looks at them as they pass.

    Args:
        monitor: of the application.
        scope: of the request.
        receive: the server's.
        send: the server's.
    """

    def __init__(
        self, monitor: boxkite.Monitor, scope: Scope, receive: Receive, send: Send
    ) -> None:
        self.monitor = monitor
        self._scope = scope
        self._receive = receive
        self._send = send
        self._keeps = "json" in Headers(scope=scope).get("content-type", "")
        self._chunks: list[bytes] = []
        self._size = 0
        self._log: Callable[[], str] | None = None

    async def receive(self) -> Message:
        """Hand the next message of the request on, keeping the chunks of a JSON body."""
        message = await self._receive()
        if self._keeps and message["type"] == "http.request":
            chunk = message.get("body", b"")
            self._size += len(chunk)
            self._keeps = self._size <= _MAX_BODY_BYTES
            self._chunks = [*self._chunks, chunk] if self._keeps else []
        return message

    async def send(self, message: Message) -> None:
        """Hand the next message of the response on; at its start log what was captured."""
        if message["type"] == "http.response.start" and self._log is not None:
            if message["status"] < _ERROR_STATUS:
                headers = MutableHeaders(scope=message)
                headers[boxkite.PREDICTION_ID_HEADER] = self._log()
            self._log = None
        await self._send(message)

    def finish(
        self, capture: boxkite.Capture, prediction: boxkite.Prediction, returned: Any
    ) -> None:
        """Have the prediction logged once the status of the response is known."""
        self._log = lambda: capture.log(
            self.monitor,
            prediction,
            request=Request(self._scope, self._replay),
            body=self._json_body,
            returned=returned,
            answer=lambda: answer_of(returned),
        )

    async def _replay(self) -> Message:
        return {"type": "http.request", "body": b"".join(self._chunks), "more_body": False}

    def _json_body(self) -> Any:
        try:
            return msgspec.json.decode(b"".join(self._chunks))
        except msgspec.DecodeError:
            raise ValueError(
                "the request has no JSON body that was read; give features= a callable"
            ) from None


def answer_of(returned: Any) -> Any:
    """Return an endpoint's answer as plain values.

    Raises:
        ValueError: if it is a response that is not JSON, or a stream.
    """
    if isinstance(returned, Response):
        try:
            return msgspec.json.decode(returned.body)
        except (msgspec.DecodeError, AttributeError):
            raise ValueError("the endpoint returned no JSON; give output= a callable") from None
    if hasattr(returned, "model_dump"):
        return returned.model_dump()
    if hasattr(returned, "__dataclass_fields__") or hasattr(returned, "__struct_fields__"):
        return msgspec.to_builtins(returned)
    return returned
