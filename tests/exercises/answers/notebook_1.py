# %% prelude
import random
import statistics
import time

import numpy as np
import torch

from utils.errors import ConfigError

BEST_FIRST = ("cuda", "mps", "cpu")

# %% 1.1 right: the product, in another order
def image_bytes(height, width, channels=3, bytes_per_value=1):
    values = channels * width * height
    return bytes_per_value * values

# %% 1.1 right: bytes of an array
def image_bytes(height, width, channels=3, bytes_per_value=1):
    return np.zeros((channels, height, width), dtype=f"V{bytes_per_value}").nbytes

# %% 1.1 right: added up row by row
def image_bytes(height, width, channels=3, bytes_per_value=1):
    total = 0
    for _ in range(height):
        total += width * channels * bytes_per_value
    return total

# %% 1.1 right: math.prod
import math
def image_bytes(height, width, channels=3, bytes_per_value=1):
    return math.prod([height, width, channels, bytes_per_value])

# %% 1.1 wrong: the channels are forgotten
def image_bytes(height, width, channels=3, bytes_per_value=1):
    return height * width * bytes_per_value

# %% 1.1 wrong: channels are added
def image_bytes(height, width, channels=3, bytes_per_value=1):
    return height * width + channels * bytes_per_value

# %% 1.1 wrong: `bytes_per_value` is not used
def image_bytes(height, width, channels=3, bytes_per_value=1):
    return height * width * channels

# %% 1.1 wrong: the number of channels is fixed at 3
def image_bytes(height, width, channels=3, bytes_per_value=1):
    return height * width * 3 * bytes_per_value

# %% 1.1 wrong: nothing is returned
def image_bytes(height, width, channels=3, bytes_per_value=1):
    print(height * width * channels * bytes_per_value)

# %% 1.1 wrong: the result is a float
def image_bytes(height, width, channels=3, bytes_per_value=1):
    return height * width * channels * (8 * bytes_per_value / 8)

# %% 1.1 wrong: height and width are added
def image_bytes(height, width, channels=3, bytes_per_value=1):
    return (height + width) * channels * bytes_per_value

# %% 1.1 wrong: these are bits
def image_bytes(height, width, channels=3, bytes_per_value=1):
    return height * width * channels * bytes_per_value * 8

# %% 1.1 wrong: these are kilobytes or megabytes
def image_bytes(height, width, channels=3, bytes_per_value=1):
    return height * width * channels * bytes_per_value / 1024**2

# %% 1.1 wrong: bytes_per_value is added
def image_bytes(height, width, channels=3, bytes_per_value=1):
    return height * width * channels + bytes_per_value

# %% 1.1 wrong: the height counts twice
def image_bytes(height, width, channels=3, bytes_per_value=1):
    return height * height * channels * bytes_per_value

# %% 1.1 wrong: without it a value takes 1 byte
def image_bytes(height, width, channels=3, bytes_per_value=1):
    return height * width * channels * 4

# %% 1.2 right: one if after the other
def choose_device(available, wish="auto"):
    if wish != "auto":
        if wish in available:
            return wish
        raise ConfigError(f"no {wish} here")
    if "cuda" in available:
        return "cuda"
    if "mps" in available:
        return "mps"
    return "cpu"

# %% 1.2 right: sorted by rank
def choose_device(available, wish="auto"):
    if wish == "auto":
        return min(available, key=BEST_FIRST.index)
    if wish not in list(available):
        raise ConfigError("There is no " + wish)
    return wish

# %% 1.2 right: candidates first
def choose_device(available, wish="auto"):
    candidates = BEST_FIRST if wish == "auto" else (wish,)
    found = [name for name in candidates if name in available]
    if not found:
        raise ConfigError(f"{wish} is not among {available}")
    return found[0]

# %% 1.2 right: one loop for both cases
def choose_device(available, wish="auto"):
    order = ["cuda", "mps", "cpu"] if wish == "auto" else [wish]
    for name in order:
        if name in available:
            return name
    raise ConfigError(f"no {wish}; there are {sorted(available)}")

# %% 1.2 right: match and case
def choose_device(available, wish="auto"):
    match wish:
        case "auto":
            if "cuda" in available:
                result = "cuda"
            elif "mps" in available:
                result = "mps"
            else:
                result = "cpu"
        case _ if wish in set(available):
            result = wish
        case _:
            raise ConfigError("not there")
    return result

# %% 1.2 wrong: a wish that cannot be granted must raise ConfigError
def choose_device(available, wish="auto"):
    if wish in available:
        return wish
    return next(name for name in ("cuda", "mps", "cpu") if name in available)

# %% 1.2 wrong: 'cuda' comes before 'mps'
def choose_device(available, wish="auto"):
    if wish == "auto":
        return next(name for name in ("mps", "cuda", "cpu") if name in available)
    if wish not in available:
        raise ConfigError(wish)
    return wish

# %% 1.2 wrong: the wish 'auto' is no name of a device
def choose_device(available, wish="auto"):
    if wish not in available:
        raise ConfigError(f"{wish} not available")
    return wish

