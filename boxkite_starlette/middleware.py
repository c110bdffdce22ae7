"""The ASGI middleware that opens an exchange for each request, and the wrapped lifespan."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import anyio.to_thread
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from boxkite.adapters import Models
from boxkite_starlette.exchange import StarletteExchange, current_exchange

__all__ = ["BoxkiteMiddleware", "wrap_lifespan"]

_OUTER = "boxkite.exchange"


@dataclass(frozen=True)
class BoxkiteMiddleware:
    """Opens an exchange for each HTTP request, and passes other scopes unchanged.

    The exchange holds all state of the request, so the middleware has none.

    Attributes:
        app: The application behind the middleware.
        models: The models of the application.
        start: Called once, when Starlette makes the middleware.
        limiter: Lets one large request at a time be logged in a thread.
    """

    app: ASGIApp
    models: Models
    start: Callable[[Models], None] = lambda _: None
    limiter: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(1))

    def __post_init__(self) -> None:
        """Tell that the server has started."""
        self.start(self.models)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one connection to the application."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        exchange = StarletteExchange(
            self.models, scope, receive, send, self.limiter, scope.get(_OUTER)
        )
        # The scope tells which exchange is around this one. The context variable cannot: when
        # uvicorn resumes reading, the next request of the connection gets this one's context.
        scope[_OUTER] = exchange
        token = current_exchange.set(exchange)
        try:
            await self.app(scope, exchange.receive, exchange.send)
        finally:
            current_exchange.reset(token)
            scope[_OUTER] = exchange.outer
            exchange.release()


def wrap_lifespan(app: Starlette, models: Models) -> None:
    """Close the monitors when the application's own lifespan has ended."""
    own = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(scope_app: Any) -> AsyncGenerator[Any, None]:
        try:
            async with own(scope_app) as state:
                yield state
        finally:
            # Close in a thread, because closing may wait for a slow sink. Use a limiter of its own,
            # because sync endpoints may hold all threads of the default limiter.
            limiter = anyio.CapacityLimiter(1)
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(models.close, limiter=limiter)

    app.router.lifespan_context = lifespan
