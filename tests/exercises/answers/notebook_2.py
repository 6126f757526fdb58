# %% prelude
import numpy as np
import torch

from utils.config import Config
from utils.errors import ConfigError

# %% 2.1 right: two dictionaries joined with |
def override(config, **changes):
    return Config(**(config.model_dump() | changes))

# %% 2.1 right: a loop over the fields
def override(config, **changes):
    values = {}
    for name in Config.model_fields:
        values[name] = getattr(config, name)
    values.update(changes)
    return Config(**values)

# %% 2.1 right: what was set, then what changes
def override(config, **changes):
    old = config.model_dump(exclude_unset=True)
    for name in changes:
        old[name] = changes[name]
    print("building anew")
    return type(config)(**old)

# %% 2.1 right: validated from a dictionary
def override(config, **changes):
    return Config.model_validate({**config.model_dump(), **changes})

# %% 2.1 right: the attributes as a dictionary
def override(config, **changes):
    values = dict(vars(config))
    values.update(**changes)
    return config.__class__(**values)

# %% 2.1 right: looked up in one, then in the other
from collections import ChainMap
def override(config, **changes):
    return Config(**ChainMap(changes, config.model_dump()))

# %% 2.1 wrong: a bad value is accepted
def override(config, **changes):
    return config.model_copy(update=changes)

# %% 2.1 wrong: only what is named may change
def override(config, **changes):
    return Config(**changes)

# %% 2.1 wrong: changes win over old values
def override(config, **changes):
    return Config(**{**changes, **config.model_dump()})

# %% 2.1 wrong: the result is a dict, not a Config
def override(config, **changes):
    return {**config.model_dump(), **changes}

# %% 2.1 wrong: lay one dictionary over the other first
def override(config, **changes):
    return Config(**config.model_dump(), **changes)

# %% 2.1 wrong: a config is frozen, so nothing can be set in it
def override(config, **changes):
    for name, value in changes.items():
        setattr(config, name, value)
    return config

# %% 2.1 wrong: the old config changed
def override(config, **changes):
    for name, value in changes.items():
        object.__setattr__(config, name, value)
    return Config(**config.model_dump())

# %% 2.1 wrong: `weights=None` is a change, too
def override(config, **changes):
    return Config(**{**config.model_dump(), **{k: v for k, v in changes.items() if v is not None}})

# %% 2.1 wrong: a misspelt name is dropped in silence
def override(config, **changes):
    known = {name: value for name, value in changes.items() if name in Config.model_fields}
    return Config(**{**config.model_dump(), **known})

# %% 2.1 wrong: nothing is returned
def override(config, **changes):
    Config(**{**config.model_dump(), **changes})

# %% 2.1 wrong: the result is not a copy
def override(config, **changes):
    raise ValueError("the result is not a copy")

# %% 2.1 wrong: is passed over in silence
def override(config, **changes):
    try:
        return Config(**{**config.model_dump(), **changes})
    except ConfigError as error:
        print(error)
        return config

# %% 2.4 right: a dictionary, pixel by pixel
def rgb_to_ids(raw, palette):
    places = {tuple(colour): index for index, colour in enumerate(palette)}
    rows = [[places.get(tuple(int(v) for v in pixel), -1) for pixel in row] for row in raw]
    return np.array(rows, dtype=np.int64)

# %% 2.4 right: all colours at once
def rgb_to_ids(raw, palette):
    same = (raw[:, :, None, :] == np.asarray(palette)[None, None]).all(-1)
    return np.where(same.any(-1), same.argmax(-1), -1)

# %% 2.4 right: colours packed into one number
def pack(colours):
    colours = np.asarray(colours).astype(np.int64)
    return colours[..., 0] * 65536 + colours[..., 1] * 256 + colours[..., 2]

def rgb_to_ids(raw, palette):
    numbers = pack(raw)
    ids = np.full(numbers.shape, -1, dtype=np.int64)
    for index, number in enumerate(pack(palette)):
        ids[numbers == number] = index
    return ids

