# %% prelude
import random

import albumentations as A
import cv2
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torchvision import tv_tensors
from torchvision.transforms import v2

from utils.augmentations import STRENGTH, Augment, eval_transform, geometric, pad, photometric, train_transform_v2
from utils.config import Config
from utils.images import IGNORE_INDEX

# %% 3.1 right: np.flip, and views
def random_flip(image, mask, rng, p=0.5):
    if rng.random() >= p:
        return image, mask
    return np.flip(image, axis=1), np.flip(mask, axis=1)

# %% 3.1 right: one number for a loop over both, and a list
def random_flip(image, mask, rng, p=0.5):
    flip = rng.uniform(0, 1) < p
    result = []
    for array in (image, mask):
        if flip:
            array = np.ascontiguousarray(array[:, ::-1])
        result.append(array)
    print("flipped" if flip else "as it is")
    return result

# %% 3.1 right: OpenCV, with a helper
def mirror(array):
    return cv2.flip(array, 1)


def random_flip(image, mask, rng, p=0.5):
    decision = bool(rng.binomial(1, p))
    return (mirror(image), mirror(mask)) if decision else (image.copy(), mask.copy())

# %% 3.1 right: columns by number, a torch detour for the mask
def random_flip(image, mask, rng, p=0.5):
    columns = np.arange(mask.shape[1])
    if rng.choice([True, False], p=[p, 1 - p]):
        columns = columns[::-1]
    ids = torch.from_numpy(mask)[:, torch.from_numpy(columns.copy())]
    return image[:, columns], ids.numpy()

# %% 3.1 right: albumentations decides with p = 1 or 0
def random_flip(image, mask, rng, p=0.5):
    step = A.HorizontalFlip(p=float(rng.random() < p))
    changed = A.Compose([step])(image=image, mask=mask)
    return changed["image"], changed["mask"]

# %% 3.1 right: pixel by pixel, rng renamed
def random_flip(picture, labels, generator, probability=0.5):
    if generator.random() > probability:
        return picture, labels
    height, width = labels.shape
    new_picture, new_labels = np.zeros_like(picture), np.zeros_like(labels)
    for y in range(height):
        for x in range(width):
            new_picture[y, x] = picture[y, width - 1 - x]
            new_labels[y, x] = labels[y, width - 1 - x]
    return new_picture, new_labels

# %% 3.1 wrong: its mask is not
def random_flip(image, mask, rng, p=0.5):
    if rng.random() < p:
        image = image[:, ::-1]
    return image, mask

# %% 3.1 wrong: only one of both is flipped: draw one number
def random_flip(image, mask, rng, p=0.5):
    if rng.random() < p:
        image = image[:, ::-1]
    if rng.random() < p:
        mask = mask[:, ::-1]
    return image, mask

# %% 3.1 wrong: upside down
def random_flip(image, mask, rng, p=0.5):
    if rng.random() < p:
        image, mask = image[::-1], mask[::-1]
    return image, mask

# %% 3.1 wrong: those are its colours
def random_flip(image, mask, rng, p=0.5):
    if rng.random() < p:
        image, mask = image[..., ::-1], mask[..., ::-1]
    return image, mask

# %% 3.1 wrong: every axis is reversed
def random_flip(image, mask, rng, p=0.5):
    if rng.random() < p:
        image, mask = np.flip(image), np.flip(mask)
    return image, mask

# %% 3.1 wrong: both axes are reversed
def random_flip(image, mask, rng, p=0.5):
    if rng.random() < p:
        return cv2.flip(image, -1), cv2.flip(mask, -1)
    return image, mask

# %% 3.1 wrong: changed in place
def random_flip(image, mask, rng, p=0.5):
    if rng.random() < p:
        image[:] = image[:, ::-1].copy()
        mask[:] = mask[:, ::-1].copy()
    return image, mask

# %% 3.1 wrong: nothing is flipped: flip when
def random_flip(image, mask, rng, p=0.5):
    if rng.random() > p:
        return image[:, ::-1], mask[:, ::-1]
    return image, mask

# %% 3.1 wrong: p is not looked at
def random_flip(image, mask, rng, p=0.5):
    if rng.integers(0, 2) == 1:
        return image[:, ::-1], mask[:, ::-1]
    return image, mask

# %% 3.1 wrong: decides differently the second time
def random_flip(image, mask, rng, p=0.5):
    if random.random() < p:
        return image[:, ::-1], mask[:, ::-1]
    return image, mask

# %% 3.1 wrong: decides differently the second time
def random_flip(image, mask, rng, p=0.5):
    if np.random.rand() < p:
        return np.fliplr(image), np.fliplr(mask)
    return image, mask

# %% 3.1 wrong: every call decides the same
def random_flip(image, mask, rng, p=0.5):
    rng = np.random.default_rng(0)
    if rng.random() < p:
        return image[:, ::-1], mask[:, ::-1]
    return image, mask

# %% 3.1 wrong: nothing is returned
def random_flip(image, mask, rng, p=0.5):
    if rng.random() < p:
        image, mask = image[:, ::-1], mask[:, ::-1]

# %% 3.1 wrong: the pair that is not flipped must be returned too
def random_flip(image, mask, rng, p=0.5):
    if rng.random() < p:
        return image[:, ::-1], mask[:, ::-1]

# %% 3.1 wrong: instead of two arrays
def random_flip(image, mask, rng, p=0.5):
    if rng.random() < p:
        return {"image": image[:, ::-1], "mask": mask[:, ::-1]}
    return {"image": image, "mask": mask}

# %% 3.1 wrong: height and width have changed places
def random_flip(image, mask, rng, p=0.5):
    if rng.random() < p:
        return image.transpose(1, 0, 2), mask.T
    return image, mask

# %% 3.1 wrong: comes back as float32, not uint8
def random_flip(image, mask, rng, p=0.5):
    image = image.astype(np.float32) / 255
    if rng.random() < p:
        return image[:, ::-1], mask[:, ::-1]
    return image, mask

# %% 3.1 wrong: the wrong way round
def random_flip(image, mask, rng, p=0.5):
    if rng.random() < p:
        return mask[:, ::-1], image[:, ::-1]
    return mask, image

# %% 3.1 wrong: not a NumPy array
def random_flip(image, mask, rng, p=0.5):
    image, mask = torch.from_numpy(image), torch.from_numpy(mask)
    if rng.random() < p:
        return image.flip(1), mask.flip(1)
    return image, mask

# %% 3.1 wrong: the mask comes back as int64
def random_flip(image, mask, rng, p=0.5):
    if rng.random() < p:
        return image[:, ::-1], mask[:, ::-1]
    return image, mask.astype(np.int64)

# %% 3.1 wrong: with p = 0 something is changed
def random_flip(image, mask, rng, p=0.5):
    if rng.random() < (p or 0.5):
        return image[:, ::-1], mask[:, ::-1]
    return image, mask

# %% 3.1 wrong: without `p` another value counts
def random_flip(image, mask, rng, p=1.0):
    if rng.random() < p:
        return image[:, ::-1], mask[:, ::-1]
    return image, mask

# %% 3.2 right: one number for the place, divmod
def random_crop(image, mask, size, rng):
    rows, columns = mask.shape[0] - size + 1, mask.shape[1] - size + 1
    y, x = divmod(int(rng.integers(rows * columns)), columns)
    return image[y : y + size, x : x + size].copy(), mask[y : y + size, x : x + size].copy()

# %% 3.2 right: sliding windows
def random_crop(image, mask, size, rng):
    pictures = np.lib.stride_tricks.sliding_window_view(image, (size, size), axis=(0, 1))
    masks = np.lib.stride_tricks.sliding_window_view(mask, (size, size))
    x = rng.choice(masks.shape[1])
    y = rng.choice(masks.shape[0])
    return np.moveaxis(pictures[y, x], 0, -1), masks[y, x]

