"""From one visit to the next: in Colab the capstone's town goes to your Drive, or into a file, before the runtime ends.

What can be drawn again is left out: the archive holds what you paid for, the runs that you trained, and your report.
"""

import io
import os
import time
import zipfile
from pathlib import Path

from exercises.archive import DRIVE, folder_on_drive, offer, upload
from utils.config import COURSE
from utils.errors import CourseError

HOME = COURSE / "build" / "snow_town"
ARCHIVE = "snow_town.zip"
KEPT = "SNOW_TOWN_ARCHIVE"  # environment variable: the archive on Drive, once it was asked for
BOUGHT = "bought.csv"


def bring_town(place: str, home: Path = HOME) -> None:
    """Put what you bought and trained before into `home`: from 'this runtime', 'Google Drive' or 'a file'.

    Nothing that lies there already is replaced. Raises CourseError where it is no such place, or another town.
    """
    os.environ.pop(KEPT, None)
    if place == "Google Drive":
        archive = folder_on_drive(DRIVE, f"your town stays in {home} on this computer") / ARCHIVE
        archive.parent.mkdir(parents=True, exist_ok=True)
        if archive.is_file():
            unpack(archive.read_bytes(), home)
        os.environ[KEPT] = str(archive)
    elif place == "a file":
        elsewhere = f"your town stays in {HOME} on this computer, and needs no archive"
        unpack(upload(ARCHIVE, elsewhere), home)
    elif place != "this runtime":
        raise CourseError(f"TOWN = '{place}': choose 'this runtime', 'Google Drive' or 'a file'.")


def unpack(archive: bytes, home: Path) -> None:
    """Write the files of an archive that are not in `home` yet, with the times at which they were written.

    Raises CourseError, and writes nothing, for another file, and where other labels were bought here since.
    """
    try:
        packed = zipfile.ZipFile(io.BytesIO(archive))
    except zipfile.BadZipFile as error:
        raise CourseError(f"That file is no {ARCHIVE}: choose the one that this page wrote.") from error
    with packed:
        inside = {member.filename: member for member in packed.infolist()}
        here = home / BOUGHT
        if here.is_file() and BOUGHT in inside and here.read_bytes() != packed.read(BOUGHT):
            raise CourseError(f"{home} holds other labels than {ARCHIVE}: move one of the two away, or stay with it.")
        for name, member in inside.items():
            if not member.is_dir() and not (home / name).exists():
                path = Path(packed.extract(member, home))
                written = time.mktime((*member.date_time, 0, 0, -1))
                os.utime(path, (written, written))  # the order of your runs


def pack(folder: Path, archive: Path) -> Path:
    """Write what cannot be drawn again into an archive, which is replaced as a whole, and return it."""
    unfinished = archive.with_name(archive.name + ".new")
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in (folder / BOUGHT, folder / "report.html", *sorted((folder / "runs").rglob("*"))):
            inside = path.relative_to(folder)
            if path.is_file() and path.suffix != ".ckpt" and "pictures" not in inside.parts:
                packed.write(path, inside.as_posix())
    return unfinished.replace(archive)


def keep_town(folder: Path) -> None:
    """Write the archive of a town to your Drive, where the page was told to keep it there."""
    if archive := os.environ.get(KEPT):
        pack(folder, Path(archive))


def take_town(folder: Path) -> Path:
    """Save the town as `snow_town.zip`: in Colab your browser downloads it, elsewhere it lies in the town's folder."""
    archive = pack(folder, folder / ARCHIVE)
    offer(archive, f"What you bought and trained is in {archive}.")
    return archive
