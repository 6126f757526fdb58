"""exercises/figures/notebook_4*.py: pictures of masks, of labels that do not fit, and of splits say what they show."""

import nbformat
import numpy as np
from helpers import CLASSES, PALETTE, shorten, texts
from PIL import Image

from exercises.course import BUILD, execute_notebook, list_notebooks
from exercises.figures.notebook_4 import (
    find_crop,
    plot_crops,
    plot_examples,
    plot_folder,
    plot_saved_twice,
)  # fmt: skip
from exercises.figures.notebook_4_labels import (
    PALE,
    densest_square,
    plot_learned,
    plot_lookup,
    plot_moved_scores,
    plot_two_outlines,
)  # fmt: skip
from exercises.figures.notebook_4_splits import leaking, plot_splits

MASK = np.zeros((40, 40), dtype=np.uint8)
MASK[12:, 20:] = 1
PHOTO = np.full((40, 40, 3), 90, dtype=np.uint8)


def test_a_changed_label_is_black_and_counted():
    damaged = MASK.copy()
    damaged[:4, :10] = 7  # 40 of the 400 pixels in the quarter that is shown
    damaged[30:, 30:] = 9  # these are not shown, and so they are not counted
    figure = plot_saved_twice(MASK, damaged, CLASSES, PALETTE)
    assert "black: a wrong label\n(10% of the labels)" in texts(figure)
    assert "saved as JPEG:\n2 different numbers" in texts(figure)
    assert (~figure.axes[2].images[0].get_array().any(axis=-1)).sum() == 40


def test_a_class_without_a_score_has_no_number():
    figure = plot_moved_scores({"clean": [0.5, 0.25, np.nan], "moved": [0.4, 0.0, np.nan]}, CLASSES)
    assert [t for t in (text.get_text() for text in figure.axes[0].texts) if t] == ["0.50", "0.25", "0.40", "0"]


def test_several_runs_are_one_bar_with_a_dot_for_each():
    figure = plot_moved_scores(
        {"masks": [0.5, 0.25, 0.1], "network": [[0.2, 0.6, np.nan], [0.4, 0.4, np.nan]]}, CLASSES
    )
    assert [text.get_text() for text in figure.axes[0].texts] == ["0.50", "0.25", "0.10", "0.30", "0.50"]
    (dots,) = figure.axes[0].lines
    assert dots.get_ydata()[:2].tolist() == [0.2, 0.6]
    assert len(dots.get_ydata()) == 6


def test_a_group_in_two_splits_leaks_and_is_named():
    groups, splits = ["a", "a", "b", "b"], ["train", "val", "test", "test"]
    assert leaking(groups, splits) == ["a"]
    figure = plot_splits({"a": PHOTO, "b": PHOTO}, groups, {"at random": splits})
    assert {"LEAK", "ok", "split at random: 1 of 2 groups leak (1 train, 1 val, 2 test)"} <= set(texts(figure))


def test_each_network_says_how_much_it_got_wrong_and_ignored_pixels_count_for_nothing():
    right = MASK.astype(np.int64)
    right[:20] = 255
    figure = plot_learned(PHOTO, {"clean mask": right, "trained on none": np.zeros_like(right)}, CLASSES, PALETTE)
    assert {"the image", "trained on\nnone\n50% wrong", "clean mask, the framed part"} <= texts(figure)
    drawn = np.asarray(figure.axes[2].images[0].get_array())
    assert (drawn[0, 0] == PALE).all()
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels[-2:] == ["ignored", f"edge of the true {CLASSES[1]}"]


def test_the_enlarged_part_is_where_only_the_second_network_errs():
    right = np.zeros((40, 40), dtype=np.int64)
    right[:, 20:] = 1
    bad = right.copy()
    bad[4:16, 22:34] = 0
    figure = plot_learned(PHOTO, {"clean": right, "one": right, "moved": bad}, CLASSES, PALETTE)
    assert [len(ax.images[0].get_array()) for ax in figure.axes] == [40, 40, 40, 48, 48, 48]  # 16 pixels, three times
    for ax in figure.axes[:3]:
        (x, y), size = ax.patches[0].get_xy(), ax.patches[0].get_width()
        assert x < 22 < 34 < x + size + 1
        assert y < 4 < 16 < y + size + 1


