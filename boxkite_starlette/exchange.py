"""One HTTP exchange: keeps what the decorator needs of it, for as long as it lasts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextvars import ContextVar
from typing import Any, TypeAlias

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

import boxkite
from boxkite_starlette.body import KeptBody

__all__ = ["Answered", "Exchange", "current_exchange"]

current_exchange: ContextVar[Exchange | None] = ContextVar("boxkite_exchange", default=None)

_ERROR_STATUS = 400

_Header: TypeAlias = tuple[bytes, bytes]
_Finished: TypeAlias = tuple[boxkite.Monitor, boxkite.Capture, boxkite.Prediction, Any]


class Exchange:
    """Passes messages between server and application, and looks at them as they pass.

    Args:
        models: of the application.
        scope: of the request.
        receive: the server's.
        send: the server's.
    """

    __slots__ = (
        "_announced",
        "_awaits",
        "_body",
        "_finished",
        "_receive",
        "_scope",
        "_send",
        "models",
        "outer",
    )

    def __init__(self, models: boxkite.Models, scope: Scope, receive: Receive, send: Send) -> None:
        self.models = models
        self.outer = current_exchange.get()
        self._scope = scope
        self._receive = receive
        self._send = send
        self._body = KeptBody(scope)
        self._finished: list[_Finished] = []
        self._announced = ""
        self._awaits = False

    async def receive(self) -> Message:
        """Hand the next message of the request on, keeping its part of a JSON body."""
        message = await self._receive()
        if message["type"] == "http.request":
            self._body.add(message)
        return message

    def send(self, message: Message) -> Awaitable[None]:
        """Hand the next message of the response on; at its start log what was captured."""
        if self._announced and message["type"] == "http.response.start":
            if message["status"] < _ERROR_STATUS:
                message = _with_headers(message, {boxkite.PREDICTION_ID_HEADER: self._announced})
            self._announced = ""
        if self._finished and message["type"] == "http.response.start":
            finished, self._finished = self._finished, []
            if message["status"] < _ERROR_STATUS:
                if self._awaits:
                    return self._send_after_awaiting(message, finished)
                headers: dict[str, str] = {}
                for monitor, capture, prediction, returned in finished:
                    answered = Answered(returned, self._scope, self._body)
                    headers = capture.log(monitor, prediction, answered)
                message = _with_headers(message, headers)
        return self._send(message)

    async def _send_after_awaiting(self, message: Message, finished: list[_Finished]) -> None:
        headers: dict[str, str] = {}
        for monitor, capture, prediction, returned in finished:
            answered = Answered(returned, self._scope, self._body)
            headers = await capture.log_awaiting(monitor, prediction, answered)
        await self._send(_with_headers(message, headers))

    def finish(
        self,
        monitor: boxkite.Monitor,
        capture: boxkite.Capture,
        prediction: boxkite.Prediction,
        returned: Any,
    ) -> None:
        """Have the prediction logged once the status of the response is known."""
        self._finished.append((monitor, capture, prediction, returned))
        self._awaits = self._awaits or capture.may_await

    def begin(
        self,
        monitor: boxkite.Monitor,
        capture: boxkite.Capture,
        prediction: boxkite.Prediction,
        stream: Any,
    ) -> Callable[[], object]:
        """Name a prediction that is made while its answer is sent; returns what logs it."""
        self._announced = prediction.id
        answered = Answered(stream, self._scope, self._body)
        return lambda: capture.log(monitor, prediction, answered)


def _with_headers(message: Message, headers: Mapping[str, str]) -> Message:
    """Return a message with some headers set anew.

    It is a new one: the application may send the same to every client.
    """
    ours = {name.lower().encode(): value.encode("latin-1") for name, value in headers.items()}
    raw: Iterable[_Header] = message.get("headers", ())
    kept = [each for each in raw if each[0].lower() not in ours]
    return {**message, "headers": [*kept, *ours.items()]}


class Answered:
    """A request with its answer.

    Attributes:
        returned: by the endpoint.
        scope: of the request.
        kept: what the endpoint has read of the request's body.
    """

    __slots__ = ("kept", "returned", "scope")

    def __init__(self, returned: Any, scope: Scope, kept: KeptBody) -> None:
        self.returned = returned
        self.scope = scope
        self.kept = kept

    def request(self) -> Request:
        """Return the request, whose body can be read once more."""
        return Request(self.scope, self.kept.receive)

    def body(self) -> Any:
        """Return the JSON body as plain values, parsed anew at each call."""
        return self.kept.json()

    def content(self) -> Any:
        """Return the object that the endpoint returned, or the content of the response."""
        returned = self.returned
        if not isinstance(returned, Response):
            return returned
        data = getattr(returned, "body", None)
        return boxkite.Content(
            None if data is None else bytes(data),
            lambda: returned.headers.get("content-type", ""),
        )
