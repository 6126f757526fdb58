"""Changes that no check can refuse, because what comes out is a right answer too: by exercise, with the reason.

A key is a piece of the change, as `mutants.py` prints it: `old line  ->  new line`.
"""

ANY_FLOAT = "the text asks for floats, of whatever precision"
ONE_PROCESS = "one process on the CPU: what several GPUs need cannot be seen here, and the text leaves it to the course"
A_VIEW = "a view shows the same picture, and the text asks for no copy"
ANY_ORDER = "the order of these does not matter"
SAME_VALUE = "the same value by another way"
THE_COURSES = "only the course's own function has this case; the text does not ask for it"

EQUIVALENT: dict[str, dict[str, str]] = {
    "1.3": {
        "capability = torch.cuda.get_device_capability(device)  ->": "the text says that the checks always give it",
        "if capability is None:  ->  if False": "the text says that the checks always give it",
        ">= (8, -1)": "no GPU has a capability between 7.9 and 8.0",
        ">= (8,)": SAME_VALUE,
    },
    "1.4": {
        "->  return np.median(times)": "a NumPy number is a number",
        "wait()  ->  pass": "this answer waits more often than it must: the queue is empty here",
    },
    "1.5": {"return int(left / bytes_per_image)": SAME_VALUE, "np.floor(left // bytes_per_image)": SAME_VALUE},
    "2.1": {
        "self.model_dump(), **values": "fields that were not set have their default values either way",
        "exclude_unset=False": "fields that were not set have their default values either way",
    },
    "2.2": {"np.full((257, 3)": "a row that no id reaches"},
    "2.3": {"np.array([(mask == c).sum() for": SAME_VALUE},
    "2.4": {
        "{colour: index for": "the colours of a palette are tuples already",
        "->  return np.array(rows)": "int64 is what NumPy makes of Python's numbers here",
        "tuple((v for v in pixel))": SAME_VALUE,
        "->  ids = np.full(raw.shape[:2], -1)": "int64 is what NumPy makes of Python's numbers here",
        "(raw == colour).all": SAME_VALUE,
    },
    "3.1": {
        "if rng.random() > p": "a random number is never exactly p",
        "if rng.random() <= p": "a random number is never exactly p",
        "(image[:, ::-1], mask": A_VIEW,
        "copy(), mask[:, ::-1])": A_VIEW,
    },
    "3.2": {
        "->  return (image[y:y + size, x:x + size], mask": A_VIEW,
        "x:x + size].copy(), mask[y:y + size, x:x + size])": A_VIEW,
        "divmod(rng.integers": SAME_VALUE,
        "= rng.integers(width - size + 1)": SAME_VALUE,
        "= rng.integers(height - size + 1)": SAME_VALUE,
    },
    "3.4": {
        "->  return Augment(steps)": "the text asks for random draws; `seed_worker` seeds them",
        "A.RandomRotate90()": "how often it turns is left open",
        "A.RandomRotate90(p=0.89)": "how often it turns is left open",
    },
    "4.1": {
        "->  return read_values(Path(path))": "files of 8 bits are read as RGB; more bits are not asked for",
        "read_values(path)": "the checks give a Path, as the text says",
    },
    "4.2": {
        "if image.mode in": "neither CMYK nor LA nor PA is asked for, and the order does not matter",
        "'RGB' if True else 'L'": "LA is not asked for",
    },
    "4.4": {
        ">= 0.02": "exactly 2 percent is within the rounding of the division",
        "r, s = (mask.shape[1]": "2 percent of the one or of the other: both readings are taken",
        "= (mask.shape, image.shape[:2])": "2 percent of the one or of the other: both readings are taken",
    },
    "4.5": {"round(share * len(groups), 6)": "how a share that is no whole number of items is rounded is left open"},
    "5.1": {
        "if isinstance(items, Batch):  ->  if False": THE_COURSES,
        "IGNORE_INDEX, dtype=torch.int64)  ->": "int64 is what PyTorch makes of whole numbers",
        "return (items.images, items.masks)  ->": THE_COURSES,
    },
    "5.2": {
        "np.random.seed(seed)  ->": "PyTorch has seeded NumPy already: this answer does more than it must",
        "% 2 ** 31": "the text asks for a number from 0 to 2**32 - 1, and this is one",
        "cv2.setNumThreads": THE_COURSES,
    },
    "5.3": {
        "pixels[there].sqrt()": SAME_VALUE,
        "2 / pixels[there]": "the mean takes the factor out",
        "pixels.rsqrt()": SAME_VALUE,
    },
    "5.4": {
        "refuse_small_shared_memory": THE_COURSES,
        "if train else None, num_workers": "pinned memory, and a generator for evaluation, are left open",
    },
    "5.5": {"(np.mean(shares) or 2)": "all shares are 0 there, whatever they are divided by"},
    "6.1": {"layers += [": "whether a convolution before BatchNorm has a bias, and ReLU works in place, is left open"},
    "6.2": {"torch.cat((skip, x), dim=1)": ANY_ORDER},
    "6.4": {"if True": "a layer with as many outputs may be made anew, says the text"},
    "6.6": {"images.shape[2:]": SAME_VALUE, "-height % stride))": "what is added is left open"},
    "6.7": {"strict=True):  ->": "a U-Net has one skip for each step, so that there is nothing to refuse"},
    "7.1": {
        "else range(p.shape[1])": SAME_VALUE,
        "mutant_other_dtype": ANY_FLOAT,
        "truth = (target == class_id) & valid": SAME_VALUE,
        "->  truth = (target == 1).unsqueeze(1)": SAME_VALUE,
        "permute(0, 3, 1, 2).float()  ->": SAME_VALUE,
        "dim=(0, 3, 2)": ANY_ORDER,
        "dim=(2, 0, 3)": ANY_ORDER,
    },
    "7.3": {"p, t = (target[valid], prediction[valid])": "IoU is the same both ways", "mutant_other_dtype": ANY_FLOAT},
    "7.4": {"- tp": SAME_VALUE, "tp = matrix[c, c]": SAME_VALUE, "matrix = matrix.double()  ->": SAME_VALUE},
    "7.5": {
        "v > t - 1e-09": "a little below the threshold lies no IoU",
        "values > t - 1e-09": "a little below lies no IoU",
        "1.1000000000000001e-09": "a little below the threshold lies no IoU",
        "mutant_other_dtype": ANY_FLOAT,
        "values = ious": SAME_VALUE,
        "np.asarray(ious)": SAME_VALUE,
        "curve = hits / occurs": SAME_VALUE,
        "with np.errstate": "only a warning",
    },
    "7.6": {
        "optimizer.zero_grad()  ->": "this answer clears before and after",
        "zero_grad(set_to_none=False)  ->": SAME_VALUE,
        "->  return loss.detach()": "nobody changes the loss later",
        "mutant_other_dtype": ANY_FLOAT,
    },
    "7.7": {
        "dtype=torch.int64), 0, 0.0)": SAME_VALUE,
        "matrix = torch.zeros(num_classes, num_classes, dtype=torch.int64)": ONE_PROCESS,
        ".item(), matrix)": ONE_PROCESS,
        "torch.tensor(len(images))])": ONE_PROCESS,
        "total = torch.zeros(2)": ONE_PROCESS,
        "total -= ": "sum and count are both negative, and their ratio is the same",
        "accelerator.reduce(matrix))  ->": ONE_PROCESS,
    },
    "7.8": {
        "% LOOK_EVERY == 0:  ->  if True": "it looks more often than it must, and finds the same",
        "% LOOK_EVERY != 0": "it looks more often than it must, and finds the same",
        "% LOOK_EVERY == 1": "after the first batch, and then as often: it finds the same in time",
    },
    "8.1": {"if step > steps": "at the last step the share is 0 anyway"},
    "8.2": {
        "(-np.inf, -1)": "shows only where a run begins with NaN: the text leaves open whether that is a first score",
        "len(scores) < patience": "with as many epochs as patience, fewer have passed since the first",
    },
    "8.4": {"torch.load(buffer": "both load what was just saved"},
    "9.1": {"[:, -1] >= threshold": "there is one channel only"},
    "9.3": {
        "best, best_score = (thresholds[": "any threshold with a score below 0 will do as a start",
        "target, 3)[1]": "the IoU of class 1 is the same",
        "iou(probabilities >= t": SAME_VALUE,
        "score = iou(": SAME_VALUE,
        "nan_to_num": "without foreground any will do",
        "argmax()])": SAME_VALUE,
        "->  return thresholds[int": SAME_VALUE,
    },
    "9.4": {"mutant_other_dtype": ANY_FLOAT},
    "9.5": {
        "if length < tile": "a tile as long as the line starts at 0 either way",
        "// (count - 1)": "rounded either way",
    },
    "9.6": {
        "mutant_other_dtype": ANY_FLOAT,
        "values = torch.from_numpy": SAME_VALUE,
        "->  total = np.zeros((channels, height, width))": ANY_FLOAT,
        "np.zeros((height, width)))": ANY_FLOAT,
    },
    "9.7": {"enumerate(ious) if": SAME_VALUE},
    "9.8": {
        "images.shape[2:]": SAME_VALUE,
        "mutant_other_dtype": ANY_FLOAT,
        "F.interpolate(images, size": "bytes are scaled and rounded alike, on the CPU",
        "antialias=True).byte()": "rounded or cut off: less than one step of a colour",
    },
}
