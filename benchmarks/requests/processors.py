"""Keeps the server and the load generator on processors of their own."""

from __future__ import annotations

__all__ = ["kept_on"]


def kept_on(processor: int | None) -> list[str]:
    """Return what a command begins with to run on one processor; nothing for None."""
    return ["taskset", "--cpu-list", str(processor)] if processor is not None else []
