"""How a notebook shows things: figures in one style, code of the course, drawings."""

import base64
import inspect
import io
import re
from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from exercises.course import NOTEBOOKS
from exercises.stored_page import DECIMAL, NUMBERS
from utils.plots import BLUE, GREEN, ORANGE, RED

DPI = 110


def show_code(*functions: Any, folded: str = "") -> Any:
    """Show the source of functions or classes of the course as formatted Markdown, `folded` away under that title."""
    from IPython.display import Markdown

    code = "\n".join(f"```python\n{inspect.getsource(f)}```\n" for f in functions)
    return Markdown(f"<details><summary>{folded}</summary>\n\n{code}\n</details>" if folded else code)


def show_diagram(name: str) -> None:
    """Show a drawing of notebooks/images as wide as the page; its title and description stand for it in words."""
    from IPython.display import display

    drawing = (NOTEBOOKS / "images" / f"{name}.svg").read_text(encoding="utf-8")
    words = " ".join(re.findall(r"<(?:title|desc)\b[^>]*>([^<]+)", drawing))
    # As wide as the page: a fixed width would be cut off where the page is narrow.
    drawing = re.sub(r' width="\d+"( height="\d+")?', ' width="100%"', drawing, count=1)
    display({"image/svg+xml": drawing, "text/plain": words}, raw=True)


def show_captioned(figure: Figure, caption: str, kind: str = "png", quality: int = 80) -> None:
    """Show a figure with its caption, which is read out in its place as well, and close it.

    Args:
        figure: what to show; it is stored at 110 dots per inch.
        caption: the one thing to take away from it, in a whole sentence.
        kind: "png" for masks, drawings and curves, which stay sharp; "jpeg" for photographs, which stay small.
        quality: of a JPEG, up to 95; where many photographs share a page, 55 halves their bytes and still looks clean.
    """
    drawn, stored = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, dpi=DPI)
    numbers = numbers_in(figure)
    plt.close(figure)
    drawing = Image.open(drawn).convert("RGB")
    if kind == "png":
        drawing = drawing.quantize(256)  # a drawing has few colours: a third of the bytes, and it looks the same
    drawing.save(stored, kind, quality=quality, optimize=True, progressive=True)
    display_captioned(f"image/{kind}", stored.getvalue(), {"alt": caption, NUMBERS: numbers})


def show_animated(frames: Sequence[Image.Image], caption: str, seconds: float = 8) -> None:
    """Show frames one after the other, for ever, with their caption; on paper the last one stands for all.

    They are stored as one animated PNG, which every browser plays and whatever cannot play it shows as a picture.
    """
    some = [np.asarray(frame.convert("RGB")) for frame in (frames[0], frames[len(frames) // 2], frames[-1])]
    colours, stored = Image.fromarray(np.vstack(some)).quantize(256), io.BytesIO()  # the same ones in every frame
    shown = [frame.convert("RGB").quantize(palette=colours, dither=0) for frame in (frames[-1], *frames, frames[-1])]
    still = round(1000 * seconds / len(frames))
    durations = [still] * len(frames) + [2000]  # the end stays for a while
    shown[0].save(
        stored, "png", save_all=True, append_images=shown[1:], default_image=True, duration=durations, optimize=True
    )
    display_captioned("image/png", stored.getvalue(), {"alt": caption})


def display_captioned(mime: str, picture: bytes, about: dict[str, Any]) -> None:
    """Display the bytes of a picture, with what is to be kept about it, and its "alt" below as the caption."""
    from IPython.display import Markdown, display

    data = {mime: base64.b64encode(picture).decode(), "text/plain": about["alt"]}
    display(data, raw=True, metadata={mime: about})
    display(Markdown(f"*{about['alt']}*"))


def numbers_in(figure: Figure) -> list[str]:
    """Return the numbers with a decimal point that a figure says in words: those of its axes are left out."""
    axes = [axis for ax in figure.axes for axis in (ax.xaxis, ax.yaxis)]
    ticks = {text for axis in axes for text in axis.findobj(Text)} - {axis.label for axis in axes}
    words = [text.get_text() for text in figure.findobj(Text) if text not in ticks]
    return sorted(set(DECIMAL.findall("\n".join(words))))


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
    # Without this every figure is drawn once more, by pyplot, before the notebook draws what it shows.
    plt.switch_backend(plt.get_backend())
    plt.uninstall_repl_displayhook()
