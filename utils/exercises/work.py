"""Your answers: kept in `my_work/` when they pass, and used by the course from then on.

A kept answer is a small module of its own: its imports, the helpers that it needs, and the function. Its header says
for which checks it passed, so that after an update of the course it is checked again instead of trusted.
"""

import ast
import builtins
import hashlib
import importlib
import importlib.util
import inspect
import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from utils.config import COURSE
from utils.exercises import engine
from utils.exercises.engine import PASSED, Exercise, ExerciseError

HEADER = re.compile(r"^# exercise (\S+)  checks (\w+)  text (\w+)$", re.MULTILINE)


def folder() -> Path:
    """Return the folder of your answers: `my_work` beside the notebooks, or where MY_WORK says."""
    return Path(os.environ.get("MY_WORK", COURSE / "my_work")).expanduser()


def file_of(exercise_id: str) -> Path:
    """Return where the answer to an exercise is kept."""
    return folder() / f"exercise_{exercise_id.replace('.', '_')}.py"


class Yours:
    """Your function in the place of the course's, all over `utils`.

    Counts its calls. Should it stop on real data, says so once, and the course's function takes over.
    """

    def __init__(self, exercise_id: str, answer: Callable) -> None:
        self.id, self.answer, self.calls, self.stopped = exercise_id, answer, 0, False
        self.__wrapped__ = engine.reference(exercise_id)
        self.__name__ = self.__wrapped__.__name__
        self.__doc__ = self.__wrapped__.__doc__

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not self.stopped:
            try:
                self.calls += 1
                return self.answer(*args, **kwargs)
            except Exception as error:
                self.stopped = True
                words = f"{type(error).__name__}: {' '.join(str(error).split())}"
                print(
                    f"{self.id}  your {self.__name__} stopped here: {words}\n     the course's takes over", flush=True
                )
        return self.__wrapped__(*args, **kwargs)

    def __reduce__(self) -> tuple:  # a DataLoader worker that is spawned finds the answer in my_work
        return restore, (self.id,)


def restore(exercise_id: str) -> Callable:
    """Return your kept function, or the course's where it cannot be loaded."""
    try:
        return Yours(exercise_id, load(file_of(exercise_id), exercise_id))
    except Exception:
        return engine.reference(exercise_id)


def use(the: Exercise, answer: Any) -> None:
    """Put your function in the place of the course's wherever `utils` uses it.

    Classes (and methods) stay the course's there: a checkpoint must load with the same layer names on any machine.
    """
    if not inspect.isclass(answer) and not inspect.isclass(the.place[0]):
        put(the, Yours(the.id, answer))


def put(the: Exercise, new: Any) -> None:
    """Let every module of the course see `new` where it saw the course's function, or an earlier one of yours."""
    course = engine.reference(the.id)
    holder = the.place[0]
    modules = [m for n, m in sys.modules.items() if n.startswith("utils.") and not n.startswith("utils.exercises")]
    for module in [holder, *modules]:
        for key, value in list(vars(module).items()):
            if value is course or (isinstance(value, Yours) and value.id == the.id):
                setattr(module, key, new)


def in_use(exercise_id: str) -> Yours | None:
    """Return your function as the course uses it now, if it does."""
    holder, name = engine.find(exercise_id).place
    value = vars(holder).get(name)
    return value if isinstance(value, Yours) else None


def keep(the: Exercise, answer: Any, source: str, scope: dict[str, Any]) -> str:
    """Keep a right answer and put it to use; return a sentence when it cannot be carried to the next notebook."""
    use(the, answer)
    if not source:
        return "its text was not found, so it is not carried to the next notebook"
    try:
        text = standalone(the, answer, source, scope)
        module = execute(text, f"exercise {the.id}")
        again = engine.run_checks(the, getattr(module, answer.__name__), vars(module))
    except (Uncarried, Exception) as error:
        return f"it is not carried to the next notebook: {error}"
    if again.status != PASSED:
        return f"it is not carried to the next notebook: taken out of this one, {again.sentence or 'it does not pass'}"
    try:
        write(file_of(the.id), text)
    except OSError as error:
        return f"it could not be kept in {folder().name}: {error.strerror}"
    return ""


class Uncarried(Exception):
    """An answer leans on something that exists in its notebook only."""


def standalone(the: Exercise, answer: Any, source: str, scope: dict[str, Any]) -> str:
    """Make a module of an answer: header, imports, constants, helpers, and the function."""
    imports, helpers = set[str](), list[str]()
    gather(source, answer.__name__, scope | {answer.__name__: answer}, imports, helpers, {answer.__name__})
    body = "\n\n".join(["\n".join(sorted(imports)), *helpers, source])
    lines = f'"""Exercise {the.id}, {the.title}: your answer."""\n'
    return lines + f"# exercise {the.id}  checks {checks_hash(the)}  text {text_hash(body)}\n\n{body}"


