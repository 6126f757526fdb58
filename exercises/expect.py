"""What a check is written with: call an answer, compare, and say in words what is wrong."""

import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

ANY = object()  # for `gives`: call and return the result, compare nothing


class Wrong(Exception):
    """An answer fails a property. `facts` are shown below the sentence: what went in, what was expected, what came."""

    def __init__(self, sentence: str, **facts: Any) -> None:
        super().__init__(sentence)
        self.sentence, self.facts = sentence, facts


def expect(
    answer: Callable,
    *args: Any,
    gives: Any = ANY,
    says: str = "the result differs",
    mistakes: Sequence[tuple[Any, str]] = (),
    tolerance: float = 1e-4,
    **kwargs: Any,
) -> Any:
    """Call the answer on copies of the arguments, compare with `gives`, and return the result.

    Args:
        answer: the function or class of the learner.
        *args: what to call it with.
        gives: the expected result: tensors, arrays, numbers, texts, and lists, tuples and dicts of them. Kind and shape
            must fit (a number may also be a NumPy or a 0-d tensor one); NaN equals NaN.
        says: the sentence when the result differs and no known mistake explains it.
        mistakes: (result, sentence) pairs: what famous mistakes give here, and what to say then. Instead of a result,
            a function of the result that returns True.
        tolerance: relative and absolute.
        **kwargs: what else to call it with.

    Raises Wrong, also when an argument was changed in place.
    """
    before, given = copy.deepcopy((args, kwargs)), copy.deepcopy((args, kwargs))
    result = answer(*given[0], **given[1])
    shown = named(answer, before[0], before[1])
    for (name, old), new in zip(shown.items(), [*given[0], *given[1].values()], strict=True):
        if is_data(old) and difference(new, old, 0.0):
            raise Wrong(
                f"`{name}` is changed in place: work on a copy", **{f"{name} before": old, f"{name} after": new}
            )
    if gives is ANY:
        return result
    kind = difference(result, gives, tolerance)
    if not kind:
        return result
    for known, sentence in mistakes:
        if matches(result, known, tolerance):
            raise Wrong(sentence, **shown, expected=gives, yours=result)
    raise Wrong(says if kind == "values differ" else kind, **shown, expected=gives, yours=result)


def require(condition: Any, says: str, **facts: Any) -> None:
    """Raise Wrong with this sentence and these facts unless the condition holds."""
    if not bool(condition):
        raise Wrong(says, **facts)


def matches(result: Any, known: Any, tolerance: float) -> bool:
    """Say whether a result is that of a known mistake."""
    try:
        return bool(known(result)) if callable(known) else not difference(result, known, tolerance)
    except Exception:  # a recogniser that chokes on a strange result recognises nothing
        return False


def difference(result: Any, wanted: Any, tolerance: float) -> str:
    """Say how a result differs from the wanted one: an empty text, 'values differ', or what kind or shape it has."""
    if result is None and wanted is not None:
        return "nothing is returned: is a `return` missing?"
    if isinstance(wanted, Tensor | np.ndarray) and np.ndim(wanted):
        what = "a tensor" if isinstance(wanted, Tensor) else "a NumPy array"
        if not isinstance(result, Tensor if isinstance(wanted, Tensor) else np.ndarray):
            return f"the result is {kind_of(result)}, not {what}"
        if tuple(result.shape) != tuple(wanted.shape):
            return f"the result has shape {tuple(result.shape)}, not {tuple(wanted.shape)}"
        return "" if close(result, wanted, tolerance) else "values differ"
    if isinstance(wanted, bool | int | float | Tensor | np.ndarray | np.number):
        try:
            number = float(result) if not isinstance(result, str) else None
        except (TypeError, ValueError, RuntimeError):
            number = None
        if number is None:
            return f"the result is {kind_of(result)}, not a single number"
        return "" if close(np.float64(number), np.float64(float(wanted)), tolerance) else "values differ"
    if isinstance(wanted, Mapping):
        if not isinstance(result, Mapping):
            return f"the result is {kind_of(result)}, not a dict"
        if set(result) != set(wanted):
            return f"the keys are {sorted(map(str, result))}, not {sorted(map(str, wanted))}"
        return next((d for k in wanted if (d := difference(result[k], wanted[k], tolerance))), "")
    if isinstance(wanted, list | tuple):
        if not isinstance(result, list | tuple):
            return f"the result is {kind_of(result)}, not a {type(wanted).__name__}"
        if len(result) != len(wanted):  # of a tuple the length is its kind; a list may be wrong in many ways
            return (
                "values differ"
                if isinstance(wanted, list)
                else f"the result has {len(result)} parts, not {len(wanted)}"
            )
        return next((d for r, w in zip(result, wanted, strict=True) if (d := difference(r, w, tolerance))), "")
    if isinstance(wanted, str) and not isinstance(result, str):
        return f"the result is {kind_of(result)}, not a text"
    return "" if result == wanted else "values differ"


