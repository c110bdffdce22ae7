"""The route that answers a scrape."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

import boxkite

__all__ = ["add_metrics_route"]


def add_metrics_route(app: Starlette, path: str, monitor: boxkite.Monitor) -> None:
    """Show the monitor at exactly `path`, by GET and HEAD; rendered off the event loop."""

    async def metrics(request: Request) -> Response:
        token = monitor.settings.metrics_token
        if not boxkite.is_authorized(request.headers.get("authorization"), token):
            return Response("unauthorized\n", 401, {"WWW-Authenticate": "Bearer"})
        scrape = await run_in_threadpool(
            monitor.export,
            accept=request.headers.get("accept", ""),
            accept_encoding=request.headers.get("accept-encoding", ""),
            names=request.query_params.getlist("name[]"),
        )
        return Response(scrape.body, headers=scrape.headers)

    # First, since a mount of "/" that stands before it would take its requests.
    app.router.routes.insert(0, Route(path, metrics, methods=["GET"], include_in_schema=False))
