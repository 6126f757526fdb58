"""The code that a page shows is the code that runs: stored outputs of `show_code` are those of today's functions."""

import importlib
import json
import pkgutil
import re

import pytest

import exercises.figures
import segmenter.export
import utils
from exercises.course import list_notebooks
from exercises.page import show_code

SHOWN = re.compile(r"""show_code\(([\w., ='"]+)\)""")


def everything_by_name():
    """Return what utils and the figures of the lessons define, and the modules that notebooks call by a short name."""
    modules = [
        importlib.import_module(f"{house.__name__}.{module.name}")
        for house in (exercises.figures, utils)
        for module in pkgutil.iter_modules(house.__path__)
    ]
    names = {name: value for module in modules for name, value in vars(module).items()}
    return names | {"rt": importlib.import_module("utils.runtime"), "export": segmenter.export, "show_code": show_code}


def shown(notebook):
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code" and SHOWN.fullmatch(source.strip()):
            yield source, cell


@pytest.mark.parametrize("path", list_notebooks(), ids=lambda path: path.stem)
def test_a_page_shows_the_code_that_runs(path):
    names = everything_by_name()
    for source, cell in shown(json.loads(path.read_text("utf-8"))):
        stored = "".join(cell["outputs"][0]["data"]["text/markdown"])
        assert stored == eval(source, names).data, f"{path.name}: execute `{source}` again (make notebooks)"
