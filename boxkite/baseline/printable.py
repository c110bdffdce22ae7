"""Text of any origin, made harmless for a terminal and for XML."""

__all__ = ["one_line"]


def one_line(text: str) -> str:
    """Return text without line breaks, escape codes and other characters that do not print."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)
