"""Draw the course's own data set: aerial scenes with exact masks, and no photograph involved.

    python data/make_tiny.py --out data/tiny

A scene takes three steps. **Plan**: a street grid is bent and turned, and every block between its
streets gets a use (homes, park, field ...) that adds things to a list. **Paint**: each thing makes
one stencil and paints it into the picture and into the mask, so the two cannot disagree; later
things cover earlier ones. **Finish**: texture, haze, blur and noise touch only the picture.

Masks are the same bytes on every machine: their geometry uses `random.Random`, + - * / and square
roots (no sine, no anti-aliasing). Pictures may differ by a grey level between library versions.
"""

import argparse
import csv
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

CLASSES = ("ground", "road", "building", "tree", "car", "water")
GROUND, ROAD, BUILDING, TREE, CAR, WATER = range(6)
IGNORE_INDEX = 255
PALETTE = {  # after Okabe and Ito, safe for colour-blind readers
    GROUND: (240, 228, 66),
    ROAD: (70, 70, 70),
    BUILDING: (213, 94, 0),
    TREE: (0, 158, 115),
    CAR: (204, 121, 167),
    WATER: (0, 114, 178),
    IGNORE_INDEX: (255, 255, 255),
}
RANK = np.array([0, 1, 3, 4, 5, 2], np.uint8)  # the ignored ring lies on the lower-ranked side
SUPERSAMPLE = 3  # every pixel is drawn as 3x3 and averaged; the mask takes the middle one
TILE = 512  # painted tile by tile, so that large scenes need little memory
# The painting order: later layers cover earlier ones.
FIELDS, PAVING, WATERS, DECKS, ASPHALT, MARKS, CARS, WALL_SHADOWS, ROOFS, LEAF_SHADOWS, CROWNS = range(11)

Colour = tuple[float, float, float]
Point = tuple[float, float]
Block = tuple[float, float, float, float]
Stencil = tuple[tuple[slice, slice], np.ndarray]  # rows and columns, and which pixels of them

SOIL: dict[str, list[Colour]] = {  # two grounds that mix, then crops
    "meadow": [(88, 116, 58), (138, 150, 86), (112, 142, 62), (196, 178, 96), (150, 122, 84)],
    "dry": [(170, 150, 100), (142, 136, 84), (202, 176, 112), (176, 140, 96), (150, 144, 82)],
    "autumn": [(112, 112, 60), (158, 138, 82), (132, 100, 72), (168, 146, 84), (110, 122, 66)],
    "sandy": [(208, 186, 146), (180, 162, 116), (196, 170, 124), (160, 150, 96), (176, 142, 104)],
    "snow": [(232, 236, 242), (204, 211, 222), (214, 218, 224), (224, 226, 230), (188, 184, 178)],
}
TILES: dict[str, list[Colour]] = {
    "terracotta": [(186, 94, 62), (202, 116, 78), (166, 80, 58), (210, 136, 98)],
    "slate": [(86, 92, 106), (106, 110, 122), (122, 84, 74), (74, 80, 94)],
    "tin": [(158, 170, 178), (128, 152, 166), (176, 116, 92), (190, 192, 190)],
    "mixed": [(186, 94, 62), (92, 96, 108), (150, 72, 60), (202, 150, 112), (120, 118, 120)],
    "flat": [(196, 194, 188), (170, 166, 160), (214, 210, 200), (146, 140, 136)],
    "white": [(226, 230, 236), (206, 210, 218), (150, 100, 84), (190, 194, 202)],  # snow lies on most of them
}
LEAVES: dict[str, list[Colour]] = {
    "summer": [(66, 104, 48), (82, 122, 54), (54, 92, 52), (98, 132, 62)],
    "south": [(92, 112, 66), (74, 100, 56), (116, 126, 78), (60, 90, 54)],
    "autumn": [(196, 118, 44), (176, 84, 40), (206, 158, 58), (92, 112, 54), (120, 116, 50)],
    "winter": [(62, 88, 72), (78, 100, 84), (52, 78, 62), (96, 112, 98)],
    "spring": [(120, 150, 66), (96, 136, 60), (226, 186, 196), (76, 116, 54)],
}
PAINTS: list[Colour] = [
    (242, 242, 240),
    (206, 38, 36),
    (34, 84, 170),
    (28, 30, 36),
    (200, 204, 208),
    (244, 190, 40),
    (242, 242, 240),
    (124, 24, 40),
    (40, 130, 150),
    (232, 110, 30),
]
SHALLOW, DEEP, WHITE, PAVED = (92, 150, 160), (52, 112, 138), (230, 230, 226), (178, 174, 166)
SHADOW = np.array([0.46, 0.50, 0.60], np.float32)  # the blue sky lights what the sun does not


@dataclass(frozen=True)
class Style:
    """What the scenes of one town have in common."""

    soil: str
    roofs: str
    leaves: str
    uses: str  # what blocks are drawn from; a repeated word is a likelier one
    sun: int  # degrees: where shadows point, 0 is right, 90 is down
    shadow: float  # shadow length per height: long under a low sun
    haze: float = 0.06
    asphalt: Colour = (104, 104, 108)
    dirt: float = 0.0  # share of streets that are dirt lanes