def test_the_densest_square_holds_most_of_a_region():
    where = np.zeros((40, 50), dtype=bool)
    where[10:14, 30:34] = where[0, 0] = True
    assert densest_square(where, 4) == (30, 10)


def test_a_looked_up_mask_says_how_well_it_fits():
    figure = plot_lookup({"new": (PHOTO, PHOTO, MASK, 0.25)}, CLASSES, PALETTE)
    assert "its mask, laid over the\nscene that asked: IoU 0.25" in texts(figure)


def test_pixels_of_one_annotator_only_have_the_colour_of_the_annotator():
    corners, mine, yours = [[0, 0], [3, 0], [3, 3]], np.zeros((40, 40), dtype=np.uint8), MASK
    mine[12:, :] = 1
    figure = plot_two_outlines(PHOTO, {"you": (corners, mine), "another": (corners, yours)})
    drawn = np.asarray(figure.axes[1].images[0].get_array())
    assert [len(np.unique(part.reshape(-1, 3), axis=0)) for part in (drawn, drawn[12:, :20], drawn[:12])] == [3, 1, 1]
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["you", "another", "both", "you only", "another only"]


def test_the_true_edge_is_drawn_where_it_is_given():
    outlines = {name: ([[0, 0], [3, 0], [3, 3]], MASK) for name in ("you", "another")}
    assert "the true edge" in texts(plot_two_outlines(PHOTO, outlines, MASK))
    assert "the true edge" not in texts(plot_two_outlines(PHOTO, outlines))


def test_a_crop_is_found_though_it_is_turned_or_mirrored():
    image = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    crop = image[7:23, 11:27]
    for changed in (crop, np.rot90(crop), crop[:, ::-1], np.rot90(crop[:, ::-1], 3)):
        assert find_crop(image, changed) == (11, 7)
    assert find_crop(image, 255 - crop[::-1]) is None
    assert find_crop(crop, image[:30, :30]) is None
    figure = plot_crops((image, image[..., 0]), [(crop, crop[..., 0])] * 3, CLASSES, PALETTE, ["", "", "", ""])
    assert [text.get_text() for text in figure.axes[0].texts] == ["1", "2", "3"]
    assert [patch.get_linestyle() for patch in figure.axes[0].patches[1::2]] == ["-", "--", ":"]


def test_a_file_that_is_missing_or_no_picture_is_an_empty_tile(tmp_path):
    for name in ("a", "b"):
        Image.fromarray(PHOTO).save(tmp_path / f"{name}.png")
    (tmp_path / "masks").mkdir()
    (tmp_path / "masks" / "a.jpg").write_text("<html>")
    figure = plot_folder([tmp_path / "a.png", tmp_path / "b.png"], tmp_path / "masks")
    assert {"a.png", "a.jpg", "b.png", "no picture", "no file"} <= texts(figure)
    assert [len(ax.images) for ax in figure.axes] == [1, 1, 0, 0]


def test_eight_examples_take_two_rows():
    figure = plot_examples([(PHOTO, MASK)] * 8, CLASSES, PALETTE)
    assert [ax.get_subplotspec().rowspan.start for ax in figure.axes] == [0] * 4 + [1] * 4


def test_every_cell_of_the_page_may_run_again(tmp_path):
    """Whatever the first run left in the sandbox, a second one in the same kernel prints the same."""
    notebook = nbformat.read(list_notebooks()[3], as_version=4)
    shorten(notebook)
    once = [cell for cell in notebook.cells if cell.cell_type == "code"]
    again = [nbformat.v4.new_code_cell(cell.source) for cell in once if not cell.id.endswith("import-random")]
    notebook.cells = [*once, *again]
    BUILD.mkdir(exist_ok=True)
    path = BUILD / f"twice_{tmp_path.parent.name}.ipynb"  # inside the course, which its first cell looks for
    nbformat.write(notebook, path)
    try:
        executed = execute_notebook(path, MY_WORK=str(BUILD / "no_answers")).cells
    finally:
        path.unlink()
    first = [printed(cell) for cell in executed[: len(once)] if not cell.id.endswith("import-random")]
    assert first == [printed(cell) for cell in executed[len(once) :]]


def printed(cell):
    """The lines that a cell prints, without those that name a time."""
    lines = "".join(output.get("text", "") for output in cell.outputs).splitlines()
    return [line for line in lines if not line.endswith(" ms")]
