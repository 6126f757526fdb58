# %% prelude
import collections
import functools
import os
import random
import time

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch.utils.data import (
    BatchSampler, DataLoader, RandomSampler, SequentialSampler, Subset, WeightedRandomSampler, get_worker_info,
)  # fmt: skip

from utils import catalog
from utils.augmentations import eval_transform, train_transform
from utils.dataset import SegmentationDataset
from utils.images import IGNORE_INDEX
from utils.loaders import pad_collate, seed_worker

# %% 5.1 right: torch pads each picture, then stacks
def pad_collate(items):
    height = max(mask.shape[0] for _, mask in items)
    width = max(mask.shape[1] for _, mask in items)
    images, masks = [], []
    for image, mask in items:
        right_and_below = (0, width - mask.shape[1], 0, height - mask.shape[0])
        images.append(torch.nn.functional.pad(image, right_and_below))
        masks.append(torch.nn.functional.pad(mask, right_and_below, value=255))
    return torch.stack(images), torch.stack(masks)

# %% 5.1 right: NumPy detour, a list returned
def pad_collate(items):
    shapes = np.array([mask.shape for _, mask in items])
    H, W = shapes.max(axis=0)
    images = np.zeros((len(items), 3, H, W), np.uint8)
    masks = np.full((len(items), H, W), IGNORE_INDEX, np.int64)
    for n, (h, w) in enumerate(shapes):
        images[n, :, :h, :w] = items[n][0].numpy()
        masks[n, :h, :w] = items[n][1].numpy()
    print(images.shape)
    return [torch.from_numpy(images), torch.from_numpy(masks)]

# %% 5.1 right: helper for both, early return for equal sizes
def fit(tensor, height, width, value):
    big = tensor.new_full((*tensor.shape[:-2], height, width), value)
    big[..., : tensor.shape[-2], : tensor.shape[-1]] = tensor
    return big

def pad_collate(items):
    images, masks = zip(*items)
    heights, widths = {m.shape[0] for m in masks}, {m.shape[1] for m in masks}
    if len(heights) == len(widths) == 1:
        return torch.stack(images), torch.stack(masks)
    size = max(heights), max(widths)
    return torch.stack([fit(i, *size, 0) for i in images]), torch.stack([fit(m, *size, 255) for m in masks])

# %% 5.1 right: pixel by pixel
def pad_collate(items):
    height, width = 0, 0
    for _, mask in items:
        if mask.size(0) > height:
            height = mask.size(0)
        if mask.size(1) > width:
            width = mask.size(1)
    images = torch.zeros((len(items), 3, height, width)).byte()
    masks = torch.zeros((len(items), height, width)).long() + 255
    for n in range(len(items)):
        image, mask = items[n]
        for y in range(mask.size(0)):
            for x in range(mask.size(1)):
                masks[n, y, x] = mask[y, x]
                for c in range(3):
                    images[n, c, y, x] = image[c, y, x]
    return images, masks

# %% 5.1 right: concatenated strips of padding
def pad_collate(items):
    high = max(i.shape[1] for i, _ in items)
    wide = max(i.shape[2] for i, _ in items)

    def grow(tensor, value):
        *front, h, w = tensor.shape
        tensor = torch.cat([tensor, torch.full((*front, h, wide - w), value, dtype=tensor.dtype)], dim=-1)
        return torch.cat([tensor, torch.full((*front, high - h, wide), value, dtype=tensor.dtype)], dim=-2)

    batch = [(grow(image, 0)[None], grow(mask, 255)[None]) for image, mask in items]
    return tuple(torch.cat(parts) for parts in zip(*batch))

# %% 5.1 right: torch.nn.utils.rnn pads one axis after the other
def pad_collate(items):
    from torch.nn.utils.rnn import pad_sequence

    def batch(tensors, value):
        width = max(t.shape[-1] for t in tensors)
        rows = [F.pad(t, (0, width - t.shape[-1]), value=value) for t in tensors]
        return pad_sequence([r.movedim(-2, 0) for r in rows], batch_first=True, padding_value=value)

    images = batch([image for image, _ in items], 0)
    masks = batch([mask for _, mask in items], 255)
    return images.movedim(1, -2), masks

# %% 5.1 right: sizes sorted, the original places kept
def pad_collate(items):
    H, W = (sorted(sizes)[-1] for sizes in zip(*[tuple(mask.shape) for _, mask in items]))
    images = torch.zeros(len(items), 3, H, W, dtype=torch.uint8)
    masks = torch.empty(len(items), H, W, dtype=torch.int64).fill_(255)
    for target, ids, (image, mask) in zip(images, masks, items):
        target[:, : mask.shape[0], : mask.shape[1]].copy_(image)
        ids[: mask.shape[0], : mask.shape[1]].copy_(mask)
    return {"images": images}["images"], masks

# %% 5.1 right: padded, then torch's own collate function
def pad_collate(items):
    H, W = torch.tensor([m.shape for _, m in items]).amax(0).tolist()

    def padded(image, mask):
        edge = (0, W - mask.size(1), 0, H - mask.size(0))
        return F.pad(image, edge, "constant", 0), F.pad(mask, edge, "constant", IGNORE_INDEX)

    return torch.utils.data.default_collate([padded(*item) for item in items])

# %% 5.1 right: a named tuple, recursion
def widest(sizes):
    if len(sizes) == 1:
        return sizes[0]
    h, w = widest(sizes[1:])
    return max(h, sizes[0][0]), max(w, sizes[0][1])

def pad_collate(items):
    H, W = widest([mask.shape for _, mask in items])
    rows, columns = torch.arange(H), torch.arange(W)
    images, masks = [], []
    for image, mask in items:
        h, w = mask.shape
        inside = (rows < h)[:, None] & (columns < w)
        spread = rows.clamp(max=h - 1)[:, None], columns.clamp(max=w - 1)
        images.append(torch.where(inside, image[:, spread[0], spread[1]], torch.tensor(0, dtype=torch.uint8)))
        masks.append(torch.where(inside, mask[spread[0], spread[1]], torch.tensor(255)))
    return collections.namedtuple("Batch", "images masks")(torch.stack(images), torch.stack(masks))

# %% 5.1 wrong: the padding of the masks is class 0
def pad_collate(items):
    height, width = (max(mask.shape[axis] for _, mask in items) for axis in (0, 1))
    images = torch.zeros(len(items), 3, height, width, dtype=torch.uint8)
    masks = torch.zeros(len(items), height, width, dtype=torch.int64)
    for n, (image, mask) in enumerate(items):
        images[n, :, : mask.shape[0], : mask.shape[1]] = image
        masks[n, : mask.shape[0], : mask.shape[1]] = mask
    return images, masks

# %% 5.1 wrong: cannot be stacked: pad them to one size first
def pad_collate(items):
    return torch.stack([image for image, _ in items]), torch.stack([mask for _, mask in items])

# %% 5.1 wrong: pixels are cut away, and the sizes still differ
def pad_collate(items):
    height, width = items[0][1].shape
    images = [image[:, :height, :width] for image, _ in items]
    return torch.stack(images), torch.stack([mask[:height, :width] for _, mask in items])

# %% 5.1 wrong: joined, not stacked
def pad_collate(items):
    return torch.cat([image for image, _ in items]), torch.cat([mask for _, mask in items])

# %% 5.1 wrong: the images are float32: keep them bytes
def pad_collate(items):
    height, width = (max(mask.shape[axis] for _, mask in items) for axis in (0, 1))
    images = torch.zeros(len(items), 3, height, width)
    masks = torch.full((len(items), height, width), 255)
    for n, (image, mask) in enumerate(items):
        images[n, :, : mask.shape[0], : mask.shape[1]] = image
        masks[n, : mask.shape[0], : mask.shape[1]] = mask
    return images, masks

# %% 5.1 wrong: the masks are uint8: class ids are int64
def pad_collate(items):
    height, width = (max(mask.shape[axis] for _, mask in items) for axis in (0, 1))
    images = torch.zeros(len(items), 3, height, width, dtype=torch.uint8)
    masks = torch.full((len(items), height, width), 255, dtype=torch.uint8)
    for n, (image, mask) in enumerate(items):
        images[n, :, : mask.shape[0], : mask.shape[1]] = image
        masks[n, : mask.shape[0], : mask.shape[1]] = mask
    return images, masks

# %% 5.1 wrong: the masks are float32: class ids are int64
def pad_collate(items):
    height, width = (max(mask.shape[axis] for _, mask in items) for axis in (0, 1))
    images = torch.zeros(len(items), 3, height, width, dtype=torch.uint8)
    masks = torch.ones(len(items), height, width) * 255
    for n, (image, mask) in enumerate(items):
        images[n, :, : mask.shape[0], : mask.shape[1]] = image
        masks[n, : mask.shape[0], : mask.shape[1]] = mask
    return images, masks

# %% 5.1 wrong: take height and width each on its own
def pad_collate(items):
    largest = max((mask for _, mask in items), key=lambda mask: mask.numel())
    height, width = largest.shape
    images = torch.zeros(len(items), 3, height, width, dtype=torch.uint8)
    masks = torch.full((len(items), height, width), 255)
    for n, (image, mask) in enumerate(items):
        part = mask[:height, :width]
        images[n, :, : part.shape[0], : part.shape[1]] = image[:, :height, :width]
        masks[n, : part.shape[0], : part.shape[1]] = part
    return images, masks

# %% 5.1 wrong: that of the first sample: a higher one is cut off
def pad_collate(items):
    height, width = items[0][1].shape
    images = torch.zeros(len(items), 3, height, width, dtype=torch.uint8)
    masks = torch.full((len(items), height, width), 255)
    for n, (image, mask) in enumerate(items):
        mask = mask[:height, :width]
        images[n, :, : mask.shape[0], : mask.shape[1]] = image[:, :height, :width]
        masks[n, : mask.shape[0], : mask.shape[1]] = mask
    return images, masks

# %% 5.1 wrong: cut to the smallest
def pad_collate(items):
    height, width = (min(mask.shape[axis] for _, mask in items) for axis in (0, 1))
    return (
        torch.stack([image[:, :height, :width] for image, _ in items]),
        torch.stack([mask[:height, :width] for _, mask in items]),
    )

# %% 5.1 wrong: a square of the longest side
def pad_collate(items):
    side = max(max(mask.shape) for _, mask in items) if len({m.shape for _, m in items}) > 1 else None
    h, w = (side, side) if side else items[0][1].shape
    images = torch.zeros(len(items), 3, h, w, dtype=torch.uint8)
    masks = torch.full((len(items), h, w), 255)
    for n, (image, mask) in enumerate(items):
        images[n, :, : mask.shape[0], : mask.shape[1]] = image
        masks[n, : mask.shape[0], : mask.shape[1]] = mask
    return images, masks

# %% 5.1 wrong: each have their own
def pad_collate(items):
    side = max(max(mask.shape) for _, mask in items)
    images = [F.pad(i, (0, side - i.shape[2], 0, side - i.shape[1])) for i, _ in items]
    masks = [F.pad(m, (0, side - m.shape[1], 0, side - m.shape[0]), value=255) for _, m in items]
    return torch.stack(images), torch.stack(masks)