# %% 1.2 wrong: it settles for 'cpu'
def choose_device(available, wish="auto"):
    if wish == "auto":
        return list(available)[0]
    if wish not in available:
        raise ConfigError(wish)
    return wish

# %% 1.2 wrong: 'auto' is no device
def choose_device(available, wish="auto"):
    if wish != "auto" and wish not in available:
        raise ConfigError(wish)
    return wish

# %% 1.2 wrong: it chooses a device that is not available
def choose_device(available, wish="auto"):
    if wish == "auto":
        return "cuda" if len(available) > 1 else "cpu"
    if wish not in available:
        raise ConfigError(wish)
    return wish

# %% 1.2 wrong: was wished for and is available
def choose_device(available, wish="auto"):
    if wish not in available and wish != "auto":
        raise ConfigError(wish)
    return next(name for name in BEST_FIRST if name in available)

# %% 1.2 wrong: the result is a device: return the name
def choose_device(available, wish="auto"):
    if wish == "auto":
        wish = next(name for name in BEST_FIRST if name in available)
    elif wish not in available:
        raise ConfigError(wish)
    return torch.device(wish)

# %% 1.2 wrong: raises ValueError: raise ConfigError yourself
def choose_device(available, wish="auto"):
    if wish == "auto":
        return next(name for name in BEST_FIRST if name in available)
    if wish not in available:
        raise ValueError(wish)
    return wish

# %% 1.2 wrong: gives None: raise ConfigError
def choose_device(available, wish="auto"):
    if wish == "auto":
        return next(name for name in BEST_FIRST if name in available)
    if wish in available:
        return wish

# %% 1.2 wrong: ConfigError is returned
def choose_device(available, wish="auto"):
    if wish == "auto":
        return next(name for name in BEST_FIRST if name in available)
    if wish not in available:
        return ConfigError("not available")
    return wish

# %% 1.2 wrong: ConfigError needs a sentence
def choose_device(available, wish="auto"):
    ranks = {"cuda": 0, "mps": 1, "cpu": 2}
    if wish == "auto":
        return sorted(available, key=ranks.get)[0]
    elif wish in available:
        return wish
    else:
        raise ConfigError

# %% 1.2 wrong: `available` is changed in place
def choose_device(available, wish="auto"):
    if wish == "auto":
        available = available if not isinstance(available, list) else available
        if isinstance(available, list):
            available.sort(key=BEST_FIRST.index)
            return available[0]
        return next(name for name in BEST_FIRST if name in available)
    if wish not in available:
        raise ConfigError(wish)
    return wish

# %% 1.3 right: nested ifs
def pick_precision(device, capability=None, native_bf16=None):
    if device.type == "cuda":
        if capability is None:
            capability = torch.cuda.get_device_capability(device)
        if capability[0] >= 8:
            return "bf16"
        else:
            return "fp16"
    if device.type == "cpu":
        if native_bf16:
            return "bf16"
    return "fp32"

# %% 1.3 right: a dictionary of kinds
def pick_precision(device, capability=None, native_bf16=None):
    if str(device).split(":")[0] in ("cpu", "mps"):
        return {"cpu": {True: "bf16"}}.get(str(device), {}).get(native_bf16, "fp32")
    major, minor = capability or torch.cuda.get_device_capability(device)
    return {True: "bf16", False: "fp16"}[major + minor / 10 >= 8.0]

# %% 1.3 right: a choice in the return
def pick_precision(device, capability=None, native_bf16=None):
    if device.type != "cuda":
        return "bf16" if device.type == "cpu" and native_bf16 else "fp32"
    return "bf16" if tuple(capability) > (7, 9) else "fp16"

# %% 1.3 right: the capability as one number
def pick_precision(device, capability=None, native_bf16=None):
    if device.type == "cpu" and native_bf16:
        return "bf16"
    if not device.type == "cuda":
        return "fp32"
    if capability is None:
        capability = torch.cuda.get_device_capability(device)
    number = 10 * capability[0] + capability[1]
    return "bf16" if number >= 80 else "fp16"

# %% 1.3 wrong: capability 8.0 computes bf16
def pick_precision(device, capability=None, native_bf16=None):
    if device.type != "cuda":
        return "fp32"
    return "bf16" if capability > (8, 0) else "fp16"

# %% 1.3 wrong: capability 7.5 only imitates bf16
def pick_precision(device, capability=None, native_bf16=None):
    return "bf16" if device.type == "cuda" else "fp32"

# %% 1.3 wrong: capability 10.0 computes bf16
def pick_precision(device, capability=None, native_bf16=None):
    if device.type != "cuda":
        return "fp32"
    return "bf16" if ".".join(map(str, capability)) >= "8.0" else "fp16"

# %% 1.3 wrong: capability 9.0 computes bf16
def pick_precision(device, capability=None, native_bf16=None):
    if device.type != "cuda":
        return "fp32"
    return "bf16" if capability[0] == 8 else "fp16"

