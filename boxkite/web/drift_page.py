"""The drift page: the state of each variable as HTML, and as JSON."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

import msgspec

from boxkite.errors import ConfigError
from boxkite.monitor import Monitor
from boxkite.report.cards import Choice
from boxkite.report.live_report import name_of
from boxkite.report.rendering import asset, check_installed, page_html
from boxkite.web.page import Page, PageAnswer, PageRequest, Protection

__all__ = ["DriftPage", "drift_page"]

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


class DriftPage(Page):
    """One path that shows the drift of all models of an application, and the files below it.

    Args:
        path: The path in the application.
        protection: The conditions for access.
        models: The application's monitors by model. Models that are added later are shown too.
    """

    name = "drift"
    setting = "DRIFT_PATH"
    has_subpaths = True

    def __init__(self, path: str, protection: Protection, models: Mapping[str, Monitor]) -> None:
        super().__init__(path.rstrip("/"), protection, models.values())

    def answer(self, request: PageRequest) -> PageAnswer:
        """Return the page, its data as `drift.json`, or one of its files."""
        query = {name: values[0] for name, values in request.query.items() if values}
        return drift_page(list(self._monitors), f"{request.prefix}{self.path}", request.rest, query)


def drift_page(
    monitors: Sequence[Monitor], base: str, path: str, query: Mapping[str, str]
) -> PageAnswer:
    """Return the answer to a request for the drift page, or for a path below it.

    Args:
        monitors: The application's monitors, one for each model.
        base: The address of the page, with the application's prefix and no slash at its end.
        path: The part of the path below the page: empty for the page itself, "drift.json", or the
            name of a file.
        query: The parameters `window`, `model`, `q`, `role`, `verdict`, `variable` and `limit`.
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
        if not path:  # the JSON needs no Jinja
            return _problem(501, error)
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
        return _problem(400, error)
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
    """Return the windows to choose from, including one that was typed into the address."""
    others = [] if chosen in ("", *_WINDOWS) else [chosen]
    return [("", "since the start"), *((each, name_of(each)) for each in (*_WINDOWS, *others))]


@functools.cache
def _asset(name: str) -> bytes:
    return asset(name).encode()


def _problem(status: int, error: Exception) -> PageAnswer:
    return _answer(status, f"{error}\n".encode(), "text/plain; charset=utf-8")


def _answer(status: int, body: bytes, kind: str, caching: str = "no-store") -> PageAnswer:
    headers = {"Content-Type": kind, "Cache-Control": caching, **_HEADERS}
    return PageAnswer(status, body, headers)