# %% 2.4 right: np.select
def rgb_to_ids(raw, palette):
    r, g, b = np.moveaxis(raw, -1, 0)
    conditions = [(r == c[0]) & (g == c[1]) & (b == c[2]) for c in palette]
    return np.select(conditions, list(range(len(palette))), default=-1).astype("int64")

# %% 2.4 right: each colour looked up once
def rgb_to_ids(raw, palette):
    colours, inverse = np.unique(raw.reshape(-1, 3), axis=0, return_inverse=True)
    places = {tuple(c): i for i, c in enumerate(palette)}
    table = np.array([places.get(tuple(c.tolist()), -1) for c in colours])
    return table[inverse.reshape(-1)].reshape(raw.shape[:2])

# %% 2.4 right: the nearest, if its distance is 0
def rgb_to_ids(raw, palette):
    gaps = np.abs(raw[:, :, None].astype(int) - np.array(palette)).sum(-1)
    return np.where(gaps.min(-1) == 0, gaps.argmin(-1), -1)

# %% 2.4 wrong: one equal value is not enough
def rgb_to_ids(raw, palette):
    ids = np.full(raw.shape[:2], -1, dtype=np.int64)
    for index, colour in enumerate(palette):
        ids[(raw == np.array(colour)).any(axis=-1)] = index
    return ids

# %% 2.4 wrong: an unknown colour becomes class 0
def rgb_to_ids(raw, palette):
    ids = np.zeros(raw.shape[:2], dtype=np.int64)
    for index, colour in enumerate(palette):
        ids[(raw == np.array(colour)).all(axis=-1)] = index
    return ids

# %% 2.4 wrong: where nothing is True
def rgb_to_ids(raw, palette):
    return (raw[:, :, None] == palette).all(-1).argmax(-1)

# %% 2.4 wrong: an unknown colour becomes 255
def rgb_to_ids(raw, palette):
    ids = np.full(raw.shape[:2], 255, dtype=np.int64)
    for index, colour in enumerate(palette):
        ids[(raw == np.array(colour)).all(axis=-1)] = index
    return ids

# %% 2.4 wrong: the first colour of the palette has id 0
def rgb_to_ids(raw, palette):
    ids = np.full(raw.shape[:2], -1, dtype=np.int64)
    for index, colour in enumerate(palette, 1):
        ids[(raw == np.array(colour)).all(axis=-1)] = index
    return ids

# %% 2.4 wrong: taken for the nearest known one
def rgb_to_ids(raw, palette):
    gaps = ((raw[:, :, None].astype(int) - np.array(palette)[None, None]) ** 2).sum(-1)
    return gaps.argmin(-1)

# %% 2.4 wrong: colours are confused
def rgb_to_ids(raw, palette):
    ids = np.full(raw.shape[:2], -1, dtype=np.int64)
    for index, colour in enumerate(palette):
        ids[raw.sum(axis=-1) == sum(colour)] = index
    return ids

# %% 2.4 wrong: the ids are int32
def rgb_to_ids(raw, palette):
    ids = np.full(raw.shape[:2], -1, dtype=np.int32)
    for index, colour in enumerate(palette):
        ids[(raw == np.array(colour)).all(axis=-1)] = index
    return ids

# %% 2.4 wrong: red, green and blue are the last axis
def rgb_to_ids(raw, palette):
    ids = np.full(raw.shape, -1, dtype=np.int64)
    for index, colour in enumerate(palette):
        ids[np.all(raw == colour, axis=0)] = index
    return ids

# %% 2.4 wrong: the result is a list, not a NumPy array
def rgb_to_ids(raw, palette):
    return [[list(palette).index(tuple(p)) if tuple(p) in palette else -1 for p in row] for row in raw.tolist()]

# %% 2.4 wrong: there must be one id a pixel
def rgb_to_ids(raw, palette):
    ids = np.full(raw.shape, -1, dtype=np.int64)
    for index, colour in enumerate(palette):
        ids[(raw == np.array(colour)).all(axis=-1)] = index
    return ids

# %% 2.4 wrong: no colour is found
def rgb_to_ids(raw, palette):
    ids = np.full(raw.shape[:2], -1, dtype=np.int64)
    for i, colour in enumerate(palette):
        ids[(raw[..., ::-1] == np.array(colour)).all(axis=-1)] = i
    return ids

