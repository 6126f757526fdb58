"""What a learner sees: verdicts, hints, solutions side by side, pictures, and the board."""

import html
import inspect
import textwrap
from typing import Any

import numpy as np

from exercises import engine
from exercises.engine import PASSED, STOPPED, UNWRITTEN, WRONG, Attempt, Exercise, ExerciseError, Verdict
from exercises.expect import brief
from utils.config import COURSE

INDENT = "     "


def in_notebook() -> bool:
    """Say whether pictures can be shown below the cell."""
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    return getattr(get_ipython(), "kernel", None) is not None


def verdict_text(the: Exercise, verdict: Verdict, attempt: Attempt, note: str = "") -> str:
    """Put a verdict into words: what came of it, the facts, and where to go from here."""
    who = "the answer that you kept" if the.id in engine.KEPT else f"the course's {the.name}"
    stands_in = f'{who} stands in · hint("{the.id}")'
    if attempt.failures >= 3:
        stands_in += f' · solution("{the.id}")'
    if verdict.status == PASSED:
        count = len(the.checks)
        text = (
            f'{the.id}  passed {count} check{"s" * (count != 1)} · yours is in use from here on · compare("{the.id}")'
        )
        text += f"\n{INDENT}but {note}" if note else ""
    elif verdict.status == UNWRITTEN:
        text = f"{the.id}  not written yet · {stands_in}"
    else:
        words = "stopped" if verdict.status == STOPPED else "not yet"
        text = f"{the.id}  {words}: {verdict.sentence}{facts_text(verdict.facts)}\n{INDENT}{stands_in}"
    if verdict.printed.strip():
        lines = verdict.printed.strip().splitlines()
        more = [f"… {len(lines) - 6} lines more"] if len(lines) > 6 else []
        text += "".join(f"\n{INDENT}it printed: {line}" for line in [*lines[:6], *more])
    return text


def facts_text(facts: dict[str, Any]) -> str:
    """Write facts on one line where they fit, else one to a line."""
    parts = [f"{name} {brief(value)}" for name, value in facts.items()]
    if not parts:
        return ""
    line = "   ".join(parts)
    return f"\n{INDENT}" + (line if len(line) <= 150 else f"\n{INDENT}".join(parts))


def hint(exercise_id: str) -> None:
    """Give the next hint: first one for the property that failed, then the general ones, from a nudge to nearly all."""
    the, attempt = engine.find(exercise_id), engine.ATTEMPTS.setdefault(exercise_id, Attempt())
    levels = list(the.hints)
    verdict = attempt.verdict
    if verdict and verdict.status in (WRONG, STOPPED):
        levels[:0] = [text for c in the.checks if c.__name__ == verdict.failed and (text := hint_of(c))]
    level = min(attempt.hints, len(levels) - 1)
    attempt.hints += 1
    print(f"{the.id}  hint {level + 1} of {len(levels)}: {levels[level]}")
    if level == len(levels) - 1:
        print(f'{INDENT}That was the last one: solution("{the.id}")')


def property_of(check: engine.Check) -> str:
    """Return what a check asks for."""
    return (inspect.getdoc(check) or check.__name__).split("\n\n")[0].replace("\n", " ")


def hint_of(check: engine.Check) -> str:
    """Return the hint for whoever fails a check, empty where there is none."""
    return " ".join((inspect.getdoc(check) or "").partition("\n\n")[2].split())


def reference_source(exercise_id: str) -> tuple[str, str]:
    """Return the text of the course's own function, and where it is."""
    course = engine.reference(exercise_id)
    lines, start = inspect.getsourcelines(course)
    path = inspect.getsourcefile(course) or ""
    place = path.removeprefix(str(COURSE)).lstrip("/\\").replace("\\", "/")
    return textwrap.dedent("".join(lines)), f"{place}, line {start}"


def show_text(plain: str, rich: str) -> None:
    """Show formatted text in a notebook, plain text elsewhere."""
    if not in_notebook():
        print(plain)
        return
    from IPython.display import display

    display({"text/plain": plain, "text/html": rich}, raw=True)


def code_html(text: str) -> str:
    """Colour Python code for a notebook."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    return highlight(text, PythonLexer(), HtmlFormatter(noclasses=True, nowrap=False))


def solution(exercise_id: str) -> None:
    """Show the course's own function: the very one that later notebooks import."""
    text, place = reference_source(exercise_id)
    show_text(f"# {place}\n{text}", f"<p>{html.escape(exercise_id)}, from <code>{place}</code></p>{code_html(text)}")


def compare(exercise_id: str) -> None:
    """Show your answer beside the course's."""
    from exercises import answers as work

    engine.find(exercise_id)
    attempt = engine.ATTEMPTS.get(exercise_id, Attempt())
    yours = attempt.source if attempt.verdict and attempt.verdict.status != UNWRITTEN else work.text_of(exercise_id)
    if not yours:
        raise ExerciseError(
            f'There is no answer of yours to {exercise_id} yet. solution("{exercise_id}") shows the course\'s.'
        )
    text, place = reference_source(exercise_id)
    cells = [("yours", yours), (f"the course's ({place})", text)]
    columns = "".join(
        f'<td style="vertical-align:top;text-align:left"><b>{html.escape(title)}</b>{code_html(code)}</td>'
        for title, code in cells
    )
    plain = "\n".join(f"# {title}\n{code}" for title, code in cells)
    show_text(plain, f"<table><tr>{columns}</tr></table>")


