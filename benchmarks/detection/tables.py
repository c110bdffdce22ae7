"""Tables as Markdown has them."""

from __future__ import annotations

__all__ = ["heading", "line"]


def heading(*titles: str) -> None:
    """Print the first two lines of a table."""
    print("| " + " | ".join(titles) + " |")
    print("|---" * len(titles) + "|", flush=True)


def line(*columns: str) -> None:
    """Print a row."""
    print("| " + " | ".join(columns) + " |", flush=True)
