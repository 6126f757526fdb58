"""How a notebook shows things: figures in one style, code of the course, drawings."""

import inspect
from typing import Any

import matplotlib.pyplot as plt

from exercises.course import NOTEBOOKS
from utils.plots import BLUE, GREEN, ORANGE, RED


def show_code(*functions: Any) -> Any:
    """Show the source of functions or classes of the course as formatted Markdown."""
    from IPython.display import Markdown

    return Markdown("\n".join(f"```python\n{inspect.getsource(f)}```\n" for f in functions))


def show_diagram(name: str) -> Any:
    """Show a drawing of notebooks/images; its title and description are read out by screen readers."""
    from IPython.display import SVG

    return SVG(filename=str(NOTEBOOKS / "images" / f"{name}.svg"))


def notebook_style() -> None:
    """Draw figures in the course's style, as small JPEGs that keep notebooks light."""
    plt.rcParams.update(
        {
            "figure.dpi": 76, "font.size": 11, "axes.titlesize": 11, "axes.spines.top": False,
            "axes.spines.right": False, "figure.constrained_layout.use": True, "lines.linewidth": 2,
            "axes.prop_cycle": plt.cycler(color=[BLUE, ORANGE, GREEN, RED, "#CC79A7", "#56B4E9"]),
        }
    )  # fmt: skip
    from matplotlib_inline.backend_inline import set_matplotlib_formats

    set_matplotlib_formats("jpeg", pil_kwargs={"quality": 80})
