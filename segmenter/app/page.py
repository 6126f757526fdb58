"""What the page is made of beside Gradio's own components: its style, its legend, its sentences."""

from collections.abc import Sequence
from html import escape
from types import ModuleType
from typing import Any

import numpy as np

from segmenter.html import css_colour
from utils.images import IGNORE_INDEX
from utils.inference import Predictor

# System fonts only: a font from a server would be a request that leaves the machine.
FONTS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif")
MONO_FONTS = ("ui-monospace", "Consolas", "DejaVu Sans Mono", "monospace")
# Gradio's own variables follow its light and dark theme; the palette's colours stay the same in both.
CSS = """
.gradio-container {max-width: 1180px !important; margin: 0 auto !important}
#intro, #status, #areas {border: 0; padding: 0}
#intro h1 {font-size: 1.9rem; margin: 0 0 .2rem; color: var(--body-text-color)}
#intro p {margin: 0; color: var(--body-text-color); opacity: .8; max-width: 75ch}
#status p {margin: 0; padding: .6rem .9rem; border-radius: var(--radius-lg); color: var(--body-text-color);
  background: var(--background-fill-secondary); border-left: 4px solid var(--color-accent); overflow-wrap: anywhere}
#status p.fault {border-left-color: #D55E00; font-weight: 600}
#areas table {width: 100%; border-collapse: collapse; border: 0; margin: 0; font-variant-numeric: tabular-nums}
#areas caption {text-align: left; font-weight: 600; padding: 0 .3rem .3rem; color: var(--body-text-color)}
#areas tr {border: 0; border-top: 1px solid var(--border-color-primary)}
#areas th, #areas td {padding: .25rem .3rem; border: 0; font-weight: 400; text-align: right; white-space: nowrap;
  color: var(--body-text-color); background: none}
#areas th[scope=row] {text-align: left; white-space: normal}
#areas thead tr {border: 0}
#areas thead th {font-size: .8rem}
#areas .bar {width: 45%; min-width: 4rem}
#areas .bar div {height: .85rem; min-width: 2px; border: 1px solid var(--body-text-color); box-sizing: border-box}
#areas .swatch {display: inline-block; width: .95rem; height: .95rem; margin-right: .5rem; vertical-align: -.1rem;
  border: 1px solid var(--body-text-color); box-sizing: border-box}
#areas .clear {background: repeating-linear-gradient(45deg, transparent 0 3px, var(--body-text-color) 3px 4px)}
:focus-visible {outline: 3px solid var(--color-accent) !important; outline-offset: 2px}
@media (max-width: 640px) {#picture, #result {height: 320px !important} #areas .pixels {display: none}
  #intro h1 {font-size: 1.5rem}}
"""
# Gradio gives these elements no name, which a screen reader needs. It also draws them anew, so an observer names them.
NAME_BUTTONS = """() => {
  const name = () => {
    document.querySelectorAll("#samples .gallery-item").forEach((b, i) => b.ariaLabel = `Sample picture ${i + 1}`);
    document.querySelectorAll("#result img").forEach(i => i.alt = "Mask over the picture");
  };
  new MutationObserver(name).observe(document.body, {childList: true, subtree: true});
  name();
}"""
START = "Choose a picture to begin."


def page_theme(gr: ModuleType) -> Any:
    """Return Gradio's plain theme without fonts from a server, its small print dark enough to read."""
    theme = gr.themes.Default(primary_hue="blue", font=FONTS, font_mono=MONO_FONTS)
    return theme.set(
        block_info_text_color="*neutral_600", block_info_text_color_dark="*neutral_300",
        block_label_text_color="*neutral_700", block_title_text_color="*neutral_800",
        button_primary_background_fill="*primary_700", button_primary_background_fill_hover="*primary_800",
    )  # fmt: skip


def intro(predictor: Predictor, private: bool) -> str:
    """Return the heading as HTML: what the page does, with which model, and where the picture goes."""
    config = predictor.config
    place = "It goes to the machine that runs this page, and nowhere else." if private else ""
    return (
        "<h1>Your segmenter</h1><p>Choose a picture, and every pixel gets a class. "
        f"{place} The model, {escape(config.model)}, was trained on "
        f"{escape(config.dataset)} and runs on {predictor.device.type.upper()}.</p>"
    )


def status_html(sentence: str, fault: bool = False) -> str:
    """Return a sentence as HTML that a screen reader speaks when it appears."""
    attributes = 'role="alert" class="fault"' if fault else 'role="status"'
    return f"<p {attributes}>{escape(sentence)}</p>"


def threshold_words(predictor: Predictor) -> dict[str, str | float]:
    """Return label, explanation and start value of the threshold: its meaning depends on the number of classes."""
    if len(predictor.classes) == 2:
        words = f"A pixel is {predictor.classes[1]} from this probability on."
        return {"label": "Threshold", "info": words, "value": predictor.threshold}
    words = "A pixel whose likeliest class is below this probability stays unlabelled."
    return {"label": "Unsure below", "info": words, "value": 0.0}


def area_table(predictor: Predictor, ids: np.ndarray | None = None) -> str:
    """Return the legend as an HTML table: colour, name and, given a mask (H, W), the area of each class.

    The classes stand in the order of their area; without a mask, in their own.
    """
    order = range(len(predictor.classes))
    counts = np.zeros(256, dtype=np.int64) if ids is None else np.bincount(ids.ravel(), minlength=256)
    if ids is not None:
        order = sorted(order, key=lambda index: -counts[index])
    colours = list(predictor.palette)
    if len(colours) == 2:
        colours[0] = None  # the overlay leaves a background as it is
    rows = [table_row(predictor.classes[index], colours[index], counts[index], ids) for index in order]
    if counts[IGNORE_INDEX]:
        rows.append(table_row("unsure", None, counts[IGNORE_INDEX], ids))
    head = '<th scope="col"></th>' * 2 + '<th scope="col">share</th><th scope="col" class="pixels">pixels</th>'
    if ids is None:
        return f'<table class="areas"><caption>Classes</caption><tbody>{"".join(rows)}</tbody></table>'
    return (
        '<table class="areas"><caption>Area of each class</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    )


def table_row(name: str, colour: Sequence[int] | None, count: int, ids: np.ndarray | None) -> str:
    """Return one class as a row; without a colour its pixels show the image itself."""
    fill = "" if colour is None else f"background: {css_colour(colour)}"
    swatch = "swatch clear" if colour is None else "swatch"
    cells = f'<th scope="row"><span class="{swatch}" style="{fill}"></span>{escape(name)}</th>'
    if ids is not None:
        share = count / ids.size
        bar = f'<div style="width: {share:.2%}; {fill}"></div>' if count else ""
        cells += f'<td class="bar">{bar}</td><td>{share:.1%}</td><td class="pixels">{count:,}</td>'
    absent = ' class="absent"' if ids is not None and not count else ""
    return f"<tr{absent}>{cells}</tr>"


def describe_areas(predictor: Predictor, ids: np.ndarray, name: str, seconds: float) -> str:
    """Say in one sentence what was found, for those who do not see the overlay."""
    shares = {label: float((ids == index).mean()) for index, label in enumerate(predictor.classes)}
    largest = sorted(((share, label) for label, share in shares.items() if share), reverse=True)[:3]
    found = ", ".join(f"{label} {share:.0%}" for share, label in largest) or "nothing that the model is sure of"
    height, width = ids.shape
    return f"{name}, {width} by {height} pixels: {found}. Predicted in {seconds:.2f} s."
