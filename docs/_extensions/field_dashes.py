"""Show a dash between the name of a parameter and its meaning, where Sphinx has two hyphens.

`smartquotes` would do that too, but it would also change `--option` in the help of the commands.
"""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx


def replace_hyphens(_app: Sphinx, document: nodes.document) -> None:
    """Replace ` -- ` in the field lists of a page."""
    for field_list in document.findall(nodes.field_list):
        for text in list(field_list.findall(nodes.Text)):
            if text == " -- ":
                text.parent.replace(text, nodes.Text(" – "))  # noqa: RUF001 - a dash is meant


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension with Sphinx."""
    app.connect("doctree-read", replace_hyphens)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