# %% 3.2 right: endpoint, a helper for the slices, a list
SPAN = 1


def window(start, size):
    return slice(start, start + size * SPAN)


def random_crop(image, mask, size, rng):
    h, w = image.shape[:2]
    y, x = (int(rng.integers(0, n - size, endpoint=True)) for n in (h, w))
    print("window at", y, x)
    return [array[window(y, size), window(x, size)] for array in (image, mask)]

# %% 3.2 right: albumentations, seeded by rng
def random_crop(image, mask, size, rng):
    crop = A.Compose([A.RandomCrop(size, size)], seed=int(rng.integers(2**31)))
    found = crop(image=image, mask=mask)
    return found["image"], found["mask"]

# %% 3.2 right: fractions rounded down, pixel by pixel
def random_crop(image, mask, size, rng):
    top = int(rng.random() * (image.shape[0] - size + 1))
    left = int(rng.random() * (image.shape[1] - size + 1))
    new_image = np.empty((size, size, 3), dtype=image.dtype)
    new_mask = np.empty((size, size), dtype=mask.dtype)
    for y in range(size):
        for x in range(size):
            new_image[y, x] = image[top + y, left + x]
            new_mask[y, x] = mask[top + y, left + x]
    return new_image, new_mask

# %% 3.2 right: a special case for the exact fit, index arrays
def random_crop(image, mask, size, rng):
    height, width = mask.shape
    y = 0 if height == size else rng.integers(height - size + 1)
    x = 0 if width == size else rng.integers(width - size + 1)
    rows, columns = np.ix_(np.arange(y, y + size), np.arange(x, x + size))
    return image[rows, columns], mask[rows, columns]

# %% 3.2 right: stacked into one array, cut once
def random_crop(image, mask, size, rng):
    both = np.dstack([image, mask])
    y = rng.permutation(both.shape[0] - size + 1)[0]
    x = rng.permutation(both.shape[1] - size + 1)[0]
    both = both[y:, x:][:size, :size]
    return both[..., :3], both[..., 3]

# %% 3.2 wrong: the last place is never cut
def random_crop(image, mask, size, rng):
    h, w = mask.shape
    y, x = rng.integers(0, h - size), rng.integers(0, w - size)
    return image[y : y + size, x : x + size], mask[y : y + size, x : x + size]

# %% 3.2 wrong: cut at different places
def random_crop(image, mask, size, rng):
    def cut(array):
        y = rng.integers(0, array.shape[0] - size + 1)
        x = rng.integers(0, array.shape[1] - size + 1)
        return array[y : y + size, x : x + size]

    return cut(image), cut(mask)

# %% 3.2 wrong: x from 0 to width - size
def random_crop(image, mask, size, rng):
    w, h = mask.shape
    y, x = rng.integers(0, max(h - size, 0) + 1), rng.integers(0, max(w - size, 0) + 1)
    return image[y : y + size, x : x + size], mask[y : y + size, x : x + size]

# %% 3.2 wrong: y goes from 0 to height - size
def random_crop(image, mask, size, rng):
    y, x = (rng.integers(0, max(mask.shape) - size + 1) for _ in range(2))
    return image[y : y + size, x : x + size], mask[y : y + size, x : x + size]

# %% 3.2 wrong: a window reaches over an edge
def random_crop(image, mask, size, rng):
    h, w = mask.shape
    y, x = rng.integers(0, h), rng.integers(0, w)
    return image[y : y + size, x : x + size], mask[y : y + size, x : x + size]

# %% 3.2 wrong: are height and width swapped
def random_crop(image, mask, size, rng):
    w, h = mask.shape
    y, x = rng.integers(0, h - size + 1), rng.integers(0, w - size + 1)
    return image[y : y + size, x : x + size], mask[y : y + size, x : x + size]

# %% 3.2 wrong: every call cuts the same window
def random_crop(image, mask, size, rng):
    h, w = mask.shape
    y, x = (h - size) // 2, (w - size) // 2
    return image[y : y + size, x : x + size], mask[y : y + size, x : x + size]

# %% 3.2 wrong: every call cuts the same window
def random_crop(image, mask, size, rng):
    h, w = mask.shape
    rng = np.random.default_rng(42)
    y, x = rng.integers(0, h - size + 1), rng.integers(0, w - size + 1)
    return image[y : y + size, x : x + size], mask[y : y + size, x : x + size]

# %% 3.2 wrong: y and x are always the same number
def random_crop(image, mask, size, rng):
    h, w = mask.shape
    start = rng.integers(0, min(h, w) - size + 1)
    return image[start : start + size, start : start + size], mask[start : start + size, start : start + size]

# %% 3.2 wrong: cuts elsewhere the second time
def random_crop(image, mask, size, rng):
    h, w = mask.shape
    y, x = np.random.randint(0, h - size + 1), np.random.randint(0, w - size + 1)
    return image[y : y + size, x : x + size], mask[y : y + size, x : x + size]

# %% 3.2 wrong: a slice ends at size
def random_crop(image, mask, size, rng):
    h, w = mask.shape
    y, x = rng.integers(0, h - size + 1), rng.integers(0, w - size + 1)
    return image[y:size, x:size], mask[y:size, x:size]

# %% 3.2 wrong: `size` says how large it is
def random_crop(image, mask, size, rng):
    y, x = rng.integers(0, mask.shape[0] - 3 + 1), rng.integers(0, mask.shape[1] - 3 + 1)
    return image[y : y + 3, x : x + 3], mask[y : y + 3, x : x + 3]

# %% 3.2 wrong: the image is not a window of the picture
def random_crop(image, mask, size, rng):
    image = cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)
    mask = cv2.resize(mask, (size, size), interpolation=cv2.INTER_NEAREST)
    return image, mask

# %% 3.2 wrong: only one axis is cut
def random_crop(image, mask, size, rng):
    y = rng.integers(0, mask.shape[0] - size + 1)
    return image[y : y + size], mask[y : y + size]

# %% 3.2 wrong: the colours of the image are cut
def random_crop(image, mask, size, rng):
    y, x = rng.integers(0, mask.shape[0] - size + 1), rng.integers(0, mask.shape[1] - size + 1)
    return image[y : y + size, x : x + size, 0], mask[y : y + size, x : x + size]

# %% 3.2 wrong: come up more often than others
def random_crop(image, mask, size, rng):
    y = int(round(rng.random() * (mask.shape[0] - size)))
    x = int(round(rng.random() * (mask.shape[1] - size)))
    return image[y : y + size, x : x + size], mask[y : y + size, x : x + size]

# %% 3.2 wrong: it stops where the picture has just the size
def random_crop(image, mask, size, rng):
    h, w = mask.shape
    if size >= h or size >= w:
        raise ValueError("the picture is too small")
    y, x = rng.integers(0, h - size + 1), rng.integers(0, w - size + 1)
    return image[y : y + size, x : x + size], mask[y : y + size, x : x + size]

# %% 3.2 wrong: the first row or column is never cut
def random_crop(image, mask, size, rng):
    h, w = mask.shape
    y = rng.integers(1, h - size + 1) if h > size else 0
    x = rng.integers(1, w - size + 1) if w > size else 0
    return image[y : y + size, x : x + size], mask[y : y + size, x : x + size]

# %% 3.2 wrong: image and mask come out in different sizes
def random_crop(image, mask, size, rng):
    y, x = rng.integers(0, mask.shape[0] - size + 1), rng.integers(0, mask.shape[1] - size + 1)
    return image[y : y + size, x : x + size], mask

# %% 3.2 wrong: nothing is returned
def random_crop(image, mask, size, rng):
    y, x = rng.integers(0, mask.shape[0] - size + 1), rng.integers(0, mask.shape[1] - size + 1)
    image, mask = image[y : y + size, x : x + size], mask[y : y + size, x : x + size]