def gather(source: str, name: str, scope: dict[str, Any], imports: set, helpers: list, seen: set) -> None:
    """Find out what each global name in a definition is, and how another module can have it."""
    for used in sorted({n.id for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Name)}):
        if used in seen or used not in scope:
            continue
        seen.add(used)
        value = scope[used]
        home = getattr(value, "__module__", None)
        reference = next((e.reference for e in engine.all_exercises() if is_answer_to(e, value)), None)
        if isinstance(value, ModuleType):
            imports.add(f"import {value.__name__}" + (f" as {used}" if value.__name__ != used else ""))
        elif reference:
            imports.add(f"from {reference.rpartition('.')[0]} import {reference.rpartition('.')[2]} as {used}")
        elif isinstance(home, str) and getattr(sys.modules.get(home), getattr(value, "__name__", used), None) is value \
                and vars(sys.modules[home]) is not scope and home != "__main__":  # fmt: skip
            imports.add(f"from {home} import {getattr(value, '__name__', used)} as {used}")
        elif inspect.isfunction(value) or inspect.isclass(value):
            text = definition(value, used)
            if not text:
                raise Uncarried(f"it calls `{used}`, whose text was not found")
            gather(text, used, scope, imports, helpers, seen)
            helpers.append(text)
        elif constant(value):
            helpers.insert(0, f"{used} = {value!r}\n")
        elif not hasattr(builtins, used):
            raise Uncarried(f"it uses `{used}`, which exists in this notebook only; make it an argument")


def is_answer_to(the: Exercise, value: Any) -> bool:
    """Say whether a value is the course's function for an exercise, or yours."""
    if isinstance(value, Yours):
        return value.id == the.id
    attempt = engine.ATTEMPTS.get(the.id)
    if attempt and attempt.verdict and attempt.verdict.status == PASSED and attempt.answer is value:
        return True
    return getattr(value, "__name__", "") == the.name and value is engine.reference(the.id)


def definition(value: Any, name: str) -> str:
    """Return the text of a helper that was defined in another cell."""
    import linecache

    functions = [value] if inspect.isfunction(value) else [f for f in vars(value).values() if inspect.isfunction(f)]
    text = "".join(linecache.getlines(functions[0].__code__.co_filename)) if functions else ""
    return engine.own_source(text, "", name)


def constant(value: Any) -> bool:
    """Say whether a value can be written down as it is."""
    try:
        return ast.literal_eval(repr(value)) == value
    except (ValueError, SyntaxError, TypeError, RuntimeError):
        return False


def text_hash(text: str) -> str:
    return hashlib.sha256(text.strip().encode()).hexdigest()[:12]


def checks_hash(the: Exercise) -> str:
    """Tell one state of a notebook's checks, and of what they are written with, from another."""
    module = importlib.import_module(f"utils.exercises.notebook_{the.id.split('.')[0]}")
    return text_hash(inspect.getsource(module))


def write(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".new")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def execute(text: str, name: str) -> ModuleType:
    """Make a module of a text; its lines stay visible in error messages."""
    import linecache

    module = ModuleType("my_" + re.sub(r"\W", "_", name))
    linecache.cache[f"<{name}>"] = (len(text), None, text.splitlines(keepends=True), f"<{name}>")
    sys.modules[module.__name__] = module
    exec(compile(text, f"<{name}>", "exec"), vars(module))
    return module


def load(path: Path, exercise_id: str) -> Any:
    """Return a kept answer; checks it again when the course's checks or the file changed since it passed."""
    the, text = engine.find(exercise_id), path.read_text(encoding="utf-8")
    header = HEADER.search(text)
    module = execute(text, f"{path.parent.name}/{path.name}")
    answers = [v for v in vars(module).values() if getattr(v, "__module__", None) == module.__name__]
    answer = vars(module).get(the.name) or (answers[-1] if answers else None)
    if answer is None:
        raise ExerciseError(f"it defines no {the.name}")
    if not header or header.groups() != (the.id, checks_hash(the), text_hash(text[header.end() :])):
        verdict = engine.run_checks(the, answer, vars(module))
        if verdict.status != PASSED:
            raise ExerciseError(f"it no longer passes: {verdict.sentence or 'something is still to be written'}")
    return answer


def kept() -> list[str]:
    """Return the ids of the exercises whose answers are kept, in order."""
    found = (re.fullmatch(r"exercise_(\d)_(\d+)\.py", p.name) for p in folder().glob("exercise_*.py"))
    return [f"{a}.{b}" for a, b in sorted((int(m[1]), int(m[2])) for m in found if m)]


def load_all() -> None:
    """Put every kept answer to use, at the start of a notebook; a file that cannot be used is named and left alone."""
    count = 0
    for exercise_id in kept():
        try:
            answer = load(file_of(exercise_id), exercise_id)
        except Exception as error:
            words = " ".join(str(error).split())
            print(f"{exercise_id}  {file_of(exercise_id).name} is not used: {words} (the file is left as it is)")
            continue
        engine.ATTEMPTS[exercise_id] = engine.Attempt(
            engine.Verdict(exercise_id, PASSED), answer, file_of(exercise_id).read_text(encoding="utf-8")
        )
        use(engine.find(exercise_id), answer)
        count += 1
    if count:
        print(f"{count} of your answers {'is' if count == 1 else 'are'} in use · progress()")