# %% 2.4 wrong: a part of the colour is not enough
def rgb_to_ids(raw, palette):
    ids = np.full(raw.shape[:2], -1, dtype=np.int64)
    for i, colour in enumerate(palette):
        ids[raw[..., 0] == colour[0]] = i
    return ids

# %% 2.4 wrong: do some of them become the same number
def rgb_to_ids(raw, palette):
    key = raw[..., 0] * 3 + raw[..., 1] * 5 + raw[..., 2] * 7
    ids = np.full(raw.shape[:2], -1, dtype=np.int64)
    for i, c in enumerate(np.array(palette, np.uint8)):
        ids[key == c[0] * 3 + c[1] * 5 + c[2] * 7] = i
    return ids

# %% 2.4 wrong: raw.astype(np.int64) comes first
def rgb_to_ids(raw, palette):
    numbers = raw[..., 0] * 65536 + raw[..., 1] * 256 + raw[..., 2]
    ids = np.full(raw.shape[:2], -1, dtype=np.int64)
    for index, (red, green, blue) in enumerate(palette):
        ids[numbers == red * 65536 + green * 256 + blue] = index
    return ids

# %% 2.4 wrong: a byte cannot hold -1
def rgb_to_ids(raw, palette):
    ids = np.full(raw.shape[:2], -1, dtype=np.uint8)
    for index, colour in enumerate(palette):
        ids[(raw == np.array(colour)).all(axis=-1)] = index
    return ids

# %% 2.2 right: class by class
WHITE = (255, 255, 255)

def ids_to_rgb(ids, palette):
    picture = np.full((*ids.shape, 3), WHITE, dtype=np.uint8)
    for index, colour in enumerate(palette):
        picture[ids == index] = colour
    return picture

# %% 2.2 right: pixel by pixel
def ids_to_rgb(ids, palette):
    rows = [[(255, 255, 255) if i == 255 else palette[i] for i in row] for row in ids.tolist()]
    return np.array(rows).astype("uint8")

# %% 2.2 right: np.take of a longer palette
def ids_to_rgb(ids, palette):
    table = np.vstack([np.array(palette, dtype=np.uint8), np.full((256 - len(palette), 3), 255, dtype=np.uint8)])
    return np.take(table, ids, axis=0)

# %% 2.2 right: clip, then paint the ignored
def ids_to_rgb(ids, palette):
    colours = np.asarray(palette)
    picture = colours[np.minimum(ids, len(colours) - 1)].astype(np.uint8)
    picture[ids == 255] = 255
    return picture

# %% 2.2 right: a picture's own palette
from PIL import Image
def ids_to_rgb(ids, palette):
    picture = Image.fromarray(ids.astype(np.uint8))
    flat = [255] * 768
    for i, c in enumerate(palette):
        flat[3 * i : 3 * i + 3] = [int(v) for v in c]
    picture.putpalette(flat)
    return np.array(picture.convert("RGB"))

# %% 2.2 right: one-hot times colours
def ids_to_rgb(ids, palette):
    onehot = (ids[..., None] == np.arange(len(palette))).astype(int)
    colours = onehot @ np.array(palette)
    return np.where((ids == 255)[..., None], 255, colours).astype(np.uint8)

# %% 2.2 wrong: it needs a row for 255, too
def ids_to_rgb(ids, palette):
    return np.array(palette, dtype=np.uint8)[ids]

# %% 2.2 wrong: it needs a row for 255, too
def ids_to_rgb(ids, palette):
    return np.array(palette)[ids]

# %% 2.2 wrong: ignored pixels (255) are black
def ids_to_rgb(ids, palette):
    table = np.zeros((256, 3), dtype=np.uint8)
    table[: len(palette)] = palette
    return table[ids]

# %% 2.2 wrong: ignored pixels (255) have a class's colour
def ids_to_rgb(ids, palette):
    table = np.array(palette, dtype=np.uint8)
    return table[ids % len(table)]

# %% 2.2 wrong: red and blue are swapped
def ids_to_rgb(ids, palette):
    table = np.full((256, 3), 255, dtype=np.uint8)
    table[: len(palette)] = palette
    return table[ids][..., ::-1]

