"""Notebook 1: bytes, devices, precision, honest timing, memory and seeds."""

import pkgutil
import random
import re
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

import numpy as np
import torch

from exercises.definitions import Exercise
from exercises.expect import Wrong, expect, kind_of, require
from utils.errors import ConfigError


# ---------------------------------------------------------------- 1.1
def every_channel_counts(image_bytes: Callable) -> None:
    """A colour picture has three values for each pixel.

    Red, green and blue are stored for each pixel: how often does a value come? Multiply by `channels` as well.
    """
    expect(
        image_bytes, 10, 20, gives=600, says="a picture of 10 x 20 pixels with 3 channels has 600 values",
        mistakes=[
            (200, "the channels are forgotten: red, green and blue are three values for each pixel"),
            (33, "channels are added: multiply by them"),
            (203, "channels are added: multiply by them"),
            (90, "height and width are added: multiply them"),
            (300, "the height counts twice, and the width not at all"),
            (601, "bytes_per_value is added: multiply by it"),
            (2400, "`bytes_per_value` is not used: without it a value takes 1 byte"),
            (4800, "these are bits: a byte has eight of them"),
            (lambda r: 0 < r < 1, "these are kilobytes or megabytes: return bytes"),
        ],
    )  # fmt: skip


def channels_are_given(image_bytes: Callable) -> None:
    """`channels` says how many values a pixel has: one in a grey picture.

    A number in the formula is the same for every picture. Use the argument.
    """
    expect(image_bytes, 10, 21, 1, gives=210, says="`channels` counts wrong: a grey picture has one",
           mistakes=[(630, "the number of channels is fixed at 3: use the argument `channels`")])  # fmt: skip


def every_value_has_bytes(image_bytes: Callable) -> None:
    """A value takes bytes_per_value bytes.

    uint8 takes 1 byte, float32 takes 4: a factor like the others.
    """
    expect(
        image_bytes, 10, 20, 3, 4, gives=2400, says="float32 takes 4 bytes a value: multiply by `bytes_per_value`",
        mistakes=[(600, "`bytes_per_value` is not used: float32 takes 4 bytes a value")],
    )  # fmt: skip
    expect(image_bytes, 7, 5, 19, 8, gives=5320, says="the four factors are not all multiplied, as they are")


def a_whole_number_of_bytes(image_bytes: Callable) -> None:
    """The result is a whole number of bytes.

    No division, no megabytes: the product as it is.
    """
    result = expect(
        image_bytes, 30_001, 30_003, gives=2_700_360_009, tolerance=0,
        says="the bytes of a large aerial picture are counted wrong: are they kept in a small type of number?",
    )  # fmt: skip
    says = "the result is a float: bytes are whole numbers"
    require(not isinstance(result, float), says, height=30_001, width=30_003, expected=2_700_360_009, yours=result)


# ---------------------------------------------------------------- 1.2
@contextmanager
def _machine_is_not_asked(says: str, *questions: str) -> Iterator[None]:
    """Say so where an answer failed that had asked torch about this machine, and not looked at its arguments."""
    with ExitStack() as stack:
        asked = [stack.enter_context(mock.patch(name, wraps=pkgutil.resolve_name(name))) for name in questions]
        try:
            yield
        except (Wrong, RuntimeError, AssertionError) as error:
            if not any(question.called for question in asked):
                raise
            raise Wrong(f"torch is asked about this machine: {says}", **getattr(error, "details", {})) from None


DEFAULT_WISH = "without `wish` another value counts than the exercise says, which is 'auto'"


