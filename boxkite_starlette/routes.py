"""The routes of a page, and the check of access to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from inspect import isawaitable, iscoroutinefunction
from typing import Any

from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import checkpoint
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.types import Receive, Scope, Send

from boxkite.adapters import (
    MAX_FORM_BYTES,
    Authorize,
    Page,
    PageAnswer,
    PageRequest,
    RegisteredView,
)

__all__ = ["mount", "registered_views", "route_at"]


_PART_BYTES = 2**16


def mount(app: Starlette, page: Page) -> None:
    """Add the routes that show a page, before all others.

    They come first because a mount at "/" would otherwise take their requests.
    """
    limit = CapacityLimiter(page.threads)
    paths = [page.path, page.path + "/{rest:path}"] if page.has_subpaths else [page.path]
    app.router.routes[:0] = [
        Route(path, _Endpoint(page, limit), name=f"boxkite_{page.name}", include_in_schema=False)
        for path in paths
    ]


def route_at(routes: Sequence[BaseRoute], path: str) -> str | None:
    """Name the route, other than boxkite's own, that takes GET at a path, or the paths below it."""
    for route in routes:
        if isinstance(route, Mount) and route.path == path:
            return f"the mount {route.name!r}" if route.name else "a mount"
        if isinstance(route, Route) and route.path == path:
            ours = isinstance(route.endpoint, _Endpoint)
            if not ours and "GET" in (route.methods or {"GET"}):
                return f"the route {route.name!r}"
    return None


def registered_views(routes: Sequence[BaseRoute]) -> Iterator[RegisteredView]:
    """Yield the endpoints of all routes, including those below mounts."""
    for route in routes:
        if isinstance(route, Route | WebSocketRoute):
            yield RegisteredView(route.endpoint, isinstance(route, WebSocketRoute))
        else:
            yield from registered_views(getattr(route, "routes", None) or [])


@dataclass(frozen=True)
class _Endpoint:
    """An ASGI application that answers with a page.

    Starlette passes requests of every method to an object, but not to a function. So a mount at "/"
    cannot answer the methods that the page does not have.

    Attributes:
        page: The page.
        limit: Limits the threads that render the page. Requests wait for it without a thread. The
            threads of sync endpoints have a limit of their own, so pages take none from them.
    """

    page: Page
    limit: CapacityLimiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        methods = self.page.methods
        if request.method not in methods:
            allowed = {"Allow": ", ".join(methods)}
            response = Response("method not allowed\n", 405, allowed, "text/plain")
        else:
            answer = await self._answer(request)
            response = _LongResponse(answer.body, answer.status, answer.headers)
        if request.method == "HEAD":
            response.body = b""  # the headers, including the length, stay the same as for GET
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> PageAnswer:
        asked = await _page_request(request)
        verdicts = [(each, await _verdict(each, request)) for each in self.page.to_ask(asked)]
        answer = self.page.respond(asked, verdicts)
        if isinstance(answer, PageAnswer):
            return answer
        # Rendering takes milliseconds, too long for the event loop.
        return await to_thread.run_sync(answer.render, limiter=self.limit)


class _LongResponse(Response):
    """A response that is sent in parts, so that other requests run in between.

    Copying a page of several megabytes into a socket takes milliseconds, and many requests that
    share a rendering send it at the same moment.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        start = {"status": self.status_code, "headers": self.raw_headers}
        await send({"type": "http.response.start", **start})
        for place in range(0, len(self.body), _PART_BYTES):
            part = bytes(self.body[place : place + _PART_BYTES])
            await send({"type": "http.response.body", "body": part, "more_body": True})
            await checkpoint()
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _page_request(request: Request) -> PageRequest:
    query = request.query_params
    return PageRequest(
        query={name: query.getlist(name) for name in query},
        accept=request.headers.get("accept", ""),
        accept_encoding=request.headers.get("accept-encoding", ""),
        prefix=request.scope.get("root_path", ""),
        rest=request.path_params.get("rest", ""),
        authorization=request.headers.get("authorization", ""),
        cookies=request.headers.get("cookie", ""),
        method=request.method,
        body=await _form(request) if request.method == "POST" else b"",
        is_secure=request.url.scheme == "https",
    )


async def _form(request: Request) -> bytes:
    """Return the body of a form, or the beginning of a longer body."""
    body = b""
    with suppress(ClientDisconnect):
        async for part in request.stream():
            body += part
            if len(body) > MAX_FORM_BYTES:
                break
    return body


async def _verdict(authorize: Authorize, request: Request) -> object:
    """Return the verdict of `authorize`, or the exception that it raised."""
    call: Any = authorize
    try:
        if iscoroutinefunction(call) or iscoroutinefunction(type(call).__call__):
            return await call(request)
        verdict = await run_in_threadpool(call, request)
        return await verdict if isawaitable(verdict) else verdict
    except Exception as error:  # noqa: BLE001 - authorize is the user's code
        return error
