"""How the documentation is built: ``sphinx-build -W --keep-going docs site``."""

from sphinx.application import Sphinx

import fsopt

project = "fsopt"
author = "The fsopt developers"
version = release = fsopt.__version__
project_copyright = author

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_click",
    "sphinx_copybutton",
]
source_suffix = {".md": "markdown"}
exclude_patterns = ["conf.py"]
smartquotes = False  # options begin with two dashes

html_theme = "furo"
html_title = "fsopt"
html_show_sphinx = False
html_copy_source = False

myst_heading_anchors = 4
myst_enable_extensions = ["dollarmath"]

autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "show-inheritance": False}
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
copybutton_prompt_text = r"\$ "
copybutton_prompt_is_regexp = True
default_role = "code"


def _point_to_examples(_app: Sphinx, _path: object, _document: str, content: list[str]) -> None:
    """The README's links are from the directory above."""
    content[0] = content[0].replace("](examples/", "](../examples/")


def _is_scikit_learns(
    _app: Sphinx, _kind: str, name: str, _what: object, skip: bool, _options: object
) -> bool:
    """Leave out what scikit-learn adds to its estimators."""
    return skip or (name.startswith("set_") and name.endswith("_request"))


def setup(app: Sphinx) -> None:
    """Connect the functions above."""
    app.connect("include-read", _point_to_examples)
    app.connect("autodoc-skip-member", _is_scikit_learns)