def best_first(choose_device: Callable) -> None:
    """On "auto" the best there is: cuda before mps before cpu.

    No device is called "auto". For it, go through the three names from best to last, and return the first available.
    """
    for wish, says in (
        (["auto"], "the wish 'auto' is no name of a device: choose the best of `available` for it"),
        (
            ["".join(("au", "to"))],  # another object than the text in an answer
            "compare texts with `==`, for `is` asks whether two names stand for one object",
        ),
        ([], DEFAULT_WISH),
    ):
        try:
            choose_device(["cpu"], *wish)
        except ConfigError:
            raise Wrong(says, arguments=(["cpu"], *wish), expected="cpu", yours="ConfigError") from None
    look = "look into `available`, which need not speak of this one"
    for available, best in (
        (["cpu"], "cpu"), (["cpu", "cuda"], "cuda"), (["cpu", "mps"], "mps"), (["cpu", "mps", "cuda"], "cuda"),
        (("cuda", "cpu", "mps"), "cuda"), ({"cpu", "mps"}, "mps"),
    ):  # fmt: skip
        with _machine_is_not_asked(look, "torch.cuda.is_available", "torch.backends.mps.is_available"):
            expect(
                choose_device, available, "auto", gives=best, says=f"the best of {sorted(available)} is '{best}'",
                mistakes=[
                    ("cpu", "it settles for 'cpu' although there is a better device"),
                    ("mps", "'cuda' comes before 'mps'"),
                    ("auto", "'auto' is no device: choose the best that is available"),
                    (lambda r, a=available: r not in a, "it chooses a device that is not available"),
                ],
            )  # fmt: skip
    expect(choose_device, ["cpu", "cuda"], gives="cuda", says=DEFAULT_WISH)


def a_wish_is_granted(choose_device: Callable) -> None:
    """A wish that can be granted is granted, even if there is something better.

    Only "auto" means "the best".
    """
    for available, wish in ((["cpu", "cuda"], "cpu"), (["cpu", "mps", "cuda"], "mps"), (["cuda", "cpu"], "cuda")):
        expect(choose_device, available, wish, gives=wish, says=f"'{wish}' was wished for and is available: return it")


def a_wish_is_never_bent(choose_device: Callable) -> None:
    """A wish that cannot be granted raises ConfigError.

    `raise ConfigError("...")`: whoever asks for a GPU must not train on a CPU without knowing.
    """
    gpu, no_sentence = ["cpu", "cuda"], 'ConfigError needs a sentence: raise ConfigError("...")'
    for available, wish in ((["cpu"], "cuda"), (gpu, "mps"), (["cpu"], "gpu"), (["cpu"], ""), (gpu, "cuda:1")):
        details = {"available": available, "wish": wish, "expected": "ConfigError"}
        try:
            result = choose_device(list(available), wish)
        except ConfigError as error:
            require(str(error).strip() or not wish, no_sentence, **details)
            continue
        except (ValueError, LookupError, RuntimeError, StopIteration, AssertionError) as error:
            kind = type(error).__name__
            raise Wrong(f"a wish that cannot be granted raises {kind}: raise ConfigError yourself", **details) from None
        except TypeError as error:
            if "'message'" not in str(error):
                raise
            raise Wrong(no_sentence, **details) from None
        says = "a wish that cannot be granted must raise ConfigError, whatever its name: no other device stands in"
        if result is None:
            says = "a wish that cannot be granted gives None: raise ConfigError, so that nobody overlooks it"
        elif isinstance(result, BaseException) or result is ConfigError:
            says = "ConfigError is returned: it must be raised, or nothing stops"
        raise Wrong(says, **details, yours=result)


def a_name_comes_back(choose_device: Callable) -> None:
    """The result is the name as a text.

    Return "cuda", not torch.device("cuda"), and no list.
    """
    try:
        result = choose_device(["cpu"])
    except ConfigError:  # what "auto" means is the next property
        return
    require(result is not None, "nothing is returned: is a `return` missing?")
    says = f"the result is {kind_of(result)}: return the name, a text"
    require(isinstance(result, str), says, available=["cpu"], expected="cpu", yours=result)


# ---------------------------------------------------------------- 1.3
def _precision(
    pick_precision: Callable,
    device: str,
    capability: tuple | None,
    wanted: str,
    says: str,
    native: bool | None = False,
) -> None:
    """Expect a name for a device, and explain other kinds of answers."""
    short = "return the short name, such as 'fp16'"
    mistakes = [
        (lambda r: isinstance(r, torch.dtype), f"{short}, not a torch.dtype"),
        (lambda r: r in ("float16", "bfloat16", "float32"), f"{short}, not 'float16'"),
    ]
    if device == "cuda" and wanted == "fp16":
        mistakes.append(("fp32", f"{says}, not fp32: 16 bits take half of the memory on every NVIDIA GPU"))
    elif device == "cuda":
        sentence = "an NVIDIA GPU is not recognised: compare its kind, device.type == 'cuda', not the device itself"
        mistakes.append(("fp32", sentence))
    elif device == "cpu" and capability is None and native is False:
        mistakes.append(("bf16", "native_bf16 is False: this CPU only imitates bf16 and stays with fp32"))
    look = "look at `capability`, which need not speak of this one"
    try:
        with _machine_is_not_asked(look, "torch.cuda.is_bf16_supported", "torch.cuda.get_device_capability"):
            expect(pick_precision, torch.device(device), capability, native, gives=wanted, says=says, mistakes=mistakes)
    except TypeError as error:
        if "not supported between" not in str(error):
            raise
        says = "a capability is a pair of numbers: compare it with a pair, (8, 0), not with one number or a text"
        if capability is None:
            says = "capability is None where there is no NVIDIA GPU: look at device.type before you compare it"
        raise Wrong(says, device=device, capability=capability, Python=str(error)) from None


