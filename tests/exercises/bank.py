"""The answers that the checks are tried on: `answers/notebook_N.py`, in cells as a learner would write them.

`# %% 7.3 right: what is different about it` and `# %% 7.3 wrong: words that the verdict must contain`. A cell
`# %% prelude` runs first, as the earlier cells of a notebook do. Files in that folder are no modules: they hold bugs.
"""

import itertools
import linecache
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import nbformat

from exercises.catalogue import find, reference
from exercises.course import list_notebooks
from exercises.definitions import PASSED, Verdict
from exercises.session import SESSION

ANSWERS = Path(__file__).parent / "answers"
HEAD = re.compile(r"^# %% (?:(prelude)|(\d\.\d+) (right|wrong): (.+))$", re.MULTILINE)


@dataclass(frozen=True)
class Answer:
    """One right or wrong answer; `words` say what is different, or what the verdict must contain."""

    id: str
    right: bool
    words: str
    text: str

    def __str__(self) -> str:
        return f"{self.id} {'right' if self.right else 'wrong'}: {self.words}"


@cache
def read(number: int) -> tuple[str, list[Answer]]:
    """Return the prelude and the answers of a notebook."""
    path = ANSWERS / f"notebook_{number}.py"
    if not path.is_file():
        return "", []
    text = path.read_text(encoding="utf-8")
    heads = [*HEAD.finditer(text), None]
    prelude, answers = "", []
    for head, after in itertools.pairwise(heads):
        body = text[head.end() : after.start() if after else len(text)].strip("\n") + "\n"
        if head[1]:
            prelude = body
        else:
            answers.append(Answer(head[2], head[3] == "right", head[4].strip(), body))
    return prelude, answers


def all_answers() -> list[Answer]:
    return [answer for number in range(1, 10) for answer in read(number)[1]]


def cell_text(answer: Answer) -> str:
    """Put the decorator above the answer and its own decorators; helpers stay above it."""
    definition = rf"^(@.+\n)*(def|class) {find(answer.id).name}\b"
    return re.sub(definition, rf'@exercise("{answer.id}")\n\g<0>', answer.text, count=1, flags=re.MULTILINE)


def run_cell(text: str, scope: dict[str, Any], name: str) -> None:
    """Run a cell as IPython does: its lines are found again by the name of the cell."""
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    exec(compile(text, name, "exec"), scope)


def scope_of(number: int) -> dict[str, Any]:
    """Return the names that a notebook has when its exercises are reached."""
    scope: dict[str, Any] = {"__name__": "__main__"}
    run_cell("from exercises import *\n" + read(number)[0], scope, f"<prelude of notebook {number}>")
    return scope


def try_answer(answer: Answer) -> Verdict:
    """Run an answer as a cell of a notebook and return the verdict."""
    scope = scope_of(int(answer.id[0]))
    run_cell(cell_text(answer), scope, f"<{answer}>")
    name = find(answer.id).name
    attempt = SESSION.attempts[answer.id]
    expected = attempt.answer if attempt.verdict.status == PASSED else reference(answer.id)
    assert scope[name] is expected, "a right answer is bound as it is; for any other the course's stands in"
    return attempt.verdict


def stub(exercise_id: str) -> str:
    """Return the cell of the notebook in which an exercise is to be written."""
    notebook = nbformat.read(list_notebooks()[int(exercise_id[0]) - 1], as_version=4)
    cells = [c.source for c in notebook.cells if c.cell_type == "code" and f'@exercise("{exercise_id}")' in c.source]
    assert len(cells) == 1, f"{exercise_id} has {len(cells)} cells"
    return cells[0]


def fill(notebook: nbformat.NotebookNode, right: bool) -> list[str]:
    """Write the first right (or wrong) answer of the bank into every exercise cell; return the ids."""
    done = []
    for cell in notebook.cells:
        found = re.search(r'@exercise\("(\d\.\d+)"\)', cell.source) if cell.cell_type == "code" else None
        if found:
            answer = next(a for a in read(int(found[1][0]))[1] if a.id == found[1] and a.right == right)
            cell.source = cell_text(answer)
            done.append(answer.id)
    return done
