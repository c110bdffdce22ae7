"""The blueprints of our pages: the metrics, and the drift page."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, Response, current_app, request
from werkzeug.routing import Rule

import boxkite

__all__ = ["mount"]

_NAME = "boxkite_flask"  # an application may well have a blueprint "boxkite" of its own


def mount(app: Flask, page: boxkite.ProtectedPage) -> None:
    """Register a blueprint that shows a page at its path, by GET and HEAD.

    Raises:
        ConfigError: if the path leads elsewhere already.
    """
    other = _other_endpoint(app, page.path)
    if other is not None:
        raise boxkite.ConfigError(boxkite.taken(page, other))
    number = sum(name.startswith(_NAME) for name in app.blueprints)
    blueprint = Blueprint(f"{_NAME}_{number + 1}" if number else _NAME, __name__)
    if isinstance(page, boxkite.MetricsPage):
        _add_metrics(blueprint, page)
    elif isinstance(page, boxkite.DriftPage):
        _add_drift(blueprint, page)
    app.register_blueprint(blueprint)


def _add_drift(blueprint: Blueprint, page: boxkite.DriftPage) -> None:
    @blueprint.get(page.path, provide_automatic_options=False)
    @blueprint.get(f"{page.path}/<path:rest>", provide_automatic_options=False)
    def drift(rest: str = "") -> Response:
        refusal = _refusal(page)
        if refusal is not None:
            return Response(refusal.body, refusal.status, refusal.headers)
        answer = page.answer(request.script_root, rest, request.args)
        return Response(answer.body, answer.status, answer.headers)


def _add_metrics(blueprint: Blueprint, page: boxkite.MetricsPage) -> None:
    @blueprint.get(page.path, provide_automatic_options=False)
    def metrics() -> Response:
        refusal = _refusal(page)
        if refusal is not None:
            return Response(refusal.body, refusal.status, refusal.headers)
        page.look_once(lambda: _other_endpoint(current_app, page.path))
        scrape = page.export(
            request.headers.get("Accept", ""),
            request.headers.get("Accept-Encoding", ""),
            request.args.getlist("name[]"),
        )
        return Response(scrape.body, headers=scrape.headers)


def _refusal(page: boxkite.ProtectedPage) -> boxkite.Refusal | None:
    """Return the answer to a request that may not see the page, None to one that may."""
    if not page.protection.takes(request.headers.get("Authorization")):
        return boxkite.UNAUTHORIZED
    authorize = page.protection.authorize
    if authorize is None:
        return None
    try:
        verdict: Any = current_app.ensure_sync(authorize)(request)
    except Exception as error:  # noqa: BLE001 - it is the user's code
        verdict = error
    return None if page.admits(verdict) else boxkite.FORBIDDEN


def _other_endpoint(app: Flask, path: str) -> str | None:
    """Return the endpoint, not ours, whose rule is just this path by GET."""

    def takes_it(rule: Rule) -> bool:
        ours = rule.endpoint.startswith(_NAME)
        return rule.rule == path and not ours and "GET" in (rule.methods or {"GET"})

    rules = filter(takes_it, app.url_map.iter_rules())
    return next((f"the endpoint {rule.endpoint!r}" for rule in rules), None)
