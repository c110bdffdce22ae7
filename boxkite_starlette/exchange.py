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
from boxkite_starlette.body import KeptBody

__all__ = ["Exchange", "answer_of", "current_exchange"]

current_exchange: ContextVar[Exchange | None] = ContextVar("boxkite_exchange", default=None)

_ERROR_STATUS = 400


class Exchange:
    """Passes messages between server and application, and looks at them as they pass.

    Args:
        models: of the application.
        scope: of the request.
        receive: the server's.
        send: the server's.
    """

    def __init__(self, models: boxkite.Models, scope: Scope, receive: Receive, send: Send) -> None:
        self.models = models
        self.outer = current_exchange.get()
        self._scope = scope
        self._receive = receive
        self._send = send
        self._body = KeptBody(Headers(scope=scope).get("content-type", ""))
        self._logs: list[Callable[[], str]] = []

    async def receive(self) -> Message:
        """Hand the next message of the request on, keeping its part of a JSON body."""
        message = await self._receive()
        if message["type"] == "http.request":
            self._body.add(message.get("body", b""))
        return message

    async def send(self, message: Message) -> None:
        """Hand the next message of the response on; at its start log what was captured."""
        if message["type"] == "http.response.start" and self._logs:
            logs, self._logs = self._logs, []
            if message["status"] < _ERROR_STATUS:
                headers = MutableHeaders(raw=list(message.get("headers", ())))
                for log in logs:
                    headers[boxkite.PREDICTION_ID_HEADER] = log()
                # A new message: the application may send the same one to every client.
                message = {**message, "headers": headers.raw}
        await self._send(message)

    def finish(
        self,
        monitor: boxkite.Monitor,
        capture: boxkite.Capture,
        prediction: boxkite.Prediction,
        returned: Any,
    ) -> None:
        """Have the prediction logged once the status of the response is known."""
        self._logs.append(
            lambda: capture.log(
                monitor,
                prediction,
                request=Request(self._scope, self._replay),
                body=self._body.json,
                returned=returned,
                answer=lambda: answer_of(returned),
            )
        )

    async def _replay(self) -> Message:
        return {"type": "http.request", "body": self._body.content, "more_body": False}


def answer_of(returned: Any) -> Any:
    """Return an endpoint's answer as plain values.

    Raises:
        ValueError: if it is a stream, or a response that is not JSON.
    """
    if hasattr(returned, "__next__") or hasattr(returned, "__anext__"):
        raise ValueError("the endpoint returned a stream; give output= a callable")
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
