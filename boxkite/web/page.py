"""A page that boxkite adds to an application, and who may see what on it."""

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
        accept: The `Accept` header, or an empty text.
        accept_encoding: The `Accept-Encoding` header, or an empty text.
        prefix: The path under which the application is mounted; `SCRIPT_NAME` in WSGI, `root_path`
            in ASGI.
        rest: The part of the path below the page's own path.
        authorization: The `Authorization` header, or an empty text.
        cookies: The `Cookie` header, or an empty text.
        method: "GET", "HEAD" or "POST".
        body: The body of a POST, of which an adapter reads at most `MAX_FORM_BYTES` + 1.
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
    """An answer that takes time to render. Equal requests at the same time share it.

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
        """Name the route, other than boxkite's own, that answers GET at a path."""


class Guarded(NamedTuple):
    """A monitor that a page shows, and the conditions for access to it.

    Attributes:
        monitor: The monitor.
        protection: The conditions.
    """

    monitor: Monitor
    protection: Protection


Verdicts: TypeAlias = Sequence[tuple[Authorize, object]]
"""Callables that decide about a request, with what each of them returned or raised."""

_PLAIN = {"Content-Type": "text/plain; charset=utf-8"}
# Refusals reveal nothing about the service.
_BUSY = PageAnswer(503, b"busy: ask again in a second\n", {**_PLAIN, "Retry-After": "1"})
_UNAUTHORIZED = PageAnswer(401, b"unauthorized\n", {**_PLAIN, "WWW-Authenticate": "Bearer"})
_FORBIDDEN = PageAnswer(403, b"forbidden\n", _PLAIN)


class Page(ABC):
    """A page at one path of an application.

    An adapter answers a request in three steps: it takes the callables from `to_ask`, calls each
    with the framework's request, and passes all of them to `respond` with their verdicts. If that
    returns a `Rendering`, it lets at most `threads` threads render at a time, so that pages leave
    threads for predictions.

    Args:
        path: The path.

    Attributes:
        name: The page's name, for the names of its routes.
        setting: The setting that holds the path.
        methods: The methods that the page answers.
        has_subpaths: Whether the page also answers below its path.
        threads: The most threads of the server that may render the page at the same time.
        busy: The answer for a further request, if a server cannot let it wait without a thread.
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
        """Return the monitors on the page, with the conditions for access to each."""

    @abstractmethod
    def answer(self, request: PageRequest, monitors: Sequence[Monitor]) -> PageAnswer:
        """Return the answer to a request that may see some of the monitors.

        Args:
            request: The request.
            monitors: The monitors that it may see, at least one.
        """

    @abstractmethod
    def key(self, request: PageRequest) -> Hashable:
        """Return what the answer depends on, apart from the monitors."""

    def to_ask(self, request: PageRequest) -> list[Authorize]:
        """Return the callables whose verdicts `respond` needs, each of them once."""
        asked: list[Authorize] = []
        for _, protection in self.guarded():
            authorize = protection.authorize
            known = authorize is None or any(authorize is each for each in asked)
            if authorize is not None and not known and self._has_token(request, protection):
                asked.append(authorize)
        return asked

    def respond(self, request: PageRequest, verdicts: Verdicts = ()) -> PageAnswer | Rendering:
        """Return the answer to a request: the monitors that it may see, or a refusal.

        This does not block.

        Any verdict but `True` denies access, because a response or a coroutine would also be true.

        Args:
            request: The request.
            verdicts: Each callable of `to_ask` with what it returned, or with the exception that it
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
