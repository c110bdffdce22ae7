"""The blueprint of a page: its routes, and the check of access to it."""

from __future__ import annotations

from threading import BoundedSemaphore
from typing import Any

from flask import Blueprint, Flask, Response, current_app, request
from werkzeug.routing import Rule

from boxkite.adapters import MAX_FORM_BYTES, Authorize, Page, PageAnswer, PageRequest

__all__ = ["endpoint_at", "mount"]

_NAME = "boxkite_flask"  # an application may have a blueprint of its own named "boxkite"


def mount(app: Flask, page: Page) -> None:
    """Register a blueprint that answers with a page."""
    number = sum(name.startswith(_NAME) for name in app.blueprints)
    blueprint = Blueprint(f"{_NAME}_{number + 1}" if number else _NAME, __name__)

    # A request that waits keeps a thread of the server. So refuse it, or clients could take all
    # threads from the predictions.
    limit = BoundedSemaphore(page.threads)

    def show(rest: str = "") -> Response:
        asked = _request(rest)
        answer = page.respond(asked, [(each, _verdict(each)) for each in page.to_ask(asked)])
        if not isinstance(answer, PageAnswer):
            if not limit.acquire(blocking=False):
                answer = page.busy
            else:
                try:
                    answer = answer.render()
                finally:
                    limit.release()
        return Response(answer.body, answer.status, answer.headers)

    paths = [page.path, f"{page.path}/<path:rest>"] if page.has_subpaths else [page.path]
    for path in paths:
        blueprint.add_url_rule(
            path, view_func=show, methods=page.methods, provide_automatic_options=False
        )
    app.register_blueprint(blueprint)


def endpoint_at(app: Flask, path: str) -> str | None:
    """Name the endpoint, other than boxkite's own, whose rule for GET is exactly this path."""

    def answers(rule: Rule) -> bool:
        ours = rule.endpoint.startswith(_NAME)
        return rule.rule == path and not ours and "GET" in (rule.methods or {"GET"})

    rules = filter(answers, app.url_map.iter_rules())
    return next((f"the endpoint {rule.endpoint!r}" for rule in rules), None)


def _request(rest: str) -> PageRequest:
    return PageRequest(
        query=request.args.to_dict(flat=False),
        accept=request.headers.get("Accept", ""),
        accept_encoding=request.headers.get("Accept-Encoding", ""),
        prefix=request.script_root,
        rest=rest,
        authorization=request.headers.get("Authorization", ""),
        cookies=request.headers.get("Cookie", ""),
        method=request.method,
        body=request.stream.read(MAX_FORM_BYTES + 1) if request.method == "POST" else b"",
        is_secure=request.is_secure,
    )


def _verdict(authorize: Authorize) -> object:
    """Return the verdict of `authorize`, or the exception that it raised."""
    try:
        verdict: Any = current_app.ensure_sync(authorize)(request)
    except Exception as error:  # noqa: BLE001 - authorize is the user's code
        return error
    return verdict
