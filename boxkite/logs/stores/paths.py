"""Paths of files within a store."""

from __future__ import annotations

__all__ = ["is_hidden", "parts_of"]


def parts_of(path: str) -> list[str]:
    """Return the parts of a file's path.

    Raises:
        ValueError: if it would lead out of the store, or is none.
    """
    parts = path.split("/")
    if "\0" in path or any(part in ("", ".", "..") for part in parts):
        raise ValueError(f"{path!r} is no path of a file in a store")
    return parts


def is_hidden(path: str) -> bool:
    """Tell whether any part of a path begins with a dot."""
    return path.startswith(".") or "/." in path
