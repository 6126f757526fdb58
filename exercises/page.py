"""Course code and drawings as a notebook shows them."""

import inspect
from typing import Any

from exercises.course import NOTEBOOKS


def show_code(*functions: Any) -> Any:
    """Show the source of functions or classes of the course as formatted Markdown."""
    from IPython.display import Markdown

    return Markdown("\n".join(f"```python\n{inspect.getsource(f)}```\n" for f in functions))


def show_diagram(name: str) -> Any:
    """Show a drawing of notebooks/images; its title and description are read out by screen readers."""
    from IPython.display import SVG

    return SVG(filename=str(NOTEBOOKS / "images" / f"{name}.svg"))
