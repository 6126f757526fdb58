"""The board: how far a learner is with the exercises of all nine notebooks."""

from typing import Any

from exercises.catalogue import all_exercises, find
from exercises.course import list_notebooks
from exercises.definitions import PASSED, STOPPED, WRONG
from exercises.display import in_notebook, show_figure
from exercises.session import SESSION


def progress() -> None:
    """Draw the board of all nine notebooks, and say it in words."""
    statuses = {exercise.id: SESSION.status(exercise.id) for exercise in all_exercises()}
    passed = [exercise_id for exercise_id, status in statuses.items() if status == PASSED]
    failed = [exercise_id for exercise_id, status in statuses.items() if status in (WRONG, STOPPED)]
    text = f"{len(passed)} of {len(statuses)} exercises passed"
    text += f" · not right yet: {', '.join(failed)}" if failed else ""
    first_open = next((exercise_id for exercise_id, status in statuses.items() if status != PASSED), None)
    text += f" · next: {first_open} {find(first_open).title}" if first_open else " · all of the course is yours"
    print(text)
    if in_notebook():
        show_figure(draw_board(statuses), text)


def draw_board(statuses: dict[str, str]) -> Any:
    """Draw one square for each exercise, in a column for each notebook: ticked, crossed or empty.

    The marks say in black and white what the colours say.
    """
    import matplotlib.pyplot as plt
    from matplotlib.patches import Rectangle

    from utils.plots import GREEN, GREY, ORANGE

    styles = {PASSED: (GREEN, "✓", "white"), WRONG: (ORANGE, "✗", "black"), STOPPED: (ORANGE, "!", "black")}
    most_exercises = max(int(exercise_id.split(".")[1]) for exercise_id in statuses)
    figure, ax = plt.subplots(figsize=(9, 0.42 * most_exercises + 0.9))
    for exercise_id, status in statuses.items():
        notebook, number = map(int, exercise_id.split("."))
        fill_colour, mark, text_colour = styles.get(status, ("white", "", GREY))
        ax.add_patch(Rectangle((notebook - 0.42, number - 0.4), 0.84, 0.8, facecolor=fill_colour, edgecolor=GREY))
        ax.text(notebook, number, f"{exercise_id} {mark}".strip(), ha="center", va="center", color=text_colour)
    names = [path.stem[3:].replace("_", "\n") for path in list_notebooks()]
    ax.set(xlim=(0.5, 9.5), ylim=(most_exercises + 0.6, 0.4), yticks=[], xticks=range(1, 10))
    ax.set_xticklabels([f"{number}\n{name}" for number, name in enumerate(names, 1)], fontsize=9)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    passed = sum(status == PASSED for status in statuses.values())
    ax.set_title(f"{passed} of {len(statuses)} passed (✓)", loc="left")
    return figure
