"""Mutants of the right answers: each changed in one place, and held against the checks of its exercise.

`python tests/exercises/mutants.py [ids]` prints those that no check refuses and that EQUIVALENT does not explain. What
is changed is the course's own function and the first right answer of the bank.
"""

import ast
import copy
import inspect
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parent)]

import bank  # noqa: E402
from equivalents import EQUIVALENT  # noqa: E402

from exercises import judging  # noqa: E402
from exercises.catalogue import all_exercises, find, reference  # noqa: E402
from exercises.definitions import PASSED  # noqa: E402

OTHER = {
    ast.Lt: [ast.LtE], ast.LtE: [ast.Lt], ast.Gt: [ast.GtE], ast.GtE: [ast.Gt], ast.Eq: [ast.NotEq],
    ast.NotEq: [ast.Eq], ast.Is: [ast.IsNot], ast.IsNot: [ast.Is], ast.In: [ast.NotIn], ast.NotIn: [ast.In],
    ast.Add: [ast.Sub], ast.Sub: [ast.Add], ast.Mult: [ast.Div], ast.Div: [ast.Mult, ast.FloorDiv],
    ast.FloorDiv: [ast.Div], ast.Mod: [ast.FloorDiv], ast.Pow: [ast.Mult], ast.BitAnd: [ast.BitOr],
    ast.BitOr: [ast.BitAnd], ast.And: [ast.Or], ast.Or: [ast.And],
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One changed answer: which exercise, where it comes from, what was changed, and its whole text."""

    id: str
    origin: str
    change: str
    text: str

    def __str__(self) -> str:
        return f"{self.id} {self.origin}: {self.change}"


# ---------------------------------------------------------------- one place at a time
def operators(node: ast.AST) -> Iterator[ast.AST]:
    """Another operator, the other branch, a lost minus or `not`."""
    if isinstance(node, ast.Compare):
        for new in OTHER.get(type(node.ops[0]), []):
            yield ast.Compare(node.left, [new(), *node.ops[1:]], node.comparators)
    elif isinstance(node, ast.BinOp):
        yield from (ast.BinOp(node.left, new(), node.right) for new in OTHER.get(type(node.op), []))
    elif isinstance(node, ast.BoolOp):
        yield from (ast.BoolOp(new(), node.values) for new in OTHER[type(node.op)])
    elif isinstance(node, ast.UnaryOp):
        yield node.operand
    elif isinstance(node, ast.AugAssign):
        yield from (ast.AugAssign(node.target, new(), node.value) for new in OTHER.get(type(node.op), []))
        yield ast.Assign([node.target], node.value)


def conditions(node: ast.AST) -> Iterator[ast.AST]:
    """A condition that always, or never, holds."""
    if isinstance(node, ast.If | ast.IfExp):
        for value in (True, False):
            yield type(node)(**(dict(ast.iter_fields(node)) | {"test": ast.Constant(value)}))
    elif isinstance(node, ast.comprehension) and node.ifs:
        yield ast.comprehension(node.target, node.iter, [], node.is_async)


def constants(node: ast.AST) -> Iterator[ast.AST]:
    """Another number, or the other truth value."""
    if not isinstance(node, ast.Constant):
        return
    if isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node.value, int):
        yield from (ast.Constant(value) for value in (node.value + 1, node.value - 1))
    elif isinstance(node.value, float):
        yield from (ast.Constant(value) for value in (node.value * 1.1, node.value * 0.9 - 0.01))


def calls(node: ast.AST) -> Iterator[ast.AST]:
    """A call, or an argument of it, is dropped; the first two arguments change places."""
    if not isinstance(node, ast.Call):
        return
    if isinstance(node.func, ast.Attribute) and not isinstance(node.func.value, ast.Attribute):
        yield node.func.value  # what the method was called on
    if node.args and not isinstance(node.args[0], ast.Starred):
        yield node.args[0]
    for i in range(len(node.args)):
        yield ast.Call(node.func, node.args[:i] + node.args[i + 1 :], node.keywords)
    for i in range(len(node.keywords)):
        yield ast.Call(node.func, node.args, node.keywords[:i] + node.keywords[i + 1 :])
    if len(node.args) > 1 and ast.unparse(node.func) not in ("max", "min"):
        yield ast.Call(node.func, [node.args[1], node.args[0], *node.args[2:]], node.keywords)


def axes(node: ast.AST) -> Iterator[ast.AST]:
    """Neighbours in a tuple change places, or one is lost; a slice loses its start, end or step."""
    if isinstance(node, ast.Tuple) and isinstance(node.ctx, ast.Load):
        for i in range(len(node.elts) - 1):
            yield ast.Tuple([*node.elts[:i], node.elts[i + 1], node.elts[i], *node.elts[i + 2 :]], node.ctx)
        for i in range(len(node.elts) if len(node.elts) > 1 else 0):
            yield ast.Tuple(node.elts[:i] + node.elts[i + 1 :], node.ctx)
    elif isinstance(node, ast.Slice):
        for name in ("lower", "upper", "step"):
            if getattr(node, name) is not None:
                yield ast.Slice(**(dict(ast.iter_fields(node)) | {name: None}))


def statements(node: ast.AST) -> Iterator[ast.AST]:
    """A statement is left out; a loop ends after its first round; the function gives up before it begins."""
    acts = isinstance(node, ast.Expr) and not isinstance(node.value, ast.Constant)
    if acts or isinstance(node, ast.Assign | ast.AugAssign | ast.Raise | ast.Continue | ast.Break):
        yield ast.Pass()
    elif isinstance(node, ast.For):
        yield ast.For(node.target, node.iter, [*node.body, ast.Break()], node.orelse)


RESULTS = ("nothing", "other_dtype", "one_axis_more", "no_list")


def results(node: ast.AST) -> Iterator[ast.AST]:
    """The result is nothing, or has another dtype, another shape, or can be read once only."""
    if isinstance(node, ast.Return) and node.value is not None:
        yield from (ast.Return(call_of(name, node.value)) for name in RESULTS)


def arguments(node: ast.AST) -> Iterator[ast.AST]:
    """An argument is changed in place, after all that is right was done."""
    if isinstance(node, ast.FunctionDef):
        for argument in node.args.args:
            new = Spoiled().visit(copy.deepcopy(node))
            given = ast.Assign([ast.Name("mutant_given", ast.Store())], ast.Name(argument.arg, ast.Load()))
            new.body = [given, *new.body]
            yield new


def names(node: ast.AST, kept: Sequence[str]) -> Iterator[ast.AST]:
    """A parameter that later cells hand over by name has another name."""
    if isinstance(node, ast.FunctionDef):
        for argument in [*node.args.args, *node.args.kwonlyargs]:
            if argument.arg in kept:
                yield Renamed(argument.arg).visit(copy.deepcopy(node))


def definitions(node: ast.AST) -> Iterator[ast.AST]:
    """A default value or a decorator is missing."""
    if not isinstance(node, ast.FunctionDef):
        return
    for i in range(len(node.decorator_list)):
        new = copy.deepcopy(node)
        del new.decorator_list[i]
        yield new
    if node.args.defaults:
        new = copy.deepcopy(node)
        del new.args.defaults[0]
        yield new


class Spoiled(ast.NodeTransformer):
    """Change what was given before every return."""

    def visit_Return(self, node: ast.Return) -> ast.Return:
        return ast.Return(call_of("spoiled", node.value or ast.Constant(None), ast.Name("mutant_given", ast.Load())))


class Renamed(ast.NodeTransformer):
    """Give a variable another name."""

    def __init__(self, name: str) -> None:
        self.name = name

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(f"{node.id}_" if node.id == self.name else node.id, node.ctx)

    def visit_arg(self, node: ast.arg) -> ast.arg:
        return ast.arg(f"{node.arg}_" if node.arg == self.name else node.arg)


class Replaced(ast.NodeTransformer):
    """Put one node in the place of another."""

    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> ast.AST:
        return self.new if node is self.old else self.generic_visit(node)


class Bare(ast.NodeTransformer):
    """Take out what does nothing: type hints, docstrings, the sentences of errors."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        if ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        return self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        if ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        return ast.arg(node.arg)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        return ast.Assign([node.target], node.value) if node.value else ast.Pass()


def call_of(name: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(f"mutant_{name}", ast.Load()), list(arguments), [])


def changes(source: str, name: str, kept: Sequence[str] = (), sample: int = 0) -> dict[str, str]:
    """Return the texts that differ from a source in one place, by what was changed: all, or a fixed sample of them."""
    tree = ast.fix_missing_locations(Bare().visit(ast.parse(source)))
    before = ast.unparse(tree).splitlines()
    top = next(n for n in tree.body if getattr(n, "name", "") == name)
    silent = {id(inner) for n in ast.walk(tree) if isinstance(n, ast.Raise | ast.JoinedStr) for inner in ast.walk(n)}
    silent -= {id(n) for n in ast.walk(tree) if isinstance(n, ast.Raise)}
    returns = [n for n in ast.walk(top) if isinstance(n, ast.Return)]
    found: dict[str, str] = {}
    places: list[tuple[ast.AST, ast.AST]] = []
    for node in ast.walk(tree):
        if id(node) in silent:
            continue
        variants = [v for kind in KINDS for v in kind(node)]
        variants += results(node) if isinstance(top, ast.FunctionDef) and node in returns else []
        variants += [*arguments(node), *names(node, kept)] if node is top else []
        places += [(node, variant) for variant in variants]
    for node, variant in [places[i * len(places) // sample] for i in range(sample)] if sample else places:
        memo: dict[int, Any] = {}
        changed = copy.deepcopy(tree, memo)
        changed = Replaced(memo[id(node)], copy.deepcopy(variant)).visit(changed)
        try:
            text = ast.unparse(ast.fix_missing_locations(changed))
            compile(text, "<mutant>", "exec")
        except (SyntaxError, ValueError, AttributeError, TypeError):
            continue
        if text.splitlines() != before:
            found.setdefault(label(before, text.splitlines()), text)
    return found


KINDS: list[Callable[[ast.AST], Iterator[ast.AST]]] = [
    operators, conditions, constants, calls, axes, statements, definitions,
]  # fmt: skip


def label(before: list[str], after: list[str]) -> str:
    """Say which line became which."""
    differ = (i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b)
    start = next(differ, min(len(before), len(after)))
    old = before[start].strip() if start < len(before) else "(end)"
    new = after[start].strip() if start < len(after) else "(end)"
    same = before[:start].count(before[start]) if start < len(before) else 0
    return f"{old}  ->  {new}" + (f"  ({same + 1})" if same else "")


# ---------------------------------------------------------------- what a mutant calls
APPLIED: set[str] = set()  # what had an effect in the latest trial: a text has no dtype to be changed


def mutant_nothing(value: Any) -> None:
    APPLIED.add("nothing")


def mutant_other_dtype(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(mutant_other_dtype, value))
    if isinstance(value, Tensor):
        APPLIED.add("other_dtype")
        if value.is_floating_point():
            return value.double() if value.element_size() < 8 else value.float()
        return value.int() if value.element_size() == 8 else value.long()
    if isinstance(value, np.ndarray):
        APPLIED.add("other_dtype")
        return value.astype(np.float32 if value.dtype.kind == "f" and value.itemsize == 8 else np.float64)
    return value


def mutant_one_axis_more(value: Any) -> Any:
    if isinstance(value, Tensor | np.ndarray):
        APPLIED.add("one_axis_more")
        return value[None]
    if isinstance(value, bool | int | float):
        APPLIED.add("one_axis_more")
        return np.array([value])
    return value


def mutant_no_list(value: Any) -> Any:
    if isinstance(value, list):
        APPLIED.add("no_list")
        return iter(value)
    return value


def mutant_spoiled(value: Any, argument: Any) -> Any:
    kept = copy.deepcopy(value) if isinstance(value, Tensor | np.ndarray | list | dict | tuple) else value
    if isinstance(argument, Tensor | np.ndarray) and np.size(argument):
        APPLIED.add("spoiled")
        argument[(0,) * argument.ndim] = 1 - argument[(0,) * argument.ndim]
    elif isinstance(argument, list):
        APPLIED.add("spoiled")
        argument.append(argument[-1] if argument else 0)
    elif isinstance(argument, dict):
        APPLIED.add("spoiled")
        argument["spoiled"] = 0
    return kept


HELPERS = {name: value for name, value in globals().items() if name.startswith("mutant_")}


# ---------------------------------------------------------------- trials
@cache
def originals(exercise_id: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return the sources that are changed, each with the names that it needs."""
    answer = reference(exercise_id)
    source = textwrap.dedent(inspect.getsource(answer))
    right = next(a for a in bank.read(int(exercise_id[0]))[1] if a.id == exercise_id and a.right)
    module = vars(sys.modules[answer.__module__])
    return {"reference": (source, module), "answer": (right.text, bank.scope_of(int(exercise_id[0])))}


def mutants_of(exercise_id: str, sample: int = 0) -> list[Mutant]:
    """Return all mutants of an exercise, or a fixed sample of each of its two sources."""
    exercise = find(exercise_id)
    return [
        Mutant(exercise_id, origin, change, text)
        for origin, (source, _) in originals(exercise_id).items()
        for change, text in changes(source, exercise.name, exercise.by_name, sample).items()
    ]


def survives(mutant: Mutant) -> bool:
    """Say whether all checks accept a mutant in which something did change."""
    scope = dict(originals(mutant.id)[mutant.origin][1]) | HELPERS
    APPLIED.clear()
    exercise = find(mutant.id)
    try:
        with judging.restore_process_state():
            bank.run_cell(mutant.text, scope, "<mutant>")
        verdict = judging.run_checks(
            exercise, scope[exercise.name], scope, seconds=2.0
        )  # less patient than for a learner
    except Exception:  # the cell itself stops
        return False
    idle = "mutant_" in mutant.change and not APPLIED
    return verdict.status == PASSED and not idle


def reason(mutant: Mutant) -> str:
    """Return why a mutant is a right answer, empty where no reason is listed."""
    return next((why for piece, why in EQUIVALENT.get(mutant.id, {}).items() if piece in mutant.change), "")


def main(ids: list[str]) -> int:
    unexplained, started = 0, time.perf_counter()
    print("exercise  mutants  killed  equivalent  alive  seconds")
    for exercise in all_exercises():
        if ids and exercise.id not in ids:
            continue
        start = time.perf_counter()
        tried = mutants_of(exercise.id)
        alive = [mutant for mutant in tried if survives(mutant)]
        left = [mutant for mutant in alive if not reason(mutant)]
        stale = [piece for piece in EQUIVALENT.get(exercise.id, {}) if not any(piece in m.change for m in alive)]
        unexplained += len(left)
        print(
            f"{exercise.id:8}  {len(tried):7}  {len(tried) - len(alive):6}  {len(alive) - len(left):10}  {len(left):5}"
            f"  {time.perf_counter() - start:7.1f}",
            flush=True,
        )
        for mutant in sorted(left, key=str):
            print(f"    {mutant.origin}: {mutant.change}", flush=True)
        for piece in stale:
            print(f"    a reason that explains nothing any more: {piece}", flush=True)
    print(f"{unexplained} alive without a reason, {time.perf_counter() - started:.0f} seconds")
    return int(unexplained > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