def new_gpus_take_bf16(pick_precision: Callable) -> None:
    """From compute capability 8.0 on, a GPU computes bf16.

    Capabilities are pairs, and Python compares pairs from the left: `(8, 6) >= (8, 0)`.
    """
    for capability in ((8, 0), (8, 6), (8, 9), (9, 0), (10, 0), (12, 1)):
        says = f"capability {capability[0]}.{capability[1]} computes bf16: 8.0 and everything above"
        _precision(pick_precision, "cuda", capability, "bf16", says)


def old_gpus_take_fp16(pick_precision: Callable) -> None:
    """Below 8.0 a GPU takes fp16, a T4 (7.5) among them.

    `torch.cuda.is_bf16_supported()` says True there as well, because PyTorch imitates bf16, slowly.
    """
    for capability in ((7, 5), (7, 0), (6, 1), (5, 9)):
        says = f"a GPU of capability {capability[0]}.{capability[1]} only imitates bf16, slowly: it takes fp16"
        _precision(pick_precision, "cuda", capability, "fp16", says)


def others_take_fp32(pick_precision: Callable) -> None:
    """Without circuits for 16 bits, anything but an NVIDIA GPU takes fp32.

    `device.type` is "cuda", "mps" or "cpu".
    """
    for device in ("cpu", "mps"):
        says = f"a device of type '{device}' takes fp32"
        others = f"{says}: 16 bits are for NVIDIA GPUs, and for a CPU with native_bf16=True"
        _precision(pick_precision, device, None, "fp32", others)
        _precision(pick_precision, device, (8, 0), "fp32", f"{says}, whatever the capability says")
    says = "nothing is known of this CPU, native_bf16=None: None counts as no, and it takes fp32"
    _precision(pick_precision, "cpu", None, "fp32", says, native=None)
    says = "without `native_bf16` another value counts than the exercise says, which is None"
    expect(pick_precision, torch.device("cpu"), gives="fp32", says=says)


def a_cpu_with_bf16_takes_it(pick_precision: Callable) -> None:
    """A CPU that computes bf16 itself takes it; no other device is asked.

    `native_bf16` speaks of the CPU only: neither an old GPU nor Apple's takes bf16 because of it.
    """
    _precision(pick_precision, "cpu", None, "bf16", "native_bf16=True: this CPU computes bf16 itself", native=True)
    for device, capability, wanted in (("cuda", (7, 5), "fp16"), ("mps", None, "fp32")):
        says = f"native_bf16 speaks of the CPU, and this device is of type '{device}'"
        _precision(pick_precision, device, capability, wanted, says, native=True)


def a_second_gpu_is_a_gpu(pick_precision: Callable) -> None:
    """A second GPU is one like the first.

    Its name is "cuda:1", so compare `device.type`, not the whole device.
    """
    _precision(
        pick_precision, "cuda:1", (9, 0), "bf16", "torch.device('cuda:1') is an NVIDIA GPU, too: look at device.type"
    )
    _precision(
        pick_precision, "cuda:0", (7, 5), "fp16", "torch.device('cuda:0') is an NVIDIA GPU, too: look at device.type"
    )


# ---------------------------------------------------------------- 1.4
CLOCK = time.perf_counter  # under a name of its own: the checks put something else in its place
TOGETHER = "several calls are timed together: time each by itself, from an empty queue until its work is done"


class Queue:
    """A device that works after the call has returned, as a GPU does; notes what was asked of it."""

    def __init__(self, *milliseconds: float) -> None:
        self.left, self.work, self.calls, self.events = list(milliseconds), 0.0, 0, ""

    def call(self) -> None:
        self.calls += 1
        self.events += "c"
        cost = self.left.pop(0) if self.left else 1
        time.sleep(cost / 4000)  # a quarter is done before the call returns; on a CPU all would be
        self.work += 0.75 * cost

    def wait(self) -> None:
        self.events += "w"
        time.sleep(self.work / 1000)
        self.work = 0.0

    def read_clock(self) -> float:
        """Read the clock for the answer, and note that it did."""
        self.events += "t"
        return CLOCK()


