"""A monitor whose predictions are kept in a list, and a client that needs no server."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

import boxkite
import boxkite_starlette


@pytest.fixture
def monitor(score_baseline: boxkite.Baseline, records: Any) -> boxkite_starlette.Boxkite:
    """An extension that no application has yet."""
    return boxkite_starlette.Boxkite(baseline=score_baseline, log=records, registry=None)


@pytest.fixture
def client_of() -> Callable[..., Any]:
    """Returns a function of an application: a client for it, as an async context."""

    @asynccontextmanager
    async def client_of(app: Any) -> AsyncIterator[httpx.AsyncClient]:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            yield client

    return client_of