TOWNS: dict[str, Style] = {
    "town01": Style("meadow", "terracotta", "summer", "homes homes homes park flats", 40, 0.8),
    "town02": Style("meadow", "slate", "spring", "homes homes park orchard works", 130, 1.0, 0.1),
    "town03": Style("dry", "terracotta", "south", "homes field orchard homes", 60, 0.7, dirt=0.3),
    "town04": Style("autumn", "mixed", "autumn", "homes homes wood park flats", 145, 1.3),
    "town05": Style("sandy", "tin", "south", "homes flats works park", 30, 0.6, 0.12, (128, 122, 116)),
    "town06": Style("snow", "slate", "winter", "homes homes park wood flats", 120, 1.2, 0.04, (92, 94, 100)),
    "town07": Style("meadow", "mixed", "summer", "flats homes works park homes", 50, 1.1, 0.15),
    "town08": Style("dry", "tin", "summer", "field works homes wood park", 140, 0.8, 0.08, (120, 116, 112), 0.3),
    "town09": Style("meadow", "terracotta", "spring", "homes homes flats orchard", 125, 0.9, 0.14),
    "town10": Style("autumn", "slate", "autumn", "homes homes works field park", 55, 1.2, dirt=0.2),
    "town11": Style("sandy", "terracotta", "south", "homes homes orchard flats park", 135, 0.8),
    "town12": Style("meadow", "mixed", "summer", "homes homes park flats wood field homes", 45, 0.9, 0.05),
    # Not in data/tiny: the town in snow of the capstone.
    "town13": Style(
        "snow", "white", "winter", "homes homes flats park wood works", 150, 1.7, 0.1, (150, 152, 158), 0.2
    ),
}
SPLITS = {"train": range(1, 9), "val": range(9, 11), "test": range(11, 13)}
SCENES_PER_TOWN = 6


# ---------------------------------------------------------------- geometry
def unit(degrees: int) -> Point:
    """Cosine and sine, rounded so that every machine has the same ones."""
    angle = math.radians(degrees)
    return round(math.cos(angle) * 4096) / 4096, round(math.sin(angle) * 4096) / 4096


def wave(t: float) -> float:
    """A sine made of two parabolas, with period 1."""
    t -= math.floor(t)
    return 16 * t * (0.5 - t) if t < 0.5 else -16 * (t - 0.5) * (1 - t)


def tint(colour: Sequence[float], factor: float) -> Colour:
    return tuple(min(255.0, channel * factor) for channel in colour)


def swept(points: Sequence[Point], shift: Point) -> list[Point]:
    """The outline of all that points pass over when they are moved: the shadow of a box."""
    both = [*points, *((x + shift[0], y + shift[1]) for x, y in points)]
    return cv2.convexHull(np.array(both, np.float32))[:, 0].tolist()


class Frame(NamedTuple):
    """A place and a heading: calling it takes (ahead, aside) to picture coordinates."""

    x: float
    y: float
    c: float = 1.0
    s: float = 0.0

    def __call__(self, a: float, b: float) -> Point:
        return self.x + self.c * a - self.s * b, self.y + self.s * a + self.c * b

    def moved(self, a: float, b: float, degrees: int = 0) -> "Frame":
        c, s = unit(degrees)
        return Frame(*self(a, b), self.c * c - self.s * s, self.s * c + self.c * s)

    def box(self, a0: float, b0: float, a1: float, b1: float) -> list[Point]:
        return [self(a0, b0), self(a1, b0), self(a1, b1), self(a0, b1)]


# ---------------------------------------------------------------- painting
class Canvas:
    """One tile of the picture and its mask, supersampled."""

    def __init__(self, background: np.ndarray, x: int, y: int) -> None:
        high, wide = (n * SUPERSAMPLE for n in background.shape[:2])
        self.rgb = cv2.resize(background, (wide, high), interpolation=cv2.INTER_LINEAR)
        self.ids = np.zeros((high, wide), np.uint8)
        self.shaded = np.zeros((high, wide), bool)
        self.corner = x, y
        self.px = (x * SUPERSAMPLE + np.arange(wide) + 0.5) / SUPERSAMPLE
        self.py = (y * SUPERSAMPLE + np.arange(high) + 0.5) / SUPERSAMPLE

    def window(self, points: Sequence[Point], margin: float = 0.0) -> tuple[slice, slice]:
        """The rows and columns that can hold the points."""
        xs, ys = zip(*points, strict=True)
        top, bottom = np.searchsorted(self.py, (min(ys) - margin, max(ys) + margin))
        left, right = np.searchsorted(self.px, (min(xs) - margin, max(xs) + margin))
        return slice(top, bottom), slice(left, right)

    def polygon(self, points: Sequence[Point]) -> Stencil:
        """Pixel centres inside, by the even-odd rule."""
        where = self.window(points)
        px, py = self.px[None, where[1]], self.py[where[0], None]
        inside = np.zeros((py.size, px.size), bool)
        for (x0, y0), (x1, y1) in zip(points, [*points[1:], points[0]], strict=True):
            if y0 != y1:
                crossing = x0 + (py - y0) * ((x1 - x0) / (y1 - y0))
                inside ^= ((y0 <= py) != (y1 <= py)) & (px < crossing)
        return where, inside

    def stroke(self, points: Sequence[Point], width: float) -> Stencil:
        """Pixel centres within half a width of a line."""
        inside = np.zeros(self.ids.shape, bool)
        for (x0, y0), (x1, y1) in itertools.pairwise(points):
            rows, cols = self.window([(x0, y0), (x1, y1)], width / 2)
            dx, dy, sx, sy = self.px[None, cols] - x0, self.py[rows, None] - y0, x1 - x0, y1 - y0
            along = np.clip((dx * sx + dy * sy) / (sx * sx + sy * sy), 0.0, 1.0)
            ox, oy = dx - along * sx, dy - along * sy
            inside[rows, cols] |= ox * ox + oy * oy <= width * width / 4
        where = self.window(points, width / 2)
        return where, inside[where]

    def paint(self, stencil: Stencil, colour: Sequence[float] | np.ndarray, label: int = -1) -> None:
        """Fill a stencil in the picture and, given a label, in the mask."""
        where, inside = stencil
        self.rgb[where][inside] = colour[inside] if isinstance(colour, np.ndarray) else colour
        self.shaded[where][inside] = False
        if label >= 0:
            self.ids[where][inside] = label

    def cast(self, stencil: Stencil) -> None:
        """Darken what lies in a shadow, once."""
        where, inside = stencil
        fresh = inside & ~self.shaded[where]
        self.rgb[where][fresh] = self.rgb[where][fresh] * SHADOW
        self.shaded[where] |= inside

    def line(self, points: Sequence[Point], colour: Sequence[float], width: float) -> None:
        """A thin line, in the picture only."""
        fine = np.round(((np.array(points) - self.corner) * SUPERSAMPLE - 0.5) * 16)
        cv2.polylines(
            self.rgb, [fine.astype(np.int32)], False, colour, max(1, round(width * SUPERSAMPLE)), cv2.LINE_8, 4
        )