def _measure(median_seconds: Callable, milliseconds: list[float], *args: Any) -> tuple[float, Queue]:
    """Time a queue; return milliseconds, and the queue."""
    queue = Queue(*milliseconds)
    with (
        mock.patch("time.process_time", side_effect=time.process_time) as process_time,
        mock.patch("time.perf_counter", queue.read_clock),
        mock.patch("torch.cuda.synchronize") as synchronize,
    ):
        result = median_seconds(queue.call, queue.wait, *args)
    says = "torch.cuda.synchronize waits for an NVIDIA GPU and for nothing else: call the argument `wait`"
    require(not synchronize.called, says)
    require(result is not None, "nothing is returned: is a `return` missing?")
    says = "`time.process_time` stands still while you wait for the device: look at `time.perf_counter`"
    require(not process_time.called, says)
    try:
        return 1000 * float(result), queue
    except (TypeError, ValueError, RuntimeError):
        raise Wrong(f"the result is {kind_of(result)}, not a number of seconds") from None


def _require_time_between(
    median_seconds: Callable,
    milliseconds: list[float],
    args: tuple,
    *,
    low: float,
    high: float,
    too_little: str,
    too_much: str | Callable[[float, str], str],
) -> None:
    """Require a time (milliseconds) between two bounds; a busy machine gets three tries."""
    for _ in range(3):
        took, queue = _measure(median_seconds, milliseconds, *args)
        rounded = 0 <= took <= 500 * low and abs(took - round(took)) < 1e-9
        require(not rounded, "the result is rounded: a call on a GPU can take less than a millisecond", yours=took)
        if low <= took <= high:
            return
    warmup = args[1]
    calls = milliseconds[warmup:]
    details = {
        "warm-up, ms": milliseconds[:warmup], "calls, ms": calls, "expected, about": statistics.median(calls),
        "yours, ms": took,
    }  # fmt: skip
    if took < 0:
        says = "the time is negative: take the start from the end"
    elif any(abs(took / 1000 - clock()) < 5 for clock in (CLOCK, time.time)):
        says = "the clock's own reading comes out: take the start from the end"
    elif took > 500 * low:
        says = "that is far too much: return seconds, not milliseconds or nanoseconds"
    elif "w" not in queue.events:
        says = "the clock stops before the work is done: wait() is never called (is a pair of parentheses missing?)"
    elif took > high and (
        "cc" in queue.events.replace("c", "", warmup) or _starts_once(queue.events, took, calls, args[0])
    ):
        says = TOGETHER
    elif took < low:
        says = too_little
    else:
        says = too_much if isinstance(too_much, str) else too_much(took, queue.events)
    raise Wrong(says, **details)


def _starts_once(events: str, took: float, calls: list[float], repeats: int) -> bool:
    """Say whether the clock is started once for all calls: read once more in the end, or after each of them."""
    readings = events.count("t")
    return repeats > 1 and (readings == 2 or (readings == repeats + 1 and took > max(calls)))


def calls_are_counted(median_seconds: Callable) -> None:
    """There are `warmup` calls first, then `repeats` that are timed.

    Two loops: `for _ in range(warmup)` and `for _ in range(repeats)`.
    """
    for repeats, warmup in ((5, 1), (2, 3), (1, 0)):
        _, queue = _measure(median_seconds, [], repeats, warmup)
        wanted = repeats + warmup
        says = f"with repeats={repeats} and warmup={warmup} there must be {wanted} calls"
        require(queue.calls, f"{says}: is a pair of parentheses missing after `call`?", yours=queue.calls)
        require(queue.calls == wanted, says, yours=queue.calls)
        swapped = warmup and queue.events.partition("t")[0].count("c") == repeats
        require(not swapped, "`repeats` and `warmup` are swapped: warm-up calls come first, and are not timed")
    _, queue = _measure(median_seconds, [])
    require(queue.calls == 6, "without numbers there must be 1 warm-up and 5 timed calls", yours=queue.calls)


