"""A page that boxkite adds to an application. It decides who may see which models."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple, Protocol, TypeAlias

from boxkite.errors import ConfigError
from boxkite.monitor import Monitor
from boxkite.prometheus.sharing import SharedWork
from boxkite.web.protection import Authorize, Protection

__all__ = ["Guarded", "Page", "PageAnswer", "PageRequest", "Rendering", "Routes", "Verdicts"]


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
        accept: The `Accept` header, or an empty string.
        accept_encoding: The `Accept-Encoding` header, or an empty string.
        prefix: The path under which the application is mounted; `SCRIPT_NAME` in WSGI, `root_path`
            in ASGI.
        rest: The part of the path below the page's own path.
        authorization: The `Authorization` header, or an empty string.
        cookies: The `Cookie` header, or an empty string.
        method: "GET", "HEAD" or "POST".
        body: The body of a POST. An adapter reads at most `MAX_FORM_BYTES` + 1 bytes of it.
        is_secure: Whether the request came through HTTPS.
    """

    query: Mapping[str, Sequence[str]]
    accept: str = ""
    accept_encoding: str = ""
    prefix: str = ""
    rest: str = ""
    authorization: str = ""
    cookies: str = field(default="", repr=False)
    method: str = "GET"
    body: bytes = field(default=b"", repr=False)
    is_secure: bool = False


class Rendering:
    """An answer that takes time to render. Simultaneous equal requests share it.

    Args:
        shared: Shares the answer.
        key: Identifies the answer.
        work: Renders it.
    """

    def __init__(
        self, shared: SharedWork[PageAnswer], key: Hashable, work: Callable[[], PageAnswer]
    ) -> None:
        self._shared = shared
        self._work = work
        self._run = shared.join(key)

    def render(self) -> PageAnswer:
        """Return the answer. This blocks, so an async framework calls it in a thread."""
        return self._shared.finish(self._run, self._work)


class Routes(Protocol):
    """The routes of an application."""

    def route_at(self, path: str) -> str | None:
        """Name the route of the application that answers GET at a path; None if there is none."""


class Guarded(NamedTuple):
    """A monitor that a page shows, and the conditions for access to it.

    Attributes:
        monitor: The monitor.
        protection: The conditions.
    """

    monitor: Monitor
    protection: Protection


Verdicts: TypeAlias = Sequence[tuple[Authorize, object]]
"""The callables that decide about a request, each with what it returned or raised."""

_PLAIN = {"Content-Type": "text/plain; charset=utf-8"}
# Refusals reveal nothing about the service.
_BUSY = PageAnswer(503, b"busy: ask again in a second\n", {**_PLAIN, "Retry-After": "1"})
_UNAUTHORIZED = PageAnswer(401, b"unauthorized\n", {**_PLAIN, "WWW-Authenticate": "Bearer"})
_FORBIDDEN = PageAnswer(403, b"forbidden\n", _PLAIN)


class Page(ABC):
    """A page at one path of an application.

    An adapter answers a request in three steps. It gets the callables from `to_ask`, calls each
    with the framework's request, and passes them with their verdicts to `respond`. If `respond`
    returns a `Rendering`, the adapter renders it, in at most `threads` threads at a time, so that
    predictions have threads left.

    Args:
        path: The path.

    Attributes:
        name: The page's name, from which its routes are named.
        setting: The setting that holds the path.
        methods: The methods that the page answers.
        has_subpaths: Whether the page also answers below its path.
        threads: Number of the server's threads that may render the page at the same time.
        busy: The answer to a further request, if the server cannot make it wait without a thread.
    """

    name: ClassVar[str]
    setting: ClassVar[str]
    methods: ClassVar[tuple[str, ...]] = ("GET", "HEAD")
    has_subpaths: ClassVar[bool] = False
    threads: ClassVar[int] = 2
    busy: ClassVar[PageAnswer] = _BUSY

    def __init__(self, path: str) -> None:
        self.path = path
        self._shared: SharedWork[PageAnswer] = SharedWork()

    @abstractmethod
    def guarded(self) -> Sequence[Guarded]:
        """Return the monitors on the page, each with its conditions for access."""

    @abstractmethod
    def answer(self, request: PageRequest, monitors: Sequence[Monitor]) -> PageAnswer:
        """Return the answer to a request that is allowed to see these monitors.

        Args:
            request: The request.
            monitors: The monitors that it may see, at least one.
        """

    @abstractmethod
    def key(self, request: PageRequest) -> Hashable:
        """Return a key for the answer. Equal keys and equal monitors give equal answers."""

    def to_ask(self, request: PageRequest) -> list[Authorize]:
        """Return the callables whose verdicts `respond` needs, without duplicates."""
        asked: list[Authorize] = []
        for _, protection in self.guarded():
            authorize = protection.authorize
            known = authorize is None or any(authorize is each for each in asked)
            if authorize is not None and not known and self._has_token(request, protection):
                asked.append(authorize)
        return asked

    def respond(self, request: PageRequest, verdicts: Verdicts = ()) -> PageAnswer | Rendering:
        """Return the page with the monitors that a request may see, or a refusal.

        This does not block.

        Only `True` grants access. Testing for truth would not do, because responses and coroutines
        are true as well.

        Args:
            request: The request.
            verdicts: Each callable from `to_ask`, with what it returned or the exception that it
                raised.
        """
        granting = [authorize for authorize, verdict in verdicts if self._grants(verdict)]
        admitted: list[Monitor] = []
        has_any_token = False
        for monitor, protection in self.guarded():
            if not self._has_token(request, protection):
                continue
            has_any_token = True
            authorize = protection.authorize
            if authorize is None or any(authorize is each for each in granting):
                admitted.append(monitor)
        if admitted:
            key = (*map(id, admitted), self.key(request))
            return Rendering(self._shared, key, lambda: self.answer(request, admitted))
        return _FORBIDDEN if has_any_token else self.refuse(request)

    def refuse(self, request: PageRequest) -> PageAnswer:  # noqa: ARG002 - some pages need it
        """Return the answer to a request without a token."""
        return _UNAUTHORIZED

    def _has_token(self, request: PageRequest, protection: Protection) -> bool:
        return protection.accepts(request.authorization)

    def _grants(self, verdict: object) -> bool:
        if isinstance(verdict, bool):
            return verdict
        problem = (
            verdict
            if isinstance(verdict, Exception)
            else TypeError(f"it returned a {type(verdict).__name__}; return True or False")
        )
        self.guarded()[0].monitor.reporter.report("export", problem, "authorize")
        return False

    def refuse_path(self, routes: Routes) -> None:
        """Raise an error if the application already has a route at the page's path.

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
