"""The course's site: `make docs` reads the whole repository, so that every link of its files resolves as on GitHub."""

import json
import re
import shutil
import sys
import tomllib
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
COURSE = DOCS.parent
sys.path.insert(0, str(COURSE))  # the parsers of the command line
PROJECT = tomllib.loads((COURSE / "pyproject.toml").read_text("utf-8"))["project"]

project = "Image segmentation with PyTorch"
author = "The authors of the segmentation course"
project_copyright = f"2026, {author}"
version = release = PROJECT["version"]

extensions = ["myst_nb", "autoapi.extension", "sphinx.ext.napoleon", "sphinxarg.ext"]
root_doc = "README"  # with docs/toctree.md behind it, which GitHub would show as text
include_patterns = ["*.md", "data/README.md", "benchmarks/README.md", "notebooks/*.ipynb", "notebooks/*.md", "docs/**"]
exclude_patterns = ["docs/toctree.md"]

nb_execution_mode = "off"
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 4
default_role = "code"  # docstrings write `name` as Markdown does

autoapi_dirs = [str(COURSE / "utils")]
autoapi_root = "docs/api"
autoapi_add_toctree_entry = False
autoapi_options = ["members"]
suppress_warnings = ["autoapi.python_import_resolution"]  # of names that are assigned two at a time

html_theme = "sphinx_book_theme"
html_title = project
html_static_path = ["static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_context = {"default_mode": "auto"}
html_theme_options = {
    "repository_url": PROJECT["urls"]["Repository"],
    "use_repository_button": True,
    "launch_buttons": {"colab_url": "https://colab.research.google.com"},
    "show_toc_level": 2,
    "navbar_persistent": [],  # the search is in the side bar already
}


def prepare_source(app: Any, name: str, source: list[str]) -> None:
    """Put the table of contents behind the landing page, and prepare notebooks."""
    if name == root_doc:
        source[0] += (DOCS / "toctree.md").read_text("utf-8")
    elif name.startswith("notebooks/") and source[0].lstrip().startswith("{"):
        source[0] = json.dumps(prepare_notebook(json.loads(source[0])))


def prepare_notebook(notebook: dict[str, Any]) -> dict[str, Any]:
    """Fold what JupyterLab folds, hand alternative text on as myst-nb wants it, and leave one title to a page."""
    for number, cell in enumerate(notebook["cells"]):
        if number and cell["cell_type"] == "markdown":  # an appendix is a section of its notebook
            cell["source"] = re.sub(r"^# ", "## ", "".join(cell["source"]), flags=re.MULTILINE)
        if cell["metadata"].get("jupyter", {}).get("source_hidden"):
            cell["metadata"].setdefault("tags", []).append("hide-input")
        for output in cell.get("outputs", []):
            for words in output.get("metadata", {}).values():
                if isinstance(words, dict) and "alt" in words:
                    cell["metadata"].setdefault("mystnb", {})["image"] = {"alt": words["alt"]}
    return notebook


def copy_landing_page(app: Any, error: Exception | None) -> None:
    """Let the site begin with the landing page."""
    if error is None and app.builder.name == "html":
        shutil.copyfile(Path(app.outdir) / "README.html", Path(app.outdir) / "index.html")


def setup(app: Any) -> None:
    """Connect the functions above."""
    app.connect("source-read", prepare_source)
    app.connect("build-finished", copy_landing_page)