# %% 1.3 wrong: a device of type 'mps' takes fp32
def pick_precision(device, capability=None, native_bf16=None):
    if device.type == "cpu":
        return "fp32"
    return "bf16" if capability and capability >= (8, 0) else "fp16"

# %% 1.3 wrong: torch.device('cuda:1') is an NVIDIA GPU, too
def pick_precision(device, capability=None, native_bf16=None):
    if str(device) != "cuda":
        return "fp32"
    return "bf16" if capability >= (8, 0) else "fp16"

# %% 1.3 wrong: return the short name, such as 'fp16', not a torch.dtype
def pick_precision(device, capability=None, native_bf16=None):
    if device.type != "cuda":
        return torch.float32
    return torch.bfloat16 if capability >= (8, 0) else torch.float16

# %% 1.3 wrong: look at device.type before you compare it
def pick_precision(device, capability=None, native_bf16=None):
    if capability >= (8, 0) or (device.type == "cpu" and native_bf16):
        return "bf16"
    return "fp16" if device.type == "cuda" else "fp32"

# %% 1.3 wrong: compare it with a pair, (8, 0)
def pick_precision(device, capability=None, native_bf16=None):
    if device.type != "cuda":
        return "fp32"
    return "bf16" if capability >= 8.0 else "fp16"

# %% 1.3 wrong: a device of type 'cpu' takes fp32
def pick_precision(device, capability=None, native_bf16=None):
    return "bf16" if capability and capability >= (8, 0) else "fp16"

# %% 1.3 wrong: an NVIDIA GPU is not recognised
def pick_precision(device, capability=None, native_bf16=None):
    if device == "cuda":
        return "bf16" if capability >= (8, 0) else "fp16"
    return "fp32"

# %% 1.3 wrong: not 'float16'
def pick_precision(device, capability=None, native_bf16=None):
    if device.type != "cuda":
        return "float32"
    return "bfloat16" if capability >= (8, 0) else "float16"

# %% 1.3 wrong: this CPU computes bf16 itself
def pick_precision(device, capability=None, native_bf16=None):
    if device.type != "cuda":
        return "fp32"
    return "bf16" if capability >= (8, 0) else "fp16"

# %% 1.3 wrong: native_bf16 speaks of the CPU, and this device is of type 'cuda'
def pick_precision(device, capability=None, native_bf16=None):
    if native_bf16 or capability and device.type == "cuda" and capability >= (8, 0):
        return "bf16"
    return "fp16" if device.type == "cuda" else "fp32"

# %% 1.3 wrong: native_bf16 speaks of the CPU, and this device is of type 'mps'
def pick_precision(device, capability=None, native_bf16=None):
    if device.type == "cuda":
        return "bf16" if capability >= (8, 0) else "fp16"
    return "bf16" if native_bf16 else "fp32"

# %% 1.4 right: NumPy's median
def median_seconds(call, wait, repeats=5, warmup=1):
    for i in range(warmup):
        call()
        wait()
    times = np.zeros(repeats)
    for i in range(repeats):
        wait()
        t0 = time.perf_counter()
        call()
        wait()
        times[i] = time.perf_counter() - t0
    return float(np.median(times))

# %% 1.4 right: one loop, the first ones dropped
def median_seconds(call, wait, repeats=5, warmup=1):
    seconds = []
    for _ in range(warmup + repeats):
        wait()
        begin = time.perf_counter_ns()
        call()
        wait()
        seconds.append((time.perf_counter_ns() - begin) / 1e9)
    return statistics.median(seconds[warmup:])

# %% 1.4 right: a helper, sorted by hand
def once(call, wait):
    wait()
    start = time.time()
    call()
    wait()
    return time.time() - start

def median_seconds(call, wait, repeats=5, warmup=1):
    [call() for _ in range(warmup)]
    taken = sorted(once(call, wait) for _ in range(repeats))
    middle = len(taken) // 2
    return taken[middle] if len(taken) % 2 else (taken[middle - 1] + taken[middle]) / 2

# %% 1.4 right: timeit
import timeit
def median_seconds(call, wait, repeats=5, warmup=1):
    for _ in range(warmup):
        call()
    wait()
    def once():
        call()
        wait()
    return statistics.median(timeit.repeat(once, number=1, repeat=repeats))

# %% 1.4 right: a stopwatch of its own
class Watch:
    def __enter__(self):
        self.start = time.monotonic()
        return self
    def __exit__(self, *_):
        self.seconds = time.monotonic() - self.start

def median_seconds(call, wait, repeats=5, warmup=1):
    list(map(lambda _: call(), range(warmup)))
    seconds = []
    for _ in range(repeats):
        wait()
        with Watch() as w:
            call()
            wait()
        seconds.append(w.seconds)
    return torch.tensor(seconds, dtype=torch.float64).quantile(0.5)

# %% 1.4 wrong: the clock stops before the work is done
def median_seconds(call, wait, repeats=5, warmup=1):
    for _ in range(warmup):
        call()
    seconds = []
    for _ in range(repeats):
        wait()
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)

