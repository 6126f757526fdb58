"""The picture of an answer that is itself a picture: input, expected, yours, and where they differ."""

from typing import Any

import numpy as np

from exercises.catalogue import reference
from exercises.definitions import PASSED, STOPPED, UNWRITTEN, Exercise, Verdict
from exercises.display import in_notebook, show_figure
from exercises.process_state import restore_process_state
from exercises.time_limit import TimeLimitExceeded, check_limit


def show_answer_picture(exercise: Exercise, verdict: Verdict, answer: Any) -> None:
    """Show the picture below the cell of a notebook; do nothing elsewhere, or where there is no picture."""
    if exercise.picture is None or verdict.status in (UNWRITTEN, STOPPED) or not in_notebook():
        return
    figure = draw_answer(exercise, answer, passed=verdict.status == PASSED)
    if figure is not None:
        show_figure(figure)


def draw_answer(exercise: Exercise, answer: Any, passed: bool = True) -> Any:
    """Return a figure of input, expected, yours and their difference; None where the answer gives no picture.

    None also where an answer that did not pass gives this picture as expected: its fault cannot be seen in it.
    """
    from utils.plots import show_images, to_array

    with restore_process_state():
        try:
            with check_limit():
                before, expected = map(to_array, exercise.picture(reference(exercise.id)))
                yours = as_shown(to_array(exercise.picture(answer)[1]))
            images, titles = [before, expected, yours], ["input", "expected", "yours"]
            if yours.shape == expected.shape:
                gap = np.abs(yours.astype(np.float64) - expected.astype(np.float64))
                differs = gap.reshape(*gap.shape[:2], -1).max(axis=-1) > 1  # shape (H, W)
                images.append(np.where(differs[..., None], 0, 255).repeat(3, axis=-1).astype(np.uint8))
                if not passed and not differs.any():
                    return None
                titles.append(f"difference: {differs.mean():.0%}, black" if differs.any() else "no difference")
            else:
                titles[2] = f"yours, of another size: {yours.shape[1]}x{yours.shape[0]}"
            return show_images(images, titles, columns=len(images), heading=f"{exercise.id}  {exercise.title}")
        except (Exception, TimeLimitExceeded):  # the verdict has said what is wrong, and the picture is optional
            return None


def as_shown(picture: np.ndarray) -> np.ndarray:
    """Return the bytes that a picture shows: also one of floats, from 0 to 1 or from 0 to 255."""
    if picture.dtype == np.uint8 or picture.dtype == bool:
        return picture
    scale = 255 if picture.dtype.kind == "f" and picture.max() <= 1 else 1
    return (picture * scale).round().clip(0, 255).astype(np.uint8)
