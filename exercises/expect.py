"""What a check is written with: call an answer, compare, and say in words what is wrong."""

import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

ANYTHING, VALUES_DIFFER = object(), "values differ"  # `gives=ANYTHING`: the result is compared with nothing
ALL_CLOSE = np.allclose  # an answer may have put something else in its place


class Wrong(Exception):
    """An answer fails a property.

    The sentence says how, and the details are shown below it: what went in, what was expected, what came out.
    """

    def __init__(self, sentence: str, **details: Any) -> None:
        super().__init__(sentence)
        self.sentence, self.details = sentence, details


def expect(
    answer: Callable,
    *args: Any,
    gives: Any = ANYTHING,
    says: str = "the result differs",
    mistakes: Sequence[tuple[Any, str]] = (),
    tolerance: float = 1e-4,
    **kwargs: Any,
) -> Any:
    """Call the answer on copies of the arguments, compare with `gives`, and return the result.

    Args:
        answer: the function or class of the learner.
        *args: the arguments to call it with.
        gives: the expected result: tensors, arrays, numbers, texts, and lists, tuples and dicts of them. Kind and shape
            must fit (a number may also be a NumPy number or a 0-d tensor); NaN equals NaN.
        says: the sentence for a result that differs and that no known mistake explains.
        mistakes: (result, sentence) pairs: the result that a common mistake gives here, and what to say then. Instead
            of a result, a function that takes the result and returns True for the mistake.
        tolerance: both relative and absolute.
        **kwargs: the keyword arguments to call it with.

    Raises Wrong, also when an argument was changed in place.
    """
    before, given = copy.deepcopy((args, kwargs)), copy.deepcopy((args, kwargs))
    result = answer(*given[0], **given[1])
    shown = name_arguments(answer, before[0], before[1])
    for (name, old), new in zip(shown.items(), [*given[0], *given[1].values()], strict=True):
        if is_data(old) and difference(new, old, 0.0):
            in_place = f"`{name}` is changed in place: work on a copy"
            raise Wrong(in_place, **{f"{name} before": old, f"{name} after": new})
    if gives is ANYTHING:
        return result
    found = difference(result, gives, tolerance)
    if not found:
        return result
    for mistake, sentence in mistakes:
        if is_known_mistake(result, mistake, tolerance):
            raise Wrong(sentence, **shown, expected=gives, yours=result)
    raise Wrong(says if found == VALUES_DIFFER else found, **shown, expected=gives, yours=result)


def require(condition: Any, says: str, **details: Any) -> None:
    """Raise Wrong with this sentence and these details unless the condition holds."""
    if not bool(condition):
        raise Wrong(says, **details)


def is_known_mistake(result: Any, mistake: Any, tolerance: float) -> bool:
    """Say whether a result is that of a known mistake: an equal value, or one for which a function returns True."""
    try:
        return bool(mistake(result)) if callable(mistake) else not difference(result, mistake, tolerance)
    except Exception:  # the function cannot handle this result, so the mistake is another one
        return False


def difference(result: Any, wanted: Any, tolerance: float) -> str:
    """Say how a result differs from the wanted one.

    Returns an empty text for equal ones, VALUES_DIFFER, or a sentence where the kind or shape is wrong.
    """
    if result is None and wanted is not None:
        return "nothing is returned: is a `return` missing?"
    if isinstance(wanted, Tensor | np.ndarray) and np.ndim(wanted):
        return array_difference(result, wanted, tolerance)
    if isinstance(wanted, bool | int | float | Tensor | np.ndarray | np.number):
        return number_difference(result, wanted, tolerance)
    if isinstance(wanted, Mapping):
        if not isinstance(result, Mapping):
            return f"the result is {kind_of(result)}, not a dict"
        if set(result) != set(wanted):
            return f"the keys are {sorted(map(str, result))}, not {sorted(map(str, wanted))}"
        return next((found for key in wanted if (found := difference(result[key], wanted[key], tolerance))), "")
    if isinstance(wanted, list | tuple):
        if not isinstance(result, list | tuple):
            return f"the result is {kind_of(result)}, not a {type(wanted).__name__}"
        if len(result) != len(wanted):  # a tuple has a fixed number of parts, and a list can be wrong in many ways
            parts = f"the result has {len(result)} parts, not {len(wanted)}"
            return VALUES_DIFFER if isinstance(wanted, list) else parts
        pairs = zip(result, wanted, strict=True)
        return next((found for one, other in pairs if (found := difference(one, other, tolerance))), "")
    if isinstance(wanted, str) and not isinstance(result, str):
        return f"the result is {kind_of(result)}, not a text"
    return "" if result == wanted else VALUES_DIFFER