# %% 3.2 wrong: the mask is not a window of the picture
def random_crop(image, mask, size, rng):
    y, x = rng.integers(0, mask.shape[0] - size + 1), rng.integers(0, mask.shape[1] - size + 1)
    return image[y : y + size, x : x + size], mask[y : y + size, x : x + size].T

# %% 3.2 wrong: y and x have the same range
def random_crop(image, mask, size, rng):
    last = min(mask.shape) - size
    y, x = rng.integers(0, last + 1, size=2)
    return image[y : y + size, x : x + size], mask[y : y + size, x : x + size]

# %% 3.2 wrong: the window moves along one axis only
def random_crop(image, mask, size, rng):
    y, x = rng.integers(0, mask.shape[0] - size + 1), 0
    return image[y : y + size, x : x + size], mask[y : y + size, x : x + size]

# %% 3.3 right: OpenCV's other nearest
def resize_pair(image, mask, height, width):
    image = cv2.resize(image, dsize=(width, height), interpolation=cv2.INTER_AREA)
    return image, cv2.resize(mask, dsize=(width, height), interpolation=cv2.INTER_NEAREST)

# %% 3.3 right: PIL, box and nearest
def resize_pair(image, mask, height, width):
    size = (width, height)
    picture = Image.fromarray(image).resize(size, Image.Resampling.BOX)
    labels = Image.fromarray(mask).resize(size, Image.Resampling.NEAREST)
    return np.array(picture), np.asarray(labels)

# %% 3.3 right: the mask by row and column numbers, a list
def nearest(old, new):
    return np.minimum(((np.arange(new) + 0.5) * old / new).astype(int), old - 1)


def resize_pair(image, mask, height, width):
    rows, columns = nearest(mask.shape[0], height), nearest(mask.shape[1], width)
    image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return [image, mask[rows][:, columns]]

# %% 3.3 right: torch, area and nearest
def resize_pair(image, mask, height, width):
    planes = torch.from_numpy(image).permute(2, 0, 1)[None].float()
    planes = F.interpolate(planes, (height, width), mode="area")[0].round().to(torch.uint8)
    labels = F.interpolate(torch.from_numpy(mask)[None, None].float(), (height, width), mode="nearest")[0, 0]
    return planes.permute(1, 2, 0).numpy(), labels.to(torch.uint8).numpy()

# %% 3.3 right: albumentations with both interpolations
def resize_pair(image, mask, height, width):
    step = A.Resize(height, width, interpolation=cv2.INTER_AREA, mask_interpolation=cv2.INTER_NEAREST_EXACT)
    both = Augment([step])(image, mask)
    return both

# %% 3.3 right: the label that most covered pixels have, in loops
def resize_pair(image, mask, height, width):
    old_height, old_width = mask.shape
    small = np.zeros((height, width), np.uint8)
    for y in range(height):
        for x in range(width):
            top, left = y * old_height // height, x * old_width // width
            bottom = max(top + 1, (y + 1) * old_height // height)
            right = max(left + 1, (x + 1) * old_width // width)
            small[y, x] = np.bincount(mask[top:bottom, left:right].ravel()).argmax()
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), small

# %% 3.3 right: one class at a time, the fullest wins
def resize_pair(image, mask, height, width):
    ids = np.unique(mask)
    shares = [cv2.resize((mask == i).astype(np.float32), (width, height), interpolation=cv2.INTER_AREA) for i in ids]
    image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return image, ids[np.argmax(shares, axis=0)]

# %% 3.3 wrong: labels appear that were not there
def resize_pair(image, mask, height, width):
    size = (width, height)
    image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    mask = cv2.resize(mask, size)
    return image, mask

# %% 3.3 wrong: labels appear that were not there
def resize_pair(image, mask, height, width):
    size = (width, height)
    return tuple(cv2.resize(array, size, interpolation=cv2.INTER_AREA) for array in (image, mask))

# %% 3.3 wrong: labels appear that were not there
def resize_pair(image, mask, height, width):
    image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    mask = cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    return image, mask.round().clip(0, 255).astype(np.uint8)

# %% 3.3 wrong: is the rule given by name
def resize_pair(image, mask, height, width):
    image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return image, cv2.resize(mask, (width, height), cv2.INTER_NEAREST)

# %% 3.3 wrong: height and width have changed places
def resize_pair(image, mask, height, width):
    size = (height, width)
    image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return image, cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST)

# %% 3.3 wrong: the image keeps single pixels
def resize_pair(image, mask, height, width):
    size = (width, height)
    image = cv2.resize(image, size, interpolation=cv2.INTER_NEAREST)
    return image, cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST)

# %% 3.3 wrong: only the four in the middle
def resize_pair(image, mask, height, width):
    size = (width, height)
    return cv2.resize(image, size), cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST)

# %% 3.3 wrong: np.resize repeats
def resize_pair(image, mask, height, width):
    image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return image, np.resize(mask, (height, width))

# %% 3.3 wrong: near borders labels were mixed and then replaced
def resize_pair(image, mask, height, width):
    size = (width, height)
    blurred = cv2.resize(mask, size).astype(int)
    known = np.unique(mask).astype(int)
    nearest = np.abs(blurred[..., None] - known).argmin(axis=-1)
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA), known[nearest].astype(np.uint8)

# %% 3.3 wrong: labels have moved
def resize_pair(image, mask, height, width):
    image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    mask = cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST)
    return image, mask[::-1, ::-1].copy()

# %% 3.3 wrong: near borders labels were mixed and then replaced
def resize_pair(image, mask, height, width):
    size = (width, height)
    mixed = cv2.resize(mask, size)
    mixed[~np.isin(mixed, np.unique(mask))] = 255
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA), mixed

# %% 3.3 wrong: the image comes back as float32
def resize_pair(image, mask, height, width):
    image = cv2.resize(image.astype(np.float32) / 255, (width, height), interpolation=cv2.INTER_AREA)
    return image, cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST)

# %% 3.3 wrong: the mask comes back as int64
def resize_pair(image, mask, height, width):
    image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return image, cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST).astype(np.int64)

# %% 3.3 wrong: the mask that is returned has shape
def resize_pair(image, mask, height, width):
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), mask

# %% 3.3 wrong: instead of two arrays
def resize_pair(image, mask, height, width):
    image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    mask = cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST)
    return image

# %% 3.3 wrong: the mask is cut where it should shrink
def resize_pair(image, mask, height, width):
    large = cv2.resize(mask, (max(width, mask.shape[1]), max(height, mask.shape[0])), interpolation=cv2.INTER_NEAREST)
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), large[:height, :width]

# %% 3.3 wrong: AttributeError
def resize_pair(image, mask, height, width):
    image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return image, cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEARST)

# %% 3.4 right: the pieces in one list, early return
def train_transform(config):
    steps = [pad(config.image_size), A.RandomCrop(config.image_size, config.image_size)]
    if config.augmentation == "none":
        return Augment(steps, seed=config.seed)
    if config.aerial:
        steps.append(A.RandomRotate90(p=1.0))
    steps.extend(geometric(config.augmentation))
    steps.extend(photometric(config.augmentation))
    return Augment(steps, seed=config.seed)

# %% 3.4 right: steps of its own, all eight views at once, no seed
def train_transform(config):
    side, level = config.image_size, config.augmentation
    steps = [
        A.PadIfNeeded(side, side, border_mode=cv2.BORDER_CONSTANT, fill=0, fill_mask=255),
        A.RandomCrop(side, side),
    ]
    if level != "none":
        steps.append(A.D4(p=1) if config.aerial else A.HorizontalFlip(p=0.5))
    if level in ("medium", "strong"):
        steps += [A.RandomBrightnessContrast(p=0.9), A.HueSaturationValue(p=0.5)]
    if level == "strong":
        steps += [A.Rotate(limit=20, border_mode=cv2.BORDER_REFLECT_101, p=0.5), A.ToGray(p=0.1)]
    return Augment(steps)