def waits_for_the_end(median_seconds: Callable) -> None:
    """The clock stops when the work is done, not when the call returns.

    `wait()` after the call, and only then look at the clock, `time.perf_counter()`.
    """
    _require_time_between(
        median_seconds,
        [1, 12, 12, 12],
        (3, 1),
        low=11,
        high=60,
        too_little="the clock stops before the work is done, or starts after the call",
        too_much="the time of one call is far too long: is more than one call timed?",
    )
    _, queue = _measure(median_seconds, [], 3, 1)
    require("cc" not in queue.events.replace("c", "", 1), TOGETHER)


def waits_before_it_starts(median_seconds: Callable) -> None:
    """The clock starts when nothing is left in the queue, and the warm-up is not timed.

    `wait()` before the clock starts, or the warm-up's work is timed as well. Only the calls after it enter the median.
    """
    queued = "the work of the warm-up is still in the queue when the clock starts: wait() first"
    timed = "the warm-up calls are timed as well: leave their times out"
    _require_time_between(
        median_seconds,
        [150, 5],
        (1, 1),
        low=4,
        high=60,
        too_little="the clock stops before the work is done: wait() after every call, then look at the clock",
        too_much=lambda took, events: queued if took > 100 and not events.startswith("wt") else timed,
    )
    _, queue = _measure(median_seconds, [], 1, 0)
    says = "with warmup=0 nothing empties the queue before the first timed call: wait() right before the clock starts"
    if queue.events.startswith("tw"):
        says = "the wait for earlier work is timed as well: start the clock after it"
    in_turn = ", ".join({"c": "call", "w": "wait", "t": "clock"}[event] for event in queue.events)
    wanted = "wait, clock, call, wait, clock"
    require(queue.events[:1] == "w", says, repeats=1, warmup=0, expected=wanted, yours=in_turn)


def the_median_counts(median_seconds: Callable) -> None:
    """The median is returned: an outlier changes nothing, and it is the middle, in seconds.

    `statistics.median(seconds)` of the list of times.
    """
    too_little = "this is less than the median: sort all times, take the middle one, not a mean, the first or last"
    too_much = "one slow call spoils the result: take the middle of the sorted times, not mean, largest or sum"
    for calls in ([90, 3, 200, 20, 8], [2, 30, 30, 30, 2], [90, 4, 20]):
        middle = statistics.median(calls)
        _require_time_between(
            median_seconds,
            [1, *calls],
            (len(calls), 1),
            low=0.84 * middle,
            high=3 * middle,
            too_little=too_little,
            too_much=too_much,
        )


# ---------------------------------------------------------------- 1.5
def what_is_left_is_shared(largest_batch: Callable) -> None:
    """What is left after the fixed part is divided by the cost of one image.

    Subtract first, then divide.
    """
    expect(
        largest_batch, 5, 10, 85, gives=15, says="(85 - 10) / 5 images fit",
        mistakes=[
            (17, "the fixed part is forgotten: weights and optimizer take their memory first"),
            (19, "the fixed part is added: it is memory that is gone"),
            (83, "divide after the subtraction: parentheses"),
            (5, "the fixed part is not per image: subtract it once, then divide"),
            (14, "an image that fits exactly does fit"),
            (8, "any whole number can be a batch: no power of two is asked for"),
            (7, "the fixed part is taken off after the division: these are bytes, so subtract them before"),
            (0, "this leaves nothing, and 15 images fit: is it `%`, or `min`, or the division the wrong way round?"),
        ],
    )  # fmt: skip


def no_half_images(largest_batch: Callable) -> None:
    """The result is a whole number, rounded down.

    `//` rounds down; `round` may promise an image that does not fit.
    """
    for cost, fixed, budget, wanted in (
        (30, 10, 99, 2),
        (30, 10, 100, 3),
        (30, 10, 129, 3),
        (31, 10, 41, 1),
        (7, 0, 6, 0),
        (3, 1, 3, 0),
    ):
        result = expect(
            largest_batch, cost, fixed, budget, gives=wanted, says="only whole images that fit count",
            mistakes=[
                (wanted + 1, "one image too many: round down, it must fit as a whole" if wanted else
                 "not even one image fits here: the batch is 0"),
                (lambda r, w=wanted: w < float(r) < w + 1, "there are no parts of images: round down"),
                (wanted - 1, "an image that fits exactly does fit"),
            ],
        )  # fmt: skip
        says = "the result is a float: a batch is a whole number, use //"
        details = {"bytes_per_image": cost, "fixed_bytes": fixed, "budget": budget, "expected": wanted}
        require(not isinstance(result, float), says, **details, yours=result)


