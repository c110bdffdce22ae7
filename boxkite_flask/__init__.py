"""boxkite for Flask: `Boxkite(app)` and `@monitor.predict(features=..., output=...)`."""

from boxkite_flask.extension import Boxkite

__all__ = ["Boxkite"]
