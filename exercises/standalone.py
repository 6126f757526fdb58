"""Turn an answer into a small module of its own: its imports, constants, helpers, and the function."""

import ast
import builtins
import dis
import hashlib
import importlib
import inspect
import linecache
import sys
from collections.abc import Iterator
from types import CodeType, ModuleType
from typing import Any

from exercises import engine
from exercises.engine import Exercise


class Uncarried(Exception):
    """An answer leans on something that exists in its notebook only."""


def standalone(the: Exercise, answer: Any, source: str, scope: dict[str, Any]) -> str:
    """Make a module of an answer: header, imports, constants, helpers, and the function."""
    imports, helpers = set[str](), list[str]()
    gather(source, scope, imports, helpers, {answer.__name__})
    body = "\n\n".join(["\n".join(sorted(imports)), *helpers, source])
    lines = f'"""Exercise {the.id}, {the.title}: your answer."""\n'
    return lines + f"# exercise {the.id}  checks {checks_hash(the)}  text {text_hash(body)}\n\n{body}"


def gather(source: str, scope: dict[str, Any], imports: set[str], helpers: list[str], seen: set[str]) -> None:
    """Find out what each global name in a definition is, and how another module can have it."""
    for name in sorted(set(global_names(compile(source, "<answer>", "exec"))) - seen):
        if name not in scope:  # a builtin, or a name that is missing in the notebook as well
            continue
        seen.add(name)
        value = scope[name]
        if line := import_line(name, value, scope):
            imports.add(line)
        elif inspect.isfunction(value) or inspect.isclass(value):
            text = definition(value, name)
            if not text:
                raise Uncarried(f"it calls `{name}`, whose text was not found")
            gather(text, scope, imports, helpers, seen)
            helpers.append(text)
        elif constant(value):
            helpers.insert(0, f"{name} = {value!r}\n")
        elif not hasattr(builtins, name):
            raise Uncarried(f"it uses `{name}`, which exists in this notebook only; make it an argument")


def global_names(code: CodeType) -> Iterator[str]:
    """Yield the names that a piece of code, and every function in it, looks up outside."""
    for step in dis.get_instructions(code):
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"):
            yield step.argval
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from global_names(inner)


def import_line(name: str, value: Any, scope: dict[str, Any]) -> str:
    """Return the import by which another module has a value; empty for what the notebook defines itself."""
    if isinstance(value, ModuleType):
        return f"import {value.__name__} as {name}"
    for the in engine.all_exercises():
        if is_answer_to(the, value) and not inspect.isclass(the.place[0]):
            module, _, attribute = the.reference.rpartition(".")
            return f"from {module} import {attribute} as {name}"
    for place in (getattr(value, "__module__", None), "torch", "numpy"):
        home = sys.modules.get(place or "")
        known = home is not None and vars(home) is not scope and home.__name__ != "__main__"
        for attribute in (getattr(value, "__name__", name), name):
            if known and callable(value) and getattr(home, attribute, None) is value:
                return f"from {home.__name__} import {attribute} as {name}"
    return ""


def is_answer_to(the: Exercise, value: Any) -> bool:
    """Say whether a value is the course's function for an exercise, or yours."""
    if engine.KEPT.get(the.id) is value:
        return True
    return getattr(value, "__name__", "") == the.name and inspect.unwrap(value) is engine.reference(the.id)


def definition(value: Any, name: str) -> str:
    """Return the text of a helper that was defined in another cell."""
    functions = [value] if inspect.isfunction(value) else [f for f in vars(value).values() if inspect.isfunction(f)]
    text = "".join(linecache.getlines(functions[0].__code__.co_filename)) if functions else ""
    return engine.own_source(text, "", name) or assignment(text, name)


def assignment(text: str, name: str) -> str:
    """Cut `name = ...` out of the text of a cell: how a lambda gets its name."""
    try:
        nodes = [n for n in ast.parse(text).body if isinstance(n, ast.Assign)]
    except SyntaxError:
        return ""
    found = [ast.get_source_segment(text, n) for n in nodes if [getattr(t, "id", "") for t in n.targets] == [name]]
    return f"{found[-1]}\n" if found else ""


def constant(value: Any) -> bool:
    """Say whether a value can be written down as it is."""
    try:
        return ast.literal_eval(repr(value)) == value
    except (ValueError, SyntaxError, TypeError, RuntimeError):
        return False


def text_hash(text: str) -> str:
    """Tell one text from another."""
    return hashlib.sha256(text.strip().encode()).hexdigest()[:12]


def checks_hash(the: Exercise) -> str:
    """Tell one state of a notebook's checks from another."""
    return text_hash(inspect.getsource(importlib.import_module(f"exercises.checks.notebook_{the.id.split('.')[0]}")))
