"""Packages that only a part of the program needs: they are imported where they are used."""

import importlib
from types import ModuleType

from utils.errors import CourseError


def require(module: str, install: str | None = None) -> ModuleType:
    """Import an optional package, or a module of one. Raises CourseError with the remedy where it is missing.

    install: the packages that pip is to install, where it is not that package alone.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        remedy = f"pip install {install or module.partition('.')[0]}"
        raise CourseError(f"The package {error.name} is missing: run `{remedy}`, then this again.") from None