# %% 3.4 right: a closure around Compose
def train_transform(config):
    chosen = [] if config.augmentation == "none" else geometric(config.augmentation) + photometric(config.augmentation)
    turn = [A.RandomRotate90(p=0.75)] if config.aerial and chosen else []
    compose = A.Compose(turn + [pad(config.image_size), A.RandomCrop(config.image_size, config.image_size)] + chosen)

    def transform(image, mask):
        both = compose(image=image, mask=mask)
        return [both["image"], both["mask"]]

    return transform

# %% 3.4 right: NumPy alone, as a class
class Pipeline:
    def __init__(self, config):
        self.config, self.rng = config, np.random.default_rng(config.seed)

    def set_random_seed(self, seed):
        self.rng = np.random.default_rng(seed)

    def __call__(self, image, mask):
        size, level, rng = self.config.image_size, self.config.augmentation, self.rng
        h, w = mask.shape
        down, right = max(size - h, 0), max(size - w, 0)
        image = np.pad(image, ((0, down), (0, right), (0, 0)))
        mask = np.pad(mask, ((0, down), (0, right)), constant_values=255)
        y, x = rng.integers(mask.shape[0] - size + 1), rng.integers(mask.shape[1] - size + 1)
        image, mask = image[y : y + size, x : x + size], mask[y : y + size, x : x + size]
        if level == "none":
            return image, mask
        if rng.random() < 0.5:
            image, mask = image[:, ::-1], mask[:, ::-1]
        if self.config.aerial:
            k = rng.integers(4)
            image, mask = np.rot90(image, k), np.rot90(mask, k)
        if level != "light":
            image = (image * rng.uniform(0.6, 1.4)).clip(0, 255).astype(np.uint8)
        return np.ascontiguousarray(image), np.ascontiguousarray(mask)


def train_transform(config):
    return Pipeline(config)

# %% 3.4 right: torchvision v2
def train_transform(config):
    size, level = config.image_size, config.augmentation
    fill = {tv_tensors.Image: 0, tv_tensors.Mask: 255}
    steps = [v2.RandomCrop(size, pad_if_needed=True, fill=fill)]
    if level != "none":
        steps.append(v2.RandomHorizontalFlip(0.5))
        if config.aerial:
            steps.append(v2.RandomChoice([v2.RandomRotation((a, a), fill=fill) for a in (0, 90, 180, 270)]))
    if level in ("medium", "strong"):
        steps.append(v2.ColorJitter(0.3, 0.3, 0.3))
    steps = v2.Compose(steps)

    def transform(image, mask):
        picture = tv_tensors.Image(torch.from_numpy(image.copy()).permute(2, 0, 1))
        picture, labels = steps(picture, tv_tensors.Mask(torch.from_numpy(mask.copy())))
        return picture.permute(1, 2, 0).numpy(), labels.numpy()

    return transform

# %% 3.4 right: holes in the image, inverted pictures, a chain of small functions
HOLES = {"num_holes_range": (1, 2), "hole_height_range": (0.1, 0.2), "hole_width_range": (0.1, 0.2)}


def strong_steps(level):
    return [A.CoarseDropout(**HOLES, p=0.4), A.InvertImg(p=0.1)] if level == "strong" else []


def train_transform(config):
    size, level = config.image_size, config.augmentation
    first = Augment([pad(size), A.RandomCrop(size, size)], seed=config.seed)
    if level == "none":
        return first
    turns = [A.RandomRotate90(p=1)] * bool(config.aerial)
    second = Augment(turns + geometric(level) + photometric(level) + strong_steps(level), seed=config.seed + 1)
    return lambda image, mask: second(*first(image, mask))

# %% 3.4 right: holes, glare, solarized and equalised pictures, windows of many scales
def train_transform(config):
    size, level = config.image_size, config.augmentation
    if level == "none":
        return Augment([pad(size), A.RandomCrop(size, size)], seed=config.seed)
    steps = [pad(size), A.RandomResizedCrop((size, size), scale=(0.4, 1.0)), A.HorizontalFlip()]
    if config.aerial:
        steps += [A.VerticalFlip(), A.Transpose()]
    steps += [A.Perspective(scale=(0.02, 0.05), fill_mask=255), A.GridDropout(p=0.3)]
    if level != "light":
        steps += [A.RandomToneCurve(p=0.5), A.Solarize(p=0.3), A.Equalize(p=0.3), A.RandomSunFlare(p=0.3)]
    return Augment(steps)

# %% 3.4 right: padded and cut last
def train_transform(config):
    steps = []
    if config.augmentation != "none":
        steps = geometric(config.augmentation) + photometric(config.augmentation)
        if config.aerial:
            steps += [A.RandomRotate90(p=1)]
    return Augment([*steps, pad(config.image_size), A.RandomCrop(config.image_size, config.image_size)])

# %% 3.4 wrong: wants a height and a width
def train_transform(config):
    return Augment([pad(config.image_size), A.RandomCrop(config.image_size)])

# %% 3.4 wrong: wants named arguments
def train_transform(config):
    steps = [pad(config.image_size), A.RandomCrop(config.image_size, config.image_size)]
    if config.augmentation != "none":
        steps += geometric(config.augmentation) + photometric(config.augmentation)
    return A.Compose(steps, seed=config.seed)

# %% 3.4 wrong: `Augment(steps)` makes a function of them
def train_transform(config):
    steps = [pad(config.image_size), A.RandomCrop(config.image_size, config.image_size)]
    steps += geometric(config.augmentation) + photometric(config.augmentation)
    return steps

# %% 3.4 wrong: pad, then crop, to `config.image_size`
def train_transform(config):
    steps = [pad(128), A.RandomCrop(128, 128)]
    if config.augmentation != "none":
        steps += geometric(config.augmentation) + photometric(config.augmentation)
    return Augment(steps, seed=config.seed)

# %% 3.4 wrong: a picture smaller than image_size stops it
def train_transform(config):
    steps = [A.RandomCrop(config.image_size, config.image_size)]
    if config.augmentation != "none":
        steps += geometric(config.augmentation) + photometric(config.augmentation)
        if config.aerial:
            steps.append(A.RandomRotate90(p=1))
    return Augment(steps, seed=config.seed)

# %% 3.4 wrong: a picture smaller than image_size stops it
def train_transform(config):
    size = config.image_size
    steps = [A.RandomCrop(size, size), pad(size)]
    if config.augmentation != "none":
        steps += geometric(config.augmentation) + photometric(config.augmentation)
    return Augment(steps, seed=config.seed)

# %% 3.4 wrong: the padding of the mask is 0
def train_transform(config):
    size = config.image_size
    steps = [A.PadIfNeeded(size, size, border_mode=0), A.RandomCrop(size, size)]
    if config.augmentation != "none":
        steps += geometric(config.augmentation) + photometric(config.augmentation)
    return Augment(steps, seed=config.seed)

# %% 3.4 wrong: a small picture must stay as it is
def train_transform(config):
    size = config.image_size
    steps = [A.PadIfNeeded(size, size, border_mode=cv2.BORDER_REFLECT_101), A.RandomCrop(size, size)]
    if config.augmentation != "none":
        steps += geometric(config.augmentation) + photometric(config.augmentation)
    return Augment(steps, seed=config.seed)

# %% 3.4 wrong: the picture is resized
def train_transform(config):
    size = config.image_size
    steps = [pad(size), A.Resize(size, size)]
    if config.augmentation != "none":
        steps += geometric(config.augmentation) + photometric(config.augmentation)
    return Augment(steps, seed=config.seed)

