"""What a learner reads: verdicts, hints, explanations, and solutions side by side."""

import html
import inspect
import textwrap
from typing import Any

from exercises.catalogue import find, reference
from exercises.definitions import PASSED, STOPPED, UNWRITTEN, WRONG, Check, Exercise, ExerciseError, Verdict
from exercises.expect import format_value
from exercises.session import SESSION, Attempt
from exercises.storage import kept_source
from utils.config import COURSE

INDENT = "     "
PRINTED_LINES = 6  # how many lines of an answer's own output are shown
FAILURES_BEFORE_SOLUTION = 3  # how often an answer fails before the verdict offers the solution


def in_notebook() -> bool:
    """Say whether pictures can be shown below the cell."""
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    return getattr(get_ipython(), "kernel", None) is not None


def show_text(plain: str, rich: str) -> None:
    """Show formatted text (HTML) in a notebook, and plain text elsewhere."""
    if not in_notebook():
        print(plain)
        return
    from IPython.display import display

    display({"text/plain": plain, "text/html": rich}, raw=True)


def show_figure(figure: Any, words: str = "") -> None:
    """Show a matplotlib figure below the cell and close it, so that it is not shown a second time.

    words: what stands for it where no picture is seen; if none are given, its titles.
    """
    import matplotlib.pyplot as plt
    from IPython import get_ipython
    from IPython.display import display

    titles = [figure.get_suptitle(), ", ".join(ax.get_title() for ax in figure.axes)]
    alt = words or ": ".join(filter(None, titles))
    data, about = get_ipython().display_formatter.format(figure)
    about |= {kind: {"alt": alt} for kind in data if kind.startswith("image/")}
    display(data | {"text/plain": alt}, raw=True, metadata=about)
    plt.close(figure)


def code_html(text: str) -> str:
    """Return Python code as coloured HTML."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    return highlight(text, PythonLexer(), HtmlFormatter(noclasses=True, nowrap=False))


def verdict_text(exercise: Exercise, verdict: Verdict, attempt: Attempt, note: str = "") -> str:
    """Put a verdict into words: the result, the details, and what the learner can do next."""
    if verdict.status == PASSED:
        count = len(exercise.checks)
        text = f"{exercise.id}  passed {count} check{'s' * (count != 1)} · yours is in use from here on"
        text += f' · compare("{exercise.id}")' + (f"\n{INDENT}but {note}" if note else "")
    else:
        kept = exercise.id in SESSION.passed_answers
        substitute = "the answer that you kept" if kept else f"the course's {exercise.name}"
        next_step = f'{substitute} stands in · hint("{exercise.id}")'
        if attempt.failures >= FAILURES_BEFORE_SOLUTION:
            next_step += f' · solution("{exercise.id}")'
        if verdict.status == UNWRITTEN:
            text = f"{exercise.id}  not written yet · {next_step}"
        else:
            result = "stopped" if verdict.status == STOPPED else "not yet"
            details = details_text(verdict.details)
            text = f"{exercise.id}  {result}: {verdict.sentence}{details}\n{INDENT}{next_step}"
    lines = verdict.printed.strip().splitlines()
    if len(lines) > PRINTED_LINES:
        lines = [*lines[:PRINTED_LINES], f"… {len(lines) - PRINTED_LINES} lines more"]
    return text + "".join(f"\n{INDENT}it printed: {line}" for line in lines)


def details_text(details: dict[str, Any]) -> str:
    """Write the details of a verdict on one line where they fit, and each on a line of its own otherwise."""
    parts = [f"{name} {format_value(value)}" for name, value in details.items()]
    if not parts:
        return ""
    line = "   ".join(parts)
    return f"\n{INDENT}" + (line if len(line) <= 150 else f"\n{INDENT}".join(parts))


def property_of(check: Check) -> str:
    """Return the property that a check asks for."""
    return (inspect.getdoc(check) or check.__name__).split("\n\n")[0].replace("\n", " ")


def hint_of(check: Check) -> str:
    """Return the hint for a learner whose answer fails a check, empty where there is none."""
    return " ".join((inspect.getdoc(check) or "").partition("\n\n")[2].split())


def hint(exercise_id: str) -> None:
    """Give the next hint, from the idea to nearly all.

    A verdict has named the rule that an answer broke, so the first hint after it says the rule and how to keep it.
    """
    exercise, attempt = find(exercise_id), SESSION.attempts.setdefault(exercise_id, Attempt())
    hints, verdict = list(exercise.hints), attempt.verdict
    if verdict and verdict.status in (WRONG, STOPPED):
        for check in exercise.checks:
            if check.__name__ == verdict.failed_check:
                hints = [f"{property_of(check)} {hint_of(check)}", hints[-1]]
    index = min(attempt.hints, len(hints) - 1)
    attempt.hints += 1
    print(f"{exercise.id}  hint {index + 1} of {len(hints)}: {hints[index]}")
    if index == len(hints) - 1:
        print(f'{INDENT}That was the last one: solution("{exercise.id}")')


def reference_source(exercise_id: str) -> tuple[str, str]:
    """Return the text of the course's own function, and its file and line."""
    function = reference(exercise_id)
    lines, first_line = inspect.getsourcelines(function)
    path = (inspect.getsourcefile(function) or "").removeprefix(str(COURSE)).lstrip("/\\").replace("\\", "/")
    return textwrap.dedent("".join(lines)), f"{path}, line {first_line}"


def solution(exercise_id: str) -> None:
    """Show the course's own function: the very one that later notebooks import."""
    text, place = reference_source(exercise_id)
    show_text(f"# {place}\n{text}", f"<p>{html.escape(exercise_id)}, from <code>{place}</code></p>{code_html(text)}")


def compare(exercise_id: str) -> None:
    """Show your answer beside the course's."""
    find(exercise_id)
    attempt = SESSION.attempts.get(exercise_id, Attempt())
    written = attempt.verdict is not None and attempt.verdict.status != UNWRITTEN
    yours = attempt.source if written else kept_source(exercise_id)
    if not yours:
        raise ExerciseError(
            f'There is no answer of yours to {exercise_id} yet. solution("{exercise_id}") shows the course\'s.'
        )
    text, place = reference_source(exercise_id)
    columns = [("yours", yours), (f"the course's ({place})", text)]
    cells = "".join(
        f'<td style="vertical-align:top;text-align:left"><b>{html.escape(title)}</b>{code_html(code)}</td>'
        for title, code in columns
    )
    plain = "\n".join(f"# {title}\n{code}" for title, code in columns)
    show_text(plain, f"<table><tr>{cells}</tr></table>")


def explain(exercise_id: str) -> None:
    """Say what an exercise is for, what each check asks, and what came of your last answer."""
    exercise, attempt = find(exercise_id), SESSION.attempts.get(exercise_id)
    verdict = attempt.verdict if attempt else None
    print(f"{exercise.id}  {exercise.title} · difficulty {exercise.difficulty} of 5 · {exercise.minutes} minutes")
    print(f"{INDENT}{exercise.purpose}")
    reached = verdict is None or verdict.failed_check in {"", *(check.__name__ for check in exercise.checks)}
    for check in exercise.checks:
        if verdict is None or verdict.status == UNWRITTEN or not reached:
            state = "not tried"
        elif verdict.status == PASSED or check.__name__ != verdict.failed_check:
            state = "holds"
        else:
            state, reached = "fails", False
        print(f"{INDENT}{state:>9}  {property_of(check)}")
        if state == "fails" and verdict:
            print(f"{INDENT}{'':>9}  {verdict.sentence}{details_text(verdict.details)}")
