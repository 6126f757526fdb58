"""Turn an answer into the text of a module of its own: its imports, constants, helpers, and the function."""

import ast
import builtins
import dis
import inspect
import sys
from collections.abc import Iterator
from types import CodeType, ModuleType
from typing import Any

from exercises.catalogue import all_exercises, reference
from exercises.definitions import Exercise
from exercises.session import SESSION
from exercises.source_text import helper_source


class NotStandalone(Exception):
    """An answer needs something that exists in its notebook only."""


def standalone_source(answer: Any, source: str, scope: dict[str, Any]) -> str:
    """Return the text of a module that needs no notebook.

    Args:
        answer: the function or class.
        source: the text of its definition.
        scope: the global names of its notebook.

    Raises NotStandalone where a name cannot be had outside the notebook.
    """
    imports, helpers = set[str](), list[str]()
    collect_dependencies(source, scope, imports, helpers, {answer.__name__})
    return "\n\n".join(["\n".join(sorted(imports)), *helpers, source])


def collect_dependencies(
    source: str, scope: dict[str, Any], imports: set[str], helpers: list[str], seen: set[str]
) -> None:
    """Add to `imports` and `helpers` what a definition needs, and what its helpers need in turn."""
    for name in sorted(set(global_names(compile(source, "<answer>", "exec"))) - seen):
        if name not in scope:  # it is a builtin, or the notebook lacks it as well
            continue
        seen.add(name)
        value = scope[name]
        if line := import_line(name, value, scope):
            imports.add(line)
        elif inspect.isfunction(value) or inspect.isclass(value):
            text = helper_source(value, name)
            if not text:
                raise NotStandalone(f"it calls `{name}`, whose text was not found")
            collect_dependencies(text, scope, imports, helpers, seen)
            helpers.append(text)
        elif is_literal(value):
            helpers.insert(0, f"{name} = {value!r}\n")
        elif not hasattr(builtins, name):
            raise NotStandalone(f"it uses `{name}`, which exists in this notebook only; make it an argument")


def global_names(code: CodeType) -> Iterator[str]:
    """Yield the names that a piece of code, and every function inside it, looks up among the globals."""
    for step in dis.get_instructions(code):
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"):
            yield step.argval
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from global_names(inner)


def import_line(name: str, value: Any, scope: dict[str, Any]) -> str:
    """Return the import by which another module gets a value; empty for what the notebook defines itself."""
    if isinstance(value, ModuleType):
        return f"import {value.__name__} as {name}"
    for exercise in all_exercises():
        if is_answer_to(exercise, value) and not inspect.isclass(exercise.location[0]):
            module, _, attribute = exercise.reference.rpartition(".")
            return f"from {module} import {attribute} as {name}"
    for module_name in (getattr(value, "__module__", None), "torch", "numpy"):
        module = sys.modules.get(module_name or "")
        importable = module is not None and vars(module) is not scope and module.__name__ != "__main__"
        for attribute in (getattr(value, "__name__", name), name):
            if importable and callable(value) and getattr(module, attribute, None) is value:
                return f"from {module.__name__} import {attribute} as {name}"
    for module_name, module in sorted(sys.modules.items()):  # what `lend_names` took from the course: a type, say
        if module_name.startswith("utils.") and vars(module).get(name) is value and not is_literal(value):
            return f"from {module_name} import {name}"
    return ""


def is_answer_to(exercise: Exercise, value: Any) -> bool:
    """Say whether a value is the course's function for an exercise, or the learner's answer to it."""
    if SESSION.passed_answers.get(exercise.id) is value:
        return True
    return getattr(value, "__name__", "") == exercise.name and inspect.unwrap(value) is reference(exercise.id)


def is_literal(value: Any) -> bool:
    """Say whether a value can be written down as a Python literal."""
    try:
        return ast.literal_eval(repr(value)) == value
    except (ValueError, SyntaxError, TypeError, RuntimeError):
        return False
