"""Where files of the log are kept: a local folder, or an object store."""

from boxkite.logs.stores.opening import open_store

__all__ = ["open_store"]