# %% 3.4 wrong: the window is always the same
def train_transform(config):
    size = config.image_size
    steps = [pad(size), A.CenterCrop(size, size)]
    if config.augmentation != "none":
        steps += geometric(config.augmentation) + photometric(config.augmentation)
    return Augment(steps, seed=config.seed)

# %% 3.4 wrong: pictures are mirrored or turned
def train_transform(config):
    size = config.image_size
    steps = [pad(size), A.RandomCrop(size, size)]
    if config.aerial:
        steps.append(A.RandomRotate90(p=1.0))
    if config.augmentation != "none":
        steps += geometric(config.augmentation) + photometric(config.augmentation)
    return Augment(steps, seed=config.seed)

# %% 3.4 wrong: with augmentation 'none' the colours change
def train_transform(config):
    size = config.image_size
    jitter = A.ColorJitter((0.7, 1.3), (0.7, 1.3), (0.7, 1.3), (0, 0), p=1)
    return Augment([pad(size), A.RandomCrop(size, size), A.HorizontalFlip(), A.RandomRotate90(), jitter])

# %% 3.4 wrong: image and mask part
def train_transform(config):
    size = config.image_size
    cut = Augment([pad(size), A.RandomCrop(size, size)], seed=config.seed)
    if config.augmentation == "none":
        return cut
    steps = [A.RandomRotate90(p=1)] * config.aerial + geometric(config.augmentation)
    compose = A.Compose(steps + photometric(config.augmentation))

    def transform(image, mask):
        image, mask = cut(image, mask)
        return compose(image=image)["image"], mask

    return transform

# %% 3.4 wrong: labels appear that were not there
def train_transform(config):
    size = config.image_size
    steps = [pad(size), A.RandomCrop(size, size)]
    if config.augmentation != "none":
        steps += [A.HorizontalFlip(), *[A.RandomRotate90(p=1)] * config.aerial]
        steps += [A.Affine(rotate=(-20, 20), mask_interpolation=cv2.INTER_LINEAR, fill_mask=255, p=1)]
        steps += photometric(config.augmentation)
    return Augment(steps, seed=config.seed)

# %% 3.4 wrong: empty corners of the mask are 0
def train_transform(config):
    size = config.image_size
    steps = [pad(size), A.RandomCrop(size, size)]
    if config.augmentation != "none":
        steps += [A.HorizontalFlip(), *[A.RandomRotate90(p=1)] * config.aerial, A.Affine(rotate=(-20, 20), p=1)]
        steps += photometric(config.augmentation)
    return Augment(steps, seed=config.seed)

# %% 3.4 wrong: every call gives the same picture
def train_transform(config):
    size = config.image_size
    if config.augmentation == "none":
        return Augment([pad(size), A.RandomCrop(size, size)], seed=config.seed)

    def transform(image, mask):
        steps = [pad(size), A.RandomCrop(size, size), *[A.RandomRotate90(p=1)] * config.aerial]
        steps += geometric(config.augmentation) + photometric(config.augmentation)
        return Augment(steps, seed=config.seed)(image, mask)

    return transform

# %% 3.4 wrong: the window is always the same
def train_transform(config):
    def transform(image, mask):
        size = config.image_size
        steps = [pad(size), A.RandomCrop(size, size), *[A.RandomRotate90(p=1)] * config.aerial]
        if config.augmentation != "none":
            steps += geometric(config.augmentation) + photometric(config.augmentation)
        return Augment(steps if config.augmentation != "none" else steps[:2], seed=config.seed)(image, mask)

    return transform

# %% 3.4 wrong: turned upside down, or by a quarter
def train_transform(config):
    size = config.image_size
    steps = [pad(size), A.RandomCrop(size, size)]
    if config.augmentation != "none":
        steps += [A.RandomRotate90(p=1)] + geometric(config.augmentation) + photometric(config.augmentation)
    return Augment(steps, seed=config.seed)

# %% 3.4 wrong: turned upside down, or by a quarter
def train_transform(config):
    size = config.image_size
    steps = [pad(size), A.RandomCrop(size, size)]
    if config.augmentation != "none":
        steps += [A.VerticalFlip(p=0.5), *[A.RandomRotate90(p=1)] * config.aerial, *photometric(config.augmentation)]
    return Augment(steps, seed=config.seed)

# %% 3.4 wrong: no picture is ever mirrored
def train_transform(config):
    size = config.image_size
    steps = [pad(size), A.RandomCrop(size, size)]
    if config.augmentation != "none":
        steps += [A.RandomRotate90(p=1)] * config.aerial + photometric(config.augmentation)
    return Augment(steps, seed=config.seed)

# %% 3.4 wrong: never comes to lie left, right
def train_transform(config):
    size = config.image_size
    steps = [pad(size), A.RandomCrop(size, size)]
    if config.augmentation != "none":
        steps += [A.VerticalFlip()] * config.aerial
        steps += geometric(config.augmentation) + photometric(config.augmentation)
    return Augment(steps, seed=config.seed)

# %% 3.4 wrong: no picture is ever turned by a quarter
def train_transform(config):
    size = config.image_size
    steps = [pad(size), A.RandomCrop(size, size)]
    if config.augmentation != "none":
        steps += geometric(config.augmentation) + photometric(config.augmentation)
    return Augment(steps, seed=config.seed)

# %% 3.4 wrong: the photometric steps are missing
def train_transform(config):
    size = config.image_size
    steps = [pad(size), A.RandomCrop(size, size)]
    if config.augmentation != "none":
        steps += [A.RandomRotate90(p=1.0)] * config.aerial + geometric(config.augmentation)
    return Augment(steps, seed=config.seed)

# %% 3.4 wrong: the photometric steps are missing
def train_transform(config):
    size = config.image_size
    steps = [pad(size), A.RandomCrop(size, size)]
    if config.augmentation != "none":
        steps += [A.RandomRotate90(p=1.0)] * config.aerial + geometric(config.augmentation)
        photometric(config.augmentation)
    return Augment(steps, seed=config.seed)

# %% 3.4 wrong: with 'light' the colours change
def train_transform(config):
    size = config.image_size
    steps = [pad(size), A.RandomCrop(size, size)]
    if config.augmentation != "none":
        steps += [A.RandomRotate90(p=1.0)] * config.aerial + geometric(config.augmentation)
        steps += photometric("medium")
    return Augment(steps, seed=config.seed)

# %% 3.4 wrong: normalisation belongs to the model
def train_transform(config):
    size = config.image_size
    steps = [pad(size), A.RandomCrop(size, size)]
    if config.augmentation != "none":
        steps += [A.RandomRotate90(p=1.0)] * config.aerial + geometric(config.augmentation)
        steps += photometric(config.augmentation)
    return Augment([*steps, A.Normalize()], seed=config.seed)

# %% 3.4 wrong: nothing is returned
def train_transform(config):
    size = config.image_size
    steps = [pad(size), A.RandomCrop(size, size)]
    if config.augmentation != "none":
        steps += geometric(config.augmentation) + photometric(config.augmentation)
    Augment(steps, seed=config.seed)

# %% 3.4 wrong: changed in place
def train_transform(config):
    size = config.image_size
    cut = Augment([pad(size), A.RandomCrop(size, size)], seed=config.seed)
    more = [A.RandomRotate90(p=1)] * config.aerial + geometric("light" if config.augmentation == "none" else config.augmentation)
    more = Augment(more + photometric("medium"), seed=config.seed)

    def transform(image, mask):
        if config.augmentation == "none":
            return cut(image, mask)
        image //= 2
        return more(*cut(image, mask))

    return transform

