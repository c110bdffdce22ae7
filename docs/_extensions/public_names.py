"""Link a name in a signature to where the reference documents it.

A class is documented under the package that users import it from, such as `boxkite.Baseline`, but
a signature names the module that defines it. This extension finds the class by its last part. It
renders names that the reference does not document as plain text: the types of other projects,
whose inventories the site does not download, and private types of boxkite.
"""

from __future__ import annotations

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.nodes import make_refnode


def resolve(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.TextElement
) -> nodes.Element | None:
    """Return a link to the documented name, or the plain text of a name without documentation."""
    if node.get("refdomain") != "py":
        return None
    domain = env.domains.python_domain
    last = node["reftarget"].rpartition(".")[2]
    for name, entry in domain.objects.items():
        if name.rpartition(".")[2] == last and entry.objtype in ("class", "exception"):
            return make_refnode(
                app.builder, node["refdoc"], entry.docname, entry.node_id, content, name
            )
    return content


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension with Sphinx."""
    app.connect("missing-reference", resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
