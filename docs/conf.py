"""The configuration of the documentation site. Build it with `make site`."""

import sys
from importlib.metadata import version as version_of
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

project = "boxkite"
author = "the boxkite authors"
project_copyright = author
version = release = version_of("boxkite")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_click",
    "sphinx_copybutton",
    "sphinx_design",
    "command_examples",
    "field_dashes",
    "public_names",
    "series_tables",
]

exclude_patterns = ["_build"]
nitpicky = True
smartquotes = False

# Markdown. Headings get the anchors that GitHub gives them, so that links work in both places.
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4

# Docstrings. They write `code` in single backquotes, as Markdown does.
default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 80
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_custom_sections = [("Attributes", "params_style")]

html_theme = "furo"
html_title = "boxkite"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
copybutton_prompt_text = "$ "