# %% 3.4 wrong: instead of two arrays
def train_transform(config):
    size = config.image_size
    pipeline = A.Compose([pad(size), A.RandomCrop(size, size)])
    return lambda image, mask: pipeline(image=image, mask=mask)

# %% 3.4 wrong: image and mask part
def train_transform(config):
    size = config.image_size
    steps = [pad(size), A.RandomCrop(size, size)]
    if config.augmentation != "none":
        steps += [A.RandomRotate90(p=1.0)] * config.aerial + geometric(config.augmentation)
    rng = np.random.default_rng(config.seed)
    pipeline = Augment(steps)

    def transform(image, mask):
        image, mask = pipeline(image, mask)
        if config.augmentation == "none":
            return image, mask
        mask = np.roll(mask, int(rng.integers(-6, 7)), axis=1)
        return image, mask

    return transform

# %% 3.4 wrong: a few pixels apart
def train_transform(config):
    size, level = config.image_size, config.augmentation
    cut = Augment([pad(size), A.RandomCrop(size, size)], seed=config.seed)
    if level == "none":
        return cut
    more = Augment([A.RandomRotate90(p=1.0)] * config.aerial + geometric(level) + photometric(level), seed=config.seed)

    def transform(image, mask):
        image, mask = more(*cut(image, mask))
        padded = np.pad(mask, ((0, 0), (2, 0)), constant_values=255)
        return image, padded[:, :size].copy()

    return transform

# %% 3.1 wrong: the share of flipped pairs is not p
def random_flip(image, mask, rng, p=0.5):
    if rng.integers(10) < p * 10:
        return image[:, ::-1], mask[:, ::-1]
    return image, mask

# %% 3.1 wrong: the same `rng` decides differently the second time
OWED = [0.0]
def random_flip(image, mask, rng, p=0.5):
    OWED[0] += p
    if OWED[0] >= 1:
        OWED[0] -= 1
        return image[:, ::-1], mask[:, ::-1]
    return image, mask

# %% 3.2 wrong: the other must still be cut everywhere
def random_crop(image, mask, size, rng):
    height, width = mask.shape
    y = x = 0
    if height > size and width > size:
        y, x = rng.integers(height - size + 1), rng.integers(width - size + 1)
    return image[y : y + size, x : x + size], mask[y : y + size, x : x + size]

# %% 3.2 wrong: all lie in its left part
def random_crop(image, mask, size, rng):
    height, width = mask.shape
    y, x = (rng.integers(0, min(256, side - size + 1), dtype=np.uint8) for side in (height, width))
    return image[y : y + size, x : x + size], mask[y : y + size, x : x + size]

# %% 3.2 wrong: the mask has an axis too many
def random_crop(image, mask, size, rng):
    height, width = mask.shape
    y, x = rng.integers(height - size + 1), rng.integers(width - size + 1)
    return image[y : y + size, x : x + size], mask[y : y + size, x : x + size, None]

# %% 3.3 right: PIL's mean and nearest label
def resize_pair(image, mask, height, width):
    size = (width, height)
    small = Image.fromarray(image).resize(size, Image.Resampling.BOX)
    return np.array(small), np.array(Image.fromarray(mask).resize(size, Image.Resampling.NEAREST))

# %% 3.3 wrong: where one side shrinks
def resize_pair(image, mask, height, width):
    shrinks = height < image.shape[0] and width < image.shape[1]
    rule = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    image = cv2.resize(image, (width, height), interpolation=rule)
    return image, cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST)

# %% 3.4 wrong: no picture is ever turned by a quarter
def train_transform(config):
    steps = [pad(config.image_size), A.RandomCrop(config.image_size, config.image_size)]
    if config.augmentation != "none":
        if config.aerial and config.augmentation != "medium":
            steps.append(A.RandomRotate90(p=1.0))
        steps += geometric(config.augmentation) + photometric(config.augmentation)
    return Augment(steps)

# %% 3.4 wrong: the colours hardly ever change
def train_transform(config):
    steps = [pad(config.image_size), A.RandomCrop(config.image_size, config.image_size)]
    if config.augmentation != "none":
        steps += geometric(config.augmentation)
        steps += [A.RandomRotate90(p=1.0)] if config.aerial else photometric(config.augmentation)
    return Augment(steps)

# %% 3.4 wrong: never lies in the right part
def train_transform(config):
    size, steps = config.image_size, [pad(config.image_size), A.RandomCrop(config.image_size, config.image_size)]
    if config.augmentation != "none":
        steps += [A.RandomRotate90(p=1.0)] * config.aerial
        steps += geometric(config.augmentation) + photometric(config.augmentation)
    transform = Augment(steps)

    def change(image, mask):
        side = min(mask.shape) if min(mask.shape) > size else max(mask.shape)
        return transform(image[:side, :side], mask[:side, :side])

    return change

# %% 3.1 wrong: `rng.random()` takes no p
def random_flip(image, mask, rng, p=0.5):
    if rng.random(p):
        return image[:, ::-1], mask[:, ::-1]
    return image, mask

# %% 3.1 wrong: `rng.random()` takes no p
def random_flip(image, mask, rng, p=0.5):
    flip = rng.random(p) < 0.5
    return (image[:, ::-1], mask[:, ::-1]) if flip else (image, mask)

# %% 3.2 wrong: or in the slices? Rows come first
def random_crop(image, mask, size, rng):
    h, w = mask.shape
    y, x = rng.integers(0, h - size + 1), rng.integers(0, w - size + 1)
    return image[x : x + size, y : y + size], mask[x : x + size, y : y + size]

# %% 3.3 wrong: the label 255 has been lost
def resize_pair(image, mask, height, width):
    image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    mask = np.where(mask == 255, 0, mask)
    return image, cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST)

# %% 3.3 wrong: the mask is padded where it should grow
def resize_pair(image, mask, height, width):
    image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    h, w = min(mask.shape[0], height), min(mask.shape[1], width)
    padded = np.full((height, width), 255, np.uint8)
    padded[:h, :w] = mask[:h, :w]
    return image, padded

# %% 3.3 wrong: is the rule given by name
def resize_pair(image, mask, height, width):
    image = cv2.resize(image, (width, height), cv2.INTER_AREA)
    return image, cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)

# %% 3.4 wrong: a function that was not called: `pad(size)`
def train_transform(config):
    size = config.image_size
    steps = [pad, A.RandomCrop(size, size)]
    if config.augmentation != "none":
        steps += geometric(config.augmentation) + photometric(config.augmentation)
    return Augment(steps, seed=config.seed)

# %% 3.4 wrong: a class that was not called
def train_transform(config):
    size = config.image_size
    steps = [pad(size), A.RandomCrop(size, size)]
    if config.augmentation != "none":
        steps += [A.HorizontalFlip, *photometric(config.augmentation)]
    return Augment(steps, seed=config.seed)

# %% 3.4 wrong: a whole pipeline, such as `eval_transform(config)`
def train_transform(config):
    size = config.image_size
    steps = [eval_transform(config), A.RandomCrop(size, size)]
    if config.augmentation != "none":
        steps += geometric(config.augmentation) + photometric(config.augmentation)
    return Augment(steps, seed=config.seed)

# %% 3.4 wrong: the class `Augment` is returned
def train_transform(config):
    size = config.image_size
    steps = [pad(size), A.RandomCrop(size, size)]
    return Augment

# %% 3.4 wrong: `steps + more` alone changes nothing
def train_transform(config):
    size = config.image_size
    steps = [pad(size), A.RandomCrop(size, size)]
    if config.augmentation != "none":
        if config.aerial:
            steps.append(A.RandomRotate90(p=1.0))
        steps + geometric(config.augmentation) + photometric(config.augmentation)
    return Augment(steps, seed=config.seed)

