"""The blueprint that answers a scrape."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, request

import boxkite

__all__ = ["metrics_blueprint"]


def metrics_blueprint(path: str) -> Blueprint:
    """Return a blueprint that shows the application's monitor at `path`."""
    # An application may well have a blueprint "boxkite" of its own.
    blueprint = Blueprint("boxkite_flask", __name__)

    @blueprint.get(path)
    def metrics() -> Response:
        monitor: boxkite.Monitor = current_app.extensions["boxkite"]
        token = monitor.settings.metrics_token
        if not boxkite.is_authorized(request.headers.get("Authorization"), token):
            return Response("unauthorized\n", 401, {"WWW-Authenticate": "Bearer"})
        scrape = monitor.export(
            accept=request.headers.get("Accept", ""),
            accept_encoding=request.headers.get("Accept-Encoding", ""),
            names=request.args.getlist("name[]"),
        )
        return Response(scrape.body, headers=scrape.headers)

    return blueprint
