"""boxkite for Starlette and FastAPI: `Boxkite(app)` and `@monitor.predict(...)`."""

from boxkite_starlette.extension import Boxkite

__all__ = ["Boxkite"]
