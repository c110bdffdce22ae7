"""One HTTP exchange: keeps what the decorator needs of it, for as long as it lasts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextvars import ContextVar
from typing import Any, TypeAlias

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

import boxkite
from boxkite_starlette.body import KeptBody

__all__ = ["Answered", "Exchange", "current_exchange"]

current_exchange: ContextVar[Exchange | None] = ContextVar("boxkite_exchange", default=None)

_ERROR_STATUS = 400
_START = "http.response.start"

_Header: TypeAlias = tuple[bytes, bytes]
_Finished: TypeAlias = tuple[boxkite.Monitor, boxkite.Capture, boxkite.Prediction, Any]


class Exchange(msgspec.Struct, eq=False):
    """Passes messages between server and application, and looks at them as they pass.

    Attributes:
        models: of the application.
        scope: of the request.
        server_receive: the server's own.
        server_send: the server's own.
        outer: the same request in the application that has this one mounted, if it is monitored.
        body: what the application has read of the request's; None for nothing.
        finished: predictions that wait for the status of the response.
        awaits: whether something is to be awaited while they are logged.
        announced: the id of a prediction that is made while the response is sent.
    """

    models: boxkite.Models
    scope: Scope
    server_receive: Receive
    server_send: Send
    outer: Exchange | None = None
    body: KeptBody | None = None
    finished: list[_Finished] = []
    awaits: bool = False
    announced: str = ""

    __repr__ = object.__repr__  # headers and answers are no matter for a traceback

    async def receive(self) -> Message:
        """Hand the next message of the request on, keeping its part of the body."""
        message = await self.server_receive()
        if message["type"] == "http.request":
            if self.body is None:
                self.body = KeptBody(self.scope, message)
            else:
                self.body.add(message)
        return message

    def send(self, message: Message) -> Awaitable[None]:
        """Hand the next message of the response on; at its start log what was captured."""
        if message["type"] != _START or not (self.finished or self.announced):
            return self.server_send(message)
        finished, self.finished = self.finished, []
        headers = {boxkite.PREDICTION_ID_HEADER: self.announced} if self.announced else {}
        self.announced = ""
        if message["status"] >= _ERROR_STATUS:
            return self.server_send(message)
        if self.awaits:
            return self._send_after_awaiting(message, finished, headers)
        for monitor, capture, prediction, returned in finished:
            headers = capture.log(monitor, prediction, Answered(self, returned))
        return self.server_send(_with_headers(message, headers))

    async def _send_after_awaiting(
        self, message: Message, finished: list[_Finished], headers: Mapping[str, str]
    ) -> None:
        for monitor, capture, prediction, returned in finished:
            answered = Answered(self, returned)
            headers = await capture.log_awaiting(monitor, prediction, answered)
        await self.server_send(_with_headers(message, headers))

    def finish(
        self,
        monitor: boxkite.Monitor,
        capture: boxkite.Capture,
        prediction: boxkite.Prediction,
        returned: Any,
    ) -> None:
        """Have the prediction logged once the status of the response is known."""
        self.finished.append((monitor, capture, prediction, returned))
        self.awaits = self.awaits or capture.may_await

    def begin(
        self,
        monitor: boxkite.Monitor,
        capture: boxkite.Capture,
        prediction: boxkite.Prediction,
        stream: Any,
    ) -> Callable[[], object]:
        """Name a prediction that is made while its answer is sent; returns what logs it."""
        self.announced = prediction.id
        return lambda: capture.log(monitor, prediction, Answered(self, stream))


def _with_headers(message: Message, headers: Mapping[str, str]) -> Message:
    """Return a message with some headers set anew.

    It is a new one: the application may send the same to every client.
    """
    raw: Iterable[_Header] = message.get("headers", ())
    for name, value in headers.items():
        ours = _RAW[name]
        raw = [each for each in raw if each[0].lower() != ours]
        raw.append((ours, value.encode("latin-1")))
    return {**message, "headers": raw}


_RAW = {
    name: name.lower().encode()
    for name in (boxkite.PREDICTION_ID_HEADER, boxkite.PREDICTION_COUNT_HEADER)
}


class Answered(msgspec.Struct, eq=False):
    """A request with its answer.

    Attributes:
        exchange: of the two.
        returned: by the endpoint.
    """

    exchange: Exchange
    returned: Any

    __repr__ = object.__repr__

    def request(self) -> Request:
        """Return the request, whose body can be read once more."""
        return Request(self.exchange.scope, self._kept().receive)

    def body(self) -> Any:
        """Return the JSON body as plain values, parsed anew at each call."""
        return self._kept().json()

    def _kept(self) -> KeptBody:
        kept = self.exchange.body
        return kept if kept is not None else KeptBody(self.exchange.scope, _NOTHING_READ)

    def content(self) -> Any:
        """Return the object that the endpoint returned, or the content of the response."""
        returned = self.returned
        if not isinstance(returned, Response):
            return returned
        data = getattr(returned, "body", None)
        if data is not None and type(data) is not bytes:
            data = bytes(data)
        return boxkite.Content(data, lambda: returned.headers.get("content-type", ""))


_NOTHING_READ: Message = {"type": "http.request", "more_body": True}