def array_difference(result: Any, wanted: Tensor | np.ndarray, tolerance: float) -> str:
    """Say how a result differs from a tensor or NumPy array, as `difference` does."""
    kind, kind_text = (Tensor, "a tensor") if isinstance(wanted, Tensor) else (np.ndarray, "a NumPy array")
    if not isinstance(result, kind):
        return f"the result is {kind_of(result)}, not {kind_text}"
    if tuple(result.shape) != tuple(wanted.shape):
        return f"the result has shape {tuple(result.shape)}, not {tuple(wanted.shape)}"
    return "" if values_close(result, wanted, tolerance) else VALUES_DIFFER


def number_difference(result: Any, wanted: Any, tolerance: float) -> str:
    """Say how a result differs from a number, as `difference` does."""
    try:
        number = float(result) if not isinstance(result, str) else None
    except (TypeError, ValueError, RuntimeError):
        number = None
    if np.ndim(result) and number is not None:
        return f"the result has shape {tuple(result.shape)}: a single number has no axis at all, its shape is ()"
    if number is None:
        return f"the result is {kind_of(result)}, not a single number"
    return "" if values_close(np.float64(number), np.float64(float(wanted)), tolerance) else VALUES_DIFFER


def values_close(result: Any, wanted: Any, tolerance: float) -> bool:
    """Say whether numbers of one shape are equal within the tolerance; NaN equals NaN."""
    on_cpu = (v.detach().cpu() if isinstance(v, Tensor) else v for v in (result, wanted))
    first, second = (np.asarray(value, dtype=np.float64) for value in on_cpu)
    return bool(ALL_CLOSE(first, second, rtol=tolerance, atol=tolerance, equal_nan=True))


def is_data(value: Any) -> bool:
    """Say whether a value is plain data, which an answer must leave as it was."""
    if isinstance(value, list | tuple):
        return all(map(is_data, value))
    if isinstance(value, Mapping):
        return all(map(is_data, value.values()))
    return value is None or isinstance(value, Tensor | np.ndarray | bool | int | float | str | set)


def name_arguments(answer: Callable, args: tuple, kwargs: dict) -> dict[str, Any]:
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


def format_value(value: Any, limit: int = 160) -> str:
    """Write a value on one line: small tensors as nested lists with four digits, large ones as dtype and shape."""
    if isinstance(value, Tensor | np.ndarray):
        shape = tuple(value.shape)
        if np.prod(shape, dtype=int) > 24:
            return f"{str(value.dtype).removeprefix('torch.')} {shape}"
        return format_value(value.tolist(), limit)
    if isinstance(value, np.generic):
        return format_value(value.item(), limit)
    if isinstance(value, float):
        return f"{value:.4g}" if value != whole_number(value) else f"{value:.1f}"
    if isinstance(value, list | tuple):
        inner = ", ".join(format_value(v, limit) for v in value)
        text = f"[{inner}]" if isinstance(value, list) else f"({inner}{',' if len(value) == 1 else ''})"
    elif isinstance(value, Mapping):
        text = "{" + ", ".join(f"{k!r}: {format_value(v, limit)}" for k, v in value.items()) + "}"
    else:
        text = repr(value) if isinstance(value, str) or not hasattr(value, "__name__") else value.__name__
    return text if len(text) <= limit else text[: limit - 1] + "…"


def whole_number(value: float) -> int | None:
    """Return the whole number that a float is, if it is one."""
    return int(value) if np.isfinite(value) and value == int(value) and abs(value) < 1e6 else None


def seeded_generator(seed: int = 0) -> torch.Generator:
    """Return a generator of its own for random test data, so that no global seed is touched."""
    return torch.Generator().manual_seed(seed)
