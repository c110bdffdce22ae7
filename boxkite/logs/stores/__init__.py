"""Stores of log files: a local folder, or a bucket of an object store."""

from boxkite.logs.stores.store_url import open_store

__all__ = ["open_store"]