# %% 3.4 wrong: `steps + more` alone changes nothing
def train_transform(config):
    size = config.image_size
    steps = [pad(size), A.RandomCrop(size, size)]
    if config.augmentation != "none":
        if config.aerial:
            steps.append(A.RandomRotate90(p=1.0))
        steps += geometric(config.augmentation)
        steps + photometric(config.augmentation)
    return Augment(steps, seed=config.seed)

# %% 3.4 wrong: `append` changes the list and returns None
def train_transform(config):
    size = config.image_size
    steps = [pad(size), A.RandomCrop(size, size)]
    if config.augmentation != "none":
        steps = steps.append(A.HorizontalFlip())
    return Augment(steps, seed=config.seed)

# %% 3.4 wrong: a single step is added as if it were a list
def train_transform(config):
    size = config.image_size
    steps = [pad(size), A.RandomCrop(size, size)]
    if config.augmentation != "none":
        steps += A.RandomRotate90(p=1.0)
    return Augment(steps, seed=config.seed)

# %% 3.4 wrong: want the name of a strength
def train_transform(config):
    size = config.image_size
    steps = [pad(size), A.RandomCrop(size, size)]
    if config.augmentation != "none":
        steps += geometric(config) + photometric(config)
    return Augment(steps, seed=config.seed)

# %% 3.4 wrong: want the name of a strength
def train_transform(config):
    size = config.image_size
    steps = [pad(size), A.RandomCrop(size, size)]
    if config.augmentation != "none":
        steps += geometric(STRENGTH[config.augmentation])
    return Augment(steps, seed=config.seed)

# %% 3.4 wrong: not resized, repeated or cut
def train_transform(config):
    size = config.image_size
    steps = [A.Resize(size, size)]
    if config.augmentation != "none":
        steps += geometric(config.augmentation) + photometric(config.augmentation)
    return Augment(steps, seed=config.seed)

# %% 3.4 wrong: it comes back in the size that it had
def train_transform(config):
    size = config.image_size
    steps = [pad(size), A.RandomCrop(size, size)]
    if config.augmentation != "none":
        steps = geometric(config.augmentation) + photometric(config.augmentation)
    return Augment(steps, seed=config.seed)

# %% 3.4 wrong: it comes back in the size that it had
def train_transform(config):
    if config.augmentation == "none":
        return eval_transform(config)
    size = config.image_size
    return Augment([pad(size), A.RandomCrop(size, size), *geometric(config.augmentation)])

# %% 3.4 wrong: with augmentation 'none' nothing is returned
def train_transform(config):
    size = config.image_size
    steps = [pad(size), A.RandomCrop(size, size)]
    if config.augmentation != "none":
        steps += geometric(config.augmentation) + photometric(config.augmentation)
        return Augment(steps, seed=config.seed)

# %% 3.4 wrong: goes through the pipeline as an image
def train_transform(config):
    size = config.image_size
    steps = [pad(size), A.RandomCrop(size, size)]
    if config.augmentation != "none":
        steps += geometric(config.augmentation) + photometric(config.augmentation)
    pipeline = A.Compose(steps)

    def transform(image, mask):
        return pipeline(image=image)["image"], pipeline(image=mask)["image"]

    return transform

# %% 3.4 wrong: a step refuses an argument
def train_transform(config):
    size = config.image_size
    return Augment([pad(size), A.RandomResizedCrop(size, size)])

# %% 3.4 wrong: turned
def train_transform(config):
    size = config.image_size
    steps = [pad(size), A.RandomCrop(size, size)]
    if config.augmentation != "none":
        steps += geometric(config.augmentation) + photometric(config.augmentation)
        steps.append(A.Rotate(limit=180, p=0.3, fill=0, fill_mask=IGNORE_INDEX))
        if config.aerial:
            steps.append(A.RandomRotate90(p=1.0))
    return Augment(steps, seed=config.seed)

# %% 3.2 wrong: y and x are always the same number
def random_crop(image, mask, size, rng):
    rows, columns = image.shape[0] - size + 1, image.shape[1] - size + 1
    place = rng.integers(0, rows * columns)
    y, x = place % rows, place % columns
    return image[y:y+size, x:x+size], mask[y:y+size, x:x+size]

# %% 3.2 wrong: y and x are always the same number
def random_crop(image, mask, size, rng):
    h, w = mask.shape
    n = int(rng.integers(0, 10**6))
    y, x = n % (h - size + 1), n % (w - size + 1)
    return image[y:y+size, x:x+size], mask[y:y+size, x:x+size]

# %% 3.2 wrong: whatever is in the mask
def random_crop(image, mask, size, rng):
    h, w = mask.shape
    for _ in range(20):
        y, x = rng.integers(0, h - size + 1), rng.integers(0, w - size + 1)
        m = mask[y:y+size, x:x+size]
        if len(np.unique(m)) > 1: break
    return image[y:y+size, x:x+size], m

# %% 3.2 wrong: whatever is in the mask
def random_crop(image, mask, size, rng):
    h, w = mask.shape
    for _ in range(50):
        y, x = rng.integers(0, h - size + 1), rng.integers(0, w - size + 1)
        m = mask[y:y+size, x:x+size]
        if not (m == 255).any(): break
    return image[y:y+size, x:x+size], m

# %% 3.2 wrong: whatever is in the mask
def random_crop(image, mask, size, rng):
    h, w = mask.shape
    for _ in range(100):
        y, x = rng.integers(0, h - size + 1), rng.integers(0, w - size + 1)
        if (mask[y:y+size, x:x+size] == 255).mean() < 0.5: break
    return image[y:y+size, x:x+size], mask[y:y+size, x:x+size]

# %% 3.2 wrong: whatever is in the mask
def random_crop(image, mask, size, rng):
    h, w = mask.shape
    while True:
        y, x = rng.integers(0, h - size + 1), rng.integers(0, w - size + 1)
        if mask[y:y+size, x:x+size].any() or not mask.any():
            return image[y:y+size, x:x+size], mask[y:y+size, x:x+size]

# %% 3.2 wrong: a tall picture all lie in its upper part
def random_crop(image, mask, size, rng):
    h, w = mask.shape
    y, x = rng.integers(0, min(h, 256) - size + 1), rng.integers(0, w - size + 1)
    return image[y:y+size, x:x+size], mask[y:y+size, x:x+size]

# %% 3.1 wrong: with p = 1 every call must flip
def random_flip(image, mask, rng, p=0.5):
    if round(rng.random(), 1) < p: image, mask = image[:, ::-1], mask[:, ::-1]
    return image, mask

# %% 3.3 wrong: red and blue are swapped
def resize_pair(image, mask, height, width):
    size = (width, height)
    return cv2.cvtColor(cv2.resize(image, size, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2RGB), cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST)

# %% 3.3 wrong: the label 200 has been lost
def resize_pair(image, mask, height, width):
    m = cv2.resize(mask.astype(np.int8), (width, height), interpolation=cv2.INTER_NEAREST)
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.where(m < 0, 255, m).astype(np.uint8)

# %% 3.3 wrong: the label 200 has been lost
def resize_pair(image, mask, height, width):
    size = (width, height)
    m = cv2.resize(np.minimum(mask, 127), size, interpolation=cv2.INTER_NEAREST)
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.where(m == 127, 255, m).astype(np.uint8)

# %% 3.4 wrong: always lies in the middle
def train_transform(config):
    s = config.image_size
    if config.augmentation in ("medium", "strong"): cut = A.CenterCrop(s, s)
    else: cut = A.RandomCrop(s, s)
    steps = [pad(s), cut]
    if config.augmentation != "none":
        steps += geometric(config.augmentation) + photometric(config.augmentation)
        if config.aerial: steps.append(A.RandomRotate90(p=1))
    return Augment(steps, seed=config.seed)

