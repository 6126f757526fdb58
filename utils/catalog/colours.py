"""Colours for the classes of a data set that brings none: tests/utils/test_palettes.py measures that they differ."""

# The seven of Okabe and Ito; then, each time, what lies furthest from all before, to four kinds of sight.
COLOURS = (
    (230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (0, 114, 178), (213, 94, 0), (204, 121, 167),
    (68, 0, 51), (136, 0, 255), (34, 51, 0), (204, 255, 204), (68, 34, 170), (153, 187, 102), (68, 17, 102),
    (187, 85, 255), (119, 68, 102), (0, 255, 255), (102, 102, 51), (221, 170, 170), (153, 255, 153), (119, 0, 51),
    (238, 51, 102), (170, 17, 153), (238, 17, 68), (238, 255, 119), (102, 85, 204), (170, 34, 0), (204, 204, 153),
    (153, 153, 255), (153, 221, 102), (34, 0, 119), (34, 51, 85),
)  # fmt: skip


def distinct_colours(count: int) -> tuple[tuple[int, int, int], ...]:
    """Return a colour for each class, RGB of 0 to 255; from the 33rd on they come again."""
    return tuple(COLOURS[i % len(COLOURS)] for i in range(count))