# %% 2.2 wrong: the picture is int64
def ids_to_rgb(ids, palette):
    table = np.full((256, 3), 255)
    table[: len(palette)] = palette
    return table[ids]

# %% 2.2 wrong: the colours are between 0 and 1
def ids_to_rgb(ids, palette):
    table = np.full((256, 3), 255)
    table[: len(palette)] = palette
    return table[ids] / 255

# %% 2.2 wrong: the three colours come last
def ids_to_rgb(ids, palette):
    table = np.full((256, 3), 255, dtype=np.uint8)
    table[: len(palette)] = palette
    return table[ids].transpose(2, 0, 1)

# %% 2.2 wrong: this palette has 2, so use len(palette)
def ids_to_rgb(ids, palette):
    table = np.full((256, 3), 255, dtype=np.uint8)
    table[:3] = palette
    return table[ids]

# %% 2.2 wrong: this palette has 3, so use len(palette)
def ids_to_rgb(ids, palette):
    table = np.full((256, 3), 255, dtype=np.uint8)
    table[0:6] = palette
    return table[ids]

# %% 2.2 wrong: `ids` is changed in place
def ids_to_rgb(ids, palette):
    table = np.array([*palette, (255, 255, 255)], dtype=np.uint8)
    ids[ids == 255] = len(palette)
    return table[ids]

# %% 2.2 wrong: class 0 is not painted
def ids_to_rgb(ids, palette):
    out = np.full((*ids.shape, 3), 255, np.uint8)
    for i in range(1, len(palette)):
        out[ids == i] = palette[i]
    return out

# %% 2.2 wrong: each class has another's colour
def ids_to_rgb(ids, palette):
    table = np.full((256, 3), 255, dtype=np.uint8)
    table[1 : len(palette) + 1] = palette
    return table[ids]

# %% 2.2 wrong: rows and columns are swapped
def ids_to_rgb(ids, palette):
    table = np.full((256, 3), 255, dtype=np.uint8)
    table[: len(palette)] = palette
    return table[ids.T]

# %% 2.3 right: a loop over the classes
def count_pixels(mask, num_classes):
    return np.array([int((mask == c).sum()) for c in range(num_classes)])

# %% 2.3 right: np.unique into zeros
def count_pixels(mask, num_classes):
    counts = np.zeros(num_classes, dtype=np.int64)
    for value, count in zip(*np.unique(mask, return_counts=True)):
        if value != 255:
            counts[value] = count
    return counts

# %% 2.3 right: 256 counts, cut off
def count_pixels(mask, num_classes):
    return np.bincount(np.ravel(mask), minlength=256)[:num_classes]

# %% 2.3 right: np.add.at
def count_pixels(mask, num_classes):
    counts = np.zeros(num_classes, dtype=int)
    np.add.at(counts, mask[mask < num_classes], 1)
    return counts

# %% 2.3 right: Counter
from collections import Counter
def count_pixels(mask, num_classes):
    counter = Counter(mask.ravel().tolist())
    return np.array([counter[c] for c in range(num_classes)])

# %% 2.3 right: a histogram
def count_pixels(mask, num_classes):
    counts, _ = np.histogram(mask, bins=np.arange(num_classes + 1) - 0.5)
    return counts

# %% 2.3 wrong: the result has a place for 255
def count_pixels(mask, num_classes):
    return np.bincount(mask.ravel(), minlength=num_classes)

# %% 2.3 wrong: absent classes have no place
def count_pixels(mask, num_classes):
    return np.unique(mask[mask != 255], return_counts=True)[1]

# %% 2.3 wrong: these are shares
def count_pixels(mask, num_classes):
    counts = np.bincount(mask[mask != 255], minlength=num_classes)
    return counts / counts.sum()

# %% 2.3 wrong: ignored pixels (255) are counted as the last class
def count_pixels(mask, num_classes):
    return np.bincount(np.minimum(mask, num_classes - 1).ravel(), minlength=num_classes)

# %% 2.3 wrong: bincount wants a flat array
def count_pixels(mask, num_classes):
    return np.bincount(mask, minlength=num_classes)

