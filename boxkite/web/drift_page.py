"""The drift page, whatever the framework: a request's path and query in, an answer out."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from boxkite.errors import ConfigError
from boxkite.report.cards import Choice
from boxkite.report.live_report import name_of
from boxkite.report.rendering import asset, check_installed, page_html
from boxkite.web.protection import ProtectedPage, Protection

if TYPE_CHECKING:
    from boxkite.monitor import Monitor

__all__ = ["DriftPage", "PageAnswer", "drift_page"]

_WINDOWS = ("1h", "6h", "1d", "7d")
_MOST_CARDS = 5000
_ASSETS = {
    "style.css": "text/css; charset=utf-8",
    "script.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True)
class PageAnswer:
    """What to answer.

    Attributes:
        status: of HTTP.
        body: as bytes.
        headers: by name, the content type among them.
    """

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


class DriftPage(ProtectedPage):
    """One path of an application, and what is below it, for all of its models.

    Args:
        path: of the application.
        protection: of the page.
        monitors: returns the application's, one a model.
    """

    setting = "DRIFT_PATH"

    def __init__(
        self, path: str, protection: Protection, monitors: Callable[[], Iterable[Monitor]]
    ) -> None:
        super().__init__(path.rstrip("/"), protection, self._report)
        self._monitors = monitors

    def answer(self, prefix: str, path: str, query: Mapping[str, str]) -> PageAnswer:
        """Return the answer to a request.

        Args:
            prefix: under which the application is mounted.
            path: what follows the page's own.
            query: of the request, as of `drift_page`.
        """
        return drift_page(list(self._monitors()), f"{prefix}{self.path}", path, query)

    def _report(self, error: Exception) -> None:
        next(iter(self._monitors())).reporter.report("export", error, "authorize")


def drift_page(
    monitors: Sequence[Monitor], base: str, path: str, query: Mapping[str, str]
) -> PageAnswer:
    """Return the answer to a request below the drift page's path.

    Args:
        monitors: of the application, one a model.
        base: where the page is, with the prefix of the application, without a slash at its end.
        path: what follows in the request's path: "" for the page, `drift.json`, or a file of it.
        query: of the request: `window`, `model`, `q`, `role`, `verdict`, `variable`, `limit`.
    """
    path = path.strip("/")
    if path in _ASSETS:
        return _answer(200, _asset(path), _ASSETS[path], "max-age=3600")
    if path not in ("", "drift.json"):
        return _answer(404, b"not found\n", "text/plain; charset=utf-8")
    models = {monitor.baseline.model: monitor for monitor in monitors}
    monitor = models.get(query.get("model", "")) or monitors[0]
    window = query.get("window", "")
    try:
        check_installed()
    except ConfigError as error:
        if not path:
            return _told(501, error)
    try:
        if path:
            content = msgspec.json.encode(monitor.drift(window or None).as_dict())
            return _answer(200, content, "application/json")
        shown = page_html(
            monitor.report(window or None),
            _choice(query),
            base=base,
            window=window,
            windows=_windows(window),
            models=sorted(models),
        )
    except ConfigError as error:
        return _told(400, error)
    return _answer(200, shown.encode("utf-8", "replace"), "text/html; charset=utf-8")


def _choice(query: Mapping[str, str]) -> Choice:
    limit = query.get("limit", "")
    known = limit.isascii() and limit.isdecimal()
    return Choice(
        text=query.get("q", ""),
        role=query.get("role", ""),
        verdict=query.get("verdict", ""),
        variable=query.get("variable", ""),
        limit=min(int(limit), _MOST_CARDS) if known else Choice.limit,
    )


def _windows(chosen: str) -> list[tuple[str, str]]:
    """Return the windows to choose from, one that somebody wrote into the address too."""
    others = [] if chosen in ("", *_WINDOWS) else [chosen]
    return [("", "since the start"), *((each, name_of(each)) for each in (*_WINDOWS, *others))]


@functools.cache
def _asset(name: str) -> bytes:
    return asset(name).encode()


def _told(status: int, error: Exception) -> PageAnswer:
    return _answer(status, f"{error}\n".encode(), "text/plain; charset=utf-8")


def _answer(status: int, body: bytes, kind: str, caching: str = "no-store") -> PageAnswer:
    headers = {"Content-Type": kind, "Cache-Control": caching, **_HEADERS}
    return PageAnswer(status, body, headers)
