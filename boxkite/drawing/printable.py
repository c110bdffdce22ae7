"""Text of any origin, made safe to print on a terminal and to put into XML."""

__all__ = ["one_line"]


def one_line(text: str) -> str:
    """Return text with each unprintable character, such as a line break, as its escape code."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)