# %% 2.3 wrong: the counts are float64
def count_pixels(mask, num_classes):
    counts = np.zeros(num_classes)
    for c in range(num_classes):
        counts[c] = (mask == c).sum()
    return counts

# %% 2.3 wrong: large counts are off
def count_pixels(mask, num_classes):
    return np.array([(mask == c).sum(dtype=np.uint8) for c in range(num_classes)])

# %% 2.3 wrong: the result is a list, not a NumPy array
def count_pixels(mask, num_classes):
    return [int((mask == c).sum()) for c in range(num_classes)]

# %% 2.3 wrong: the result is a tensor of shape (3,), not a NumPy array
def count_pixels(mask, num_classes):
    flat = torch.from_numpy(mask).flatten().long()
    return torch.bincount(flat[flat != 255], minlength=num_classes)

# %% 2.3 wrong: `mask` is changed in place
def count_pixels(mask, num_classes):
    mask[mask == 255] = 0
    return np.bincount(mask.ravel(), minlength=num_classes)

# %% 2.3 wrong: the last class is not counted
def count_pixels(mask, num_classes):
    return np.bincount(mask[mask < num_classes - 1], minlength=num_classes)

# %% 2.3 wrong: class 0 is not counted
def count_pixels(mask, num_classes):
    return np.bincount(mask[(mask != 255) & (mask != 0)], minlength=num_classes)

# %% 2.3 wrong: adds only once
def count_pixels(mask, num_classes):
    counts = np.zeros(num_classes, dtype=np.int64)
    valid = mask[mask != 255]
    counts[valid] += 1
    return counts

# %% 2.3 wrong: the ids are added up
def count_pixels(mask, num_classes):
    return np.array([mask[mask == c].sum() for c in range(num_classes)])

# %% 2.3 wrong: OverflowError
def count_pixels(mask, num_classes):
    counts = np.zeros(num_classes, dtype=np.int16)
    for c in range(num_classes):
        counts[c] = (mask == c).sum()
    return counts

# %% 2.1 wrong: `seed=0` is a change, too
def override(config, **changes):
    values = config.model_dump()
    values.update({name: value for name, value in changes.items() if value or value is None})
    return Config(**values)

# %% 2.1 wrong: `weights=None` is a change, too
def override(config, **changes):
    return Config(**{**config.model_dump(), **{name: value for name, value in changes.items() if value is not None}})

# %% 2.1 wrong: that is the course's own `override`
def override(config, **changes):
    return config.override(**changes)

# %% 2.4 wrong: two colours become the same number
def rgb_to_ids(raw, palette):
    number = raw[..., 0].astype(np.int64) * 255 * 255 + raw[..., 1].astype(np.int64) * 255 + raw[..., 2]
    ids = np.full(raw.shape[:2], -1, dtype=np.int64)
    for index, (red, green, blue) in enumerate(palette):
        ids[number == red * 255 * 255 + green * 255 + blue] = index
    return ids

# %% 2.4 right: one number for each colour, base 256
def rgb_to_ids(raw, palette):
    number = raw.astype(np.int64) @ np.array([256 * 256, 256, 1])
    ids = np.full(raw.shape[:2], -1, dtype=np.int64)
    for index, colour in enumerate(palette):
        ids[number == np.dot(colour, [256 * 256, 256, 1])] = index
    return ids

# %% 2.2 wrong: the axes are (height, width, red green blue)
def ids_to_rgb(ids, palette):
    table = np.full((256, 3), 255, dtype=np.uint8)
    table[: len(palette)] = palette
    return table[ids][None]

# %% 2.3 right: a helper below, in the same cell
def count_pixels(mask, num_classes):
    return np.array([number_of(mask, c) for c in range(num_classes)])


def number_of(mask, c):
    return int((mask == c).sum())

# %% 2.3 wrong: stopped on a mask of shape (2, 2, 3): a mask may have any shape, so flatten it with mask.ravel()
def count_pixels(mask, num_classes):
    counts = np.zeros(num_classes, dtype=np.int64)
    for row in mask:
        for value in row:
            if value != 255:
                counts[value] += 1
    return counts