def mine(exercise_id: str) -> Any:
    """Return your own latest answer, right or wrong."""
    engine.find(exercise_id)
    attempt = engine.ATTEMPTS.get(exercise_id)
    if attempt and attempt.answer is not None:
        return attempt.answer
    if file_of(exercise_id).is_file():
        return load(file_of(exercise_id), exercise_id)
    raise ExerciseError(f"There is no answer of yours to {exercise_id} yet: write it in notebook {exercise_id[0]}.")


def forget(exercise_id: str) -> None:
    """Go back to the course's function for one exercise; your file stays, renamed to end in `.old`."""
    the, path = engine.find(exercise_id), file_of(exercise_id)
    if path.is_file():
        path.replace(path.with_suffix(".old"))
    engine.ATTEMPTS.pop(exercise_id, None)
    put(the, engine.reference(exercise_id))
    print(f"{exercise_id}  the course's {the.name} is in use")


def whose(*ids: str) -> str:
    """Say whose functions are in use, and how often yours were called: for the captions of result figures."""
    yours, course = [], []
    for exercise_id in ids or [e.id for e in engine.all_exercises()]:
        the, used = engine.find(exercise_id), in_use(exercise_id)
        if used is None or used.stopped:
            course.append(the.name)
        else:
            times = f" ({used.calls} call{'s' * (used.calls != 1)})" if used.calls else ""
            yours.append(the.name + times)
    if not yours:
        return "the course's: " + ", ".join(course) if ids else "All functions here are the course's."
    if not course:
        return "yours: " + ", ".join(yours)
    return f"yours: {', '.join(yours)} · the course's: " + (", ".join(course) if ids else f"the other {len(course)}")


ENOUGH = 8


def package(target: str | Path = "my_segmenter") -> Path:
    """Write your answers as an importable package, one module for each module of the course.

    What you have not written is imported from the course. Raises ExerciseError with fewer than eight answers, or when
    the folder holds something else.
    """
    target = Path(target)
    ids = kept()
    if len(ids) < ENOUGH:
        raise ExerciseError(f"{len(ids)} answers are kept so far: a package is made from {ENOUGH} on.")
    if target.exists() and not (target / "MY_SEGMENTER").is_file():
        raise ExerciseError(f"{target} exists already and is no package of yours: choose another folder.")
    modules: dict[str, list[Exercise]] = {}
    for the in map(engine.find, ids):
        modules.setdefault(the.reference.split(".")[1], []).append(the)
    fresh = target.with_name(target.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    (fresh / "MY_SEGMENTER").write_text("Written by utils.exercises.package; replaced as a whole the next time.\n")
    names = []
    for module, exercises in modules.items():
        parts = [f'"""Your {module}."""']
        for the in exercises:
            text = file_of(the.id).read_text(encoding="utf-8")
            parts.append(f"# {the.id}  {the.title}\n{text[HEADER.search(text).end() :].strip()}")
            names.append(f"from {target.name}.{module} import {the.name}")
        text = "\n\n\n".join(parts) + "\n"
        for the in map(engine.find, ids):  # answers of yours lean on each other, not on the course's
            home = the.reference.split(".")[1]
            old = f"from utils.{home} import {the.name} as "
            text = re.sub(f"^{re.escape(old)}.*\n", "", text, flags=re.MULTILINE) if home == module else text
            text = text.replace(old, f"from {target.name}.{home} import {the.name} as ")
        write(fresh / f"{module}.py", text)
    write(fresh / "__init__.py", '"""What you wrote in the course."""\n\n' + "\n".join(sorted(names)) + "\n")
    shutil.rmtree(target, ignore_errors=True)
    fresh.replace(target)
    print(f"{len(ids)} answers are in {target.name}/: from {target.name} import {engine.find(ids[-1]).name}")
    return target


def download() -> Path | None:
    """Save all your answers as `my_work.zip`: in Colab your browser downloads it, elsewhere it lies beside my_work."""
    if not kept():
        print("There is nothing to download yet: no answer has passed.")
        return None
    archive = Path(shutil.make_archive(str(folder()), "zip", folder()))
    try:
        files = importlib.import_module("google.colab.files")
    except ImportError:
        print(
            f"{len(kept())} answers are in {archive.name}, beside {folder().name}/. Unpack it there to use them again."
        )
    else:
        files.download(str(archive))
    return archive


def keep_on_drive(place: str = "/content/drive") -> Path:
    """In Colab: ask for your Drive, copy your answers there, and keep them there until the runtime ends."""
    try:
        drive = importlib.import_module("google.colab.drive")
    except ImportError:
        raise ExerciseError(f"There is no Drive here: your answers are in {folder().name}/ on this computer.") from None
    drive.mount(place)
    target = Path(place) / "MyDrive" / "segmentation-course" / "my_work"
    if folder() != target:
        target.mkdir(parents=True, exist_ok=True)
        for path in folder().glob("exercise_*.py"):
            if not (target / path.name).exists():  # what is on Drive already is never replaced
                shutil.copy2(path, target)
        os.environ["MY_WORK"] = str(target)
    load_all()
    return target
