"""Figure of notebook 3: six pictures, each with one change, whose promises a learner is to judge."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Ellipse, FancyArrow, Rectangle
from PIL import Image

from exercises.figures.notebook_3 import frame
from utils.config import COURSE

STREET = COURSE / "data" / "tiny" / "images" / "town04_00.jpg"
CAT = COURSE / "data" / "pets_mini" / "images" / "British_Shorthair_108.jpg"
SKY, WHITE = "#DCE9F2", "#FFFFFF"


def plot_promises() -> Figure:
    """Draw six pairs, before and after one change each: four drawings, a photograph and a scene from above."""
    with Image.open(CAT) as photograph, Image.open(STREET) as scene:
        cat, street = np.array(photograph.convert("RGB"))[:170], np.array(scene.convert("RGB"))[:128, 128:]
    sign, cells, green, red = drawn("sign"), drawn("cells"), drawn("green fruit"), drawn("red fruit")
    two = drawn("digit")
    pairs = {
        "A  a digit, mirrored": (two, two[:, ::-1]),
        "B  a traffic sign, mirrored": (sign, sign[:, ::-1]),
        "C  cells, a quarter turn": (cells, np.rot90(cells)),
        "D  unripe fruit, another hue": (green, red),
        "E  a cat, mirrored": (cat, cat[:, ::-1]),
        "F  a street, darker": (street, (street * 0.55).astype(np.uint8)),
    }
    figure = plt.figure(figsize=(8.3, 7.3), layout="constrained")
    for part, (name, both) in zip(figure.subfigures(3, 2, wspace=0.06).flat, pairs.items(), strict=True):
        part.suptitle(name, fontsize=11)
        draw_pair(part.subplots(1, 2), both)
    return figure


def draw_pair(axes: Sequence[Axes], both: tuple[np.ndarray, np.ndarray]) -> None:
    """Draw a picture before and after its change, with an arrow from the one to the other."""
    for ax, picture in zip(axes, both, strict=True):
        ax.imshow(picture, interpolation="bicubic")
        frame(ax)
    axes[1].annotate("→", (-0.07, 0.5), xycoords="axes fraction", ha="center", va="center", fontsize=14)


def drawn(name: str) -> np.ndarray:
    """Return a drawing as an image, uint8 (H, W, 3), so that it can be changed as a photograph is."""
    figure = plt.figure(figsize=(2.2, 2.2), dpi=110, layout="none")  # the drawing fills its picture to the edge
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, 1), ylim=(0, 1))
    ax.axis("off")
    DRAWINGS[name](ax)
    figure.canvas.draw()
    picture = np.asarray(figure.canvas.buffer_rgba())[..., :3].copy()
    plt.close(figure)
    return picture


def draw_digit(ax: Axes) -> None:
    """Draw a 2 as somebody might write it."""
    turn = np.linspace(np.pi, -0.25 * np.pi, 40)
    x = [*(0.48 + 0.2 * np.cos(turn)), 0.27, 0.76]
    y = [*(0.66 + 0.2 * np.sin(turn)), 0.15, 0.17]
    ax.plot(x, y, color="#222222", linewidth=9, solid_joinstyle="round", solid_capstyle="round")


def draw_sign(ax: Axes) -> None:
    """Draw the round blue sign that orders you to turn right."""
    ax.add_patch(Rectangle((0, 0), 1, 1, color=SKY))
    ax.add_patch(Rectangle((0.47, 0), 0.06, 0.3, color="#888888"))
    ax.add_patch(Circle((0.5, 0.56), 0.36, color=WHITE))
    ax.add_patch(Circle((0.5, 0.56), 0.33, color="#1F5FA8"))
    ax.add_patch(
        FancyArrow(
            0.29, 0.56, 0.42, 0, width=0.09, length_includes_head=True, head_width=0.27, head_length=0.17, color=WHITE
        )
    )


def draw_cells(ax: Axes) -> None:
    """Draw round cells with dark nuclei, as a stained slide shows them."""
    ax.add_patch(Rectangle((0, 0), 1, 1, color="#F6E3EE"))
    places = [(0.2, 0.8, 0), (0.55, 0.86, 30), (0.86, 0.62, 80), (0.4, 0.52, 130), (0.14, 0.36, 60), (0.66, 0.3, 20)]
    for x, y, angle in [*places, (0.36, 0.12, 100), (0.92, 0.1, 150)]:
        ax.add_patch(Ellipse((x, y), 0.3, 0.23, angle=angle, facecolor="#E3A9CB", edgecolor="#B35C96"))
        ax.add_patch(Ellipse((x + 0.02, y - 0.01), 0.12, 0.09, angle=angle, color="#5B2A86"))


def draw_fruit(ax: Axes, skin: str) -> None:
    """Draw a round fruit with its stem, a leaf and a highlight, its skin in a colour."""
    ax.add_patch(Rectangle((0, 0), 1, 1, color="#F3EFE4"))
    for x in (0.4, 0.6):
        ax.add_patch(Ellipse((x, 0.42), 0.46, 0.62, color=skin))
    ax.plot([0.5, 0.54], [0.68, 0.88], color="#6B4423", linewidth=4)
    ax.add_patch(Ellipse((0.68, 0.83), 0.25, 0.1, angle=20, color="#3E7D32"))
    ax.add_patch(Ellipse((0.33, 0.55), 0.07, 0.17, angle=-20, color=WHITE, alpha=0.6))


DRAWINGS = {
    "digit": draw_digit,
    "sign": draw_sign,
    "cells": draw_cells,
    "green fruit": lambda ax: draw_fruit(ax, "#8DB63C"),
    "red fruit": lambda ax: draw_fruit(ax, "#C8352B"),
}
