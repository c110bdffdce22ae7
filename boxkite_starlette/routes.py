"""The routes of our pages: the metrics, and the drift page."""

from __future__ import annotations

from dataclasses import dataclass
from inspect import isawaitable, iscoroutinefunction
from typing import Any, ClassVar

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import Receive, Scope, Send

import boxkite

__all__ = ["mount_page"]


def mount_page(app: Starlette, page: boxkite.ProtectedPage) -> None:
    """Show a page at exactly its path, and a drift page below it too.

    Raises:
        ConfigError: if the path leads elsewhere already.
    """
    other = _other_route(app.router.routes, page.path)
    if other is not None:
        raise boxkite.ConfigError(boxkite.taken(page, other))
    is_drift = isinstance(page, boxkite.DriftPage)
    endpoint = _Drift(page) if is_drift else _Metrics(page)
    paths = [page.path, page.path + "/{rest:path}"] if is_drift else [page.path]
    # First, since a mount of "/" that stands before it would take its requests.
    app.router.routes[:0] = [
        Route(path, endpoint, name=endpoint.name, include_in_schema=False) for path in paths
    ]


@dataclass(frozen=True)
class _Endpoint:
    """Answers GET and HEAD with a page, rendered off the event loop.

    Attributes:
        page: that is shown.
    """

    page: Any
    name: ClassVar[str]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if request.method not in ("GET", "HEAD"):
            response = Response("method not allowed\n", 405, {"Allow": "GET, HEAD"}, "text/plain")
        else:
            response = await self._answer(request)
        if request.method == "HEAD":
            response.body = b""  # the headers say what GET would bring
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        page = self.page
        if not page.protection.takes(request.headers.get("authorization")):
            return _refused(boxkite.UNAUTHORIZED)
        if not await _is_authorized(page, request):
            return _refused(boxkite.FORBIDDEN)
        return await self._shown(request)

    async def _shown(self, request: Request) -> Response:
        raise NotImplementedError


class _Metrics(_Endpoint):
    """The metrics."""

    name = "boxkite_metrics"

    async def _shown(self, request: Request) -> Response:
        page: boxkite.MetricsPage = self.page
        page.look_once(lambda: _other_route(request.app.routes, page.path))
        scrape = await run_in_threadpool(
            page.export,
            request.headers.get("accept", ""),
            request.headers.get("accept-encoding", ""),
            request.query_params.getlist("name[]"),
        )
        return Response(scrape.body, headers=scrape.headers)


class _Drift(_Endpoint):
    """The drift page, and the files that it refers to."""

    name = "boxkite_drift"

    async def _shown(self, request: Request) -> Response:
        page: boxkite.DriftPage = self.page
        answer = await run_in_threadpool(
            page.answer,
            request.scope.get("root_path", ""),
            request.path_params.get("rest", ""),
            dict(request.query_params),
        )
        return Response(answer.body, answer.status, answer.headers)


async def _is_authorized(page: boxkite.ProtectedPage, request: Request) -> bool:
    authorize = page.protection.authorize
    if authorize is None:
        return True
    verdict: Any
    try:
        if iscoroutinefunction(authorize) or iscoroutinefunction(type(authorize).__call__):
            verdict = await authorize(request)
        else:
            verdict = await run_in_threadpool(authorize, request)
            verdict = await verdict if isawaitable(verdict) else verdict
    except Exception as error:  # noqa: BLE001 - it is the user's code
        verdict = error
    return page.admits(verdict)


def _refused(refusal: boxkite.Refusal) -> Response:
    return Response(refusal.body, refusal.status, refusal.headers)


def _other_route(routes: list[BaseRoute], path: str) -> str | None:
    """Return what takes the path by GET, or has the paths below it, and is not ours."""
    for route in routes:
        if isinstance(route, Mount) and route.path == path:
            return f"the mount {route.name!r}" if route.name else "a mount"
        if isinstance(route, Route) and route.path == path:
            ours = isinstance(route.endpoint, _Endpoint)
            if not ours and "GET" in (route.methods or {"GET"}):
                return f"the route {route.name!r}"
    return None
