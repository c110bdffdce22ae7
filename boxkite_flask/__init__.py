"""boxkite for Flask: set up an application with `Boxkite(app)`, decorate views with `predict`."""

from boxkite_flask.extension import Boxkite

__all__ = ["Boxkite"]
