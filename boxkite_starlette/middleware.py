"""The ASGI middleware: an exchange object a request, so that it holds no state itself."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

import boxkite
from boxkite_starlette.exchange import Exchange, current_exchange

__all__ = ["BoxkiteMiddleware"]


@dataclass(frozen=True)
class BoxkiteMiddleware:
    """Opens an exchange for each HTTP request; other scopes pass untouched.

    Attributes:
        app: the application behind it.
        models: of the application, whose monitors count the predictions.
    """

    app: ASGIApp
    models: boxkite.Models

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one connection on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        exchange = Exchange(self.models, scope, receive, send, current_exchange.get())
        token = current_exchange.set(exchange)
        try:
            await self.app(scope, exchange.receive, exchange.send)
        finally:
            current_exchange.reset(token)
