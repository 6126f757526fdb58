"""The three houses: who imports whom, and how large a room, a function and a list of parameters may be."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import COURSE

HOUSES = ("utils", "exercises", "segmenter")
MOST_LINES = {"utils": 200, "segmenter": 200, "exercises": 200}  # of a module
MOST_FUNCTION_LINES = 50
MOST_PARAMETERS = 6  # without `self`, and without keyword-only options
EXCEPTIONS: set[str] = set()  # of the budgets below; it is meant to stay empty
# The checks of a notebook's exercises are one file each, however many exercises a notebook has.
CHECKS = COURSE / "exercises" / "checks"
FLAT_LINES, CATALOG_LINES = 4370, 2700  # of all modules of utils together, and of utils/catalog: kept on purpose


def modules(house: str) -> list[Path]:
    return [path for path in sorted((COURSE / house).rglob("*.py")) if CHECKS not in path.parents]


def count_lines(path: Path) -> int:
    return len(path.read_text("utf-8").splitlines())


def name_of(path: Path) -> str:
    return path.relative_to(COURSE).as_posix()


def functions(path: Path) -> list[ast.FunctionDef]:
    return [n for n in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(n, ast.FunctionDef)]


def test_every_contract_of_imports_is_kept() -> None:
    """Layers, and no circle within a house: `make lint` says the same, and what breaks it."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo"]
    found = subprocess.run(
        command, cwd=COURSE, env={"PYTHONPATH": str(COURSE), "PATH": ""}, capture_output=True, text=True
    )
    assert found.returncode == 0, found.stdout + found.stderr
    assert "0 broken" in found.stdout


@pytest.mark.parametrize("house", HOUSES)
def test_no_module_is_too_long(house: str) -> None:
    long = {name_of(p): n for p in modules(house) if (n := count_lines(p)) > MOST_LINES[house]}
    assert {name: n for name, n in long.items() if name not in EXCEPTIONS} == {}


@pytest.mark.parametrize("house", HOUSES)
def test_no_function_is_too_long(house: str) -> None:
    long = {
        f"{name_of(p)}:{f.name}": n
        for p in modules(house)
        for f in functions(p)
        if (n := f.end_lineno - f.lineno + 1) > MOST_FUNCTION_LINES
    }
    assert {name: n for name, n in long.items() if name not in EXCEPTIONS} == {}


@pytest.mark.parametrize("house", HOUSES)
def test_no_function_has_too_many_parameters(house: str) -> None:
    many = {}
    for path in modules(house):
        for function in functions(path):
            names = [a.arg for a in (*function.args.posonlyargs, *function.args.args) if a.arg not in ("self", "cls")]
            if len(names) > MOST_PARAMETERS:
                many[f"{name_of(path)}:{function.name}"] = len(names)
    assert {name: n for name, n in many.items() if name not in EXCEPTIONS} == {}


def test_utils_is_thin() -> None:
    assert sum(count_lines(p) for p in (COURSE / "utils").glob("*.py")) <= FLAT_LINES
    assert sum(count_lines(p) for p in (COURSE / "utils" / "catalog").glob("*.py")) <= CATALOG_LINES


def test_the_map_of_the_houses_is_true() -> None:
    """The line count of each house, as CONTRIBUTING.md states it, is the one there is, within a hundred lines."""
    text = (COURSE / "CONTRIBUTING.md").read_text("utf-8")
    for house in HOUSES:
        lines = sum(count_lines(p) for p in (COURSE / house).rglob("*.py"))
        stated = int(re.search(rf"\| `{house}/` \| ([\d,]+) \|", text)[1].replace(",", ""))
        assert abs(stated - lines) <= 100, f"{house} has {lines} lines"


def test_no_function_hides_a_circle_in_a_lazy_import() -> None:
    """An import of the same house inside a function closes no circle: without it, the graph would be the same."""
    graph: dict[str, set[str]] = {}
    for house in HOUSES:
        for path in (COURSE / house).rglob("*.py"):
            module = ".".join(path.relative_to(COURSE).with_suffix("").parts).removesuffix(".__init__")
            imported = {
                f"{node.module}.{alias.name}" if (COURSE / node.module.replace(".", "/") / f"{alias.name}.py").is_file()
                else node.module
                for node in ast.walk(ast.parse(path.read_text("utf-8")))
                if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in HOUSES
                for alias in node.names
            }  # fmt: skip
            graph[module] = imported - {module}

    def reaches(start: str, goal: str, seen: set[str]) -> bool:
        if start in seen:
            return False
        seen.add(start)
        return any(n == goal or reaches(n, goal, seen) for n in graph.get(start, ()))

    assert [module for module in graph if reaches(module, module, set())] == []