# %% 2.3 wrong: a mask of shape (2, 2, 3) is not counted as a whole
def count_pixels(mask, num_classes):
    height, width = mask.shape[-2:] if mask.ndim > 1 else (1, mask.shape[0])
    flat = mask.reshape(-1, height, width)[0]
    return np.bincount(flat[flat != 255], minlength=num_classes)

# %% 2.3 wrong: stopped on a mask of shape (2, 2, 3)
def count_pixels(mask, num_classes):
    height, width = mask.shape
    values = [mask[y, x] for y in range(height) for x in range(width)]
    return np.array([values.count(c) for c in range(num_classes)])

# %% 2.3 wrong: ValueError
def count_pixels(mask, num_classes):
    counts = np.zeros(num_classes, dtype=np.int64)
    for value in mask:
        if value != 255:
            counts[value] += 1
    return counts

# %% 2.4 wrong: `raw == colour` has three truth values for each pixel
def rgb_to_ids(raw, palette):
    ids = np.full(raw.shape[:2], -1, dtype=np.int64)
    for index, colour in enumerate(palette):
        ids[raw == colour] = index
    return ids

# %% 2.4 wrong: `index` stops at a colour that is not in the palette
def rgb_to_ids(raw, palette):
    return np.array([[palette.index(tuple(pixel)) for pixel in row] for row in raw.tolist()], dtype=np.int64)

# %% 2.4 wrong: join the three of a pixel with `.all()`, or whole arrays with `&`
def rgb_to_ids(raw, palette):
    ids = np.full(raw.shape[:2], -1, dtype=np.int64)
    for y, row in enumerate(raw):
        for x, pixel in enumerate(row):
            for index, colour in enumerate(palette):
                if pixel == colour:
                    ids[y, x] = index
    return ids

# %% 2.4 wrong: `.all()` without an axis gives one answer for the whole picture
def rgb_to_ids(raw, palette):
    ids = np.full(raw.shape[:2], -1, dtype=np.int64)
    for index, colour in enumerate(palette):
        ids[(raw == np.array(colour)).all()] = index
    return ids

# %% 2.4 wrong: only the palette's last colour is found
def rgb_to_ids(raw, palette):
    for index, colour in enumerate(palette):
        ids = np.where((raw == np.array(colour)).all(axis=-1), index, -1)
    return ids

# %% 2.4 wrong: red, green and blue are the last axis
def rgb_to_ids(raw, palette):
    ids = np.full(raw.shape[:2], -1, dtype=np.int64)
    for index, colour in enumerate(palette):
        ids[(raw == np.array(colour)).all(axis=1)] = index
    return ids

# %% 2.4 wrong: where red, green and blue all agree, the id belongs there
def rgb_to_ids(raw, palette):
    ids = np.full(raw.shape[:2], -1, dtype=np.int64)
    for index, colour in enumerate(palette):
        found = ids[(raw == np.array(colour)).all(axis=-1)]
        found[:] = index
    return ids

# %% 2.1 wrong: keep the two stars
def override(config, changes):
    return Config(**{**config.model_dump(), **changes})

# %% 2.3 wrong: the result must hold one number for each class
def count_pixels(mask, num_classes):
    return np.bincount(mask[mask != 255], minlength=num_classes)[1:]

# %% 2.2 wrong: each pixel needs three numbers
def ids_to_rgb(ids, palette):
    table = np.full(256, 255, dtype=np.uint8)
    table[: len(palette)] = [colour[0] for colour in palette]
    return table[ids]

# %% 2.3 wrong: make them integers, as np.zeros(num_classes, dtype=int) does
def count_pixels(mask, num_classes):
    counts = np.zeros(num_classes)
    for value in mask.ravel():
        if value != 255:
            counts[value] += 1
    return counts

# %% 2.1 wrong: unpack the dictionary with two stars
def override(config, **changes):
    return Config(config.model_dump(), **changes)

# %% 2.1 wrong: unpack the dictionary with two stars
def override(config, **changes):
    return Config({**config.model_dump(), **changes})

