"""A page that boxkite adds to an application, and the conditions for access to it."""

from __future__ import annotations

import secrets
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, TypeAlias

from boxkite.errors import ConfigError
from boxkite.monitor import Monitor

__all__ = ["Authorize", "Page", "PageAnswer", "PageRequest", "Protection", "Routes"]

Authorize: TypeAlias = Callable[[Any], bool | Awaitable[bool]]
"""Decides about access to a page: called with the framework's request, sync or async."""


def _no_headers() -> dict[str, str]:
    return {}


@dataclass(frozen=True)
class PageAnswer:
    """The response to a request for a page.

    Attributes:
        status: HTTP status.
        body: Content as bytes.
        headers: Headers by name, with the content type.
    """

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=_no_headers)


@dataclass(frozen=True)
class PageRequest:
    """A request for a page, as an adapter hands it over.

    Attributes:
        query: Values of the query string by name.
        accept: The `Accept` header, or an empty text.
        accept_encoding: The `Accept-Encoding` header, or an empty text.
        prefix: The path under which the application is mounted; `SCRIPT_NAME` in WSGI, `root_path`
            in ASGI.
        rest: The part of the path below the page's own path.
    """

    query: Mapping[str, Sequence[str]]
    accept: str = ""
    accept_encoding: str = ""
    prefix: str = ""
    rest: str = ""


class Routes(Protocol):
    """The routes of an application."""

    def route_at(self, path: str) -> str | None:
        """Name the route, other than boxkite's own, that answers GET at a path."""


_PLAIN = {"Content-Type": "text/plain; charset=utf-8"}
# Refusals reveal nothing about the service.
_UNAUTHORIZED = PageAnswer(401, b"unauthorized\n", {**_PLAIN, "WWW-Authenticate": "Bearer"})
_FORBIDDEN = PageAnswer(403, b"forbidden\n", _PLAIN)


@dataclass(frozen=True)
class Protection:
    """The conditions for access to a page.

    Attributes:
        token: The bearer token that a request must carry; None or an empty text for no token.
        authorize: A callable that returns True for a request that may see the page; None if all
            may see it.
    """

    token: str | None = None
    authorize: Authorize | None = None

    def accepts(self, authorization: str | None) -> bool:
        """Return whether an `Authorization` header carries the token."""
        if not self.token:
            return True
        scheme, _, given = (authorization or "").partition(" ")
        # A plain comparison stops at the first wrong character, so its duration would reveal the
        # token.
        return scheme.lower() == "bearer" and secrets.compare_digest(
            given.encode(), self.token.encode()
        )


class Page(ABC):
    """A page at one path of an application.

    Args:
        path: The path.
        protection: The conditions for access.
        monitors: The monitors that the page shows. More may be added to the collection later.

    Attributes:
        name: The page's name, for the names of its routes.
        setting: The setting that holds the path.
        has_subpaths: Whether the page also answers below its path.
    """

    name: ClassVar[str]
    setting: ClassVar[str]
    has_subpaths: ClassVar[bool] = False

    def __init__(self, path: str, protection: Protection, monitors: Collection[Monitor]) -> None:
        self.path = path
        self.protection = protection
        self._monitors = monitors

    @property
    def authorize(self) -> Authorize | None:
        """The callable that decides about each request; pass its verdict to `refuse_verdict`."""
        return self.protection.authorize

    @abstractmethod
    def answer(self, request: PageRequest) -> PageAnswer:
        """Return the answer to a request that may see the page."""

    def refuse_token(self, authorization: str | None) -> PageAnswer | None:
        """Return a 401 unless the request carries the token.

        Args:
            authorization: The request's `Authorization` header.
        """
        return None if self.protection.accepts(authorization) else _UNAUTHORIZED

    def refuse_verdict(self, verdict: object) -> PageAnswer | None:
        """Return a 403 unless `authorize` returned True.

        Any other return value, or an exception, denies access, because a response or a coroutine
        would also be true. It is reported too, unless it is False.

        Args:
            verdict: The value that `authorize` returned, or the exception that it raised.
        """
        if verdict is True:
            return None
        if verdict is not False:
            problem = (
                verdict
                if isinstance(verdict, Exception)
                else TypeError(f"it returned a {type(verdict).__name__}; return True or False")
            )
            self._first.reporter.report("export", problem, "authorize")
        return _FORBIDDEN

    def refuse_path(self, routes: Routes) -> None:
        """Refuse the path if the application already has a route there.

        Raises:
            ConfigError: if there is a route. The message names it.
        """
        problem = self._conflict(routes)
        if problem is not None:
            raise problem

    def _conflict(self, routes: Routes) -> ConfigError | None:
        other = routes.route_at(self.path)
        if other is None:
            return None
        return ConfigError(
            f"{self.setting} {self.path} is taken by {other}; set another path, or remove that "
            "route"
        )

    @property
    def _first(self) -> Monitor:
        return next(iter(self._monitors))
