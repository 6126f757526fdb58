"""Find the text of a definition in the cell where it was written: by `ast`, because IPython cells are no files."""

import ast
import inspect
import linecache
from typing import Any

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def cell_text(filename: str) -> str:
    """Return the text of the cell (or file) that a code object names as its file."""
    return "".join(linecache.getlines(filename))


def definition_source(text: str, exercise_id: str = "", name: str = "") -> str:
    """Cut one definition out of a text, without the decorator `@exercise`; empty where there is none.

    The definition is the last one that is marked with `@exercise(exercise_id)`; where none is, the last one of the name
    that stands inside no class and no other function, so that a method of the same name is not taken for it.
    """
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return ""
    everywhere = [node for node in ast.walk(tree) if isinstance(node, Definition)]
    marked = [node for node in everywhere if any(is_mark_of(mark, exercise_id) for mark in marks_of(node))]
    named = [node for node in outer_definitions(tree) if node.name == name]
    inner = [node for node in everywhere if node.name == name]
    found = marked or named or inner
    return lines_without(text, found[-1], marks_of(found[-1])) if found else ""


def outer_definitions(node: ast.AST) -> list[Definition]:
    """Return the functions and classes of a text that stand inside no other one, in its order."""
    parts = ast.iter_child_nodes(node)
    nested = [[part] if isinstance(part, Definition) else outer_definitions(part) for part in parts]
    return [part for found in nested for part in found]


def marks_of(node: Definition) -> list[ast.Call]:
    """Return the decorators `@exercise(...)` of a definition."""
    return [d for d in node.decorator_list if isinstance(d, ast.Call) and getattr(d.func, "id", "") == "exercise"]


def is_mark_of(mark: ast.Call, exercise_id: str) -> bool:
    return bool(mark.args) and getattr(mark.args[0], "value", None) == exercise_id


def lines_without(text: str, node: Definition, marks: list[ast.Call]) -> str:
    """Return the lines of a definition, not indented, without the decorators in `marks`."""
    lines = text.splitlines()
    first = min((d.lineno for d in node.decorator_list if d not in marks), default=node.lineno)
    removed = {number for mark in marks for number in range(mark.lineno, (mark.end_lineno or mark.lineno) + 1)}
    remaining = [lines[number - 1] for number in range(first, node.end_lineno + 1) if number not in removed]
    indent = len(remaining[0]) - len(remaining[0].lstrip())
    return "\n".join(line[indent:] for line in remaining) + "\n"


def helper_source(value: Any, name: str) -> str:
    """Return the text of a helper function or class that was defined in any cell; empty where it is not found."""
    functions = [value] if inspect.isfunction(value) else [f for f in vars(value).values() if inspect.isfunction(f)]
    text = cell_text(functions[0].__code__.co_filename) if functions else ""
    return definition_source(text, name=name) or assignment_source(text, name)


def assignment_source(text: str, name: str) -> str:
    """Cut `name = ...` out of a text: this is how a lambda gets its name."""
    try:
        nodes = [node for node in ast.parse(text).body if isinstance(node, ast.Assign)]
    except SyntaxError:
        return ""
    found = [
        ast.get_source_segment(text, node)
        for node in nodes
        if [getattr(target, "id", "") for target in node.targets] == [name]
    ]
    return f"{found[-1]}\n" if found else ""


def definitions_below(text: str, exercise_id: str) -> list[ast.Module]:
    """Return what a cell defines below its exercise: functions, classes, imports and plain values, each on its own.

    The exercise is checked before Python gets there, and may use them.
    """
    try:
        nodes = ast.parse(text).body
    except SyntaxError:
        return []
    marks = [
        i for i, node in enumerate(nodes) if f"exercise('{exercise_id}')" in "".join(map(ast.unparse, decorators(node)))
    ]
    below = nodes[marks[-1] + 1 :] if marks else []
    return [ast.Module([node], []) for node in below if only_defines(node)]


def decorators(node: ast.stmt) -> list[ast.expr]:
    """Return the decorators of a definition."""
    return getattr(node, "decorator_list", [])


def only_defines(node: ast.stmt) -> bool:
    """Say whether a statement gives something a name, and does nothing else."""
    if isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return bool(node.value) and all(map(is_name, targets)) and is_plain(node.value)
    kinds = ast.FunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom
    return isinstance(node, kinds) and not any("exercise(" in ast.unparse(d) for d in decorators(node))


def is_name(target: ast.expr) -> bool:
    """Say whether a target of an assignment is a name, or several: neither a place in a list nor an attribute."""
    return isinstance(target, ast.Name) or (isinstance(target, ast.Tuple) and all(map(is_name, target.elts)))


def is_plain(value: ast.AST) -> bool:
    """Say whether an expression may run twice: before the exercise is checked, and when Python gets there.

    Literals, lambdas and attributes such as `np.int64`. A call may print or count, `data[0]` may read a file, and a
    name may stand for another value by then.
    """
    if isinstance(value, ast.Attribute) and isinstance(value.value, ast.Name):
        return True
    parts = [] if isinstance(value, ast.Lambda) else ast.iter_child_nodes(value)
    return not isinstance(value, ast.Call | ast.Subscript | ast.Name) and all(map(is_plain, parts))
