"""Show the examples in the help of a command as code.

The help of a command is plain text for the terminal. A line with a backspace marks the lines after
it as a block that must not be wrapped, such as an example or a list of exit codes. sphinx-click
puts a bar before each line of the block. Here the block becomes code, so that `*` is no markup.
"""

from __future__ import annotations

import click
from sphinx.application import Sphinx

BAR = "| "


def show_as_code(_app: Sphinx, _context: click.Context, lines: list[str]) -> None:
    """Replace each block of lines with bars by its first line and code, in place."""
    shown: list[str] = []
    in_block = False
    for line in lines:
        if not line.startswith(BAR):
            in_block = False
            shown.append(line)
        elif in_block:
            shown.append("   " + line.removeprefix(BAR).removeprefix("  "))
        else:
            in_block = True
            shown += [line.removeprefix(BAR).strip(), "", ".. code-block:: text", ""]
    lines[:] = shown


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension with Sphinx."""
    app.connect("sphinx-click-process-description", show_as_code)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
