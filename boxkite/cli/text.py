"""Text of any origin, made harmless for a terminal."""

from boxkite.drawing.printable import one_line

__all__ = ["one_line"]