def explain(exercise_id: str) -> None:
    """Say what an exercise is for, what each check asks, and what came of your last answer."""
    the, attempt = engine.find(exercise_id), engine.ATTEMPTS.get(exercise_id)
    verdict = attempt.verdict if attempt else None
    print(f"{the.id}  {the.title} · difficulty {the.difficulty} of 5 · {the.minutes} minutes\n{INDENT}{the.purpose}")
    reached = True
    for check in the.checks:
        if verdict is None or verdict.status == UNWRITTEN or not reached:
            state = "not tried"
        elif verdict.status == PASSED or check.__name__ != verdict.failed:
            state = "holds"
        else:
            state, reached = "fails", False
        print(f"{INDENT}{state:>9}  {property_of(check)}")
        if state == "fails" and verdict:
            print(f"{INDENT}{'':>9}  {verdict.sentence}{facts_text(verdict.facts)}")


def draw(the: Exercise, verdict: Verdict, answer: Any) -> None:
    """In a notebook, show an answer that is a picture: input, expected, yours, and where they differ."""
    if the.picture is None or verdict.status in (UNWRITTEN, STOPPED) or not in_notebook():
        return
    import matplotlib.pyplot as plt
    from IPython.display import display

    figure = picture(the, answer)
    if figure is not None:
        display(figure)
        plt.close(figure)


def picture(the: Exercise, answer: Any) -> Any:
    """Draw input, expected, yours and their difference; None where the answer gives no picture."""
    from exercises.guard import TooSlow, kept_as_found, time_limit
    from utils.plots import show_images, to_array

    with kept_as_found():
        try:
            with time_limit():
                before, expected = map(to_array, the.picture(engine.reference(the.id)))
                yours = to_array(the.picture(answer)[1])
            images, titles = [before, expected, yours], ["input", "expected", "yours"]
            if yours.shape == expected.shape:
                gap = np.abs(yours.astype(np.float64) - expected.astype(np.float64))
                wrong = gap.reshape(*gap.shape[:2], -1).max(axis=-1) > 1
                images.append(np.where(wrong[..., None], 0, 255).repeat(3, axis=-1).astype(np.uint8))
                titles.append(f"difference: {wrong.mean():.0%}, black" if wrong.any() else "no difference")
            else:
                titles[2] = f"yours, of another size: {yours.shape[1]}x{yours.shape[0]}"
            return show_images(images, titles, columns=len(images), heading=f"{the.id}  {the.title}")
        except (Exception, TooSlow):  # the verdict has said what is wrong; a picture is extra
            return None


def status_of(exercise_id: str) -> str:
    """Return how far you are with an exercise: passed, wrong, error or unwritten."""
    attempt = engine.ATTEMPTS.get(exercise_id)
    if exercise_id in engine.KEPT:
        return PASSED
    return attempt.verdict.status if attempt and attempt.verdict else UNWRITTEN


def progress() -> None:
    """Draw the board of all nine notebooks, and say it in words."""
    states = {e.id: status_of(e.id) for e in engine.all_exercises()}
    passed = [i for i, s in states.items() if s == PASSED]
    tried = [i for i, s in states.items() if s in (WRONG, STOPPED)]
    text = f"{len(passed)} of {len(states)} exercises passed"
    text += f" · not right yet: {', '.join(tried)}" if tried else ""
    ahead = next((i for i, s in states.items() if s != PASSED), None)
    print(text + (f" · next: {ahead} {engine.find(ahead).title}" if ahead else " · all of the course is yours"))
    if in_notebook():
        import matplotlib.pyplot as plt
        from IPython.display import display

        figure = board(states)
        display(figure)
        plt.close(figure)


def board(states: dict[str, str]) -> Any:
    """Draw one square for each exercise, a column for each notebook: filled and ticked, or crossed, or empty."""
    import matplotlib.pyplot as plt
    from matplotlib.patches import Rectangle

    from exercises.course import list_notebooks
    from utils.plots import GREEN, GREY, ORANGE

    looks = {PASSED: (GREEN, "✓", "white"), WRONG: (ORANGE, "✗", "black"), STOPPED: (ORANGE, "!", "black")}
    most = max(int(i.split(".")[1]) for i in states)
    figure, ax = plt.subplots(figsize=(9, 0.42 * most + 0.9))
    for exercise_id, status in states.items():
        notebook, number = map(int, exercise_id.split("."))
        fill, mark, ink = looks.get(status, ("white", "", GREY))
        ax.add_patch(Rectangle((notebook - 0.42, number - 0.4), 0.84, 0.8, facecolor=fill, edgecolor=GREY))
        ax.text(notebook, number, f"{exercise_id} {mark}".strip(), ha="center", va="center", color=ink)
    names = [path.stem[3:].replace("_", "\n") for path in list_notebooks()]
    ax.set(xlim=(0.5, 9.5), ylim=(most + 0.6, 0.4), yticks=[], xticks=range(1, 10))
    ax.set_xticklabels([f"{n}\n{name}" for n, name in enumerate(names, 1)], fontsize=9)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set_title(f"{sum(s == PASSED for s in states.values())} of {len(states)} passed (✓)", loc="left")
    return figure
