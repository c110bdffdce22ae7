"""boxkite for Flask: set an application up with `Boxkite(app)`, decorate views with `predict`."""

from boxkite_flask.extension import Boxkite

__all__ = ["Boxkite"]
