"""The lifespan of an application, and the end of its monitors with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import anyio.to_thread
from starlette.applications import Starlette

import boxkite

__all__ = ["wrap_lifespan"]


def wrap_lifespan(app: Starlette, models: boxkite.Models) -> None:
    """Have the monitors closed once the application's own lifespan has ended."""
    own = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(of: Any) -> AsyncIterator[Any]:
        try:
            async with own(of) as state:
                yield state
        finally:
            # A limiter of its own: the threads of sync endpoints may all be busy, for ever.
            limiter = anyio.CapacityLimiter(1)
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(models.close, limiter=limiter)

    app.router.lifespan_context = lifespan
