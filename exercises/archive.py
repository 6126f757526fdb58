"""Take your answers with you: as a package, as an archive, or on your Drive."""

import importlib
import os
import re
import shutil
from pathlib import Path

from exercises import engine
from exercises.answers import folder, kept, load_all, text_of, write
from exercises.engine import Exercise, ExerciseError

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
    (fresh / "MY_SEGMENTER").write_text("Written by exercises.package; replaced as a whole the next time.\n")
    names = []
    for module, exercises in modules.items():
        parts = [f'"""Your {module}."""']
        for the in exercises:
            parts.append(f"# {the.id}  {the.title}\n{text_of(the.id)}")
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