class Scene:
    """A list of things to paint, each with its layer and where it can be seen."""

    def __init__(self, style: Style, seed: int) -> None:
        self.style, self.rng = style, Random(seed)
        self.things: list[tuple[int, Point, float, Callable[[Canvas], None]]] = []
        self.to_sun = unit(style.sun + 180)

    def add(self, layer: int, points: Sequence[Point], painter: Callable[[Canvas], None]) -> None:
        x, y = points[len(points) // 2]
        reach = 40 + max(max(abs(px - x), abs(py - y)) for px, py in points)
        self.things.append((layer, (x, y), reach, painter))

    def shade(self, height: float) -> Point:
        """Where the shadow of a point at this height falls."""
        return tuple(-v * height * self.style.shadow for v in self.to_sun)

    def area(
        self, layer: int, points: Sequence[Point], colour: Sequence[float], label: int = GROUND, stripes: float = 0.0
    ) -> None:
        """A flat polygon; stripes run along its first side."""
        (x0, y0), (x1, y1) = points[:2]

        def painter(canvas: Canvas) -> None:
            ((rows, cols), inside), fill = canvas.polygon(points), colour
            if stripes:
                across = (x1 - x0) * canvas.py[rows, None] - (y1 - y0) * canvas.px[None, cols]
                phase = across / math.hypot(x1 - x0, y1 - y0) * (2 * math.pi / stripes)
                fill = np.clip((1 + 0.09 * np.sin(phase))[..., None] * colour, 0, 255)
            canvas.paint(((rows, cols), inside), fill, label)

        self.add(layer, points, painter)

    def path(
        self, layer: int, points: Sequence[Point], width: float, colour: Sequence[float], label: int = GROUND
    ) -> None:
        """A band along a line: a road, a footpath, a river."""
        self.add(layer, points, lambda c: c.paint(c.stroke(points, width), colour, label))

    def lines(self, layer: int, lines: Sequence[Sequence[Point]], colour: Colour, width: float) -> None:
        """Thin lines in the picture only: markings and bays."""
        for points in lines:
            self.add(layer, points, lambda c, points=points: c.line(points, colour, width))

    def car(self, frame: Frame) -> None:
        """Body, glass and shadow of a car that heads along the frame's first axis."""
        rng, colour = self.rng, self.rng.choice(PAINTS)
        long, wide = rng.uniform(5.8, 6.9), rng.uniform(2.7, 3.1)
        left = (-1, -0.7), (-0.88, -1), (0.8, -1), (1, -0.6)
        right = [(a, -b) for a, b in left[::-1]]
        body = [frame(a * long, b * wide) for a, b in (*left, *right)]

        def painter(canvas: Canvas) -> None:
            canvas.cast(canvas.polygon(swept(body, self.shade(2.2))))
            canvas.paint(canvas.polygon(body), colour, CAR)
            for a0, a1, paint in (
                (-0.6, 0.15, tint(colour, 1.1)),
                (0.12, 0.42, (38, 46, 58)),
                (-0.8, -0.6, (38, 46, 58)),
            ):
                pane = frame.box(a0 * long, -0.72 * wide, a1 * long, 0.72 * wide)
                canvas.paint(canvas.polygon(pane), paint)

        self.add(CARS, body, painter)

    def tree(self, x: float, y: float, radius: float) -> None:
        """A crown of round lobes, each lit from the sun's side."""
        rng, sun, lobes = self.rng, self.to_sun, [(x, y, 0.55 * radius, 0.5 * radius)]
        colour = tint(rng.choice(LEAVES[self.style.leaves]), rng.uniform(0.88, 1.12))
        for _ in range(6 + int(radius)):
            (c, s), out = unit(rng.randrange(360)), radius * rng.uniform(0.25, 0.72)
            size = radius * rng.uniform(0.24, 0.42)
            lobes.append((x + c * out, y + s * out, size, (radius - out) * 0.7))
        cx, cy, r, base = (np.array(v)[:, None, None] for v in zip(*lobes, strict=True))
        dx, dy = self.shade(2 + 0.75 * radius)

        def dome(canvas: Canvas, dx: float = 0.0, dy: float = 0.0) -> tuple:
            rows, cols = canvas.window([(x + dx, y + dy)], 1.2 * radius)
            ox, oy = canvas.px[None, None, cols] - dx - cx, canvas.py[None, rows, None] - dy - cy
            return (rows, cols), ox, oy, r * r - ox * ox - oy * oy

        def shadow(canvas: Canvas) -> None:
            where, _, _, up = dome(canvas, dx, dy)
            canvas.cast((where, (up >= 0).any(0)))

        def crown(canvas: Canvas) -> None:
            where, ox, oy, up = dome(canvas)
            height = np.where(up >= 0, base + np.sqrt(np.maximum(up, 0)), -1)
            slope = (ox * sun[0] + oy * sun[1]) / r
            facing = np.take_along_axis(slope, height.argmax(0)[None], 0)[0]
            tone = 0.82 + 0.3 * facing + 0.13 * slope[0] + 0.22 * height.max(0) / radius
            canvas.paint((where, (up >= 0).any(0)), np.clip(tone[..., None] * colour, 0, 255), TREE)

        self.add(LEAF_SHADOWS, [(x + dx, y + dy)], shadow)
        self.add(CROWNS, [(x, y)], crown)

    def wall_shadow(self, box: Sequence[Point], height: float) -> None:
        outline = swept(box, self.shade(height))
        self.add(WALL_SHADOWS, outline, lambda c: c.cast(c.polygon(outline)))

    def house(self, frame: Frame, long: float, wide: float) -> None:
        """A ridged roof with a lit and a shaded side, often a wing, and solar panels."""
        rng, sun = self.rng, self.to_sun
        colour = tint(rng.choice(TILES[self.style.roofs]), rng.uniform(0.92, 1.08))
        end = wide * rng.choice((0, 0, 1))  # a hipped roof slopes at its ends too
        ridges = [[(end - long, 0), (long - end, 0)]]
        faces = [((0, b), [(-long, b * wide), (long, b * wide), *ridges[0][::-1]]) for b in (-1, 1)]
        if end:
            faces += [((a, 0), [(a * long, -wide), (a * long, wide), ridges[0][a > 0]]) for a in (-1, 1)]
        self.wall_shadow(frame.box(-long, -wide, long, wide), 8 + 0.3 * wide)
        if rng.random() < 0.5:
            a, half, out = rng.choice((-1, 1)) * long * 0.4, wide * 0.62, wide + rng.uniform(4, 7)
            side = rng.choice((-1, 1))
            ridges.append([(a, side * out), (a, side * (wide - half))])
            for e in (-1, 1):
                foot = (a + e * half, side * wide), (a + e * half, side * out)
                faces.append(((e, 0), [*foot, *ridges[1]]))
            self.wall_shadow(frame.box(a - half, 0, a + half, side * out), 8 + 0.3 * half)
        panels, a0, b0 = rng.random() < 0.25, rng.uniform(-0.6, 0.6) * long, -0.3 * wide
        stack = frame.box(a0 - 1.1, b0 - 1.1, a0 + 1.1, b0 + 1.1)

        def painter(canvas: Canvas) -> None:
            for (na, nb), corners in faces:
                normal = frame.c * na - frame.s * nb, frame.s * na + frame.c * nb
                tone = tint(colour, 0.86 + 0.3 * (normal[0] * sun[0] + normal[1] * sun[1]))
                canvas.paint(canvas.polygon([frame(*p) for p in corners]), tone, BUILDING)
                for k in (0.25, 0.5, 0.75):  # courses of tiles run along the eave
                    course = [
                        frame(a + k * (ra - a), b + k * (rb - b))
                        for (a, b), (ra, rb) in ((corners[0], corners[-1]), (corners[1], corners[2]))
                    ]
                    canvas.line(course, tint(tone, 0.9), 0.3)
            for ridge in ridges:
                canvas.line([frame(*p) for p in ridge], tint(colour, 1.22), 0.5)
            for a in (-0.45, -0.15, 0.15) if panels else ():
                panel = frame.box(a * long, wide * 0.25, (a + 0.26) * long, wide * 0.75)
                canvas.paint(canvas.polygon(panel), (34, 44, 84))
            canvas.cast(canvas.polygon(swept(stack, self.shade(3))))
            canvas.paint(canvas.polygon(stack), (170, 150, 140))

        self.add(ROOFS, frame.box(-long, -2 * wide, long, 2 * wide), painter)

    def hall(self, frame: Frame, boxes: list[Block], height: float, tin: bool) -> None:
        """A flat roof of joined boxes with a parapet, upper storeys, vents and skylights."""
        rng = self.rng
        colour = tint(rng.choice(TILES["tin" if tin else "flat"]), rng.uniform(0.94, 1.06))
        tops = []
        for size in (1.6, 1.6, 2, 2.5, 2.8) if tin else (7, 2.8, 2.5, 2.2, 1.6):
            (a0, b0, a1, b1), long = rng.choice(boxes), size * rng.uniform(1, 2.4)
            a = rng.uniform(a0 + 2 + long, a1 - 2 - long)
            b = rng.uniform(b0 + 2 + size, b1 - 2 - size)
            paint = rng.choice((tint(colour, 1.12), (206, 208, 208), (112, 150, 176)))
            tops.append((frame.box(a - long, b - size, a + long, b + size), paint))

        def painter(canvas: Canvas) -> None:
            for box in boxes:
                canvas.paint(canvas.polygon(frame.box(*box)), tint(colour, 1.16), BUILDING)
            for a0, b0, a1, b1 in boxes:
                inner = frame.box(a0 + 1.2, b0 + 1.2, a1 - 1.2, b1 - 1.2)
                canvas.paint(canvas.polygon(inner), colour)
                for k in range(1, int((a1 - a0) / 4) if tin else 0):
                    seam = [frame(a0 + 4 * k, b0 + 1), frame(a0 + 4 * k, b1 - 1)]
                    canvas.line(seam, tint(colour, 0.86), 0.4)
            for box, paint in tops:
                canvas.cast(canvas.polygon(swept(box, self.shade(3))))
                canvas.paint(canvas.polygon(box), paint)

        for box in boxes:
            self.wall_shadow(frame.box(*box), height)
        self.add(ROOFS, [p for box in boxes for p in frame.box(*box)], painter)


# ---------------------------------------------------------------- planning
class Town(Scene):
    """A bent and turned street grid: (u, v) on the grid, (x, y) in the picture."""

    def __init__(self, style: Style, seed: int, height: int, width: int) -> None:
        super().__init__(style, seed)
        rng, grow = self.rng, 1 + (height * width > 4 * 256 * 256)
        self.size, self.turn = (width, height), unit(rng.randrange(360))
        self.bend, self.period = rng.uniform(6, 24) * grow, rng.uniform(380, 560) * grow
        self.phase, reach = rng.random(), 0.6 * (height + width) + 60
        self.us, self.vs = ([*self.streets(reach, *gap)] for gap in ((125, 190), (105, 150)))
        middle = min(range(len(self.vs) - 1), key=lambda j: abs(self.vs[j][0] + 60))
        self.river = middle if grow > 1 or rng.random() < 0.4 else -1
        self.vs = [(v + 60 * (grow - 1) * (j > middle), w) for j, (v, w) in enumerate(self.vs)]
        self.grass, self.shore = SOIL[style.soil][0], tint(SOIL[style.soil][1], 0.8)
        self.build()

    def streets(self, reach: float, low: float, high: float) -> Iterator[tuple[float, int]]:
        """Position and width of parallel streets."""
        place = -reach - self.rng.uniform(0, high)
        while place < reach + high:
            kind = self.rng.random()
            yield place, 13 if kind < self.style.dirt else 28 if kind > 0.8 else 19
            place += self.rng.uniform(low, high)

    def at(self, u: float, v: float) -> Point:
        x = u + self.bend * wave(v / self.period + self.phase)
        y = v + self.bend * wave(u / self.period + 2 * self.phase)
        return Frame(self.size[0] / 2, self.size[1] / 2, *self.turn)(x, y)

    def frame(self, u: float, v: float, du: float = 1.0, dv: float = 0.0) -> Frame:
        """The place (u, v), heading along (du, dv)."""
        (x, y), (x1, y1) = self.at(u, v), self.at(u + du, v + dv)
        length = math.sqrt((x1 - x) * (x1 - x) + (y1 - y) * (y1 - y))
        return Frame(x, y, (x1 - x) / length, (y1 - y) / length)

    def build(self) -> None:
        """Every block and every street that can be seen."""
        rng, uses = self.rng, {}
        for i in range(len(self.us) - 1):
            for j in range(len(self.vs) - 1):
                uses[i, j] = rng.choice(self.style.uses.split())
                if rng.random() < 0.35 and (i, j - 1) in uses and j - 1 != self.river:
                    uses[i, j] = uses[i, j - 1]  # neighbours are often alike
                if j == self.river:
                    uses[i, j] = "riverside"
        if self.river >= 0:
            self.stream()
        for (i, j), use in uses.items():
            (u0, wu0), (u1, wu1), (v0, wv0), (v1, wv1) = *self.us[i : i + 2], *self.vs[j : j + 2]
            x, y = self.at((u0 + u1) / 2, (v0 + v1) / 2)
            if not (-130 < x < self.size[0] + 130 and -130 < y < self.size[1] + 130):
                continue
            for other, stop, wide in ((i, j - 1), (u1, v0), wv0), ((i - 1, j), (u0, v1), wu0):
                rural = use in RURAL and uses.get(other) in RURAL
                bridge = use == "riverside" and stop[1] == v1
                if wide == 28 or rng.random() > (0.7 if rural else 0.4 if bridge else 0.12):
                    self.street((u0, v0), stop, wide, bridge)
            if wu0 + wv0 > 40 and rng.random() < 0.2:
                self.roundabout(*self.at(u0, v0))
            block = u0 + wu0 / 2 + 5, v0 + wv0 / 2 + 5, u1 - wu1 / 2 - 5, v1 - wv1 / 2 - 5
            USES[use](self, block)

    def street(self, start: Point, stop: Point, width: int, bridge: bool) -> None:
        """One side of a block: paving, asphalt, markings, traffic and trees."""
        (u0, v0), (u1, v1), rng, dirt = start, stop, self.rng, width == 13
        length, cut = max(u1 - u0, v1 - v0), 20
        du, dv = (u1 - u0) / length, (v1 - v0) / length

        def line(a0: float, a1: float, b: float, steps: int = 1) -> list[Point]:
            spots = [a0 + (a1 - a0) * k / steps for k in range(steps + 1)]
            return [self.at(u0 + a * du - b * dv, v0 + a * dv + b * du) for a in spots]

        if bridge:
            deck, (dx, dy) = line(cut, length - cut, 0, 6), self.shade(6)
            drop = [(x + dx, y + dy) for x, y in deck]
            self.add(DECKS, deck, lambda c: c.cast(c.stroke(drop, width + 6)))
            self.path(DECKS, deck, width + 5, (198, 196, 190), ROAD)
        elif not dirt:
            self.path(PAVING, line(0, length, 0, 8), width + 6, PAVED)
        asphalt = (166, 142, 108) if dirt else self.style.asphalt
        self.path(ASPHALT, line(0, length, 0, 8), width, asphalt, ROAD)
        if dirt:
            self.lines(MARKS, [line(0, length, b, 8) for b in (-2.6, 2.6)], (146, 122, 92), 1.3)
        else:
            edges = (1 - width / 2, width / 2 - 1, *((-0.6, 0.6) if width == 28 else ()))
            self.lines(MARKS, [line(cut, length - cut, b, 8) for b in edges], WHITE, 0.4)
            self.lines(
                MARKS,
                [
                    line(a, a + 5, b)
                    for b in ((-7, 7) if width == 28 else (0,))
                    for a in range(cut + 4, int(length) - cut - 5, 11)
                ],
                WHITE,
                0.6,
            )
            zebras = [a for a in (cut - 3, length - cut - 3) if rng.random() < 0.5]
            self.lines(
                MARKS,
                [line(a, a + 6, b + 1.4) for a in zebras for b in range(1 - width // 2, width // 2 - 1, 3)],
                WHITE,
                1.4,
            )
        for b in (-10.5, -3.7, 3.7, 10.5) if width == 28 else (0,) if dirt else (-4.6, 4.6):
            a, sign = 22 + rng.uniform(0, 60), 1 if b >= 0 else -1  # traffic keeps to the right
            while a < length - 22:
                u, v = u0 + a * du - b * dv, v0 + a * dv + b * du
                self.car(self.frame(u, v, sign * du, sign * dv))
                a += rng.uniform(26, 170)
        if not dirt and not bridge and rng.random() < 0.35:
            for a in range(30, int(length) - 24, rng.choice((13, 18, 26))):
                for b in (-width / 2 - 4, width / 2 + 4):
                    self.tree(*line(a, a, b)[0], rng.uniform(3.5, 6.5))

    def roundabout(self, x: float, y: float) -> None:
        """An island with a tree in the middle of a junction."""
        spot = [(x, y), (x + 0.1, y)]
        self.path(PAVING, spot, 60, PAVED)
        self.path(ASPHALT, spot, 54, self.style.asphalt, ROAD)
        self.path(MARKS, spot, 22, WHITE)
        self.path(MARKS, spot, 19, tint(self.grass, 1.1))
        self.tree(x, y, self.rng.uniform(4.5, 6.5))

    def stream(self) -> None:
        """A river from one end of the scene to the other."""
        (v0, _), (v1, _) = self.vs[self.river : self.river + 2]
        ends = int(self.us[0][0]), int(self.us[-1][0])
        line = [self.at(u, (v0 + v1) / 2 + 8 * wave(u / 230)) for u in range(*ends, 24)]
        for grow, colour, label in (8, self.shore, GROUND), (0, SHALLOW, WATER), (-12, DEEP, WATER):
            self.path(WATERS, line, (v1 - v0 - 26) * 0.55 + grow, colour, label)

    def outline(self, block: Block, steps: int = 6) -> list[Point]:
        """The bent outline of a block."""
        corners = Frame(0, 0).box(*block)
        return [
            self.at(u0 + (u1 - u0) * k / steps, v0 + (v1 - v0) * k / steps)
            for (u0, v0), (u1, v1) in zip(corners, corners[1:] + corners[:1], strict=True)
            for k in range(steps)
        ]

    def grove(self, block: Block, count: int, low: float = 4, high: float = 9) -> None:
        """Trees anywhere in a block."""
        u0, v0, u1, v1 = block
        for _ in range(count):
            spot = self.at(self.rng.uniform(u0, u1), self.rng.uniform(v0, v1))
            self.tree(*spot, self.rng.uniform(low, high))

    def riverside(self, block: Block) -> None:
        u0, v0, u1, v1 = block
        self.grove((u0, v0, u1, v0 + 10), 7)
        self.grove((u0, v1 - 10, u1, v1), 7)

    def homes(self, block: Block) -> None:
        """Two rows of lots, back to back."""
        u0, v0, u1, v1 = block
        for v, sign in ((v0, 1), (v1, -1)):
            count = max(1, int((u1 - u0) / self.rng.uniform(36, 46)))
            wide = (u1 - u0) / count
            for k in range(count):
                self.lot(self.frame(u0 + (k + 0.5) * wide, v, sign), wide, (v1 - v0) / 2)

    def lot(self, frame: Frame, wide: float, depth: float) -> None:
        """A house with a drive, trees, perhaps a hedge and a pool; the street is at b = 0."""
        rng, side = self.rng, self.rng.choice((-1, 1))
        lawn = tint(rng.choice(SOIL[self.style.soil][:2]), rng.uniform(0.9, 1.1))
        self.area(FIELDS, frame.box(-wide / 2, 0, wide / 2, depth), lawn)
        long, half, drive = rng.uniform(11, 14), rng.uniform(8, 10), side * (wide / 2 - 5)
        a, b = -side * 4 + rng.uniform(-1, 1), 9 + half + rng.uniform(0, 4)
        self.area(ASPHALT, frame.box(drive - 4, -5, drive + 4, b + 2), (162, 156, 150), ROAD)
        if rng.random() < 0.5:
            self.car(frame.moved(drive, rng.choice((4, 14)), rng.choice((90, 270))))
        self.path(PAVING, [frame(a, 0), frame(a, b)], 2, PAVED)
        self.house(frame.moved(a, b, rng.choice((0, 0, 90)) + rng.randint(-4, 4)), long, half)
        if rng.random() < 0.25 and depth > b + 24:
            pool = frame.moved(rng.uniform(-6, 6), depth - 9)
            self.area(WATERS, pool.box(-9.5, -6, 9.5, 6), (206, 200, 190))
            self.area(WATERS, pool.box(-8, -4.5, 8, 4.5), (84, 184, 206), WATER)
        for k in range(2, int(depth / 3.4) if rng.random() < 0.4 else 0):
            self.tree(*frame(-side * wide / 2, 3.4 * k), rng.uniform(2, 2.6))
        for _ in range(rng.randint(2, 5)):
            ta, tb = rng.uniform(-wide / 2, wide / 2), rng.uniform(4, depth)
            if abs(ta - a) > long or abs(tb - b) > half + 5:
                self.tree(*frame(ta, tb), rng.uniform(3.5, 9))

    def flats(self, block: Block, tin: bool = False) -> None:
        """Apartments under a flat roof, or tin halls, with a car park."""
        (u0, v0, u1, v1), rng = block, self.rng
        sign, end = rng.choice((-1, 1)), rng.choice((-1, 1))
        frame = self.frame((u0 + u1) / 2, v0 if sign > 0 else v1, sign)
        half, top, asphalt = (u1 - u0) / 2 - 5, 40, tint(self.style.asphalt, 1.12)
        boxes = [(-half, 0.0, half, 30.0)]
        if rng.random() < 0.6 and not tin:
            near, far = sorted((end * half, end * (half - 28)))
            boxes, top = [*boxes, (near, 0.0, far, 50.0)], 60
        self.hall(frame.moved(0, 5), boxes, rng.uniform(12, 20), tin)
        self.grove((u0, v1 - 10, u1, v1) if sign > 0 else (u0, v0, u1, v0 + 10), 6, 4, 8)
        if v1 - v0 - top < 30:
            return
        self.area(ASPHALT, frame.box(12 - half, top, half - 12, top + 38), asphalt, ROAD)
        self.area(ASPHALT, frame.box(-6, top, 6, v1 - v0 + 6), asphalt, ROAD)
        bays = [12 - half + 9 * k for k in range(1, int((2 * half - 24) / 9))]
        for b in (top + 1, top + 24):
            self.lines(MARKS, [[frame(a, b), frame(a, b + 13)] for a in bays], WHITE, 0.4)
            for a in bays[:-1]:
                if rng.random() < 0.36 and (b == top + 1 or abs(a + 4.5) > 10):
                    self.car(frame.moved(a + 4.5, b + 7, rng.choice((90, 270))))

    def park(self, block: Block) -> None:
        """A pond or a playing field, footpaths and trees."""
        (u0, v0, u1, v1), rng = block, self.rng
        wide, high, frame = u1 - u0, v1 - v0, self.frame((u0 + u1) / 2, (v0 + v1) / 2)
        for k in (0.2, 0.8):
            walk = [(u0 + wide * t / 6, v0 + high * (k + 0.1 * wave(t / 6))) for t in range(7)]
            self.path(PAVING, [self.at(*spot) for spot in walk], 3.5, (206, 188, 152))
        if rng.random() < 0.65:
            radii = [0.86 + 0.14 * wave(k / 8 + 0.3 * rng.random()) for k in range(24)]
            spots = [(unit(15 * k), r) for k, r in enumerate(radii)]
            bed = (0.38, self.shore, GROUND), (0.34, SHALLOW, WATER), (0.285, DEEP, WATER)
            for grow, paint, label in bed:
                a, b = grow * wide, 0.95 * grow * high
                shore = [frame(a * c * r, b * s * r) for (c, s), r in spots]
                self.area(WATERS, shore, paint, label)
        else:
            a, b = wide * 0.36, high * 0.28
            turf = rng.choice(((92, 138, 66), (176, 96, 70), (84, 130, 80)))
            self.area(PAVING, frame.box(-a, -b, a, b), turf, stripes=a / 3)
            boxes = [frame.box(3 - a, -y, a - 3, y) for y in (b - 3, b / 3)]
            self.lines(PAVING, [[*box, box[0]] for box in boxes], WHITE, 0.7)
            self.lines(PAVING, [[frame(0, 3 - b), frame(0, b - 3)]], WHITE, 0.7)
        for edge in (u0, v0, u1, v0 + 16), (u0, v1 - 16, u1, v1), (u0, v0, u0 + 14, v1):
            self.grove(edge, 8, 4, 10)

    def field(self, block: Block) -> None:
        """Two crops, a hedge and sometimes a farm."""
        (u0, v0, u1, v1), rng = block, self.rng
        cut = u0 + rng.uniform(0.35, 0.65) * (u1 - u0)
        for left, right in ((u0, cut - 1.5), (cut + 1.5, u1)):
            self.area(
                FIELDS,
                self.outline((left, v0, right, v1)),
                rng.choice(SOIL[self.style.soil][2:]),
                stripes=rng.choice((3.2, 4.5, 7)),
            )
        for k in range(int((v1 - v0) / 7)):
            self.tree(*self.at(cut, v0 + 7 * k), rng.uniform(3, 6))
        if rng.random() < 0.6:
            farm = self.frame(u0 + 28, v0 + 18)
            self.area(ASPHALT, farm.box(-20, 8, 18, 26), (166, 146, 116), ROAD)
            self.house(farm, 16, 9)
            self.car(farm.moved(8, 18, rng.randrange(360)))

    def wood(self, block: Block) -> None:
        u0, v0, u1, v1 = block
        self.area(FIELDS, self.outline(block), tint(self.grass, 0.8))
        self.grove(block, int((u1 - u0) * (v1 - v0) / 120), 5, 10)

    def orchard(self, block: Block) -> None:
        (u0, v0, u1, v1), rng = block, self.rng
        self.area(FIELDS, self.outline(block), rng.choice(SOIL[self.style.soil][2:]), stripes=14)
        for u in range(int(u0) + 7, int(u1), 14):
            for v in range(int(v0) + 7, int(v1), 14):
                self.tree(*self.at(u, v), rng.uniform(3.4, 5))


RURAL = ("field", "wood", "orchard")
USES: dict[str, Callable[[Town, Block], None]] = {
    "homes": Town.homes,
    "flats": Town.flats,
    "works": lambda town, block: town.flats(block, True),
    "park": Town.park,
    "field": Town.field,
    "wood": Town.wood,
    "orchard": Town.orchard,
    "riverside": Town.riverside,
}


# ---------------------------------------------------------------- from plan to picture
def noise(rng: np.random.RandomState, shape: Sequence[int], high: float, wide: float) -> np.ndarray:
    """Smooth noise with bumps of high x wide pixels, about -1 to 1."""
    grains = rng.uniform(-1, 1, (int(shape[0] / high) + 3, int(shape[1] / wide) + 3))
    return cv2.resize(grains.astype(np.float32), shape[::-1], interpolation=cv2.INTER_CUBIC)


def finish(rgb: np.ndarray, ids: np.ndarray, style: Style, seed: int) -> np.ndarray:
    """What the camera and the weather add: texture, shimmer, clouds, blur, haze and grain."""
    rng, soil = np.random.RandomState(seed), 0.04 if style.soil == "snow" else 0.09
    rough = np.array([soil, 0.045, 0.035, 0.18, 0.0, 0.03], np.float32)[ids]
    light = 1 + rough * (noise(rng, ids.shape, 1, 1) + 0.8 * noise(rng, ids.shape, 2.5, 2.5))
    light *= 1 + 0.08 * noise(rng, ids.shape, 150, 150)
    shimmer = noise(rng, ids.shape, 1.6, 6) + 0.6 * noise(rng, ids.shape, 30, 50) - 0.55
    picture = rgb * light[..., None]
    picture += np.where(ids == WATER, np.maximum(shimmer, 0) * 70, 0)[..., None]
    picture = cv2.GaussianBlur(picture, (0, 0), 0.55)
    picture += (np.array([206, 214, 222], np.float32) - picture) * style.haze
    picture += 2.5 * rng.standard_normal(ids.shape).astype(np.float32)[..., None]
    return np.clip(picture, 0, 255).round().astype(np.uint8)


def ringed(ids: np.ndarray) -> np.ndarray:
    """The mask with one ignored pixel round every object, on the outside."""
    rank = RANK[ids]
    border = cv2.dilate(rank, np.ones((3, 3), np.uint8)) > rank
    return np.where(border, IGNORE_INDEX, ids).astype(np.uint8)


def draw_scene(seed: int, height: int, width: int, style: Style) -> tuple[np.ndarray, np.ndarray]:
    """An RGB picture (H, W, 3) and its mask (H, W), both uint8, of any size."""
    things = sorted(Town(style, seed, height, width).things, key=lambda thing: thing[0])
    rng, middle = np.random.RandomState(seed), SUPERSAMPLE // 2
    dark, pale = (np.array(colour, np.float32) for colour in SOIL[style.soil][:2])
    mix = sum(noise(rng, (height, width), size, size) / k for size, k in ((90, 1), (30, 2), (9, 3)))
    rgb = (dark + (pale - dark) * np.clip(0.5 + 0.6 * mix, 0, 1)[..., None]).astype(np.uint8)
    ids = np.zeros((height, width), np.uint8)
    for top in range(0, height, TILE):
        for left in range(0, width, TILE):
            tile = slice(top, top + TILE), slice(left, left + TILE)
            (high, wide), canvas = ids[tile].shape, Canvas(rgb[tile], left, top)
            for _, (x, y), reach, painter in things:
                if -reach < x - left < wide + reach and -reach < y - top < high + reach:
                    painter(canvas)
            rgb[tile] = cv2.resize(canvas.rgb, (wide, high), interpolation=cv2.INTER_AREA)
            ids[tile] = canvas.ids[middle::SUPERSAMPLE, middle::SUPERSAMPLE]
    return finish(rgb, ids, style, seed + 1), ringed(ids)


# ---------------------------------------------------------------- the data set
def draw_named(name: str) -> tuple[np.ndarray, np.ndarray]:
    """One scene of the data set, such as "town03_05", or the "mosaic"."""
    if name == "mosaic":
        return draw_scene(11, 1536, 2048, TOWNS["town12"])
    town, number = name.split("_")
    return draw_scene(1000 * int(town[4:]) + int(number), 256, 256, TOWNS[town])


def scenes() -> list[tuple[str, str, str]]:
    """(name, town, split) of every scene; a town is in one split only."""
    return [
        (f"town{t:02d}_{k:02d}", f"town{t:02d}", split)
        for split, towns in SPLITS.items()
        for t in towns
        for k in range(SCENES_PER_TOWN)
    ]


def save(name: str, image_path: Path, mask_path: Path, quality: int) -> None:
    """A JPEG picture, and a PNG mask whose pixel values are class ids, shown in the palette."""
    image, mask = map(Image.fromarray, draw_named(name))
    image.save(image_path, quality=quality, optimize=True)
    mask.putpalette([v for i in range(256) for v in PALETTE.get(i, (0, 0, 0))])
    mask.save(mask_path, optimize=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw the course's own data set.")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "tiny")
    parser.add_argument("--scenes", nargs="+", metavar="NAME", help="draw only these, such as town13_007")
    options = parser.parse_args()
    out = options.out
    for folder in ("images", "masks"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    for name in options.scenes or [name for name, _, _ in scenes()]:
        save(name, out / "images" / f"{name}.jpg", out / "masks" / f"{name}.png", 90)
    if options.scenes:
        return
    save("mosaic", out / "mosaic.jpg", out / "mosaic.png", 84)
    with (out / "splits.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([("name", "town", "split"), *scenes()])
    (out / "LICENSE").write_text("CC0 1.0 Universal: dedicated to the public domain.\n", "utf-8")


if __name__ == "__main__":
    main()