def close(result: Any, wanted: Any, tolerance: float) -> bool:
    """Compare numbers of one shape; NaN equals NaN."""
    a, b = (np.asarray(v.detach().cpu() if isinstance(v, Tensor) else v, dtype=np.float64) for v in (result, wanted))
    return bool(np.allclose(a, b, rtol=tolerance, atol=tolerance, equal_nan=True))


def is_data(value: Any) -> bool:
    """Say whether a value is plain data, which an answer must leave as it was."""
    if isinstance(value, list | tuple):
        return all(map(is_data, value))
    if isinstance(value, Mapping):
        return all(map(is_data, value.values()))
    return value is None or isinstance(value, Tensor | np.ndarray | bool | int | float | str)


def named(answer: Callable, args: tuple, kwargs: dict) -> dict[str, Any]:
    """Give each argument the name that the answer has for it."""
    try:
        parameters = list(inspect.signature(answer).parameters)
    except (TypeError, ValueError):
        parameters = []
    names = [parameters[i] if i < len(parameters) else f"argument {i + 1}" for i in range(len(args))]
    return dict(zip(names, args, strict=True)) | kwargs


def kind_of(value: Any) -> str:
    """Name the kind of a value with its article: 'a list', 'an int', 'a tensor of shape (2, 3)'."""
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    if isinstance(value, np.ndarray):
        return f"a NumPy array of shape {value.shape}"
    name = type(value).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"


def brief(value: Any, limit: int = 160) -> str:
    """Write a value on one line: small tensors as nested lists with four digits, large ones as dtype and shape."""
    if isinstance(value, Tensor | np.ndarray):
        shape = tuple(value.shape)
        if np.prod(shape, dtype=int) > 24:
            return f"{str(value.dtype).removeprefix('torch.')} {shape}"
        return brief(value.tolist(), limit)
    if isinstance(value, np.generic):
        return brief(value.item(), limit)
    if isinstance(value, float):
        return f"{value:.4g}" if value != int_or_none(value) else f"{value:.1f}"
    if isinstance(value, list | tuple):
        inner = ", ".join(brief(v, limit) for v in value)
        text = f"[{inner}]" if isinstance(value, list) else f"({inner}{',' if len(value) == 1 else ''})"
    elif isinstance(value, Mapping):
        text = "{" + ", ".join(f"{k!r}: {brief(v, limit)}" for k, v in value.items()) + "}"
    else:
        text = repr(value) if isinstance(value, str) or not hasattr(value, "__name__") else value.__name__
    return text if len(text) <= limit else text[: limit - 1] + "…"


def int_or_none(value: float) -> int | None:
    """Return the whole number that a float is, if it is one."""
    return int(value) if np.isfinite(value) and value == int(value) and abs(value) < 1e6 else None


def seeded(seed: int = 0) -> torch.Generator:
    """Return a generator of its own for random test data, so that no global seed is touched."""
    return torch.Generator().manual_seed(seed)