def never_below_none(largest_batch: Callable) -> None:
    """Where even the fixed part does not fit, the result is 0.

    `max(..., 0)` around the division.
    """
    expect(largest_batch, 10, 100, 40, gives=0, says="where even the weights do not fit, the batch is 0",
           mistakes=[(lambda r: r < 0, "a batch cannot be negative: 0 where even the weights do not fit")])  # fmt: skip
    expect(largest_batch, 10, 40, 40, gives=0, says="where nothing is left, the batch is 0")
    says = "gigabytes are not handled like bytes: is the result limited, or a number kept in a small type?"
    expect(largest_batch, 2**23, 2**30, 2**30 + 5000 * 2**23 - 1, gives=4999, tolerance=0, says=says)


# ---------------------------------------------------------------- 1.6
def _draws() -> tuple[list[float], list[float], list[float]]:
    """Draw from the three generators."""
    return (
        [random.random() for _ in range(3)],
        np.random.random(3).tolist(),  # noqa: NPY002
        torch.rand(3).tolist(),
    )


LIBRARIES = {"Python's `random`": "random.seed", "NumPy": "np.random.seed", "PyTorch": "torch.manual_seed"}
# Functions of PyTorch that sound right, and what they do instead.
NEARLY = {
    "torch.seed": "torch.seed() draws a new seed at random: look for another function with seed in it",
    "torch.random.seed": "torch.seed() draws a new seed at random: look for another function with seed in it",
    "torch.cuda.manual_seed": "torch.cuda.manual_seed reaches one GPU and not the CPU: leave out the `cuda`",
    "torch.cuda.manual_seed_all": "torch.cuda.manual_seed_all reaches the GPUs and not the CPU: take torch.manual_seed",
}
WHOLE = "torch.mps.manual_seed"  # which torch.manual_seed calls everywhere, besides the CUDA one above


def _seed(seed_libraries: Callable, seed: int) -> list[str]:
    """Call the answer, and return what it called of NEARLY and WHOLE.

    Raises Wrong, and puts the functions back, where it overwrites instead of calling them.
    """
    before = random.seed, np.random.seed, torch.manual_seed
    try:
        with ExitStack() as stack:
            names = [*NEARLY, WHOLE]
            mocks = {name: stack.enter_context(mock.patch(name, wraps=pkgutil.resolve_name(name))) for name in names}
            seed_libraries(seed)
        after = random.seed, np.random.seed, torch.manual_seed
    except TypeError as error:
        nearly = re.search(r"(\w*seed)\(\) takes 0 positional arguments", str(error))
        if not nearly:
            raise
        says = f"`{nearly[1]}` of PyTorch takes no number: look for another function with seed in it"
        raise Wrong(says, stopped=f"TypeError: {error}") from None
    finally:
        random.seed, np.random.seed, torch.manual_seed = before
    for cure, old, new in zip(LIBRARIES.values(), before, after, strict=True):
        require(old is new, f"{cure} is overwritten: call it, {cure}(seed), without an equals sign")
    return [name for name, function in mocks.items() if function.called]


def all_three_repeat(seed_libraries: Callable) -> None:
    """After the same seed, Python, NumPy and PyTorch draw the same numbers again.

    Each has a generator of its own: random.seed, np.random.seed, torch.manual_seed.
    """
    _seed(seed_libraries, 7)
    first = _draws()
    _draws()
    called = _seed(seed_libraries, 7)
    for name, a, b in zip(LIBRARIES, first, _draws(), strict=True):
        says = f"{name} draws other numbers after the same seed: hand `seed` to its own global generator"
        if name == "PyTorch" and WHOLE in called and "cuda" in called[0]:
            says += ", and let nothing undo it"
        elif name == "PyTorch" and called:
            says = NEARLY.get(called[0], says)
        require(a == b, says, first=a, again=b)


def seeds_differ(seed_libraries: Callable) -> None:
    """Another seed gives other numbers.

    Hand `seed` on: a fixed number inside the function makes all seeds the same.
    """
    _seed(seed_libraries, 1)
    first = _draws()
    _seed(seed_libraries, 2)
    for (name, cure), a, b in zip(LIBRARIES.items(), first, _draws(), strict=True):
        require(a != b, f"{name} draws the same numbers for seeds 1 and 2: hand the argument on, {cure}(seed)", draws=a)


