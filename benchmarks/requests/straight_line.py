"""The least that counting and logging may cost in a request: the same calls in one straight line.

Body and answer are parsed, a record is encoded and written to a journal, and the response gets the
header: all by the same libraries, for one view, one shape of request and one model, and nothing is
checked. What a library adds to that is the price of fitting any view.
"""

from __future__ import annotations

from contextvars import ContextVar
from pathlib import Path
from typing import Any

import msgspec
import starlette_services
from service import Service
from starlette.applications import Starlette
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from boxkite.live.identity import Identity
from boxkite.live.mapped_journal import MappedJournal

__all__ = ["straight_line"]

_SEGMENT_BYTES = 1 << 21
_parse = msgspec.json.Decoder().decode
_encode = msgspec.msgpack.Encoder().encode
_current: ContextVar[_Exchange] = ContextVar("current")


class _Exchange(msgspec.Struct, eq=False):
    journal: MappedJournal
    server_receive: Receive
    server_send: Send
    body: bytes = b""
    identity: Identity | None = None
    answer: Any = None

    async def receive(self) -> Message:
        message = await self.server_receive()
        self.body = message["body"]
        return message

    async def send(self, message: Message) -> None:
        identity = self.identity
        if identity is not None and message["type"] == "http.response.start":
            self.identity = None
            features, output = _parse(self.body)["inputs"], _parse(self.answer.body)["score"]
            fields = (identity.entity_id, identity.created_at, features, [output], None, True, ())
            self.journal.append(_encode(fields))
            named = (b"x-prediction-id", identity.prediction_id.encode())
            message = {**message, "headers": [*message["headers"], named]}
        await self.server_send(message)


def straight_line(service: Service) -> Starlette:
    """Return the service in Starlette, its predictions written to a journal that nobody reads."""
    folder = Path(service.folder, "journal")
    folder.mkdir()
    journal = MappedJournal(folder, _SEGMENT_BYTES, 1 << 30)

    async def predict(request: Any) -> Any:
        exchange = _current.get()
        exchange.identity = Identity.new("server")
        exchange.answer = await starlette_services.predict(request)
        return exchange.answer

    class Middleware:
        def __init__(self, app: ASGIApp) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            exchange = _Exchange(journal, receive, send)
            token = _current.set(exchange)
            try:
                await self.app(scope, exchange.receive, exchange.send)
            finally:
                _current.reset(token)

    app = Starlette()
    app.add_middleware(Middleware)
    app.add_route("/predict", predict, methods=["POST"])
    return app