# %% 1.4 wrong: several calls are timed together
def median_seconds(call, wait, repeats=5, warmup=1):
    for _ in range(warmup):
        call()
    start = time.perf_counter()
    for _ in range(repeats):
        call()
    wait()
    return (time.perf_counter() - start) / repeats

# %% 1.4 wrong: the work of the warm-up is still in the queue
def median_seconds(call, wait, repeats=5, warmup=1):
    for _ in range(warmup):
        call()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        wait()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)

# %% 1.4 wrong: several calls are timed together
def median_seconds(call, wait, repeats=5, warmup=1):
    for _ in range(warmup):
        call()
    wait()
    start = time.perf_counter()
    for _ in range(repeats):
        call()
    wait()
    return (time.perf_counter() - start) / repeats

# %% 1.4 wrong: one slow call spoils the result
def median_seconds(call, wait, repeats=5, warmup=1):
    for _ in range(warmup):
        call()
    seconds = []
    for _ in range(repeats):
        wait()
        start = time.perf_counter()
        call()
        wait()
        seconds.append(time.perf_counter() - start)
    return statistics.mean(seconds)

# %% 1.4 wrong: take the middle one, not a mean
def median_seconds(call, wait, repeats=5, warmup=1):
    for _ in range(warmup):
        call()
    seconds = []
    for _ in range(repeats):
        wait()
        start = time.perf_counter()
        call()
        wait()
        seconds.append(time.perf_counter() - start)
    return min(seconds)

# %% 1.4 wrong: there must be 6 calls
def median_seconds(call, wait, repeats=5, warmup=1):
    seconds = []
    for _ in range(repeats):
        wait()
        start = time.perf_counter()
        call()
        wait()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)

# %% 1.4 wrong: the result is a list, not a number of seconds
def median_seconds(call, wait, repeats=5, warmup=1):
    for _ in range(warmup):
        call()
    seconds = []
    for _ in range(repeats):
        wait()
        start = time.perf_counter()
        call()
        wait()
        seconds.append(time.perf_counter() - start)
    return seconds

# %% 1.4 wrong: with repeats=2 and warmup=3 there must be 5 calls
def median_seconds(call, wait, repeats=5, warmup=1):
    call()
    seconds = []
    for _ in range(repeats):
        wait()
        start = time.perf_counter()
        call()
        wait()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)

# %% 1.4 wrong: StatisticsError
def median_seconds(call, wait, repeats=5, warmup=1):
    for _ in range(warmup):
        call()
    seconds = []
    for _ in range(repeats):
        wait()
        start = time.perf_counter()
        call()
        wait()
        time.perf_counter() - start
    return statistics.median(seconds)

# %% 1.4 wrong: the warm-up calls are timed as well
def median_seconds(call, wait, repeats=5, warmup=1):
    seconds = []
    for _ in range(warmup + repeats):
        wait()
        start = time.perf_counter()
        call()
        wait()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)

# %% 1.4 wrong: return seconds, not milliseconds
def median_seconds(call, wait, repeats=5, warmup=1):
    for _ in range(warmup):
        call()
    seconds = []
    for _ in range(repeats):
        wait()
        start = time.perf_counter()
        call()
        wait()
        seconds.append(1000 * (time.perf_counter() - start))
    return statistics.median(seconds)

# %% 1.4 wrong: the clock stops before the work is done: wait() is never called
def median_seconds(call, wait, repeats=5, warmup=1):
    for _ in range(warmup):
        call()
    seconds = []
    for _ in range(repeats):
        wait
        start = time.perf_counter()
        call()
        wait
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)

# %% 1.4 wrong: the time is negative
def median_seconds(call, wait, repeats=5, warmup=1):
    for _ in range(warmup):
        call()
    seconds = []
    for _ in range(repeats):
        wait()
        start = time.perf_counter()
        call()
        wait()
        seconds.append(start - time.perf_counter())
    return statistics.median(seconds)

# %% 1.4 wrong: nothing is returned
def median_seconds(call, wait, repeats=5, warmup=1):
    for _ in range(warmup):
        call()
    seconds = []
    for _ in range(repeats):
        wait()
        start = time.perf_counter()
        call()
        wait()
        seconds.append(time.perf_counter() - start)
    print(statistics.median(seconds))

# %% 1.5 right: with floor and max
def largest_batch(bytes_per_image, fixed_bytes, budget):
    left = budget - fixed_bytes
    if left < bytes_per_image:
        return 0
    return int(np.floor(left / bytes_per_image))

# %% 1.5 right: divmod
def largest_batch(bytes_per_image, fixed_bytes, budget):
    whole, rest = divmod(budget - fixed_bytes, bytes_per_image)
    return whole if whole > 0 else 0

# %% 1.5 right: counted up in doubling steps
def largest_batch(bytes_per_image, fixed_bytes, budget):
    batch = 0
    while fixed_bytes + (batch + 1) * bytes_per_image <= budget:
        batch += 1
    return batch

# %% 1.5 right: rounded down by math
import math
def largest_batch(bytes_per_image, fixed_bytes, budget):
    left = budget - fixed_bytes
    return 0 if left <= 0 else math.floor(left / bytes_per_image)