# %% 5.1 wrong: the batch is larger than its largest sample
def pad_collate(items):
    height, width = (-(-max(mask.shape[axis] for _, mask in items) // 32) * 32 for axis in (0, 1))
    images = [F.pad(i, (0, width - i.shape[2], 0, height - i.shape[1])) for i, _ in items]
    masks = [F.pad(m, (0, width - m.shape[1], 0, height - m.shape[0]), value=255) for _, m in items]
    return torch.stack(images), torch.stack(masks)

# %% 5.1 wrong: the channels of the images come last
def pad_collate(items):
    height, width = (max(mask.shape[axis] for _, mask in items) for axis in (0, 1))
    images = torch.zeros(len(items), height, width, 3, dtype=torch.uint8)
    masks = torch.full((len(items), height, width), 255)
    for n, (image, mask) in enumerate(items):
        images[n, : mask.shape[0], : mask.shape[1]] = image.permute(1, 2, 0)
        masks[n, : mask.shape[0], : mask.shape[1]] = mask
    return images, masks

# %% 5.1 wrong: the dtypes change when samples are padded
def pad_collate(items):
    if len({mask.shape for _, mask in items}) == 1:
        return torch.stack([image for image, _ in items]), torch.stack([mask for _, mask in items])
    height, width = (max(mask.shape[axis] for _, mask in items) for axis in (0, 1))
    images = [F.pad(i.float(), (0, width - i.shape[2], 0, height - i.shape[1])) for i, _ in items]
    masks = [F.pad(m, (0, width - m.shape[1], 0, height - m.shape[0]), value=255) for _, m in items]
    return torch.stack(images), torch.stack(masks)

# %% 5.1 wrong: an image is not in the top left corner: pad right and below only
def pad_collate(items):
    height, width = (max(mask.shape[axis] for _, mask in items) for axis in (0, 1))
    images, masks = [], []
    for image, mask in items:
        right, below = width - mask.shape[1], height - mask.shape[0]
        around = (right // 2, right - right // 2, below // 2, below - below // 2)
        images.append(F.pad(image, around))
        masks.append(F.pad(mask, around, value=255))
    return torch.stack(images), torch.stack(masks)

# %% 5.1 wrong: a mask is not in the top left corner
def pad_collate(items):
    height, width = (max(mask.shape[axis] for _, mask in items) for axis in (0, 1))
    images = torch.zeros(len(items), 3, height, width, dtype=torch.uint8)
    masks = torch.full((len(items), height, width), 255)
    for n, (image, mask) in enumerate(items):
        h, w = mask.shape
        images[n, :, :h, :w] = image
        masks[n, height - h :, width - w :] = mask
    return images, masks

# %% 5.1 wrong: a smaller image is stretched
def pad_collate(items):
    size = tuple(max(mask.shape[axis] for _, mask in items) for axis in (0, 1))
    images = [F.interpolate(image[None].float(), size)[0].byte() for image, _ in items]
    masks = [F.interpolate(mask[None, None].float(), size)[0, 0].long() for _, mask in items]
    return torch.stack(images), torch.stack(masks)

# %% 5.1 wrong: padded with 255: only the masks are
def pad_collate(items):
    height, width = (max(mask.shape[axis] for _, mask in items) for axis in (0, 1))
    images = torch.full((len(items), 3, height, width), 255, dtype=torch.uint8)
    masks = torch.full((len(items), height, width), 255)
    for n, (image, mask) in enumerate(items):
        images[n, :, : mask.shape[0], : mask.shape[1]] = image
        masks[n, : mask.shape[0], : mask.shape[1]] = mask
    return images, masks

# %% 5.1 wrong: the result is the list of samples, each with its mask
def pad_collate(items):
    height, width = (max(mask.shape[axis] for _, mask in items) for axis in (0, 1))
    padded = []
    for image, mask in items:
        room = (0, width - mask.shape[1], 0, height - mask.shape[0])
        padded.append((F.pad(image, room), F.pad(mask, room, value=255)))
    return padded

# %% 5.1 wrong: so the heights still differ
def pad_collate(items):
    height, width = (max(mask.shape[axis] for _, mask in items) for axis in (0, 1))
    images, masks = [], []
    for image, mask in items:
        h, w = mask.shape
        images.append(F.pad(image, (0, width - w)))
        masks.append(F.pad(mask, (0, width - w), value=255))
    return torch.stack(images), torch.stack(masks)

# %% 5.1 wrong: so the widths still differ
def pad_collate(items):
    height, width = (max(mask.shape[axis] for _, mask in items) for axis in (0, 1))
    images, masks = [], []
    for image, mask in items:
        h, w = mask.shape
        images.append(F.pad(image, (0, 0, 0, height - h)))
        masks.append(F.pad(mask, (0, 0, 0, height - h), value=255))
    return torch.stack(images), torch.stack(masks)

# %% 5.1 wrong: takes the number to pad with by its name
def pad_collate(items):
    height, width = (max(mask.shape[axis] for _, mask in items) for axis in (0, 1))
    images, masks = [], []
    for image, mask in items:
        h, w = mask.shape
        images.append(F.pad(image, (0, width - w, 0, height - h)))
        masks.append(F.pad(mask, (0, width - w, 0, height - h), 255))
    return torch.stack(images), torch.stack(masks)

# %% 5.1 wrong: not pairs as np.pad does
def pad_collate(items):
    height, width = (max(mask.shape[axis] for _, mask in items) for axis in (0, 1))
    images, masks = [], []
    for image, mask in items:
        h, w = mask.shape
        images.append(F.pad(image, ((0, height - h), (0, width - w))))
        masks.append(F.pad(mask, ((0, height - h), (0, width - w)), value=255))
    return torch.stack(images), torch.stack(masks)

# %% 5.1 wrong: only a part of the padding of the masks is 255
def pad_collate(items):
    height, width = (max(mask.shape[axis] for _, mask in items) for axis in (0, 1))
    images = torch.zeros(len(items), 3, height, width, dtype=torch.uint8)
    masks = torch.zeros(len(items), height, width, dtype=torch.int64)
    for n, (image, mask) in enumerate(items):
        h, w = mask.shape
        images[n, :, :h, :w] = image
        masks[n, :h, :w] = mask
        masks[n, h:, w:] = 255
    return images, masks

# %% 5.1 wrong: only a part of the padding of the masks is 255: all
def pad_collate(items):
    height, width = (max(mask.shape[axis] for _, mask in items) for axis in (0, 1))
    images = torch.zeros(len(items), 3, height, width, dtype=torch.uint8)
    masks = torch.zeros(len(items), height, width, dtype=torch.int64)
    for n, (image, mask) in enumerate(items):
        h, w = mask.shape
        images[n, :, :h, :w] = image
        masks[n, :h, :w] = mask
        masks[n, :, w:] = 255
    return images, masks

# %% 5.1 wrong: the padding of the masks is class 1
def pad_collate(items):
    height, width = (max(mask.shape[axis] for _, mask in items) for axis in (0, 1))
    images = torch.zeros(len(items), 3, height, width, dtype=torch.uint8)
    masks = torch.ones(len(items), height, width, dtype=torch.int64)
    for n, (image, mask) in enumerate(items):
        h, w = mask.shape
        images[n, :, :h, :w] = image
        masks[n, :h, :w] = mask
    return images, masks

# %% 5.1 wrong: the padding of the masks is 254
def pad_collate(items):
    height, width = (max(mask.shape[axis] for _, mask in items) for axis in (0, 1))
    images = torch.zeros(len(items), 3, height, width, dtype=torch.uint8)
    masks = torch.full((len(items), height, width), 254)
    for n, (image, mask) in enumerate(items):
        h, w = mask.shape
        images[n, :, :h, :w] = image
        masks[n, :h, :w] = mask
    return images, masks

# %% 5.1 wrong: labels change: 0 and 255 inside a mask stay
def pad_collate(items):
    height, width = (max(mask.shape[axis] for _, mask in items) for axis in (0, 1))
    images = torch.zeros(len(items), 3, height, width, dtype=torch.uint8)
    masks = torch.full((len(items), height, width), 255)
    for n, (image, mask) in enumerate(items):
        h, w = mask.shape
        images[n, :, :h, :w] = image
        masks[n, :h, :w] = mask.where(mask != 255, 0)  # its own ignored pixels become class 0
    return images, masks

# %% 5.1 wrong: the padding of the images is not black
def pad_collate(items):
    height, width = (max(mask.shape[axis] for _, mask in items) for axis in (0, 1))
    images = [F.pad(i, (0, width - i.shape[2], 0, height - i.shape[1]), value=114) for i, _ in items]
    masks = [F.pad(m, (0, width - m.shape[1], 0, height - m.shape[0]), value=255) for _, m in items]
    return torch.stack(images), torch.stack(masks)

# %% 5.1 wrong: negative: in this course ignored pixels are 255
def pad_collate(items):
    height, width = (max(mask.shape[axis] for _, mask in items) for axis in (0, 1))
    images = [F.pad(i, (0, width - i.shape[2], 0, height - i.shape[1])) for i, _ in items]
    masks = [F.pad(m, (0, width - m.shape[1], 0, height - m.shape[0]), value=-100) for _, m in items]
    return torch.stack(images), torch.stack(masks)

# %% 5.1 wrong: 4 samples went in, but 2 images come out
def pad_collate(items):
    height, width = (max(mask.shape[axis] for _, mask in items) for axis in (0, 1))
    images = torch.zeros(2, 3, height, width, dtype=torch.uint8)
    masks = torch.full((2, height, width), 255)
    for n, (image, mask) in enumerate(items[:2]):
        images[n, :, : mask.shape[0], : mask.shape[1]] = image
        masks[n, : mask.shape[0], : mask.shape[1]] = mask
    return images, masks

# %% 5.1 wrong: come in another order than the samples
def pad_collate(items):
    height, width = (max(mask.shape[axis] for _, mask in items) for axis in (0, 1))
    by_size = sorted(items, key=lambda item: item[1].numel(), reverse=True)
    images = torch.zeros(len(items), 3, height, width, dtype=torch.uint8)
    masks = torch.full((len(items), height, width), 255)
    for n, ((image, _), (_, mask)) in enumerate(zip(items, by_size)):
        images[n, :, : image.shape[1], : image.shape[2]] = image
        masks[n, : mask.shape[0], : mask.shape[1]] = mask
    return images, masks

# %% 5.1 wrong: a batch of one sample loses its first axis
def pad_collate(items):
    height, width = (max(mask.shape[axis] for _, mask in items) for axis in (0, 1))
    images = torch.zeros(len(items), 3, height, width, dtype=torch.uint8)
    masks = torch.full((len(items), height, width), 255)
    for n, (image, mask) in enumerate(items):
        images[n, :, : mask.shape[0], : mask.shape[1]] = image
        masks[n, : mask.shape[0], : mask.shape[1]] = mask
    return images.squeeze(0), masks.squeeze(0)

# %% 5.1 wrong: yours returns the masks first
def pad_collate(items):
    height, width = (max(mask.shape[axis] for _, mask in items) for axis in (0, 1))
    images = [F.pad(i, (0, width - i.shape[2], 0, height - i.shape[1])) for i, _ in items]
    masks = [F.pad(m, (0, width - m.shape[1], 0, height - m.shape[0]), value=255) for _, m in items]
    return torch.stack(masks), torch.stack(images)

# %% 5.1 wrong: not one tensor: stack them
def pad_collate(items):
    height, width = (max(mask.shape[axis] for _, mask in items) for axis in (0, 1))
    images = [F.pad(i, (0, width - i.shape[2], 0, height - i.shape[1])) for i, _ in items]
    masks = [F.pad(m, (0, width - m.shape[1], 0, height - m.shape[0]), value=255) for _, m in items]
    return images, masks

# %% 5.1 wrong: class 0 inside a mask becomes 255
def pad_collate(items):
    height, width = (max(mask.shape[axis] for _, mask in items) for axis in (0, 1))
    images = [F.pad(i, (0, width - i.shape[2], 0, height - i.shape[1])) for i, _ in items]
    masks = [F.pad(m, (0, width - m.shape[1], 0, height - m.shape[0])) for _, m in items]
    masks = torch.stack(masks)
    masks[masks == 0] = 255  # background is padding now
    return torch.stack(images), masks

# %% 5.1 wrong: nothing is returned
def pad_collate(items):
    height, width = (max(mask.shape[axis] for _, mask in items) for axis in (0, 1))
    images = torch.zeros(len(items), 3, height, width, dtype=torch.uint8)
    masks = torch.full((len(items), height, width), 255)
    for n, (image, mask) in enumerate(items):
        images[n, :, : mask.shape[0], : mask.shape[1]] = image
        masks[n, : mask.shape[0], : mask.shape[1]] = mask

# %% 5.1 wrong: is changed in place: work on a copy
def pad_collate(items):
    height, width = (max(mask.shape[axis] for _, mask in items) for axis in (0, 1))
    for n, (image, mask) in enumerate(items):
        right_and_below = (0, width - mask.shape[1], 0, height - mask.shape[0])
        items[n] = F.pad(image, right_and_below), F.pad(mask, right_and_below, value=255)
    return torch.stack([image for image, _ in items]), torch.stack([mask for _, mask in items])

# %% 5.1 wrong: H is the largest h of all, W the largest w, perhaps of another
def pad_collate(items):
    height, width = max((mask for _, mask in items), key=lambda mask: mask.numel()).shape
    images = torch.zeros(len(items), 3, height, width, dtype=torch.uint8)
    masks = torch.full((len(items), height, width), 255)
    for n, (image, mask) in enumerate(items):
        images[n, :, : mask.shape[0], : mask.shape[1]] = image
        masks[n, : mask.shape[0], : mask.shape[1]] = mask
    return images, masks

# %% 5.1 wrong: perhaps of another
def pad_collate(items):
    height, width = items[0][1].shape
    images = np.zeros((len(items), 3, height, width), np.uint8)
    masks = np.full((len(items), height, width), 255)
    for n, (image, mask) in enumerate(items):
        images[n, :, : mask.shape[0], : mask.shape[1]] = image
        masks[n, : mask.shape[0], : mask.shape[1]] = mask
    return torch.from_numpy(images), torch.from_numpy(masks)

# %% 5.1 wrong: an image is (3, h, w), and a mask (h, w)
def pad_collate(items):
    height, width = (max(mask.shape[axis] for _, mask in items) for axis in (0, 1))
    images = torch.zeros(len(items), 3, height, width, dtype=torch.uint8)
    masks = torch.full((len(items), height, width), 255)
    for n, (image, mask) in enumerate(items):
        images[n, : mask.shape[0], : mask.shape[1]] = image
        masks[n, : mask.shape[0], : mask.shape[1]] = mask
    return images, masks

# %% 5.2 right: torch's own seed, as its documentation does
def seed_worker(worker_id):
    info = torch.utils.data.get_worker_info()
    seed = torch.initial_seed() % 2**32
    np.random.seed(seed)
    if hasattr(info.dataset.transform, "set_random_seed"):
        info.dataset.transform.set_random_seed(seed)

# %% 5.2 right: try and except
def seed_worker(worker_id):
    info = get_worker_info()
    try:
        info.dataset.transform.set_random_seed(info.seed & 0xFFFFFFFF)
    except AttributeError:
        print("nothing to seed in worker", worker_id)

# %% 5.2 right: early return, a seed drawn from torch's generator
def seed_worker(worker_id):
    transform = get_worker_info().dataset.transform
    method = getattr(transform, "set_random_seed", None)
    if method is None:
        return None
    return method(torch.randint(2**31, ()).item())

# %% 5.2 right: NumPy mixes worker and seed
LIMIT = 2**32

def mixed(*numbers):
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])

def seed_worker(worker_id):
    info = get_worker_info()
    seed = mixed(info.seed, worker_id)
    assert seed < LIMIT
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    if callable(getattr(info.dataset.transform, "set_random_seed", None)):
        info.dataset.transform.set_random_seed(seed)

# %% 5.2 right: Python's random, which PyTorch has seeded
def seed_worker(worker_id):
    transform = get_worker_info().dataset.transform
    if "set_random_seed" in dir(transform):
        transform.set_random_seed(random.getrandbits(32))

# %% 5.2 right: the base seed and the number, put together again
def seed_worker(worker_id):
    info = get_worker_info()
    base = info.seed - info.id
    seed = (base * info.num_workers + worker_id) % (2**32 - 1)
    if info.dataset.transform and hasattr(info.dataset.transform, "set_random_seed"):
        info.dataset.transform.set_random_seed(seed=seed)

# %% 5.2 right: NumPy's global stream, which PyTorch has seeded
def seed_worker(worker_id):
    transform = get_worker_info().dataset.transform
    for name in ("set_random_seed",):
        if hasattr(transform, name):
            getattr(transform, name)(int(np.random.randint(0, 2**31)))

# %% 5.2 right: the hash of seed and number, a guard
def seed_worker(worker_id):
    info = get_worker_info()
    if info is None:
        return
    transform = info.dataset.transform
    if transform is None or not hasattr(type(transform), "set_random_seed"):
        return
    transform.set_random_seed(hash((info.seed, worker_id, "augmentations".__len__())) % 2**32)

# %% 5.2 right: a generator of its own
def seed_worker(worker_id):
    info = get_worker_info()
    fresh = np.random.default_rng([info.seed, info.id])
    seed = fresh.integers(2**32).item()
    if getattr(info.dataset.transform, "set_random_seed", False):
        info.dataset.transform.set_random_seed(seed)
    np.random.seed(seed)

# %% 5.2 wrong: all workers get the same seed
def seed_worker(worker_id):
    info = get_worker_info()
    if hasattr(info.dataset.transform, "set_random_seed"):
        info.dataset.transform.set_random_seed(42)

# %% 5.2 wrong: every epoch repeats the seeds of the first
def seed_worker(worker_id):
    info = get_worker_info()
    if hasattr(info.dataset.transform, "set_random_seed"):
        info.dataset.transform.set_random_seed(42 + worker_id)

# %% 5.2 wrong: every epoch repeats the seeds of the first: worker_id alone
def seed_worker(worker_id):
    info = get_worker_info()
    seed = np.random.get_state()[1][0] + worker_id  # copied from an old forum
    if hasattr(info.dataset.transform, "set_random_seed"):
        info.dataset.transform.set_random_seed(int(seed))

# %% 5.2 wrong: the seed is too large: the course keeps seeds below 2**32
def seed_worker(worker_id):
    info = get_worker_info()
    if hasattr(info.dataset.transform, "set_random_seed"):
        info.dataset.transform.set_random_seed(info.seed)

# %% 5.2 wrong: too large for NumPy's np.random.seed
def seed_worker(worker_id):
    info = get_worker_info()
    np.random.seed(info.seed)
    if hasattr(info.dataset.transform, "set_random_seed"):
        info.dataset.transform.set_random_seed(info.seed % 2**32)

# %% 5.2 wrong: no transform (None) stops it
def seed_worker(worker_id):
    info = get_worker_info()
    info.dataset.transform.set_random_seed(info.seed % 2**32)

# %% 5.2 wrong: a plain function as transform stops it
def seed_worker(worker_id):
    info = get_worker_info()
    if info.dataset.transform is not None:
        info.dataset.transform.set_random_seed(info.seed % 2**32)

# %% 5.2 wrong: the transform gets no seed
def seed_worker(worker_id):
    seed = torch.initial_seed() % 2**32
    np.random.seed(seed)
    random.seed(seed)

# %% 5.2 wrong: gets no seed: call set_random_seed of info.dataset.transform
def seed_worker(worker_id):
    info = get_worker_info()
    if hasattr(info.dataset, "set_random_seed"):
        info.dataset.set_random_seed(info.seed % 2**32)

# %% 5.2 wrong: the same worker of the same epoch gets another seed
def seed_worker(worker_id):
    info = get_worker_info()
    seed = (time.time_ns() + worker_id) % 2**32
    if hasattr(info.dataset.transform, "set_random_seed"):
        info.dataset.transform.set_random_seed(seed)

# %% 5.2 wrong: same seed: each would make the same changes
def seed_worker(worker_id):
    info = get_worker_info()
    base = info.seed - info.id
    if hasattr(info.dataset.transform, "set_random_seed"):
        info.dataset.transform.set_random_seed(base % 2**32)

# %% 5.2 wrong: each would make the same changes
def seed_worker(worker_id):
    info = get_worker_info()
    if hasattr(info.dataset.transform, "set_random_seed"):
        info.dataset.transform.set_random_seed(info.seed // 2**32)

# %% 5.2 wrong: seeds come again within forty epochs
def seed_worker(worker_id):
    info = get_worker_info()
    if hasattr(info.dataset.transform, "set_random_seed"):
        info.dataset.transform.set_random_seed(info.seed % 1000)

# %% 5.2 wrong: gets another seed in the next run: nothing can be repeated
def seed_worker(worker_id):
    info = get_worker_info()
    if hasattr(info.dataset.transform, "set_random_seed"):
        info.dataset.transform.set_random_seed(int.from_bytes(os.urandom(4), "big"))

# %% 5.2 wrong: Python's random draws the same numbers in all workers
def seed_worker(worker_id):
    random.seed(0)
    info = get_worker_info()
    if hasattr(info.dataset.transform, "set_random_seed"):
        info.dataset.transform.set_random_seed(info.seed % 2**32)

# %% 5.2 wrong: NumPy draws the same numbers in all workers
def seed_worker(worker_id):
    info = get_worker_info()
    np.random.seed(42)
    if hasattr(info.dataset.transform, "set_random_seed"):
        info.dataset.transform.set_random_seed(info.seed % 2**32)

# %% 5.2 wrong: torch draws the same numbers in every epoch
def seed_worker(worker_id):
    info = get_worker_info()
    if hasattr(info.dataset.transform, "set_random_seed"):
        info.dataset.transform.set_random_seed(info.seed % 2**32)
    torch.manual_seed(worker_id)

# %% 5.2 wrong: the seed is a NoneType, not a whole number
def seed_worker(worker_id):
    info = get_worker_info()
    if hasattr(info.dataset.transform, "set_random_seed"):
        info.dataset.transform.set_random_seed(None)

# %% 5.2 wrong: AttributeError
def seed_worker(worker_id):
    info = get_worker_info()
    info.transform.set_random_seed(info.seed % 2**32)

# %% 5.3 right: inverse root, where there are pixels
def class_weights(pixels):
    there = pixels > 0
    weights = torch.zeros(len(pixels))
    weights[there] = 1 / pixels[there].float().sqrt()
    return weights / weights[there].mean()

# %% 5.3 right: NumPy detour
def class_weights(pixels):
    counts = pixels.numpy().astype(np.float64)
    with np.errstate(divide="ignore"):
        weights = np.where(counts > 0, 1 / np.sqrt(counts), 0)
    weights *= np.count_nonzero(counts) / weights.sum()
    return torch.from_numpy(weights).float()

# %% 5.3 right: plain Python
def class_weights(pixels):
    roots = [n**-0.5 if n else 0.0 for n in pixels.tolist()]
    mean = sum(roots) / sum(1 for r in roots if r)
    return torch.tensor([r / mean for r in roots])

# %% 5.3 right: shares, helper, infinite replaced
def frequencies(pixels):
    return pixels / pixels.sum()

def class_weights(pixels):
    weights = frequencies(pixels) ** -0.5
    weights[weights.isinf()] = 0
    print(weights)
    return weights / weights.sum() * len(pixels.nonzero())

# %% 5.3 right: NaN for what is absent, and nanmean
def class_weights(pixels):
    counts = torch.where(pixels == 0, torch.nan, pixels.double())
    weights = torch.exp(-0.5 * torch.log(counts))
    return (weights / weights.nanmean()).nan_to_num(0.0).to(torch.float32)

# %% 5.3 right: a copy with ones for zeros, cleared again
def class_weights(pixels):
    safe = pixels.clone()
    safe[safe == 0] = 1
    weights = safe.float().rsqrt() * (pixels != 0)
    number = torch.count_nonzero(pixels).item()
    return weights * number / weights.sum()

# %% 5.3 right: a loop, and Python's mean
def class_weights(pixels):
    import statistics

    weights = torch.zeros(pixels.shape, dtype=torch.float32)
    for c, count in enumerate(pixels):
        if count:
            weights[c] = 1 / count.item() ** 0.5
    return weights / statistics.mean(w.item() for w in weights if w > 0)

# %% 5.3 right: relative to the most frequent class
def class_weights(pixels):
    relative = (pixels.max() / pixels.clamp(min=1)).sqrt().where(pixels > 0, torch.tensor(0.0))
    return relative.div(relative.sum()).mul((pixels > 0).sum())

# %% 5.3 wrong: plain one over the count: take the square root
def class_weights(pixels):
    weights = (1 / pixels.float()).masked_fill(pixels == 0, 0.0)
    return weights / weights[pixels > 0].mean()

# %% 5.3 wrong: a class without pixels makes weights infinite or NaN
def class_weights(pixels):
    weights = (1 / pixels) ** 0.5
    return weights / weights.mean()

# %% 5.3 wrong: classes without pixels count in the mean
def class_weights(pixels):
    weights = pixels.float().rsqrt().masked_fill(pixels == 0, 0.0)
    return weights / weights.mean()

# %% 5.3 wrong: the weights add up to 1
def class_weights(pixels):
    weights = pixels.float().rsqrt().masked_fill(pixels == 0, 0.0)
    return weights / weights.sum()

# %% 5.3 wrong: the weights are not scaled
def class_weights(pixels):
    shares = pixels / pixels.sum()
    return shares.rsqrt().masked_fill(pixels == 0, 0.0)

# %% 5.3 wrong: the weights are not scaled: divide them by their mean
def class_weights(pixels):
    return torch.where(pixels > 0, pixels**-0.5, 0)

# %% 5.3 wrong: a class without pixels weighs most
def class_weights(pixels):
    weights = pixels.clamp(min=1).float().rsqrt()
    return weights / weights.mean()

# %% 5.3 wrong: a class without pixels weighs most: it must weigh 0
def class_weights(pixels):
    weights = (pixels + 1e-6) ** -0.5
    return weights / weights[pixels > 0].mean()

# %% 5.3 wrong: 1 is added to every count
def class_weights(pixels):
    weights = (pixels + 1).float().rsqrt().masked_fill(pixels == 0, 0.0)
    return weights / weights[pixels > 0].mean()

# %% 5.3 wrong: these are not one over the square root
def class_weights(pixels):
    beta = 0.999  # class-balanced loss, Cui et al.
    weights = (1 - beta) / (1 - beta ** pixels.float())
    return weights / weights[pixels > 0].mean()

# %% 5.3 wrong: the mean counts pixels
def class_weights(pixels):
    weights = pixels.float().rsqrt().masked_fill(pixels == 0, 0.0)
    return weights / ((weights * pixels).sum() / pixels.sum())

# %% 5.3 wrong: one minus the share
def class_weights(pixels):
    weights = 1 - pixels / pixels.sum()
    return weights / weights.mean()

# %% 5.3 wrong: a division is rounded
def class_weights(pixels):
    there = pixels > 0
    weights = (pixels.sum() // pixels.clamp(min=1)).float().sqrt() * there
    return weights / weights[there].mean()

# %% 5.3 wrong: all classes weigh the same
def class_weights(pixels):
    weights = (1 // pixels.clamp(min=1)).float() + 1
    return weights / weights.mean()

# %% 5.3 wrong: the frequent class weighs more
def class_weights(pixels):
    weights = pixels.float().sqrt()
    return weights / weights[pixels > 0].mean()

# %% 5.3 wrong: a class without pixels is left out
def class_weights(pixels):
    weights = pixels[pixels > 0].float().rsqrt()
    return weights / weights.mean()

# %% 5.3 wrong: the largest weight is 1
def class_weights(pixels):
    weights = pixels.float().rsqrt().masked_fill(pixels == 0, 0.0)
    return weights / weights.max()

# %% 5.3 wrong: the smallest weight is 1
def class_weights(pixels):
    weights = pixels.float().rsqrt().masked_fill(pixels == 0, 0.0)
    return weights / weights[weights > 0].min()

# %% 5.3 wrong: the weights are float64: a loss wants float32
def class_weights(pixels):
    counts = pixels.numpy()
    weights = np.where(counts > 0, np.maximum(counts, 1) ** -0.5, 0)
    return torch.from_numpy(weights / weights[counts > 0].mean())

# %% 5.3 wrong: the result is a list, not a tensor
def class_weights(pixels):
    weights = [float(n) ** -0.5 if n > 0 else 0.0 for n in pixels]
    mean = sum(weights) / sum(w > 0 for w in weights)
    return [w / mean for w in weights]

# %% 5.3 wrong: `pixels` is changed in place
def class_weights(pixels):
    absent = pixels == 0
    pixels[absent] = 1
    pixels += 0
    weights = pixels.float().rsqrt().masked_fill(absent, 0.0)
    return weights / weights[~absent].mean()

# %% 5.3 wrong: IndexError
def class_weights(pixels):
    weights = torch.zeros(6)
    for c in range(6):
        if pixels[c] > 0:
            weights[c] = pixels[c].float().rsqrt()
    return weights / weights[weights > 0].mean()

# %% 5.3 wrong: nothing is returned
def class_weights(pixels):
    weights = pixels.float().rsqrt().masked_fill(pixels == 0, 0.0)
    weights = weights / weights[pixels > 0].mean()

# %% 5.3 wrong: do not squeeze them into int32
def class_weights(pixels):
    weights = pixels.int().float().rsqrt().masked_fill(pixels == 0, 0.0)
    weights = weights.nan_to_num(0.0)
    return weights / weights[pixels > 0].mean()

# %% 5.4 right: one branch for each
def build_loader(dataset, config, train):
    if train:
        order = torch.Generator()
        order.manual_seed(config.seed)
        return DataLoader(dataset, config.batch_size, shuffle=True, num_workers=config.workers, collate_fn=pad_collate,
                          drop_last=True, worker_init_fn=seed_worker, generator=order)  # fmt: skip
    return DataLoader(dataset, config.batch_size, num_workers=config.workers, collate_fn=pad_collate,
                      worker_init_fn=seed_worker)  # fmt: skip

# %% 5.4 right: samplers of its own, lambdas, a generator for both
def build_loader(dataset, config, train):
    generator = torch.Generator().manual_seed(config.seed)
    sampler = RandomSampler(dataset, generator=generator) if train else SequentialSampler(dataset)
    return DataLoader(
        dataset,
        batch_sampler=BatchSampler(sampler, config.batch_size, drop_last=train),
        generator=generator,
        num_workers=config.workers,
        pin_memory=torch.cuda.is_available(),
        collate_fn=lambda items: pad_collate(items),
        worker_init_fn=lambda number: seed_worker(number),
    )

# %% 5.4 right: options in a dict, workers that stay
def options(config, train):
    common = dict(batch_size=config.batch_size, num_workers=config.workers, persistent_workers=config.workers > 0)
    return common | (dict(shuffle=True, drop_last=True) if train else {})

def build_loader(dataset, config, train):
    print("building", "training" if train else "evaluation")
    loader = DataLoader(
        dataset, collate_fn=pad_collate, worker_init_fn=seed_worker, generator=torch.Generator(), **options(config, train)
    )
    loader.generator.manual_seed(config.seed + 1)
    return loader

# %% 5.4 right: a collate function and a seeding function of its own
def my_batch(items):
    height, width = (max(mask.shape[axis] for _, mask in items) for axis in (0, 1))
    images = [F.pad(i, (0, width - i.shape[2], 0, height - i.shape[1])) for i, _ in items]
    masks = [F.pad(m, (0, width - m.shape[1], 0, height - m.shape[0]), value=255) for _, m in items]
    return torch.stack(images), torch.stack(masks)

def my_seed(worker_id):
    transform = get_worker_info().dataset.transform
    if hasattr(transform, "set_random_seed"):
        transform.set_random_seed(torch.initial_seed() % 2**32)

def build_loader(dataset, config, train):
    kwargs = {"generator": torch.Generator().manual_seed(config.seed)} if train else {}
    return DataLoader(dataset, config.batch_size, train, drop_last=train, num_workers=config.workers,
                      collate_fn=my_batch, worker_init_fn=my_seed, pin_memory=True, **kwargs)  # fmt: skip

# %% 5.4 right: a class of its own, partial
class Loader(DataLoader):
    def __repr__(self):
        return f"{len(self)} batches"

def build_loader(dataset, config, train):
    make = functools.partial(Loader, dataset, collate_fn=pad_collate, worker_init_fn=functools.partial(seed_worker))
    order = torch.Generator("cpu").manual_seed(config.seed)
    return make(batch_size=config.batch_size, shuffle=bool(train), drop_last=bool(train), generator=order,
                num_workers=config.workers)  # fmt: skip

# %% 5.4 right: a shuffled sampler of its own
class Order(torch.utils.data.Sampler):
    def __init__(self, count, generator):
        self.count, self.generator = count, generator

    def __iter__(self):
        yield from torch.randperm(self.count, generator=self.generator).tolist()

    def __len__(self):
        return self.count

def build_loader(dataset, config, train):
    generator = torch.Generator().manual_seed(config.seed) if train else None
    return DataLoader(
        dataset,
        config.batch_size,
        sampler=Order(len(dataset), generator) if train else range(len(dataset)),
        drop_last=train,
        generator=generator,
        num_workers=config.workers,
        collate_fn=pad_collate,
        worker_init_fn=seed_worker,
    )

# %% 5.4 right: a seeding function that knows the data set
def build_loader(dataset, config, train):
    def init(worker_id):
        if hasattr(dataset.transform, "set_random_seed"):
            dataset.transform.set_random_seed(torch.initial_seed() % 2**32)

    generator = torch.Generator()
    generator.manual_seed(config.seed * 2 + 1)
    return DataLoader(dataset, batch_size=config.batch_size, shuffle=train, drop_last=train, collate_fn=pad_collate,
                      num_workers=config.workers, generator=generator, worker_init_fn=init)  # fmt: skip

# %% 5.4 right: workers that stay and fetch ahead, where there are workers
def build_loader(dataset, config, train):
    order = torch.Generator().manual_seed(config.seed)
    return DataLoader(dataset, config.batch_size, shuffle=train, drop_last=train, generator=order,
                      num_workers=config.workers, collate_fn=pad_collate, worker_init_fn=seed_worker,
                      persistent_workers=config.workers > 0, prefetch_factor=4 if config.workers else None)  # fmt: skip

# %% 5.4 wrong: images are never scored in evaluation
def build_loader(dataset, config, train):
    order = torch.Generator().manual_seed(config.seed)
    return DataLoader(dataset, config.batch_size, shuffle=train, drop_last=True, generator=order,
                      num_workers=config.workers, collate_fn=pad_collate, worker_init_fn=seed_worker)  # fmt: skip

# %% 5.4 wrong: evaluation is shuffled
def build_loader(dataset, config, train):
    order = torch.Generator().manual_seed(config.seed)
    return DataLoader(dataset, config.batch_size, shuffle=True, drop_last=train, generator=order,
                      num_workers=config.workers, collate_fn=pad_collate, worker_init_fn=seed_worker)  # fmt: skip

# %% 5.4 wrong: training goes through the files in order
def build_loader(dataset, config, train):
    order = torch.Generator().manual_seed(config.seed)
    return DataLoader(dataset, config.batch_size, drop_last=train, generator=order,
                      num_workers=config.workers, collate_fn=pad_collate, worker_init_fn=seed_worker)  # fmt: skip

# %% 5.4 wrong: training keeps a smaller last batch
def build_loader(dataset, config, train):
    order = torch.Generator().manual_seed(config.seed)
    return DataLoader(dataset, config.batch_size, shuffle=train, generator=order,
                      num_workers=config.workers, collate_fn=pad_collate, worker_init_fn=seed_worker)  # fmt: skip

# %% 5.4 wrong: the training loader has no generator
def build_loader(dataset, config, train):
    torch.manual_seed(config.seed)
    return DataLoader(dataset, config.batch_size, shuffle=train, drop_last=train,
                      num_workers=config.workers, collate_fn=pad_collate, worker_init_fn=seed_worker)  # fmt: skip

# %% 5.4 wrong: `loader.generator` is None, only the sampler has a generator
def build_loader(dataset, config, train):
    order = torch.Generator().manual_seed(config.seed)
    sampler = RandomSampler(dataset, generator=order) if train else None
    return DataLoader(dataset, config.batch_size, sampler=sampler, drop_last=train, num_workers=config.workers,
                      collate_fn=pad_collate, worker_init_fn=seed_worker)  # fmt: skip

# %% 5.4 wrong: pass the function, do not call it
def build_loader(dataset, config, train):
    order = torch.Generator().manual_seed(config.seed)
    return DataLoader(dataset, config.batch_size, shuffle=train, drop_last=train, generator=order,
                      num_workers=config.workers, collate_fn=pad_collate, worker_init_fn=seed_worker(0))  # fmt: skip

# %% 5.4 wrong: seed the generator
def build_loader(dataset, config, train):
    order = torch.Generator()
    order.seed()
    return DataLoader(dataset, config.batch_size, shuffle=train, drop_last=train, generator=order,
                      num_workers=config.workers, collate_fn=pad_collate, worker_init_fn=seed_worker)  # fmt: skip

# %% 5.4 wrong: every config.seed gives the same order
def build_loader(dataset, config, train):
    order = torch.Generator().manual_seed(42)
    return DataLoader(dataset, config.batch_size, shuffle=train, drop_last=train, generator=order,
                      num_workers=config.workers, collate_fn=pad_collate, worker_init_fn=seed_worker)  # fmt: skip

# %% 5.4 wrong: every config.seed gives the same order: seed the generator with it
def build_loader(dataset, config, train):
    return DataLoader(dataset, config.batch_size, shuffle=train, drop_last=train, generator=torch.Generator(),
                      num_workers=config.workers, collate_fn=pad_collate, worker_init_fn=seed_worker)  # fmt: skip

# %% 5.4 wrong: torch.Generator(...) takes a device, not a seed
def build_loader(dataset, config, train):
    generator = torch.Generator(config.seed) if train else None
    return DataLoader(
        dataset, config.batch_size, shuffle=train, drop_last=train, num_workers=config.workers, generator=generator,
        collate_fn=pad_collate, worker_init_fn=seed_worker,
    )  # fmt: skip

# %% 5.4 wrong: the generator is an int, not a torch.Generator: pass torch.Generator().manual_seed(config.seed)
def build_loader(dataset, config, train):
    return DataLoader(dataset, config.batch_size, shuffle=train, drop_last=train, generator=config.seed,
                      num_workers=config.workers, collate_fn=pad_collate, worker_init_fn=seed_worker)  # fmt: skip

# %% 5.4 wrong: the generator is an int, not a torch.Generator: pass
def build_loader(dataset, config, train):
    order = torch.Generator().manual_seed(config.seed)
    sampler = RandomSampler(dataset, generator=config.seed) if train else None
    return DataLoader(dataset, config.batch_size, sampler=sampler, drop_last=train, num_workers=config.workers,
                      collate_fn=pad_collate, worker_init_fn=seed_worker, generator=order)  # fmt: skip

# %% 5.4 wrong: the generator is a Generator of NumPy, not a torch.Generator
def build_loader(dataset, config, train):
    return DataLoader(dataset, config.batch_size, shuffle=train, drop_last=train, generator=np.random.default_rng(config.seed),
                      num_workers=config.workers, collate_fn=pad_collate, worker_init_fn=seed_worker)  # fmt: skip

# %% 5.4 wrong: write persistent_workers=config.workers > 0
def build_loader(dataset, config, train):
    order = torch.Generator().manual_seed(config.seed)
    return DataLoader(dataset, config.batch_size, shuffle=train, drop_last=train, generator=order,
                      num_workers=config.workers, collate_fn=pad_collate, worker_init_fn=seed_worker,
                      persistent_workers=True)  # fmt: skip

# %% 5.4 wrong: write persistent_workers=config.workers > 0
def build_loader(dataset, config, train):
    order = torch.Generator().manual_seed(config.seed)
    return DataLoader(dataset, config.batch_size, shuffle=train, drop_last=train, generator=order,
                      num_workers=config.workers, collate_fn=pad_collate, worker_init_fn=seed_worker,
                      persistent_workers=train)  # fmt: skip

# %% 5.4 wrong: write prefetch_factor=4 if config.workers else None
def build_loader(dataset, config, train):
    order = torch.Generator().manual_seed(config.seed)
    return DataLoader(dataset, config.batch_size, shuffle=train, drop_last=train, generator=order,
                      num_workers=config.workers, collate_fn=pad_collate, worker_init_fn=seed_worker,
                      prefetch_factor=4)  # fmt: skip

# %% 5.4 wrong: the same config.seed gives another order in the next run
def build_loader(dataset, config, train):
    order = torch.Generator().manual_seed(config.seed + time.time_ns() % 2**32)
    return DataLoader(dataset, config.batch_size, shuffle=train, drop_last=train, generator=order,
                      num_workers=config.workers, collate_fn=pad_collate, worker_init_fn=seed_worker)  # fmt: skip

# %% 5.4 wrong: the generator is PyTorch's own
def build_loader(dataset, config, train):
    return DataLoader(dataset, config.batch_size, shuffle=train, drop_last=train,
                      generator=torch.manual_seed(config.seed), num_workers=config.workers,
                      collate_fn=pad_collate, worker_init_fn=seed_worker)  # fmt: skip

# %% 5.4 wrong: two loaders share one generator
SHARED = [torch.Generator()]

def build_loader(dataset, config, train, shared=SHARED):
    return DataLoader(dataset, config.batch_size, shuffle=train, drop_last=train,
                      generator=shared[0].manual_seed(config.seed), num_workers=config.workers,
                      collate_fn=pad_collate, worker_init_fn=seed_worker)  # fmt: skip

# %% 5.4 wrong: shuffle images, not batches
class Blocks(torch.utils.data.Sampler):
    def __init__(self, count, size, generator):
        self.blocks, self.generator = [list(range(n, n + size)) for n in range(0, count - size + 1, size)], generator

    def __len__(self):
        return len(self.blocks)

    def __iter__(self):
        for n in torch.randperm(len(self.blocks), generator=self.generator).tolist():
            yield self.blocks[n]

def build_loader(dataset, config, train):
    order = torch.Generator().manual_seed(config.seed)
    common = dict(num_workers=config.workers, collate_fn=pad_collate, worker_init_fn=seed_worker, generator=order)
    if train:
        return DataLoader(dataset, batch_sampler=Blocks(len(dataset), config.batch_size, order), **common)
    return DataLoader(dataset, config.batch_size, **common)

# %% 5.4 wrong: shuffle with that same generator
def build_loader(dataset, config, train):
    order = torch.Generator().manual_seed(config.seed)
    sampler = RandomSampler(dataset, generator=order) if train else None
    return DataLoader(dataset, config.batch_size, sampler=sampler, drop_last=train, num_workers=config.workers,
                      collate_fn=pad_collate, worker_init_fn=seed_worker, generator=torch.Generator())  # fmt: skip

# %% 5.4 wrong: pass collate_fn=pad_collate
def build_loader(dataset, config, train):
    order = torch.Generator().manual_seed(config.seed)
    return DataLoader(dataset, config.batch_size, shuffle=train, drop_last=train, generator=order,
                      num_workers=config.workers, worker_init_fn=seed_worker)  # fmt: skip

# %% 5.4 wrong: no worker is seeded: pass worker_init_fn
def build_loader(dataset, config, train):
    order = torch.Generator().manual_seed(config.seed)
    return DataLoader(dataset, config.batch_size, shuffle=train, drop_last=train, generator=order,
                      num_workers=config.workers, collate_fn=pad_collate)  # fmt: skip

# %% 5.4 wrong: does not reseed the transform: pass seed_worker
def build_loader(dataset, config, train):
    order = torch.Generator().manual_seed(config.seed)
    return DataLoader(dataset, config.batch_size, shuffle=train, drop_last=train, generator=order,
                      num_workers=config.workers, collate_fn=pad_collate,
                      worker_init_fn=lambda n: np.random.seed(torch.initial_seed() % 2**32))  # fmt: skip

# %% 5.4 wrong: gives workers the same seed
def build_loader(dataset, config, train):
    order = torch.Generator().manual_seed(config.seed)
    return DataLoader(dataset, config.batch_size, shuffle=train, drop_last=train, generator=order,
                      num_workers=config.workers, collate_fn=pad_collate,
                      worker_init_fn=lambda n: get_worker_info().dataset.transform.set_random_seed(config.seed))  # fmt: skip

# %% 5.4 wrong: the number of workers is not config.workers
def build_loader(dataset, config, train):
    order = torch.Generator().manual_seed(config.seed)
    return DataLoader(dataset, config.batch_size, shuffle=train, drop_last=train, generator=order,
                      collate_fn=pad_collate, worker_init_fn=seed_worker)  # fmt: skip

# %% 5.4 wrong: a batch does not hold config.batch_size images
def build_loader(dataset, config, train):
    order = torch.Generator().manual_seed(config.seed)
    return DataLoader(dataset, shuffle=train, drop_last=train, generator=order, num_workers=config.workers,
                      collate_fn=pad_collate, worker_init_fn=seed_worker)  # fmt: skip

# %% 5.4 wrong: draw without replacement
def build_loader(dataset, config, train):
    order = torch.Generator().manual_seed(config.seed)
    sampler = RandomSampler(dataset, replacement=True, generator=order) if train else None
    return DataLoader(dataset, config.batch_size, sampler=sampler, drop_last=train, generator=order,
                      num_workers=config.workers, collate_fn=pad_collate, worker_init_fn=seed_worker)  # fmt: skip

# %% 5.4 wrong: every epoch of training has the same order
def build_loader(dataset, config, train):
    order = torch.Generator().manual_seed(config.seed)
    once = torch.randperm(len(dataset), generator=order).tolist() if train else None
    return DataLoader(dataset, config.batch_size, sampler=once, drop_last=train, generator=order,
                      num_workers=config.workers, collate_fn=pad_collate, worker_init_fn=seed_worker)  # fmt: skip

# %% 5.4 wrong: holds another data set than the one
def build_loader(dataset, config, train):
    order = torch.Generator().manual_seed(config.seed)
    numbers = torch.randperm(len(dataset), generator=order).tolist() if train else range(len(dataset))
    return DataLoader(Subset(dataset, numbers), config.batch_size, drop_last=train, generator=order,
                      num_workers=config.workers, collate_fn=pad_collate, worker_init_fn=seed_worker)  # fmt: skip

# %% 5.4 wrong: a Generator, not a DataLoader
def build_loader(dataset, config, train):
    return torch.Generator().manual_seed(config.seed)

# %% 5.4 wrong: a list, not a DataLoader
def build_loader(dataset, config, train):
    items = [dataset[n] for n in range(len(dataset))]
    size = config.batch_size
    return [pad_collate(items[n : n + size]) for n in range(0, len(items), size)]

# %% 5.4 wrong: TypeError
def build_loader(dataset, config, train):
    return DataLoader(dataset, config.batch_size, shuffle=train, drop_last=train, num_workers=config.workers,
                      collate_fn=pad_collate, worker_init_fn=seed_worker())  # fmt: skip

# %% 5.4 wrong: nothing is returned
def build_loader(dataset, config, train):
    DataLoader(dataset, config.batch_size, shuffle=train, drop_last=train, num_workers=config.workers)

# %% 5.1 wrong: so the width is first
def pad_collate(items):
    height, width = (max(mask.shape[axis] for _, mask in items) for axis in (0, 1))
    images, masks = [], []
    for image, mask in items:
        h, w = mask.shape
        images.append(torch.nn.functional.pad(image, (0, height - h, 0, width - w)))
        masks.append(torch.nn.functional.pad(mask, (0, height - h, 0, width - w), value=255))
    return torch.stack(images), torch.stack(masks)

# %% 5.5 right: shares that begin as zeros, one branch for each case
def rare_class_sampler(dataset, class_id, seed=42):
    shares = np.zeros(len(dataset))
    for n in range(len(dataset)):
        mask = dataset.read(n)[1]
        labelled = (mask != 255).sum()
        if labelled > 0:
            shares[n] = (mask == class_id).sum() / labelled
    if shares.any():
        weights = 1 + shares / shares.mean()
    else:
        weights = np.ones(len(shares))
    order = torch.Generator()
    order.manual_seed(seed)
    return WeightedRandomSampler(weights, len(dataset), generator=order)

# %% 5.5 right: plain Python, an early return, scaled to a sum of 1
def share_of(mask, class_id):
    values = [value for value in mask.ravel().tolist() if value != 255]
    return values.count(class_id) / len(values) if values else 0.0

def rare_class_sampler(dataset, class_id, seed=42):
    order = torch.Generator().manual_seed(seed)
    shares = [share_of(dataset.read(n)[1], class_id) for n in range(len(dataset))]
    mean = sum(shares) / len(shares)
    if mean == 0:
        return WeightedRandomSampler([1.0] * len(shares), len(shares), generator=order)
    weights = [1 + share / mean for share in shares]
    return WeightedRandomSampler([w / sum(weights) for w in weights], len(shares), generator=order)

# %% 5.5 right: tensors, NaN put right at the end
def rare_class_sampler(dataset, class_id, seed=42):
    masks = [torch.from_numpy(dataset.read(n)[1].astype(np.int64)) for n in range(len(dataset))]
    shares = torch.stack([(m == class_id).float().sum() / (m != IGNORE_INDEX).sum() for m in masks]).nan_to_num(0)
    weights = 1 + (shares / shares.mean()).nan_to_num(0)
    return WeightedRandomSampler(weights.double(), num_samples=len(masks), generator=torch.Generator().manual_seed(seed))

# %% 5.5 right: all classes counted, the mean share multiplied instead of divided by
def rare_class_sampler(dataset, class_id, seed=42):
    shares = np.zeros(len(dataset))
    for n in range(len(dataset)):
        _, mask = dataset.read(n)
        counts = np.bincount(mask.reshape(-1), minlength=256)
        shares[n] = counts[class_id] / max(counts[:255].sum(), 1)
    print(shares)
    weights = shares.mean() + shares + (not shares.any())
    return WeightedRandomSampler(weights.tolist(), len(shares), generator=torch.Generator().manual_seed(seed))

# %% 5.5 right: the docstring word for word, with a whole 0 where nothing is labelled
def rare_class_sampler(dataset, class_id, seed=42):
    shares = []
    for n in range(len(dataset)):
        mask = dataset.read(n)[1]
        labelled = (mask != 255).sum()
        shares.append((mask == class_id).sum() / labelled if labelled > 0 else 0)
    mean = torch.tensor(shares).mean()
    weights = 1 + torch.tensor(shares) / mean if mean > 0 else torch.ones(len(shares))
    return WeightedRandomSampler(weights, len(shares), generator=torch.Generator().manual_seed(seed))

# %% 5.5 wrong: the sampler has no generator
def rare_class_sampler(dataset, class_id, seed=42):
    shares = []
    for n in range(len(dataset)):
        mask = dataset.read(n)[1]
        shares.append((mask == class_id).sum() / max((mask != 255).sum(), 1))
    shares = np.array(shares)
    return WeightedRandomSampler(1 + shares / (shares.mean() or 1), len(dataset))

# %% 5.5 wrong: torch's global random numbers are reseeded
def rare_class_sampler(dataset, class_id, seed=42):
    masks = [dataset.read(n)[1] for n in range(len(dataset))]
    shares = np.array([(m == class_id).sum() / max((m != 255).sum(), 1) for m in masks])
    return WeightedRandomSampler(1 + shares / (shares.mean() or 1), len(dataset), generator=torch.manual_seed(seed))

# %% 5.5 wrong: a class that no image shows makes a weight NaN or infinite
def rare_class_sampler(dataset, class_id, seed=42):
    masks = [dataset.read(n)[1] for n in range(len(dataset))]
    shares = np.array([(m == class_id).sum() / max((m != 255).sum(), 1) for m in masks])
    return WeightedRandomSampler(1 + shares / shares.mean(), len(dataset), generator=torch.Generator().manual_seed(seed))

# %% 5.5 wrong: an image without labelled pixels makes a weight NaN or infinite
def rare_class_sampler(dataset, class_id, seed=42):
    masks = [dataset.read(n)[1] for n in range(len(dataset))]
    shares = np.array([(m == class_id).sum() / (m != 255).sum() for m in masks])
    return WeightedRandomSampler(
        1 + shares / max(shares.mean(), 1e-9), len(dataset), generator=torch.Generator().manual_seed(seed)
    )

# %% 5.5 wrong: an image without labelled pixels makes you divide by 0
def rare_class_sampler(dataset, class_id, seed=42):
    shares = []
    for n in range(len(dataset)):
        ids = [i for i in dataset.read(n)[1].flatten().tolist() if i != 255]
        shares.append(ids.count(class_id) / len(ids))
    mean = sum(shares) / len(shares)
    weights = [1 + share / (mean or 1) for share in shares]
    return WeightedRandomSampler(weights, len(dataset), generator=torch.Generator().manual_seed(seed))

# %% 5.5 wrong: the mean is over all images, also those without the class
def rare_class_sampler(dataset, class_id, seed=42):
    masks = [dataset.read(n)[1] for n in range(len(dataset))]
    shares = np.array([(m == class_id).sum() / max((m != 255).sum(), 1) for m in masks])
    mean = shares[shares > 0].mean() if (shares > 0).any() else 1
    return WeightedRandomSampler(1 + shares / mean, len(dataset), generator=torch.Generator().manual_seed(seed))

# %% 5.5 wrong: divide by the pixels that are not 255
def rare_class_sampler(dataset, class_id, seed=42):
    shares = np.array([(dataset.read(n)[1] == class_id).mean() for n in range(len(dataset))])
    return WeightedRandomSampler(
        1 + shares / (shares.mean() or 1), len(dataset), generator=torch.Generator().manual_seed(seed)
    )

# %% 5.5 wrong: pixels of the class are counted: a share is
def rare_class_sampler(dataset, class_id, seed=42):
    counts = np.array([(dataset.read(n)[1] == class_id).sum() for n in range(len(dataset))])
    return WeightedRandomSampler(
        1 + counts / (counts.mean() or 1), len(dataset), generator=torch.Generator().manual_seed(seed)
    )

# %% 5.5 wrong: large images count more in the mean share
def rare_class_sampler(dataset, class_id, seed=42):
    masks = [dataset.read(n)[1] for n in range(len(dataset))]
    shown, labelled = (np.array([found(m).sum() for m in masks]) for found in (lambda m: m == class_id, lambda m: m != 255))
    mean = shown.sum() / max(labelled.sum(), 1)
    weights = 1 + shown / np.maximum(labelled, 1) / (mean or 1)
    return WeightedRandomSampler(weights, len(dataset), generator=torch.Generator().manual_seed(seed))

# %% 5.5 wrong: an image without the class is never drawn
def rare_class_sampler(dataset, class_id, seed=42):
    masks = [dataset.read(n)[1] for n in range(len(dataset))]
    shares = np.array([(m == class_id).sum() / max((m != 255).sum(), 1) for m in masks])
    return WeightedRandomSampler(shares, len(dataset), generator=torch.Generator().manual_seed(seed))

# %% 5.5 wrong: divide it by the mean share first
def rare_class_sampler(dataset, class_id, seed=42):
    masks = [dataset.read(n)[1] for n in range(len(dataset))]
    shares = np.array([(m == class_id).sum() / max((m != 255).sum(), 1) for m in masks])
    return WeightedRandomSampler(1 + shares, len(dataset), generator=torch.Generator().manual_seed(seed))

# %% 5.5 wrong: the share is divided by the sum of all shares
def rare_class_sampler(dataset, class_id, seed=42):
    masks = [dataset.read(n)[1] for n in range(len(dataset))]
    shares = np.array([(m == class_id).sum() / max((m != 255).sum(), 1) for m in masks])
    return WeightedRandomSampler(
        1 + shares / (shares.sum() or 1), len(dataset), generator=torch.Generator().manual_seed(seed)
    )

# %% 5.5 wrong: the share is divided by the largest one
def rare_class_sampler(dataset, class_id, seed=42):
    masks = [dataset.read(n)[1] for n in range(len(dataset))]
    shares = np.array([(m == class_id).sum() / max((m != 255).sum(), 1) for m in masks])
    return WeightedRandomSampler(
        1 + shares / (shares.max() or 1), len(dataset), generator=torch.Generator().manual_seed(seed)
    )

# %% 5.5 wrong: torch.Generator(...) takes a device, not a seed
def rare_class_sampler(dataset, class_id, seed=42):
    masks = [dataset.read(n)[1] for n in range(len(dataset))]
    shares = np.array([(m == class_id).sum() / max((m != 255).sum(), 1) for m in masks])
    return WeightedRandomSampler(1 + shares / (shares.mean() or 1), len(dataset), generator=torch.Generator(seed))

# %% 5.5 wrong: how much it shows counts as well
def rare_class_sampler(dataset, class_id, seed=42):
    weights = [1 + bool((dataset.read(n)[1] == class_id).any()) for n in range(len(dataset))]
    return WeightedRandomSampler(weights, len(dataset), generator=torch.Generator().manual_seed(seed))

# %% 5.5 wrong: is left out of the mean
def rare_class_sampler(dataset, class_id, seed=42):
    masks = [dataset.read(n)[1] for n in range(len(dataset))]
    shares = np.array([(m == class_id).sum() / n if (n := (m != 255).sum()) else np.nan for m in masks])
    mean = np.nanmean(shares) if (shares == shares).any() else 1
    weights = 1 + np.nan_to_num(shares) / (mean or 1)
    return WeightedRandomSampler(weights, len(dataset), generator=torch.Generator().manual_seed(seed))

# %% 5.5 wrong: take the mask of dataset.read(n)
def rare_class_sampler(dataset, class_id, seed=42):
    masks = [dataset[n][1] for n in range(len(dataset))]
    shares = np.array([float((m == class_id).sum() / (m != 255).sum().clamp(min=1)) for m in masks])
    return WeightedRandomSampler(
        1 + shares / (shares.mean() or 1), len(dataset), generator=torch.Generator().manual_seed(seed)
    )

# %% 5.5 wrong: it draws without replacement
def rare_class_sampler(dataset, class_id, seed=42):
    masks = [dataset.read(n)[1] for n in range(len(dataset))]
    shares = np.array([(m == class_id).sum() / max((m != 255).sum(), 1) for m in masks])
    return WeightedRandomSampler(1 + shares / (shares.mean() or 1), len(dataset), False, torch.Generator().manual_seed(seed))

# %% 5.5 wrong: a list, not a WeightedRandomSampler
def rare_class_sampler(dataset, class_id, seed=42):
    masks = [dataset.read(n)[1] for n in range(len(dataset))]
    shares = np.array([(m == class_id).sum() / max((m != 255).sum(), 1) for m in masks])
    return (1 + shares / (shares.mean() or 1)).tolist()

# %% 5.5 wrong: make a new one in each call
ORDER = torch.Generator()

def rare_class_sampler(dataset, class_id, seed=42, order=ORDER):
    masks = [dataset.read(n)[1] for n in range(len(dataset))]
    shares = np.array([(m == class_id).sum() / max((m != 255).sum(), 1) for m in masks])
    return WeightedRandomSampler(1 + shares / (shares.mean() or 1), len(dataset), generator=order)

# %% 5.5 wrong: every seed draws the same images
def rare_class_sampler(dataset, class_id, seed=42):
    masks = [dataset.read(n)[1] for n in range(len(dataset))]
    shares = np.array([(m == class_id).sum() / max((m != 255).sum(), 1) for m in masks])
    return WeightedRandomSampler(
        1 + shares / (shares.mean() or 1), len(dataset), generator=torch.Generator().manual_seed(42)
    )

# %% 5.5 wrong: ids count from 0, and 0 is a class
def rare_class_sampler(dataset, class_id, seed=42):
    class_id = class_id or 1
    masks = [dataset.read(n)[1] for n in range(len(dataset))]
    shares = np.array([(m == class_id).sum() / max((m != 255).sum(), 1) for m in masks])
    return WeightedRandomSampler(
        1 + shares / (shares.mean() or 1), len(dataset), generator=torch.Generator().manual_seed(seed)
    )

# %% 5.6 right: one branch for each
def get_dataset(config, split, source=None):
    if source is None:
        source = catalog.load(config)
    if split == "train":
        transform = train_transform(config)
    else:
        transform = eval_transform(config)
    side = None
    if config.framing == "resize":
        side = config.image_size
    return SegmentationDataset(source.pairs(split), source, transform, side, config.max_side)

# %% 5.6 right: the two quiet splits are named
def get_dataset(config, split, source=None):
    source = source or catalog.load(config)
    transform = eval_transform(config) if split in ("val", "test") else train_transform(config)
    resize = config.image_size if config.framing == "resize" else None
    return SegmentationDataset(source.pairs(split), source, transform, resize, config.max_side)

# %% 5.6 right: a table of pipelines, arguments by name
def get_dataset(config, split, source=None):
    source = catalog.load(config) if source is None else source
    side = {"resize": config.image_size}.get(config.framing)
    make = {"train": train_transform, "val": eval_transform, "test": eval_transform}[split]
    print(split, make.__name__)
    return SegmentationDataset(
        pairs=source.pairs(split), source=source, transform=make(config), resize=side, max_side=config.max_side
    )

# %% 5.6 right: a function as transform, what differs is set afterwards
def get_dataset(config, split, source=None):
    source = source or catalog.load(config)
    quiet, lively = eval_transform(config), train_transform(config)
    data = SegmentationDataset(source.pairs(split), source, lambda image, mask: quiet(image, mask))
    data.max_side = config.max_side
    if split == "train":
        data.transform = lively
    if config.framing != "crop":
        data.resize = config.image_size
    return data

# %% 5.6 wrong: a validation image changes from read to read
def get_dataset(config, split, source=None):
    source = source or catalog.load(config)
    transform = {"test": eval_transform}.get(split, train_transform)(config)
    resize = config.image_size if config.framing == "resize" else None
    return SegmentationDataset(source.pairs(split), source, transform, resize, config.max_side)

# %% 5.6 wrong: a test image changes from read to read
def get_dataset(config, split, source=None):
    source = source or catalog.load(config)
    transform = train_transform(config) if split != "val" else eval_transform(config)
    resize = config.image_size if config.framing == "resize" else None
    return SegmentationDataset(source.pairs(split), source, transform, resize, config.max_side)

# %% 5.6 wrong: a training image is the same at every read
def get_dataset(config, split, source=None):
    source = source or catalog.load(config)
    resize = config.image_size if config.framing == "resize" else None
    return SegmentationDataset(source.pairs(split), source, eval_transform(config), resize, config.max_side)

# %% 5.6 wrong: a training image is the same at every read: it is not augmented
def get_dataset(config, split, source=None):
    source = source or catalog.load(config)
    transform = train_transform(config) if split == "training" else eval_transform(config)
    resize = config.image_size if config.framing == "resize" else None
    return SegmentationDataset(source.pairs(split), source, transform, resize, config.max_side)

# %% 5.6 wrong: is not padded: give it eval_transform
def get_dataset(config, split, source=None):
    source = source or catalog.load(config)
    transform = train_transform(config) if split == "train" else None
    resize = config.image_size if config.framing == "resize" else None
    return SegmentationDataset(source.pairs(split), source, transform, resize, config.max_side)

# %% 5.6 wrong: a validation pair does not have the size of its file
def get_dataset(config, split, source=None):
    source = source or catalog.load(config)
    transform = train_transform(config)
    if split != "train":
        transform = lambda image, mask: (image[: config.image_size], mask[: config.image_size])
    resize = config.image_size if config.framing == "resize" else None
    return SegmentationDataset(source.pairs(split), source, transform, resize, config.max_side)

# %% 5.6 wrong: a validation pair is not what its files show
def get_dataset(config, split, source=None):
    source = source or catalog.load(config)
    quiet = eval_transform(config)
    transform = train_transform(config)
    if split != "train":
        transform = lambda image, mask: quiet(image[:, ::-1].copy(), mask[:, ::-1].copy())
    resize = config.image_size if config.framing == "resize" else None
    return SegmentationDataset(source.pairs(split), source, transform, resize, config.max_side)

# %% 5.6 wrong: holds other pairs than those of its split
def get_dataset(config, split, source=None):
    source = source or catalog.load(config)
    transform = train_transform(config) if split == "train" else eval_transform(config)
    resize = config.image_size if config.framing == "resize" else None
    return SegmentationDataset(source.pairs("train"), source, transform, resize, config.max_side)

# %% 5.6 wrong: pairs are resized though config.framing is 'crop'
def get_dataset(config, split, source=None):
    source = source or catalog.load(config)
    transform = train_transform(config) if split == "train" else eval_transform(config)
    return SegmentationDataset(source.pairs(split), source, transform, config.image_size, config.max_side)

# %% 5.6 wrong: training pairs are not squared
def get_dataset(config, split, source=None):
    source = source or catalog.load(config)
    transform = train_transform(config) if split == "train" else eval_transform(config)
    return SegmentationDataset(source.pairs(split), source, transform, None, config.max_side)

# %% 5.6 wrong: config.max_side does not arrive
def get_dataset(config, split, source=None):
    source = source or catalog.load(config)
    transform = train_transform(config) if split == "train" else eval_transform(config)
    resize = config.image_size if config.framing == "resize" else None
    return SegmentationDataset(source.pairs(split), source, transform, resize)

# %% 5.6 wrong: the source that is given is not used
def get_dataset(config, split, source=None):
    source = catalog.load(config)
    transform = train_transform(config) if split == "train" else eval_transform(config)
    resize = config.image_size if config.framing == "resize" else None
    return SegmentationDataset(source.pairs(split), source, transform, resize, config.max_side)

# %% 5.6 wrong: a source is loaded though one was given
def get_dataset(config, split, source=None):
    loaded = catalog.load(config)
    source = source or loaded
    transform = train_transform(config) if split == "train" else eval_transform(config)
    resize = config.image_size if config.framing == "resize" else None
    return SegmentationDataset(source.pairs(split), source, transform, resize, config.max_side)

# %% 5.6 wrong: AttributeError
def get_dataset(config, split, source=None):
    transform = train_transform(config) if split == "train" else eval_transform(config)
    resize = config.image_size if config.framing == "resize" else None
    return SegmentationDataset(source.pairs(split), source, transform, resize, config.max_side)

# %% 5.6 wrong: a list, not a SegmentationDataset
def get_dataset(config, split, source=None):
    source = source or catalog.load(config)
    return source.pairs(split)


# %% 5.1 wrong: the next batch overwrites this one
BATCHES = {}

def pad_collate(items):
    size = len(items), max(mask.shape[0] for _, mask in items), max(mask.shape[1] for _, mask in items)
    if size not in BATCHES:
        BATCHES[size] = torch.zeros(size[0], 3, *size[1:], dtype=torch.uint8), torch.zeros(size, dtype=torch.int64)
    images, masks = BATCHES[size]
    images.zero_()
    masks.fill_(255)
    for n, (image, mask) in enumerate(items):
        h, w = mask.shape
        images[n, :, :h, :w], masks[n, :h, :w] = image, mask
    return images, masks


# %% 5.2 wrong: the seed is too large
def seed_worker(worker_id):
    info = get_worker_info()
    if hasattr(info.dataset.transform, "set_random_seed"):
        info.dataset.transform.set_random_seed(info.seed % (2**32 + 1))


# %% 5.5 wrong: does your count start again after 255
def rare_class_sampler(dataset, class_id, seed=42):
    masks = [dataset.read(n)[1] for n in range(len(dataset))]
    shares = [(m == class_id).sum(dtype=np.uint8) / max((m != 255).sum(), 1) for m in masks]
    mean = sum(shares) / len(shares) or 1
    weights = [1 + share / mean for share in shares]
    return WeightedRandomSampler(weights, len(dataset), generator=torch.Generator().manual_seed(seed))


# %% 5.5 wrong: two samplers share one generator
GENERATOR = torch.Generator()

def rare_class_sampler(dataset, class_id, seed=42):
    masks = [dataset.read(n)[1] for n in range(len(dataset))]
    shares = [(m == class_id).sum() / max((m != 255).sum(), 1) for m in masks]
    mean = sum(shares) / len(shares) or 1
    weights = [1 + share / mean for share in shares]
    return WeightedRandomSampler(weights, len(dataset), generator=GENERATOR.manual_seed(seed))

# %% 5.3 wrong: are large weights cut off?
def class_weights(pixels):
    there = pixels > 0
    weights = torch.zeros(len(pixels))
    weights[there] = 1 / pixels[there].float().sqrt()
    return (weights / weights[there].mean()).clamp(max=10)

# %% 5.3 wrong: are large weights cut off?
def class_weights(pixels):
    there = pixels > 0
    weights = torch.zeros(len(pixels))
    weights[there] = 1 / pixels[there].float().sqrt()
    return (weights / weights[there].mean()).clamp(max=20)

# %% 5.3 wrong: a later call changes the weights
def class_weights(pixels, memory={}):
    there = pixels > 0
    weights = torch.zeros(len(pixels))
    weights[there] = 1 / pixels[there].float().sqrt()
    kept = memory.setdefault(len(pixels), torch.zeros(len(pixels)))
    return kept.copy_(weights / weights[there].mean())

# %% 5.2 wrong: `hash` of a text differs
def seed_worker(worker_id):
    info = get_worker_info()
    transform = info.dataset.transform
    if hasattr(transform, "set_random_seed"):
        transform.set_random_seed(hash(str(info.seed)) % 2**32)

# %% 5.2 wrong: `hash` of a text differs
def seed_worker(worker_id):
    info = get_worker_info()
    transform = info.dataset.transform
    if hasattr(transform, "set_random_seed"):
        transform.set_random_seed(hash(('worker', info.seed)) % 2**32)

# %% 5.2 wrong: the seed is too large
def seed_worker(worker_id):
    info = get_worker_info()
    transform = info.dataset.transform
    if hasattr(transform, "set_random_seed"):
        transform.set_random_seed(info.seed % 2**32 + worker_id)

# %% 5.2 wrong: the seed is too large
def seed_worker(worker_id):
    info = get_worker_info()
    transform = info.dataset.transform
    if hasattr(transform, "set_random_seed"):
        transform.set_random_seed(info.seed % 2**32 + 1)

# %% 5.2 wrong: in every worker, here 1
def seed_worker(worker_id):
    info = get_worker_info()
    transform = info.dataset.transform
    if worker_id == 0 and hasattr(transform, "set_random_seed"):
        transform.set_random_seed(info.seed % 2**32)

# %% 5.5 wrong: is its weight cut off?
def rare_class_sampler(dataset, class_id, seed=42):
    shares = []
    for n in range(len(dataset)):
        mask = dataset.read(n)[1]
        labelled = (mask != 255).sum()
        shares.append((mask == class_id).sum() / labelled if labelled else 0.0)
    shares = torch.tensor(shares, dtype=torch.float64)
    mean = shares.mean()
    weights = 1 + shares / mean if mean > 0 else torch.ones(len(dataset), dtype=torch.float64)
    weights = weights.clamp(max=5)
    return WeightedRandomSampler(weights, len(dataset), generator=torch.Generator().manual_seed(seed))

# %% 5.5 wrong: the weights are not 1 + share / mean share
def rare_class_sampler(dataset, class_id, seed=42):
    shares = []
    for n in range(len(dataset)):
        mask = dataset.read(n)[1]
        labelled = (mask != 255).sum()
        shares.append((mask == class_id).sum() / labelled if labelled else 0.0)
    shares = torch.tensor(shares, dtype=torch.float64)
    mean = shares.median()
    weights = 1 + shares / mean if mean > 0 else torch.ones(len(dataset), dtype=torch.float64)
    return WeightedRandomSampler(weights, len(dataset), generator=torch.Generator().manual_seed(seed))

# %% 5.5 wrong: 0 / 0 is NaN
def rare_class_sampler(dataset, class_id, seed=42):
    shares = []
    for n in range(len(dataset)):
        mask = dataset.read(n)[1]
        labelled = (mask != 255).sum()
        shares.append((mask == class_id).sum() / labelled)
    shares = torch.tensor(shares, dtype=torch.float64)
    mean = shares.mean()
    weights = 1 + shares / mean if mean > 0 else torch.ones(len(dataset), dtype=torch.float64)
    return WeightedRandomSampler(weights, len(dataset), generator=torch.Generator().manual_seed(seed))

# %% 5.5 wrong: the weights are rounded
def rare_class_sampler(dataset, class_id, seed=42):
    shares = []
    for n in range(len(dataset)):
        mask = dataset.read(n)[1]
        labelled = (mask != 255).sum()
        shares.append((mask == class_id).sum() / labelled if labelled else 0.0)
    shares = torch.tensor(shares, dtype=torch.float64)
    mean = shares.mean()
    weights = 1 + shares / mean if mean > 0 else torch.ones(len(dataset), dtype=torch.float64)
    weights = weights.round()
    return WeightedRandomSampler(weights, len(dataset), generator=torch.Generator().manual_seed(seed))

# %% 5.5 wrong: the weights are rounded
def rare_class_sampler(dataset, class_id, seed=42):
    shares = []
    for n in range(len(dataset)):
        mask = dataset.read(n)[1]
        labelled = (mask != 255).sum()
        shares.append((mask == class_id).sum() / labelled if labelled else 0.0)
    shares = torch.tensor(shares, dtype=torch.float64)
    mean = shares.mean()
    weights = 1 + shares / mean if mean > 0 else torch.ones(len(dataset), dtype=torch.float64)
    weights = (weights * 10).round()
    return WeightedRandomSampler(weights, len(dataset), generator=torch.Generator().manual_seed(seed))

# %% 5.5 wrong: an image with a single labelled pixel
def rare_class_sampler(dataset, class_id, seed=42):
    shares = []
    for n in range(len(dataset)):
        mask = dataset.read(n)[1]
        labelled = (mask != 255).sum()
        shares.append((mask == class_id).sum() / labelled if labelled > 1 else 0.0)
    shares = torch.tensor(shares, dtype=torch.float64)
    mean = shares.mean()
    weights = 1 + shares / mean if mean > 0 else torch.ones(len(dataset), dtype=torch.float64)
    return WeightedRandomSampler(weights, len(dataset), generator=torch.Generator().manual_seed(seed))

# %% 5.5 wrong: is changed in place
def rare_class_sampler(dataset, class_id, seed=42):
    shares = []
    for n in range(len(dataset)):
        mask = dataset.read(n)[1]
        mask[mask == 254] = 255
        mask[mask == 255] = 0
        labelled = (mask != 255).sum()
        shares.append((mask == class_id).sum() / labelled if labelled else 0.0)
    shares = torch.tensor(shares, dtype=torch.float64)
    mean = shares.mean()
    weights = 1 + shares / mean if mean > 0 else torch.ones(len(dataset), dtype=torch.float64)
    return WeightedRandomSampler(weights, len(dataset), generator=torch.Generator().manual_seed(seed))

# %% 5.4 wrong: with in_order=False a quick worker
def build_loader(dataset, config, train):
    generator = torch.Generator().manual_seed(config.seed)
    return DataLoader(
        dataset,
        batch_size=config.batch_size,
        shuffle=train,
        drop_last=train,
        num_workers=config.workers,
        collate_fn=pad_collate,
        worker_init_fn=seed_worker,
        in_order=False,
        generator=generator,
    )

# %% 5.4 wrong: with in_order=False
def build_loader(dataset, config, train):
    generator = torch.Generator().manual_seed(config.seed)
    return DataLoader(
        dataset,
        batch_size=config.batch_size,
        shuffle=train,
        drop_last=train,
        num_workers=config.workers,
        collate_fn=pad_collate,
        worker_init_fn=seed_worker,
        in_order=not config.workers,
        generator=generator,
    )

# %% 5.4 wrong: training keeps a smaller last batch
def build_loader(dataset, config, train):
    generator = torch.Generator().manual_seed(config.seed)
    return DataLoader(
        dataset,
        batch_size=config.batch_size,
        shuffle=train,
        drop_last=train and len(dataset) >= config.batch_size,
        num_workers=config.workers,
        collate_fn=pad_collate,
        worker_init_fn=seed_worker,
        generator=generator,
    )

# %% 5.4 wrong: training keeps a smaller last batch
def build_loader(dataset, config, train):
    generator = torch.Generator().manual_seed(config.seed)
    return DataLoader(
        dataset,
        batch_size=min(config.batch_size, len(dataset)),
        shuffle=train,
        drop_last=train,
        num_workers=config.workers,
        collate_fn=pad_collate,
        worker_init_fn=seed_worker,
        generator=generator,
    )