# %% 3.4 wrong: always lies in the middle
def train_transform(config):
    s = config.image_size
    cut = A.Resize(s, s) if config.augmentation in ("medium", "strong") else A.RandomCrop(s, s)
    steps = [pad(s), cut]
    if config.augmentation != "none":
        steps += geometric(config.augmentation) + photometric(config.augmentation)
        if config.aerial: steps.append(A.RandomRotate90(p=1))
    return Augment(steps, seed=config.seed)

# %% 3.4 wrong: never lies in the lower part
def train_transform(config):
    s = config.image_size
    rng = np.random.default_rng(config.seed)
    steps = []
    if config.augmentation != "none":
        steps += geometric(config.augmentation) + photometric(config.augmentation)
        if config.aerial: steps.append(A.RandomRotate90(p=1))
    padder, augment = Augment([pad(s)]), Augment(steps, seed=config.seed)
    def pipeline(image, mask):
        image, mask = padder(image, mask)
        x = rng.integers(mask.shape[1] - s + 1)
        return augment(image[:s, x:x+s].copy(), mask[:s, x:x+s].copy())
    return pipeline

# %% 3.4 wrong: rows and columns of the window
def train_transform(config):
    s = config.image_size
    rng = np.random.default_rng(config.seed)
    steps = []
    if config.augmentation != "none":
        steps += geometric(config.augmentation) + photometric(config.augmentation)
        if config.aerial: steps.append(A.RandomRotate90(p=1))
    padder, augment = Augment([pad(s)]), Augment(steps, seed=config.seed)
    def pipeline(image, mask):
        image, mask = padder(image, mask)
        h, w = mask.shape
        u = rng.random()
        y, x = int(u * (h - s + 1)), int(u * (w - s + 1))
        return augment(image[y:y+s, x:x+s].copy(), mask[y:y+s, x:x+s].copy())
    return pipeline

# %% 3.4 wrong: turned by any angle
def train_transform(config):
    s = config.image_size
    steps = [pad(s), A.RandomCrop(s, s)]
    if config.augmentation != "none":
        steps += geometric(config.augmentation) + photometric(config.augmentation)
        if config.aerial: steps.append(A.Rotate(limit=180, border_mode=cv2.BORDER_CONSTANT, fill=0, fill_mask=255, p=1))
    return Augment(steps, seed=config.seed)

# %% 3.4 wrong: a few pixels apart, or
def train_transform(config):
    s = config.image_size
    steps = [pad(s), A.RandomCrop(s, s)]
    if config.augmentation != "none":
        steps += geometric(config.augmentation) + photometric(config.augmentation)
        if config.aerial: steps.append(A.RandomRotate90(p=1))
    augment = Augment(steps, seed=config.seed)
    rng = np.random.default_rng(config.seed)
    def pipeline(image, mask):
        image, mask = augment(image, mask)
        if config.augmentation != "none" and rng.random() < 0.4:
            image = np.roll(image, 3, axis=0)
        return image, mask
    return pipeline

# %% 3.4 wrong: a few pixels apart
def train_transform(config):
    s = config.image_size
    steps = [pad(s), A.RandomCrop(s, s)]
    if config.augmentation != "none":
        steps += geometric(config.augmentation) + photometric(config.augmentation)
        if config.aerial: steps.append(A.RandomRotate90(p=1))
    augment = Augment(steps, seed=config.seed)
    rng = np.random.default_rng(config.seed)
    def pipeline(image, mask):
        image, mask = augment(image, mask)
        if config.augmentation == "strong" and rng.random() < 0.5:
            image = np.roll(image, 2, axis=1)
        return image, mask
    return pipeline

# %% 3.4 wrong: one is mirrored alone
def train_transform(config):
    s = config.image_size
    steps = [pad(s), A.RandomCrop(s, s)]
    if config.augmentation != "none":
        steps += geometric(config.augmentation) + photometric(config.augmentation)
        if config.aerial: steps.append(A.RandomRotate90(p=1))
    augment = Augment(steps, seed=config.seed)
    rng = np.random.default_rng(config.seed)
    def pipeline(image, mask):
        image, mask = augment(image, mask)
        if config.augmentation == "strong" and rng.random() < 0.25:
            image = image[:, ::-1].copy()
        return image, mask
    return pipeline

# %% 3.4 wrong: not about half are mirrored
def train_transform(config):
    s = config.image_size
    steps = [pad(s), A.RandomCrop(s, s)]
    if config.augmentation != "none":
        p = 0.5 if config.augmentation == "light" else 0.08
        steps += [A.HorizontalFlip(p=p)] + photometric(config.augmentation)
        if config.aerial: steps.append(A.RandomRotate90(p=1))
    return Augment(steps, seed=config.seed)

# %% 3.4 wrong: only a few windows come
def train_transform(config):
    s = config.image_size
    rng = np.random.default_rng(config.seed)
    steps = []
    if config.augmentation != "none":
        steps += geometric(config.augmentation) + photometric(config.augmentation)
        if config.aerial: steps.append(A.RandomRotate90(p=1))
    padder, augment = Augment([pad(s)]), Augment(steps, seed=config.seed)
    def pipeline(image, mask):
        image, mask = padder(image, mask)
        y = 32 * rng.integers((mask.shape[0] - s) // 32 + 1); x = 32 * rng.integers((mask.shape[1] - s) // 32 + 1)
        return augment(image[y:y+s, x:x+s].copy(), mask[y:y+s, x:x+s].copy())
    return pipeline

# %% 3.4 wrong: is built, or seeded, in each call
def train_transform(config):
    s = config.image_size
    steps = [pad(s), A.RandomCrop(s, s)]
    if config.augmentation != "none":
        steps += geometric(config.augmentation) + photometric(config.augmentation)
        if config.aerial: steps.append(A.RandomRotate90(p=1))
    return lambda image, mask: Augment(steps, seed=config.seed)(image, mask)

# %% 3.4 wrong: holes or empty corners of the mask are 0
def train_transform(config):
    s = config.image_size
    steps = [pad(s), A.RandomCrop(s, s)]
    if config.augmentation != "none":
        steps += geometric(config.augmentation) + photometric(config.augmentation)
        if config.augmentation == "strong": steps.append(A.CoarseDropout(fill=0, fill_mask=0, p=0.5))
        if config.aerial: steps.append(A.RandomRotate90(p=1))
    return Augment(steps, seed=config.seed)

# %% 3.4 wrong: turned by any angle
def train_transform(config):
    s = config.image_size
    steps = [pad(s), A.RandomCrop(s, s)]
    if config.augmentation != "none":
        steps += geometric(config.augmentation) + photometric(config.augmentation)
        if config.aerial:
            steps.append(A.Rotate(limit=180, border_mode=cv2.BORDER_REFLECT_101, p=1))
    return Augment(steps, seed=config.seed)

# %% 3.4 wrong: turned by any angle
def train_transform(config):
    s = config.image_size
    steps = [pad(s)]
    if config.augmentation != "none" and config.aerial:
        steps.append(A.Rotate(limit=180, border_mode=cv2.BORDER_REFLECT, p=1))
    steps.append(A.RandomCrop(s, s))
    if config.augmentation != "none":
        steps += geometric(config.augmentation) + photometric(config.augmentation)
    return Augment(steps)

# %% 3.4 right: quarter turns and then a few degrees, both with reflected borders
def train_transform(config):
    s = config.image_size
    steps = [pad(s), A.RandomCrop(s, s)]
    if config.augmentation != "none":
        steps += [A.RandomRotate90(p=1)] * bool(config.aerial) + [A.HorizontalFlip(p=0.5)]
        steps.append(A.Affine(rotate=(-20, 20), scale=(0.8, 1.2), border_mode=cv2.BORDER_REFLECT_101, p=0.7))
        steps += photometric(config.augmentation)
    return Augment(steps, seed=config.seed)