# %% 1.5 wrong: the fixed part is forgotten
def largest_batch(bytes_per_image, fixed_bytes, budget):
    return budget // bytes_per_image

# %% 1.5 wrong: the fixed part is added
def largest_batch(bytes_per_image, fixed_bytes, budget):
    return (budget + fixed_bytes) // bytes_per_image

# %% 1.5 wrong: the fixed part is taken off after the division
def largest_batch(bytes_per_image, fixed_bytes, budget):
    return max(0, budget // bytes_per_image - fixed_bytes)


# %% 1.5 wrong: divide after the subtraction
def largest_batch(bytes_per_image, fixed_bytes, budget):
    return budget - fixed_bytes // bytes_per_image

# %% 1.5 wrong: the fixed part is not per image
def largest_batch(bytes_per_image, fixed_bytes, budget):
    return budget // (bytes_per_image + fixed_bytes)

# %% 1.5 wrong: there are no parts of images
def largest_batch(bytes_per_image, fixed_bytes, budget):
    return max((budget - fixed_bytes) / bytes_per_image, 0)

# %% 1.5 wrong: one image too many
def largest_batch(bytes_per_image, fixed_bytes, budget):
    return max(round((budget - fixed_bytes) / bytes_per_image), 0)

# %% 1.5 wrong: a batch cannot be negative
def largest_batch(bytes_per_image, fixed_bytes, budget):
    return (budget - fixed_bytes) // bytes_per_image

# %% 1.5 wrong: an image that fits exactly does fit
def largest_batch(bytes_per_image, fixed_bytes, budget):
    batch = 0
    if (budget - fixed_bytes) == 60:
        return 15
    while fixed_bytes + (batch + 1) * bytes_per_image < budget:
        batch += 1
    return batch

# %% 1.5 wrong: not even one image fits
def largest_batch(bytes_per_image, fixed_bytes, budget):
    return max((budget - fixed_bytes) // bytes_per_image, 1)

# %% 1.5 wrong: no power of two
def largest_batch(bytes_per_image, fixed_bytes, budget):
    n = max((budget - fixed_bytes) // bytes_per_image, 0)
    return 2 ** int(np.log2(n)) if n else 0

# %% 1.5 wrong: where even the weights do not fit
def largest_batch(bytes_per_image, fixed_bytes, budget):
    return abs(budget - fixed_bytes) // bytes_per_image

# %% 1.6 right: in another order, NumPy through its module
def seed_libraries(seed):
    torch.manual_seed(seed)
    import numpy
    numpy.random.seed(seed)
    random.seed(seed)

# %% 1.6 right: a loop over three functions
def seed_libraries(seed):
    for function in (random.seed, np.random.seed, torch.manual_seed):
        function(seed)

# %% 1.6 right: set states
def seed_libraries(seed):
    random.setstate(random.Random(seed).getstate())
    np.random.set_state(np.random.RandomState(seed).get_state())
    torch.random.manual_seed(seed)
    torch.cuda.manual_seed_all(seed)

# %% 1.6 right: a library's own function
def seed_libraries(seed):
    from accelerate.utils import set_seed
    set_seed(seed)

# %% 1.6 wrong: NumPy draws other numbers
def seed_libraries(seed):
    random.seed(seed)
    np.random.default_rng(seed)
    torch.manual_seed(seed)

# %% 1.6 wrong: Python's `random` draws other numbers
def seed_libraries(seed):
    np.random.seed(seed)
    torch.manual_seed(seed)

# %% 1.6 wrong: PyTorch draws other numbers
def seed_libraries(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.Generator().manual_seed(seed)

# %% 1.6 wrong: Python's `random` draws other numbers after the same seed: hand `seed` to
def seed_libraries(seed):
    random.seed()
    np.random.seed(seed)
    torch.manual_seed(seed)

# %% 1.6 wrong: draws the same numbers for seeds 1 and 2
def seed_libraries(seed):
    random.seed(42)
    np.random.seed(42)
    torch.manual_seed(42)

# %% 1.6 wrong: was not seeded with 0 itself
def seed_libraries(seed):
    random.seed(seed + 1)
    np.random.seed(seed + 1)
    torch.manual_seed(seed + 1)

# %% 1.6 wrong: AttributeError
def seed_libraries(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.seed_all(seed)

# %% 1.6 wrong: `seed` of PyTorch takes no number
def seed_libraries(seed):
    for library in (random, np.random, torch):
        library.seed(seed)

# %% 1.6 wrong: torch.seed() draws a new seed at random
def seed_libraries(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.seed()

# %% 1.6 wrong: torch.cuda.manual_seed reaches one GPU and not the CPU
def seed_libraries(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.cuda.manual_seed(seed)

# %% 1.6 wrong: TypeError
def seed_libraries(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed()

# %% 1.6 wrong: random.seed is overwritten
def seed_libraries(seed):
    random.seed = seed
    np.random.seed = seed
    torch.manual_seed = seed

# %% 1.1 wrong: no parameter is called `bytes_per_value`
def image_bytes(height, width, channels=3, size=1):
    return height * width * channels * size

# %% 1.1 wrong: without `channels` another value counts
def image_bytes(height, width, channels=1, bytes_per_value=1):
    return height * width * channels * bytes_per_value

# %% 1.1 right: a default value more
def image_bytes(height: int, width: int, channels: int = 3, bytes_per_value: int = 1, pictures: int = 1) -> int:
    return pictures * height * width * channels * bytes_per_value

# %% 1.2 wrong: must raise ConfigError
def choose_device(available, wish="auto"):
    if wish == "auto":
        return next(name for name in ("cuda", "mps", "cpu") if name in available)
    if not any(wish and wish.startswith(name) for name in available):
        raise ConfigError(f"no {wish} here")
    return wish

# %% 1.2 wrong: must raise ConfigError
def choose_device(available, wish="auto"):
    if not wish or wish == "auto":
        return next(name for name in ("cuda", "mps", "cpu") if name in available)
    if wish not in available:
        raise ConfigError(f"no {wish} here")
    return wish

# %% 1.3 wrong: it takes fp16, not fp32
def pick_precision(device, capability=None, native_bf16=None):
    if device.type == "cuda":
        return "bf16" if capability >= (8, 0) else "fp32"
    return "bf16" if device.type == "cpu" and native_bf16 else "fp32"

# %% 1.4 wrong: `time.process_time` stands still
def median_seconds(call, wait, repeats=5, warmup=1):
    for _ in range(warmup):
        call()
    seconds = []
    for _ in range(repeats):
        wait()
        start = time.process_time()
        call()
        wait()
        seconds.append(time.process_time() - start)
    return statistics.median(seconds)

# %% 1.5 wrong: an image that fits exactly does fit
def largest_batch(bytes_per_image, fixed_bytes, budget):
    left = budget - fixed_bytes
    return 0 if left <= bytes_per_image else left // bytes_per_image

# %% 1.5 wrong: not a single number
def largest_batch(bytes_per_image, fixed_bytes, budget):
    import numpy
    return numpy.maximum(numpy.array([(budget - fixed_bytes) // bytes_per_image]), 0)

# %% 1.1 right: in NumPy's largest whole numbers
def image_bytes(height, width, channels=3, bytes_per_value=1):
    return np.prod([height, width, channels, bytes_per_value], dtype=np.int64)

# %% 1.1 wrong: kept in a small type of number
def image_bytes(height, width, channels=3, bytes_per_value=1):
    return int(np.prod([height, width, channels, bytes_per_value], dtype=np.int32))

# %% 1.1 wrong: the four factors are not all multiplied
def image_bytes(height, width, channels=3, bytes_per_value=1):
    return height * width * min(channels, 4) * bytes_per_value

# %% 1.2 right: the best is found before anybody asks
def choose_device(available, wish="auto"):
    best = sorted(available, key=["cuda", "mps", "cpu"].index)[0]
    choices = {"auto": best} | {name: name for name in available}
    if wish not in choices:
        raise ConfigError(wish)
    return choices[wish]

# %% 1.2 wrong: ConfigError needs a sentence
def choose_device(available, wish="auto"):
    if wish == "auto":
        return next(name for name in ("cuda", "mps", "cpu") if name in available)
    if wish not in available:
        raise ConfigError("")
    return wish

# %% 1.2 wrong: although there is a better device
def choose_device(available, wish="auto"):
    if wish == "auto":
        return max(available, key=len)
    if wish not in available:
        raise ConfigError(f"no {wish} here")
    return wish

# %% 1.2 wrong: `available` is changed in place
def choose_device(available, wish="auto"):
    if isinstance(available, set):
        available.add("auto")
    if wish == "auto":
        return next(name for name in ("cuda", "mps", "cpu") if name in available)
    if wish not in available:
        raise ConfigError(f"no {wish} here")
    return wish

# %% 1.4 wrong: or starts after the call
def median_seconds(call, wait, repeats=5, warmup=1):
    for _ in range(warmup):
        call()
    seconds = []
    for _ in range(repeats):
        wait()
        call()
        start = time.perf_counter()
        wait()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)

# %% 1.4 wrong: with warmup=0 nothing empties the queue
def median_seconds(call, wait, repeats=5, warmup=1):
    for _ in range(warmup):
        call()
        wait()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        wait()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)

# %% 1.4 wrong: the result is rounded
def median_seconds(call, wait, repeats=5, warmup=1):
    for _ in range(warmup):
        call()
    seconds = []
    for _ in range(repeats):
        wait()
        start = time.perf_counter()
        call()
        wait()
        seconds.append(time.perf_counter() - start)
    return round(statistics.median(seconds), 3)

# %% 1.5 wrong: is the result limited
def largest_batch(bytes_per_image, fixed_bytes, budget):
    return min(1024, max(0, (budget - fixed_bytes) // bytes_per_image))

# %% 1.5 wrong: a number kept in a small type
def largest_batch(bytes_per_image, fixed_bytes, budget):
    return int(max(0, np.float32(budget - fixed_bytes) // np.float32(bytes_per_image)))

# %% 1.2 wrong: torch is asked about this machine
def choose_device(available, wish="auto"):
    if wish == "auto":
        if torch.cuda.is_available():
            return "cuda"
        if torch.backends.mps.is_available():
            return "mps"
        return "cpu"
    if wish not in available:
        raise ConfigError(f"no {wish} here")
    return wish

# %% 1.3 wrong: torch is asked about this machine
def pick_precision(device, capability=None, native_bf16=None):
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported() else "fp16"
    return "bf16" if device.type == "cpu" and native_bf16 else "fp32"

# %% 1.3 wrong: torch is asked about this machine
def pick_precision(device, capability=None, native_bf16=None):
    if device.type == "cuda":
        return "bf16" if torch.cuda.get_device_capability(device) >= (8, 0) else "fp16"
    return "bf16" if device.type == "cpu" and native_bf16 else "fp32"

# %% 1.3 wrong: 16 bits take half of the memory on every NVIDIA GPU
def pick_precision(device, capability=None, native_bf16=None):
    if device.type == "cuda":
        return "bf16" if capability >= (8, 0) else "fp16" if capability >= (7, 0) else "fp32"
    return "bf16" if device.type == "cpu" and native_bf16 else "fp32"

# %% 1.3 wrong: None counts as no
def pick_precision(device, capability=None, native_bf16=None):
    if device.type == "cuda":
        return "bf16" if capability >= (8, 0) else "fp16"
    return "bf16" if device.type == "cpu" and native_bf16 is not False else "fp32"

# %% 1.4 right: of an even number, the upper of the two in the middle
def median_seconds(call, wait, repeats=5, warmup=1):
    for _ in range(warmup):
        call()
    seconds = []
    for _ in range(repeats):
        wait()
        start = time.perf_counter()
        call()
        wait()
        seconds.append(time.perf_counter() - start)
    return sorted(seconds)[repeats // 2]

# %% 1.4 right: each clock starts where the one before it stopped
def median_seconds(call, wait, repeats=5, warmup=1):
    for _ in range(warmup):
        call()
    wait()
    seconds, last = [], time.perf_counter()
    for _ in range(repeats):
        call()
        wait()
        now = time.perf_counter()
        seconds.append(now - last)
        last = now
    return statistics.median(seconds)

# %% 1.4 wrong: several calls are timed together
def median_seconds(call, wait, repeats=5, warmup=1):
    for _ in range(warmup):
        call()
    wait()
    seconds = []
    start = time.perf_counter()
    for _ in range(repeats):
        call()
        wait()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)

# %% 1.4 wrong: several calls are timed together
def median_seconds(call, wait, repeats=5, warmup=1):
    for _ in range(warmup):
        call()
    wait()
    start = time.perf_counter()
    for _ in range(repeats):
        call()
        wait()
    return (time.perf_counter() - start) / repeats

# %% 1.4 wrong: the middle of the sorted times
def median_seconds(call, wait, repeats=5, warmup=1):
    for _ in range(warmup):
        call()
    seconds = []
    for _ in range(repeats):
        wait()
        start = time.perf_counter()
        call()
        wait()
        seconds.append(time.perf_counter() - start)
    return seconds[len(seconds) // 2]

# %% 1.4 wrong: the first or last
def median_seconds(call, wait, repeats=5, warmup=1):
    for _ in range(warmup):
        call()
    for _ in range(repeats):
        wait()
        start = time.perf_counter()
        call()
        wait()
        seconds = time.perf_counter() - start
    return seconds

# %% 1.4 wrong: the result is rounded
def median_seconds(call, wait, repeats=5, warmup=1):
    for _ in range(warmup):
        call()
    seconds = []
    for _ in range(repeats):
        wait()
        start = time.perf_counter()
        call()
        wait()
        seconds.append(round(time.perf_counter() - start, 2))
    return statistics.median(seconds)

# %% 1.4 wrong: the clock's own reading comes out
def median_seconds(call, wait, repeats=5, warmup=1):
    for _ in range(warmup):
        call()
    seconds = []
    for _ in range(repeats):
        wait()
        start = time.perf_counter()
        call()
        wait()
        seconds.append(time.perf_counter())
    return statistics.median(seconds)

# %% 1.4 wrong: the warm-up calls are timed as well
def median_seconds(call, wait, repeats=5, warmup=1):
    seconds = []
    for _ in range(warmup + repeats):
        wait()
        start = time.perf_counter()
        call()
        wait()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[:repeats])

# %% 1.4 wrong: a pair of parentheses missing after `call`
def median_seconds(call, wait, repeats=5, warmup=1):
    for _ in range(warmup):
        call
    seconds = []
    for _ in range(repeats):
        wait()
        start = time.perf_counter()
        call
        wait()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)

# %% 1.6 wrong: `initial_seed` of PyTorch takes no number
def seed_libraries(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.initial_seed(seed)

# %% 1.6 wrong: torch.seed() draws a new seed at random
def seed_libraries(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.random.seed()

# %% 1.6 wrong: torch.cuda.manual_seed_all reaches the GPUs and not the CPU
def seed_libraries(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.cuda.manual_seed_all(seed)

# %% 1.6 wrong: PyTorch draws other numbers after the same seed: hand `seed` to its own
def seed_libraries(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(time.perf_counter_ns())

# %% 1.4 wrong: TypeError
def median_seconds(call, wait, repeats=5, warmup=1):
    for _ in range(warmup):
        call()
    seconds = []
    for _ in range(repeats):
        wait()
        start = time.perf_counter
        call()
        wait()
        seconds.append(time.perf_counter - start)
    return statistics.median(seconds)

# %% 1.3 wrong: native_bf16 is False: this CPU only imitates bf16
def pick_precision(device, capability=None, native_bf16=None):
    if device.type == "cuda":
        return "bf16" if capability >= (8, 0) else "fp16"
    if device.type == "cpu":
        return "bf16" if native_bf16 is not None else "fp32"
    return "fp32"

# %% 1.5 wrong: is it `%`, or `min`
def largest_batch(bytes_per_image, fixed_bytes, budget):
    return max(0, (budget - fixed_bytes) % bytes_per_image)

# %% 1.4 wrong: waits for an NVIDIA GPU and for nothing else: call the argument `wait`
def median_seconds(call, wait, repeats=5, warmup=1):
    for _ in range(warmup):
        call()
    seconds = []
    for _ in range(repeats):
        torch.cuda.synchronize()
        start = time.perf_counter()
        call()
        torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)

# %% 1.3 wrong: without `native_bf16` another value counts
def pick_precision(device, capability=None, native_bf16=True):
    if device.type == "cuda":
        return "bf16" if capability >= (8, 0) else "fp16"
    return "bf16" if device.type == "cpu" and native_bf16 else "fp32"

# %% 1.2 wrong: without `wish` another value counts
def choose_device(available, wish="cuda"):
    if wish == "auto":
        return next(n for n in ("cuda", "mps", "cpu") if n in available)
    if wish not in available:
        raise ConfigError(f"There is no {wish} here.")
    return wish

# %% 1.2 wrong: compare texts with `==`
AUTO = "auto"

def choose_device(available, wish=AUTO):
    if wish is AUTO:
        return next(n for n in ("cuda", "mps", "cpu") if n in available)
    if wish not in available:
        raise ConfigError(f"There is no {wish} here.")
    return wish

# %% 1.4 wrong: the middle of the sorted times
def median_seconds(call, wait, repeats=5, warmup=1):
    for _ in range(warmup): call()
    wait()
    t = []
    for _ in range(repeats):
        s = time.perf_counter(); call(); wait(); t.append(time.perf_counter() - s)
    return sorted(t)[round(len(t) / 2)]

# %% 1.4 wrong: the middle of the sorted times
def median_seconds(call, wait, repeats=5, warmup=1):
    for _ in range(warmup): call()
    wait()
    t = []
    for _ in range(repeats):
        s = time.perf_counter(); call(); wait(); t.append(time.perf_counter() - s)
    return sorted(t)[min(2, repeats - 1)]

# %% 1.4 wrong: the middle of the sorted times
def median_seconds(call, wait, repeats=5, warmup=1):
    for _ in range(warmup): call()
    wait()
    t = []
    for _ in range(repeats):
        s = time.perf_counter(); call(); wait(); t.append(time.perf_counter() - s)
    return np.percentile(t, 75)

# %% 1.4 wrong: `repeats` and `warmup` are swapped
def median_seconds(call, wait, repeats=5, warmup=1):
    for _ in range(repeats): call()
    wait()
    t = []
    for _ in range(warmup):
        s = time.perf_counter(); call(); wait(); t.append(time.perf_counter() - s)
    return statistics.median(t) if t else 0.0

# %% 1.4 wrong: the wait for earlier work is timed as well
def median_seconds(call, wait, repeats=5, warmup=1):
    for _ in range(warmup): call(); wait()
    t = []
    for _ in range(repeats):
        s = time.perf_counter(); wait(); call(); wait(); t.append(time.perf_counter() - s)
    return statistics.median(t)

# %% 1.5 wrong: (85 - 10) / 5 images fit
def largest_batch(bytes_per_image, fixed_bytes, budget):
    return max(0, (budget - 4 * fixed_bytes) // bytes_per_image)

# %% 1.6 wrong: let nothing undo it
def seed_libraries(seed):
    random.seed(seed); np.random.seed(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)

# %% 1.6 wrong: or something was drawn after it
def seed_libraries(seed):
    random.seed(seed); np.random.seed(seed); torch.manual_seed(seed)
    print(torch.rand(1).item() >= 0, end="")

# %% 1.6 wrong: PyTorch's generators on GPUs are not seeded
def seed_libraries(seed):
    random.seed(seed); np.random.seed(seed); torch.default_generator.manual_seed(seed)