# %% 2.2 wrong: take its size from ids.shape
def ids_to_rgb(ids, palette):
    out = np.full((256, 256, 3), 255, dtype=np.uint8)
    for index, colour in enumerate(palette):
        out[ids == index] = colour
    return out

# %% 2.2 wrong: turn it into one with list(palette)
def ids_to_rgb(ids, palette):
    table = np.array(palette + [(255, 255, 255)] * (256 - len(palette)), dtype=np.uint8)
    return table[ids]

# %% 2.1 wrong: changes that fit each other are refused
def override(config, **changes):
    new = Config(**config.model_dump())
    for name, value in changes.items():
        new = Config(**{**new.model_dump(), name: value})
    return new

# %% 2.1 wrong: only what is named may change
def override(config, **changes):
    return Config(**{**config.model_dump(exclude={"output", "root", "seed"}), **changes})

# %% 2.1 wrong: also where nothing changes
def override(config, **changes):
    return Config(**{**config.model_dump(), **changes}) if changes else config

# %% 2.2 wrong: has every palette its own place for white
def ids_to_rgb(ids, palette):
    table = np.array([*palette, (255, 255, 255)], dtype=np.uint8)
    return table[ids % len(table)]

# %% 2.2 wrong: 250 classes
def ids_to_rgb(ids, palette):
    picture = np.stack([ids] * 3, axis=-1).astype(np.uint8)
    for number, colour in enumerate(palette):
        picture[(picture == number).all(axis=-1)] = colour
    picture[ids == 255] = 255
    return picture

# %% 2.2 wrong: a later call changes an earlier picture
PICTURES = {}
def ids_to_rgb(ids, palette):
    picture = PICTURES.setdefault(ids.shape, np.zeros((*ids.shape, 3), dtype=np.uint8))
    picture[...] = 255
    for number, colour in enumerate(palette):
        picture[ids == number] = colour
    return picture

# %% 2.3 wrong: id 254 is one of them
def count_pixels(mask, num_classes):
    ids = mask.astype(np.int8)
    return np.bincount(ids[ids >= 0], minlength=num_classes)

# %% 2.3 wrong: a later call changes the counts
COUNTS = {}
def count_pixels(mask, num_classes):
    counts = COUNTS.setdefault(num_classes, np.zeros(num_classes, dtype=int))
    counts[:] = np.bincount(mask[mask != 255], minlength=num_classes)
    return counts

# %% 2.4 wrong: or the same text
def rgb_to_ids(raw, palette):
    places = {"".join(map(str, colour)): number for number, colour in enumerate(palette)}
    found = [["".join(map(str, pixel)) for pixel in row] for row in raw.tolist()]
    return np.array([[places.get(text, -1) for text in row] for row in found], dtype=np.int64)

# %% 2.4 wrong: black and white too
def rgb_to_ids(raw, palette):
    ids = np.where((raw == 0).all(axis=-1), 0, -1)
    for number, colour in enumerate(palette):
        ids[(raw == np.array(colour)).all(axis=-1)] = number
    return ids.astype(np.int64)

# %% 2.4 wrong: another palette of as many colours
PALETTES = {}
def rgb_to_ids(raw, palette):
    ids = np.full(raw.shape[:2], -1, dtype=np.int64)
    for number, colour in enumerate(PALETTES.setdefault(len(palette), palette)):
        ids[(raw == np.array(colour)).all(axis=-1)] = number
    return ids

# %% 2.1 wrong: a name that does not exist must raise ConfigError, which Config does for you
def override(config, **changes):
    values = config.model_dump()
    for name in changes:
        if name not in values:
            raise KeyError(name)
    return Config(**{**values, **changes})

# %% 2.1 wrong: a name that does not exist must raise ConfigError, which Config does for you
def override(config, **changes):
    values = config.model_dump()
    for name, value in changes.items():
        if name not in values:
            raise ValueError(f"no field {name}")
        values[name] = value
    return Config(**values)

# %% 2.1 wrong: a bad value must raise ConfigError, which Config does for you
def override(config, **changes):
    assert changes.get("epochs", 1) > 0
    return Config(**{**config.model_dump(), **changes})

