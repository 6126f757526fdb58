"""Take your answers with you: as a package, as an archive, or on your Drive."""

import importlib
import io
import os
import re
import shutil
import zipfile
from pathlib import Path
from types import ModuleType

from exercises.answers import use_kept_answers
from exercises.catalogue import find
from exercises.definitions import Exercise, ExerciseError
from exercises.storage import ANSWER_FILE, answers_folder, kept_ids, kept_source, write_atomically

MINIMUM_ANSWERS = 8
DRIVE = Path("/content/drive")  # where Colab mounts it
MARKER = "MY_SEGMENTER"  # the file by which a package is recognised, so that no other folder is replaced


def package(target: str | Path = "my_segmenter") -> Path:
    """Write your answers as an importable package, one module for each module of the course.

    What you have not written is imported from the course. Raises ExerciseError with fewer than eight answers, or when
    the folder holds something else.
    """
    target = Path(target)
    exercises = [find(exercise_id) for exercise_id in kept_ids()]
    if len(exercises) < MINIMUM_ANSWERS:
        raise ExerciseError(f"{len(exercises)} answers are kept so far: a package is made from {MINIMUM_ANSWERS} on.")
    if target.exists() and not (target / MARKER).is_file():
        raise ExerciseError(f"{target} exists already and is no package of yours: choose another folder.")
    unfinished = target.with_name(target.name + ".new")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    (unfinished / MARKER).write_text("Written by exercises.package; replaced as a whole the next time.\n")
    for module in {course_module(exercise) for exercise in exercises}:
        write_atomically(unfinished / f"{module}.py", module_text(module, exercises, target.name))
    imports = sorted(f"from {target.name}.{course_module(e)} import {e.name}" for e in exercises)
    write_atomically(unfinished / "__init__.py", '"""What you wrote in the course."""\n\n' + "\n".join(imports) + "\n")
    shutil.rmtree(target, ignore_errors=True)
    unfinished.replace(target)
    print(f"{len(exercises)} answers are in {target.name}/: from {target.name} import {exercises[-1].name}")
    return target


def course_module(exercise: Exercise) -> str:
    """Return the name of the module of `utils` that holds the reference of an exercise."""
    return exercise.reference.split(".")[1]


def module_text(module: str, exercises: list[Exercise], package_name: str) -> str:
    """Return one module of the package: the answers whose references are in the course's module of that name.

    Answers import each other from the package, not from the course.
    """
    own = [exercise for exercise in exercises if course_module(exercise) == module]
    parts = [f'"""Your {module}."""']
    parts += [f"# {exercise.id}  {exercise.title}\n{kept_source(exercise.id)}" for exercise in own]
    text = "\n\n\n".join(parts) + "\n"
    for exercise in exercises:
        course_import = f"from utils.{course_module(exercise)} import {exercise.name} as "
        if exercise in own:  # it is defined in this very module
            text = re.sub(f"^{re.escape(course_import)}.*\n", "", text, flags=re.MULTILINE)
        own_import = f"from {package_name}.{course_module(exercise)} import {exercise.name} as "
        text = text.replace(course_import, own_import)
    return text


def colab(name: str) -> ModuleType | None:
    """Return a module of `google.colab`, such as 'files'; None outside Colab."""
    try:
        return importlib.import_module(f"google.colab.{name}")
    except ImportError:
        return None


def download() -> Path | None:
    """Save all your answers as `my_work.zip`: in Colab your browser downloads it, elsewhere it lies beside my_work."""
    folder, count = answers_folder(), len(kept_ids())
    if not count:
        print("There is nothing to download yet: no answer has passed.")
        return None
    archive = Path(shutil.make_archive(str(folder), "zip", folder))
    offer(archive, f"{count} answers are in {archive.name}, beside {folder.name}/. Unpack it there to use them again.")
    return archive


def offer(archive: Path, words: str) -> None:
    """Let the browser download a file in Colab; elsewhere say where it lies."""
    if files := colab("files"):
        files.download(str(archive))
    else:
        print(words)


def bring(place: str) -> None:
    """Use the answers that you kept: on 'this runtime', on 'Google Drive', or in 'a file' that `download` gave you.

    Nothing that lies in your folder of answers already is replaced. Raises ExerciseError where it is no such place.
    """
    if place == "Google Drive":
        keep_on_drive()
    elif place == "a file":
        elsewhere = f"unpack my_work.zip into {answers_folder().name}/, then run the set-up cell"
        unpack_answers(upload("my_work.zip", elsewhere))
        use_kept_answers()
    elif place != "this runtime":
        raise ExerciseError(f"ANSWERS = '{place}': choose 'this runtime', 'Google Drive' or 'a file'.")


def upload(name: str, elsewhere: str) -> bytes:
    """Return the archive that you choose in the browser, where the page offers `name`; `elsewhere` is no Colab.

    Raises ExerciseError where none is chosen.
    """
    files = colab("files")
    if files is None:
        raise ExerciseError(f"This is not Colab: {elsewhere}.")
    chosen = list(files.upload().values())
    if len(chosen) != 1:
        raise ExerciseError(f"No file was chosen. Run the cell again, and choose the {name} that you downloaded.")
    return chosen[0]


def unpack_answers(archive: bytes) -> None:
    """Write the answers of an archive into your folder, by their names alone. Raises ExerciseError for other files."""
    folder = answers_folder()
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as packed:
            inside = {Path(name).name: name for name in packed.namelist()}
            answers = {
                name: packed.read(member).decode("utf-8")
                for name, member in inside.items()
                if ANSWER_FILE.fullmatch(name)
            }
    except (zipfile.BadZipFile, UnicodeDecodeError) as error:
        raise ExerciseError("That file is no my_work.zip, as `download()` writes it. Choose that one.") from error
    if not answers:
        raise ExerciseError("There is no answer in that archive. Choose the my_work.zip that `download()` gave you.")
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in answers.items():
        if not (folder / name).exists():
            write_atomically(folder / name, text)


def folder_on_drive(place: str | Path, elsewhere: str) -> Path:
    """Ask for your Drive, and return the course's folder on it. Raises ExerciseError outside Colab: `elsewhere`."""
    drive = colab("drive")
    if drive is None:
        raise ExerciseError(f"There is no Drive here: {elsewhere}.")
    drive.mount(str(place))
    return Path(place) / "MyDrive" / "segmentation-course"


def keep_on_drive(place: str | Path = DRIVE) -> Path:
    """In Colab: ask for your Drive, copy your answers there, and keep them there until the runtime ends."""
    folder = answers_folder()
    target = folder_on_drive(place, f"your answers are in {folder.name}/ on this computer") / "my_work"
    if folder != target:
        target.mkdir(parents=True, exist_ok=True)
        for path in folder.glob("exercise_*.py"):
            if not (target / path.name).exists():  # an answer that is on Drive already is never replaced
                shutil.copy2(path, target)
        os.environ["MY_WORK"] = str(target)
    use_kept_answers()
    return target
