"""Pass the messages of one HTTP request and its response, and keep what predictions need."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextvars import ContextVar
from typing import Any, TypeAlias, TypeVar

import anyio
import anyio.to_thread
import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from boxkite.adapters import (
    PREDICTION_COUNT_HEADER,
    PREDICTION_ID_HEADER,
    Content,
    Models,
    PendingPrediction,
)
from boxkite_starlette.body import KeptBody

__all__ = ["StarletteExchange", "current_exchange"]

current_exchange: ContextVar[StarletteExchange | None] = ContextVar(
    "boxkite_exchange", default=None
)

T = TypeVar("T")

_ERROR_STATUS = 400
_START = "http.response.start"
_NOTHING_READ: Message = {"type": "http.request", "more_body": True}

_Header: TypeAlias = tuple[bytes, bytes]


class StarletteExchange(msgspec.Struct, eq=False):
    """Passes messages between server and application, and keeps what predictions need.

    Attributes:
        models: The models of the application.
        scope: The scope of the request.
        server_receive: The server's own `receive`.
        server_send: The server's own `send`.
        limiter: Lets one large request at a time be logged in a thread.
        outer: The same request in the surrounding application, if that is monitored.
        kept: The body, as far as the application has read it; None if it has not begun.
        pending: Predictions that wait for the status of the response.
        awaits: Whether one of them has a source that may be async.
        announced: The id of a prediction that is made while the response is sent.
    """

    models: Models
    scope: Scope
    server_receive: Receive
    server_send: Send
    limiter: anyio.CapacityLimiter
    outer: StarletteExchange | None = None
    kept: KeptBody | None = None
    pending: list[PendingPrediction] = []
    awaits: bool = False
    announced: str = ""

    __repr__ = object.__repr__  # headers and bodies may be secret, and do not belong in tracebacks

    async def receive(self) -> Message:
        """Pass on the next message of the request, and keep its part of the body."""
        message = await self.server_receive()
        if message["type"] == "http.request":
            if self.kept is None:
                self.kept = KeptBody(self.scope, message)
            else:
                self.kept.add(message)
        return message

    # This method is not async, because most messages need no awaiting and a coroutine for each
    # would cost time.
    def send(self, message: Message) -> Awaitable[None]:
        """Pass on the next message of the response. At the first one, log the predictions."""
        if message["type"] != _START or not (self.pending or self.announced):
            return self.server_send(message)
        pending, self.pending = self.pending, []
        headers = {PREDICTION_ID_HEADER: self.announced} if self.announced else {}
        self.announced = ""
        if message["status"] >= _ERROR_STATUS:
            return self.server_send(message)
        if self.awaits or self._takes_long():
            return self._send_after_awaiting(message, pending, headers)
        for each in pending:
            headers = each.log()
        return self.server_send(_with_headers(message, headers))

    async def _send_after_awaiting(
        self, message: Message, pending: list[PendingPrediction], headers: Mapping[str, str]
    ) -> None:
        for each in pending:
            headers = await each.log_awaiting()
        await self.server_send(_with_headers(message, headers))

    def _takes_long(self) -> bool:
        return self.kept is not None and self.kept.takes_long

    async def run(self, work: Callable[[], T]) -> T:
        """Return the result of the work, which runs in a thread if the body is large."""
        if not self._takes_long():
            return work()
        # Python's parsers do not let other threads run, so two at a time would stop the event loop
        # for twice as long.
        return await anyio.to_thread.run_sync(work, limiter=self.limiter)

    def log_when_answered(self, pending: PendingPrediction) -> None:
        """Log the prediction when the response starts, unless it is an error."""
        pending.runner = self
        self.pending.append(pending)
        self.awaits = self.awaits or pending.may_await

    def announce(self, pending: PendingPrediction) -> None:
        """Add the id of a prediction that is logged when the stream of the response ends."""
        pending.runner = self
        self.announced = pending.id

    def release(self) -> None:
        """Drop the body when the request has ended.

        The server may keep the request's context, and with it the exchange, as long as the
        connection is open.
        """
        self.kept = self.outer = None

    def request(self) -> Request:
        """Return the request. Its body is the one that the endpoint already read."""
        return Request(self.scope, self._body().receive)

    def body(self) -> bytes | bytearray:
        """Return the body that the endpoint read."""
        return self._body().content()

    def content_encoding(self) -> str:
        """Return the request's `Content-Encoding`, or an empty text."""
        return self._body().content_encoding()

    def _body(self) -> KeptBody:
        return self.kept if self.kept is not None else KeptBody(self.scope, _NOTHING_READ)

    def content(self, returned: Any) -> Any:
        """Return the endpoint's return value, or its content if it is a response."""
        if not isinstance(returned, Response):
            return returned
        data: Any = getattr(returned, "body", None)  # a streaming response has none
        return Content(data if data is None or type(data) is bytes else bytes(data))

    def media_type(self, returned: Any) -> str:
        """Return the content type of the response that the endpoint returned."""
        return str(returned.headers.get("content-type", ""))


def _with_headers(message: Message, headers: Mapping[str, str]) -> Message:
    """Return a copy of a message in which some headers are set.

    The message itself must not change, because an application may send the same one repeatedly.
    """
    raw: Iterable[_Header] = message.get("headers", ())
    for name, value in headers.items():
        ours = _RAW[name]
        raw = [each for each in raw if each[0].lower() != ours]
        raw.append((ours, value.encode("latin-1")))
    return {**message, "headers": raw}


_RAW = {name: name.lower().encode() for name in (PREDICTION_ID_HEADER, PREDICTION_COUNT_HEADER)}