def the_global_generators(seed_libraries: Callable) -> None:
    """The numbers are those of the libraries' own global generators with that seed.

    `np.random.default_rng(seed)` makes a new generator and leaves the global one alone.
    """
    for seed in (0, 42, 2**32 - 1):
        called = _seed(seed_libraries, seed)
        drawn = _draws()
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        torch.manual_seed(seed)
        for (name, cure), a, b in zip(LIBRARIES.items(), drawn, _draws(), strict=True):
            says = f"{name} was not seeded with {seed} itself, or something was drawn after it: {cure}(seed)"
            require(a == b, says, expected=b, yours=a)
        says = "PyTorch's generators on GPUs are not seeded, only that on the CPU: torch.manual_seed(seed) reaches all"
        require(any("cuda" in name for name in called), says)


EXERCISES = [
    Exercise(
        "1.1", "Bytes of a picture", "utils.runtime.image_bytes", 1, 2,
        "A first try at the loop of writing, running and reading the verdict.",
        [every_channel_counts, channels_are_given, every_value_has_bytes, a_whole_number_of_bytes],
        [
            "How many numbers describe one pixel of a colour picture?",
            "There are four factors: two sides, channels, and bytes for each value.",
            "return height * width * channels * bytes_per_value.",
        ],
        by_name=["channels", "bytes_per_value"],
    ),
    Exercise(
        "1.2", "Choose a device", "utils.runtime.choose_device", 2, 8,
        "The same notebook must run on a GPU, on a Mac and on a laptop, and never slowly without saying so.",
        [a_name_comes_back, best_first, a_wish_is_granted, a_wish_is_never_bent],
        [
            "Two cases: 'auto', and a wish. Which of them may fail?",
            'For "auto", loop over ("cuda", "mps", "cpu") and return the first name that is in `available`.',
            "For a wish: if it is not in `available`, raise ConfigError with a sentence; else return it.",
        ],
        by_name=["wish"],
    ),
    Exercise(
        "1.3", "Choose a precision", "utils.runtime.pick_precision", 2, 6,
        "The right 16 bits halve the memory of a training; the wrong ones make it crawl.",
        [new_gpus_take_bf16, old_gpus_take_fp16, others_take_fp32, a_second_gpu_is_a_gpu, a_cpu_with_bf16_takes_it],
        [
            "Which question comes first: what kind of device it is, or what it computes?",
            "device.type says the kind. A capability is a pair such as (7, 5); native_bf16 speaks of the CPU only.",
            '"cuda": "bf16" if capability >= (8, 0), else "fp16". "cpu" with native_bf16: "bf16". Else "fp32".',
        ],
        by_name=["native_bf16"],
    ),
    Exercise(
        "1.4", "Honest seconds", "utils.runtime.median_seconds", 3, 12,
        "Whoever stops the clock too early believes that a GPU is a thousand times as fast as it is.",
        [calls_are_counted, waits_for_the_end, waits_before_it_starts, the_median_counts],
        [
            "Two loops: one that warms up, one that measures. Where must you wait for the device?",
            "Before the clock starts nothing may be in the queue, and before it stops everything must be done.",
            "In the second loop: wait(), start = time.perf_counter(), call(), wait(), append the difference.",
        ],
    ),
    Exercise(
        "1.5", "The largest batch", "utils.runtime.largest_batch", 1, 4,
        "Knowing what fits saves you a row of crashed trainings.",
        [what_is_left_is_shared, no_half_images, never_below_none],
        [
            "Some memory is gone before the first image. What is left for images?",
            "Half an image does not fit, and there is no batch of minus three.",
            "max((budget - fixed_bytes) // bytes_per_image, 0).",
        ],
    ),
    Exercise(
        "1.6", "Seed three libraries", "utils.runtime.seed_libraries", 1, 4,
        "A result that you cannot repeat cannot be compared with the next.",
        [all_three_repeat, seeds_differ, the_global_generators],
        [
            "Three libraries draw random numbers here, each from a generator of its own.",
            "Python: random.seed. NumPy: np.random.seed, for the old global generator that libraries still use.",
            "random.seed(seed); np.random.seed(seed); torch.manual_seed(seed).",
        ],
    ),
]  # fmt: skip
