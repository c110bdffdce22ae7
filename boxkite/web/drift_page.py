"""The drift page: the state of each variable as HTML, and as JSON."""

from __future__ import annotations

import functools
from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from boxkite.errors import ConfigError
from boxkite.monitor import Monitor
from boxkite.quality.quality_html import QUALITY_TONES, quality_html
from boxkite.report.drift_report import Choice
from boxkite.report.live_report import name_of
from boxkite.report.rendering import QualitySection, asset, check_installed, page_html
from boxkite.report.variable_card import VERDICT_WORDS
from boxkite.web.page import Guarded, Page, PageAnswer, PageRequest, Rendering, Verdicts
from boxkite.web.protection import Protection
from boxkite.web.sign_in import form_html, has_session, new_cookie, token_of_form

__all__ = ["DriftPage", "ShownModel", "drift_page"]

_PARAMETERS = ("window", "model", "segment", "q", "role", "verdict", "variable", "limit")
_WINDOWS = ("1h", "6h", "7d")
# The page opens on the last day. Everything since the start would dilute a recent change.
_DEFAULT, _START = "1d", "start"
_MOST_CARDS = 5000
_MAX_DIGITS = 9
_MAX_SHOWN = 40
_ASSETS = {
    "style.css": "text/css; charset=utf-8",
    "script.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class ShownModel(NamedTuple):
    """A model that may be on drift pages.

    Attributes:
        monitor: Its monitor.
        protection: The model's own conditions for access.
        path: The model's own `DRIFT_PATH`. None for every drift page of the application, an empty
            text for none.
    """

    monitor: Monitor
    protection: Protection
    path: str | None


class DriftPage(Page):
    """One path that shows the drift of an application's models, and the files below it.

    Each model is shown only to those whom its own protection admits. A part that the model lacks is
    taken from the protection of the page. People sign in with a form if the page has a token.

    Args:
        path: The path in the application.
        protection: The protection of the model that asked for the page.
        models: All models of the application. More may be added to the collection later.
    """

    name = "drift"
    setting = "DRIFT_PATH"
    methods = ("GET", "HEAD", "POST")
    has_subpaths = True

    def __init__(self, path: str, protection: Protection, models: Sequence[ShownModel]) -> None:
        super().__init__(path.rstrip("/"))
        self._protection = protection
        self._models = models

    def guarded(self) -> Sequence[Guarded]:
        """Return the models that this path shows, and the models without a path."""
        return [
            Guarded(each.monitor, each.protection.or_else(self._protection))
            for each in self._models
            if each.path is None or (each.path and each.path.rstrip("/") == self.path)
        ]

    def _has_token(self, request: PageRequest, protection: Protection) -> bool:
        token = protection.token or ""
        return super()._has_token(request, protection) or has_session(token, request.cookies)

    def respond(self, request: PageRequest, verdicts: Verdicts = ()) -> PageAnswer | Rendering:
        """Return the page, or the answer to a form that signs in."""
        if request.method == "POST":
            return self._sign_in(request)
        return super().respond(request, verdicts)

    def refuse(self, request: PageRequest) -> PageAnswer:
        """Return a form to a browser, and a short refusal to any other client."""
        if "text/html" not in request.accept or request.rest.strip("/"):
            return super().refuse(request)
        return self._form(request)

    def _sign_in(self, request: PageRequest) -> PageAnswer:
        protections = [each.protection for each in self.guarded() if each.protection.token]
        if not protections or request.rest.strip("/"):
            body, allowed = b"method not allowed\n", {"Allow": "GET, HEAD"}
            return PageAnswer(405, body, {"Content-Type": "text/plain; charset=utf-8", **allowed})
        token = token_of_form(request.body)
        # Compare with all of them, so that the duration does not show which one was right.
        right = [each for each in protections if each.is_token(token)]
        if not right:
            return self._form(request, "This is not the token.")
        base = f"{request.prefix}{self.path}"
        cookie = new_cookie(token, base or "/", secure=request.is_secure)
        moved = {"Location": base or "/", "Set-Cookie": cookie, "Cache-Control": "no-store"}
        return PageAnswer(303, b"", {**_HEADERS, **moved})

    def _form(self, request: PageRequest, problem: str = "") -> PageAnswer:
        content = form_html(f"{request.prefix}{self.path}", problem).encode()
        answer = _answer(401, content, "text/html; charset=utf-8")
        return PageAnswer(401, content, {**answer.headers, "WWW-Authenticate": "Bearer"})

    def key(self, request: PageRequest) -> Hashable:
        """Return the address of the page and the parameters that it reads."""
        query = {name: values[0] for name, values in request.query.items() if values}
        return request.prefix, request.rest, tuple(query.get(name) for name in _PARAMETERS)

    def answer(self, request: PageRequest, monitors: Sequence[Monitor]) -> PageAnswer:
        """Return the page, its data as `drift.json`, or one of its files."""
        query = {name: values[0] for name, values in request.query.items() if values}
        return drift_page(monitors, f"{request.prefix}{self.path}", request.rest, query)


def drift_page(
    monitors: Sequence[Monitor], base: str, path: str, query: Mapping[str, str]
) -> PageAnswer:
    """Return the answer to a request for the drift page, or for a path below it.

    Args:
        monitors: The monitors to show, one for each model.
        base: The address of the page, with the application's prefix and no slash at its end.
        path: The part of the path below the page: empty for the page itself, "drift.json", or the
            name of a file.
        query: The parameters `window`, `model`, `segment`, `q`, `role`, `verdict`, `variable` and
            `limit`.
    """
    path = path.strip("/")
    if path in _ASSETS:
        return _answer(200, _asset(path), _ASSETS[path], "max-age=3600")
    if path not in ("", "drift.json"):
        return _answer(404, b"not found\n", "text/plain; charset=utf-8")
    models = {monitor.baseline.model: monitor for monitor in monitors}
    name = query.get("model", "")
    monitor = models.get(name) if name else monitors[0]
    if monitor is None:
        problem = LookupError(
            f"no model {name[:_MAX_SHOWN]!r} here; there is {', '.join(map(repr, models))}"
        )
        return _problem(404, problem)
    chosen, segment = query.get("window", ""), query.get("segment", "")
    window = None if chosen == _START else chosen or _DEFAULT
    try:
        check_installed()
    except ConfigError as error:
        if not path:  # the JSON needs no Jinja
            return _problem(501, error)
    try:
        if path:
            content = msgspec.json.encode(monitor.drift(window).of_segment(segment).as_dict())
            return _answer(200, content, "application/json")
        choice = _choice(query)
        shown = page_html(
            monitor.report(window, segment),
            choice,
            base=base,
            window=chosen,
            windows=_windows(chosen),
            models=sorted(models),
            segments=monitor.baseline.segment_labels,
            quality=_quality(monitor),
        )
    except ConfigError as error:
        return _problem(400, error)
    return _answer(200, shown, "text/html; charset=utf-8")


def _quality(monitor: Monitor) -> QualitySection | None:
    """Return the quality of the model; None if the service can neither measure nor estimate it."""
    try:
        quality = monitor.quality()
    except ConfigError:
        return None
    if not monitor.takes_outcomes:
        shown = quality_html(quality, segments=monitor.quality_by_segment())
        return QualitySection(shown, "estimated", "insufficient")
    shown = quality_html(
        quality, segments=monitor.quality_by_segment(), days=monitor.quality_by_day()
    )
    words = VERDICT_WORDS.get(quality.verdict, quality.verdict)
    return QualitySection(shown, words, QUALITY_TONES[quality.verdict])


def _choice(query: Mapping[str, str]) -> Choice:
    """Return which cards to show.

    Raises:
        ConfigError: if `limit` is not a number of cards.
    """
    limit = query.get("limit", "")
    # Python refuses to convert thousands of digits, so look at the length first.
    if limit and not (limit.isascii() and limit.isdecimal() and len(limit) <= _MAX_DIGITS):
        shown = limit if len(limit) <= _MAX_SHOWN else f"{limit[:_MAX_SHOWN]}…"
        raise ConfigError(f"limit is {shown!r}; use a number of cards, at most {_MOST_CARDS:,}")
    return Choice(
        text=query.get("q", ""),
        role=query.get("role", ""),
        verdict=query.get("verdict", ""),
        variable=query.get("variable", ""),
        limit=min(int(limit), _MOST_CARDS) if limit else Choice.limit,
    )


def _windows(chosen: str) -> list[tuple[str, str]]:
    """Return the windows to choose from, including one that was typed into the address."""
    others = [] if chosen in ("", _START, *_WINDOWS) else [chosen]
    lengths = [(each, name_of(each)) for each in (*_WINDOWS, *others)]
    return [("", name_of(_DEFAULT)), *lengths, (_START, "since the start")]


@functools.cache
def _asset(name: str) -> bytes:
    return asset(name).encode()


def _problem(status: int, error: Exception) -> PageAnswer:
    return _answer(status, f"{error}\n".encode(), "text/plain; charset=utf-8")


def _answer(status: int, body: bytes, kind: str, caching: str = "no-store") -> PageAnswer:
    headers = {"Content-Type": kind, "Cache-Control": caching, **_HEADERS}
    return PageAnswer(status, body, headers)