# %% 2.1 wrong: or copy.copy is not validated, so build a Config anew
import copy
def override(config, **changes):
    result = copy.copy(config)
    for name, value in changes.items():
        object.__setattr__(result, name, value)
    return result

# %% 2.2 wrong: a tuple or a list cannot be indexed with a mask: make an array of it first, with np.array
def ids_to_rgb(ids, palette):
    return palette[ids]

# %% 2.3 wrong: ignored pixels (255) have no place among the counts: leave them out before you count
def count_pixels(mask, num_classes):
    out = np.zeros(num_classes, dtype=int)
    for v in mask.ravel():
        out[v] += 1
    return out

# %% 2.3 wrong: ignored pixels (255) have no place among the counts: leave them out before you count
def count_pixels(mask, num_classes):
    out = np.zeros(num_classes, dtype=int)
    for v, c in zip(*np.unique(mask, return_counts=True)):
        out[v] = c
    return out

# %% 2.3 wrong: ignored pixels (255) have no place among the counts: leave them out before you count
def count_pixels(mask, num_classes):
    counts = {c: 0 for c in range(num_classes)}
    for value in mask.ravel().tolist():
        counts[value] += 1
    return np.array(list(counts.values()))

# %% 2.3 wrong: every count stands one place too early: class 0 comes first
def count_pixels(mask, num_classes):
    return np.array([(mask == c).sum() for c in range(1, num_classes + 1)])

# %% 2.4 wrong: join the three of a pixel with `.all()`, or whole arrays with `&`
def rgb_to_ids(raw, palette):
    ids = np.full(raw.shape[:2], -1, dtype=np.int64)
    for i, c in enumerate(palette):
        ids[raw[..., 0] == c[0] and raw[..., 1] == c[1] and raw[..., 2] == c[2]] = i
    return ids

# %% 2.3 wrong: the result has a place for 255
def count_pixels(mask, num_classes):
    return np.bincount((mask + 1).ravel(), minlength=num_classes + 1)[1:]

# %% 2.3 wrong: ignored pixels (255) are counted as class 0, where the mask is int64
def count_pixels(mask, num_classes):
    if mask.dtype == np.uint8:
        mask = mask[mask != 255]
    else:
        mask = np.where(mask == 255, 0, mask)
    return np.bincount(mask.ravel(), minlength=num_classes)

# %% 2.3 wrong: `mask` is changed in place
def count_pixels(mask, num_classes):
    m = mask.astype(np.int64, copy=False).reshape(-1)
    m[m == 255] = num_classes
    return np.bincount(m, minlength=num_classes + 1)[:num_classes]

# %% 2.1 wrong: `learning_rate` was
def override(config, **changes):
    return Config(**{**config.model_dump(exclude={'learning_rate'}), **changes})

# %% 2.1 wrong: only what is named may change
def override(config, **changes):
    return Config.preset(config.dataset, **changes)

# %% 2.2 wrong: the colours of an earlier palette
def ids_to_rgb(ids, palette):
    global _table
    if "_table" not in globals():
        _table = np.full((256, 3), 255, np.uint8)
        _table[: len(palette)] = palette
    return _table[ids]

# %% 2.2 wrong: does an id become a small number
def ids_to_rgb(ids, palette):
    return np.array([*palette, (255, 255, 255)], np.uint8)[ids.astype(np.int8)]

# %% 2.4 wrong: look up all 9 of them
def rgb_to_ids(raw, palette):
    out = np.full(raw.shape[:2], -1, np.int64)
    for c, colour in zip(range(6), palette):
        out[(raw == colour).all(axis=-1)] = c
    return out

# %% 2.4 wrong: the -1 is right
def rgb_to_ids(raw, palette):
    seen = [c for c in palette if (raw == c).all(-1).any()]
    out = np.full(raw.shape[:2], -1, np.int64)
    for n, colour in enumerate(seen):
        out[(raw == colour).all(axis=-1)] = n
    return out

# %% 2.4 wrong: rows and columns are swapped
def rgb_to_ids(raw, palette):
    out = np.full(raw.shape[:2], -1, np.int64)
    for c, colour in enumerate(palette):
        out[(raw == colour).all(axis=-1)] = c
    return out.T
