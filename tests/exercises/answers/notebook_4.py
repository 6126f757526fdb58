# %% prelude
import os
import random
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image, ImageOps

from utils.dataset import read_pair, to_tensors
from utils.images import IGNORE_INDEX, open_image
from utils.errors import DataError

# %% 4.1 right: step by step
def read_image(path):
    picture = open_image(path)
    picture = ImageOps.exif_transpose(picture)
    picture = picture.convert("RGB")
    return np.array(picture)

# %% 4.1 right: OpenCV, which reads the note itself, with blue and red exchanged
def read_image(path):
    open_image(path)  # refuses broken files
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    print("read", image.shape)
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)

# %% 4.1 right: OpenCV, and a view that runs backwards
def read_image(path):
    if open_image(path):
        return cv2.imread(os.fspath(path))[:, :, ::-1]

# %% 4.1 right: a helper with a table of turns
TURNS = {2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM", 5: "TRANSPOSE", 6: "ROTATE_270",
         7: "TRANSVERSE", 8: "ROTATE_90"}

def put_upright(picture, note):
    return picture.transpose(Image.Transpose[TURNS[note]]) if note in TURNS else picture

def read_image(path):
    picture = open_image(path)
    note = picture.getexif().get(0x0112, 1)
    return np.asarray(put_upright(picture.convert("RGB"), note), dtype="uint8")

# %% 4.1 right: Image.open, and errors put into words
def read_image(path):
    try:
        with Image.open(path) as picture:
            return np.array(ImageOps.exif_transpose(picture).convert("RGB"))
    except (OSError, SyntaxError) as error:
        raise DataError(f"{path.name} is no picture: {error}") from error

# %% 4.1 right: torchvision
def read_image(path):
    from torchvision.io import ImageReadMode, decode_image

    open_image(path)
    tensor = decode_image(str(path), mode=ImageReadMode.RGB, apply_exif_orientation=True)
    return tensor.permute(1, 2, 0).numpy()

# %% 4.1 right: grey pictures are stacked by hand
def read_image(path):
    picture = ImageOps.exif_transpose(open_image(path))
    if picture.mode in ("P", "1", "LA"):
        picture = picture.convert("RGB")
    values = np.array(picture)
    if values.ndim == 2:
        values = np.stack([values, values, values], axis=2)
    return values[..., :3]

# %% 4.1 wrong: OpenCV reads blue first
def read_image(path):
    return cv2.imread(str(path))

# %% 4.1 wrong: a grey picture stays (H, W)
def read_image(path):
    return np.array(ImageOps.exif_transpose(open_image(path)))

# %% 4.1 wrong: the EXIF note is not read
def read_image(path):
    return np.array(Image.open(path).convert("RGB"))

# %% 4.1 wrong: stands on its head
def read_image(path):
    picture = open_image(path)
    note = picture.getexif().get(274, 1)
    turns = {6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270, 3: Image.Transpose.ROTATE_180}
    picture = picture.convert("RGB")
    return np.array(picture.transpose(turns[note]) if note in turns else picture)

# %% 4.1 wrong: stays mirrored
def read_image(path):
    picture = open_image(path)
    note = picture.getexif().get(274, 1)
    turns = {6: Image.Transpose.ROTATE_270, 8: Image.Transpose.ROTATE_90, 3: Image.Transpose.ROTATE_180}
    picture = picture.convert("RGB")
    return np.array(picture.transpose(turns[note]) if note in turns else picture)

# %% 4.1 wrong: divided by 255
def read_image(path):
    return np.array(ImageOps.exif_transpose(open_image(path)).convert("RGB")) / 255

# %% 4.1 wrong: the values are float32, not bytes
def read_image(path):
    return np.array(ImageOps.exif_transpose(open_image(path)).convert("RGB"), dtype=np.float32)

# %% 4.1 wrong: not a NumPy array
def read_image(path):
    return ImageOps.exif_transpose(open_image(path)).convert("RGB")

# %% 4.1 wrong: the channels come first
def read_image(path):
    return np.array(ImageOps.exif_transpose(open_image(path)).convert("RGB")).transpose(2, 0, 1)

# %% 4.1 wrong: gives its numbers three times
def read_image(path):
    picture = ImageOps.exif_transpose(open_image(path))
    values = np.array(picture.convert("L") if picture.mode in ("1", "LA") else picture)
    return np.stack([values] * 3, axis=-1) if values.ndim == 2 else values

# %% 4.1 wrong: keeps its last channel
def read_image(path):
    picture = ImageOps.exif_transpose(open_image(path))
    return np.array(picture if picture.mode == "RGBA" else picture.convert("RGB"))

# %% 4.1 wrong: transparent pixels change their colour
def read_image(path):
    picture = ImageOps.exif_transpose(open_image(path))
    if picture.mode == "RGBA":
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture)
    return np.array(picture.convert("RGB"))

# %% 4.1 wrong: is a `return` missing
def read_image(path):
    image = np.array(ImageOps.exif_transpose(open_image(path)).convert("RGB"))

# %% 4.1 wrong: the colours are lost
def read_image(path):
    return np.array(ImageOps.exif_transpose(open_image(path)).convert("L"))

# %% 4.1 wrong: white becomes 1
def read_image(path):
    picture = ImageOps.exif_transpose(open_image(path))
    values = np.array(picture if picture.mode in ("1", "L") else picture.convert("RGB"))
    return np.stack([values.astype(np.uint8)] * 3, -1) if values.ndim == 2 else values

# %% 4.1 wrong: turns grey
def read_image(path):
    picture = ImageOps.exif_transpose(open_image(path))
    if picture.mode == "P":
        picture = picture.convert("L")
    return np.array(picture.convert("RGB"))

# %% 4.1 wrong: a photograph (.jpg) is no array
def read_image(path):
    if str(path).endswith(".png"):
        return np.array(Image.open(path).convert("RGB"))

# %% 4.1 wrong: red and blue are swapped in a photograph
def read_image(path):
    if path.suffix == ".png":
        return np.array(Image.open(path).convert("RGB"))
    return cv2.imread(str(path))

# %% 4.1 wrong: a missing file raises FileNotFoundError
def read_image(path):
    return np.array(ImageOps.exif_transpose(Image.open(path)).convert("RGB"))

# %% 4.1 wrong: a missing file raises error, not DataError
def read_image(path):
    return cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)

# %% 4.1 wrong: a cut-off file raises OSError
def read_image(path):
    if not path.exists() or path.read_bytes().startswith(b"<"):
        raise DataError(f"{path} is no picture")
    return np.array(ImageOps.exif_transpose(Image.open(path)).convert("RGB"))

# %% 4.1 wrong: a missing file is accepted without a word
def read_image(path):
    try:
        return np.array(ImageOps.exif_transpose(open_image(path)).convert("RGB"))
    except DataError:
        return np.zeros((8, 8, 3), np.uint8)

# %% 4.1 wrong: KeyError on line
def read_image(path):
    turns = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_270, 8: Image.Transpose.ROTATE_90}
    picture = Image.open(path)
    picture = picture.transpose(turns[picture.getexif()[274]])
    return np.array(picture.convert("RGB"))

# %% 4.2 right: case by case
def read_mask(path):
    picture = open_image(path)
    if picture.format == "JPEG":
        raise DataError("Masks are no JPEG.")
    if picture.mode == "1":
        return np.array(picture).astype(np.uint8)
    if picture.mode == "RGBA":
        return np.array(picture)[..., :3]
    return np.array(picture)

# %% 4.2 wrong: renamed to .png is accepted
def read_mask(path):
    if path.suffix.lower() in (".jpg", ".jpeg"):
        raise DataError(f"{path} is a JPEG")
    stored = np.asarray(open_image(path)).astype(np.int64)
    return stored[:, :, :3] if stored.ndim == 3 else stored

# %% 4.2 wrong: nothing is returned for a file of mode "I;16"
def read_mask(path):
    picture = open_image(path)
    if picture.format == "JPEG":
        raise DataError(f"{path} is a JPEG")
    if picture.mode in ("L", "P"):
        return np.array(picture)
    if picture.mode == "1":
        return np.array(picture).astype(np.uint8)
    if picture.mode in ("RGB", "RGBA"):
        return np.array(picture.convert("RGB"))

# %% 4.2 right: early helper, numbers in int32
LOSSY = ("JPEG", "MPO")

def refuse_jpeg(picture):
    if picture.format in LOSSY:
        raise DataError("save masks as PNG")
    return picture

def read_mask(path):
    try:
        with Image.open(path) as picture:
            refuse_jpeg(picture).load()
            if picture.mode.endswith("A"):
                picture = picture.convert(picture.mode[:-1])
            return np.array(picture, dtype=np.int32)
    except OSError:
        raise DataError(f"{path} cannot be read") from None

# %% 4.2 right: OpenCV for what is deep or coloured, PIL for what has a palette
def read_mask(path):
    picture = open_image(path)
    if picture.format == "JPEG":
        raise DataError("a JPEG")
    if picture.mode in ("P", "L", "1"):
        return np.array(picture) * 1
    raw = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    return raw if raw.ndim == 2 else raw[..., 2::-1]

# %% 4.2 right: pixel by pixel, in lists
def read_mask(path):
    picture = open_image(path)
    if picture.format == "JPEG":
        raise DataError("no JPEG")
    width, height = picture.size
    rows = []
    for y in range(height):
        row = []
        for x in range(width):
            value = picture.getpixel((x, y))
            row.append(value[:3] if isinstance(value, tuple) else value)
        rows.append(row)
    return np.array(rows) if picture.mode != "1" else np.array(rows) // 255

# %% 4.2 wrong: grey values of the palette's colours
def read_mask(path):
    picture = open_image(path)
    if picture.format == "JPEG":
        raise DataError("a JPEG")
    return np.array(picture.convert("L"))

# %% 4.2 wrong: has a third axis afterwards
def read_mask(path):
    return np.array(open_image(path).convert("RGB"))

# %% 4.2 wrong: these are the colours of the palette
def read_mask(path):
    if open_image(path).format == "JPEG":
        raise DataError("a JPEG")
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)

# %% 4.2 wrong: is accepted though its ids are damaged
def read_mask(path):
    picture = open_image(path)
    picture = picture.convert("RGB") if picture.mode == "RGBA" else picture
    values = np.array(picture)
    return values.astype(np.uint8) if values.dtype == bool else values

# %% 4.2 wrong: has no `format` any more
def read_mask(path):
    picture = ImageOps.exif_transpose(open_image(path))
    if picture.format == "JPEG":
        raise DataError(f"{path} is a JPEG")
    picture = picture.convert("RGB") if picture.mode == "RGBA" else picture
    return np.array(picture) * 1

# %% 4.2 wrong: ask the picture that `open_image` returned
def read_mask(path):
    picture = open_image(path)
    if picture.mode in ("RGB", "RGBA", "1", "L"):
        picture = picture.convert("RGB" if picture.mode.startswith("RGB") else "L")
    if picture.format == "JPEG":
        raise DataError(f"{path} is a JPEG")
    values = np.array(picture)
    return values // 255 if values.max() == 255 and len(np.unique(values)) == 2 else values

# %% 4.2 wrong: a JPEG raises ValueError
def read_mask(path):
    picture = open_image(path)
    if picture.format == "JPEG":
        raise ValueError("a JPEG")
    picture = picture.convert("RGB") if picture.mode == "RGBA" else picture
    return np.array(picture) * 1

# %% 4.2 wrong: a JPEG gives None
def read_mask(path):
    picture = open_image(path)
    if picture.format == "JPEG":
        print("This is a JPEG!")
        return None
    picture = picture.convert("RGB") if picture.mode == "RGBA" else picture
    return np.array(picture) * 1

# %% 4.2 wrong: (mask.jpeg) is accepted
def read_mask(path):
    if path.suffix == ".jpg":
        raise DataError("a JPEG")
    picture = open_image(path)
    picture = picture.convert("RGB") if picture.mode == "RGBA" else picture
    return np.array(picture) * 1

# %% 4.2 wrong: ask for its `format`, not its name
def read_mask(path):
    if "jpg" in path.name:
        raise DataError("a JPEG")
    return np.array(open_image(path))

# %% 4.2 wrong: a web page raises UnidentifiedImageError
def read_mask(path):
    if not path.exists():
        raise DataError("no such file")
    picture = Image.open(path)
    if picture.format == "JPEG":
        raise DataError("a JPEG")
    picture = picture.convert("RGB") if picture.mode == "RGBA" else picture
    return np.array(picture) * 1

# %% 4.2 wrong: gives True and False
def read_mask(path):
    picture = open_image(path)
    if picture.format == "JPEG":
        raise DataError("a JPEG")
    return np.array(picture)

# %% 4.2 wrong: becomes 0 and 255
def read_mask(path):
    picture = open_image(path)
    if picture.format == "JPEG":
        raise DataError("a JPEG")
    return np.array(picture.convert("L") if picture.mode == "1" else picture)

# %% 4.2 wrong: 300 becomes 44
def read_mask(path):
    picture = open_image(path)
    if picture.format == "JPEG":
        raise DataError("a JPEG")
    return np.array(picture).astype(np.uint8)

# %% 4.2 wrong: the transparency is still there
def read_mask(path):
    picture = open_image(path)
    if picture.format == "JPEG":
        raise DataError("a JPEG")
    return np.array(picture) * 1

# %% 4.2 wrong: a colour mask loses its colours
def read_mask(path):
    picture = open_image(path)
    if picture.format == "JPEG":
        raise DataError("a JPEG")
    values = np.array(picture) * 1
    return values[..., 0] if values.ndim == 3 else values

# %% 4.2 wrong: the ids are divided by 255
def read_mask(path):
    return np.array(open_image(path)) / 255

# %% 4.2 wrong: 255 is replaced
def read_mask(path):
    mask = np.array(open_image(path)).astype(np.int64)
    mask[mask == 255] = -1
    return mask

# %% 4.2 wrong: all classes become one
def read_mask(path):
    return (np.array(open_image(path)) > 0).astype(np.uint8)

# %% 4.2 wrong: the numbers are float32
def read_mask(path):
    return np.array(open_image(path), dtype=np.float32)

# %% 4.2 wrong: red and blue are swapped in a colour mask
def read_mask(path):
    picture = open_image(path)
    if picture.format == "JPEG":
        raise DataError("a JPEG")
    if picture.mode in ("RGB", "RGBA"):
        return cv2.imread(str(path))
    return np.array(picture) * 1

# %% 4.2 wrong: large numbers turn negative
def read_mask(path):
    picture = open_image(path)
    if picture.format == "JPEG":
        raise DataError("a JPEG")
    return np.array(picture).astype(np.int16)

# %% 4.2 wrong: not a NumPy array
def read_mask(path):
    return open_image(path)

# %% 4.3 right: on the side of PyTorch
def to_tensors(image, mask):
    return torch.tensor(image.copy()).permute(2, 0, 1), torch.tensor(mask.copy()).long()

# %% 4.3 right: NumPy copies both
def to_tensors(image, mask):
    image = np.array(np.moveaxis(image, -1, 0))
    mask = np.array(mask, dtype=np.int64)
    return torch.from_numpy(image), torch.from_numpy(mask)

# %% 4.3 right: channel by channel, as a list
def to_tensors(image, mask):
    channels = [torch.tensor(image[:, :, c].tolist(), dtype=torch.uint8) for c in range(3)]
    return [torch.stack(channels), torch.tensor(mask.tolist(), dtype=torch.int64)]

# %% 4.3 right: einops in words, with a helper
def copied(array):
    return torch.from_numpy(np.array(array, copy=True, order="C"))

def to_tensors(image, mask):
    x = torch.einsum("hwc->chw", copied(image)).contiguous()
    y = copied(mask).to(torch.long)
    print(x.shape, y.shape)
    return x, y

# %% 4.3 right: swapped twice
def to_tensors(image, mask):
    x = torch.from_numpy(image.copy()).transpose(0, 2).transpose(1, 2).clone()
    y = torch.empty(mask.shape, dtype=torch.int64)
    y[:] = torch.from_numpy(mask.copy())
    return x, y

# %% 4.3 right: torchvision
def to_tensors(image, mask):
    from torchvision.transforms.functional import pil_to_tensor

    return pil_to_tensor(Image.fromarray(np.ascontiguousarray(image))), torch.as_tensor(mask.astype("int64"))

# %% 4.3 wrong: reshape mixes the pixels up
def to_tensors(image, mask):
    height, width, channels = image.shape
    return torch.tensor(image.copy().reshape(channels, height, width)), torch.tensor(mask.copy()).long()

# %% 4.3 wrong: height and width of the image are swapped
def to_tensors(image, mask):
    return torch.from_numpy(image.T.copy()), torch.from_numpy(mask.astype(np.int64))

# %% 4.3 wrong: the image's channels are last
def to_tensors(image, mask):
    return torch.from_numpy(image.copy()), torch.from_numpy(mask.astype(np.int64))

# %% 4.3 wrong: the image is divided by 255
def to_tensors(image, mask):
    from torchvision.transforms.functional import to_tensor

    return to_tensor(image.copy()), torch.from_numpy(mask.astype(np.int64))

# %% 4.3 wrong: the image is torch.float32
def to_tensors(image, mask):
    return torch.from_numpy(image.transpose(2, 0, 1).copy()).float(), torch.from_numpy(mask.astype(np.int64))

# %% 4.3 wrong: the mask is torch.uint8
def to_tensors(image, mask):
    return torch.from_numpy(image.transpose(2, 0, 1).copy()), torch.from_numpy(mask.copy())

# %% 4.3 wrong: the mask holds floats
def to_tensors(image, mask):
    return torch.from_numpy(image.transpose(2, 0, 1).copy()), torch.Tensor(mask.copy())

# %% 4.3 wrong: the mask is torch.int32
def to_tensors(image, mask):
    return torch.from_numpy(image.transpose(2, 0, 1).copy()), torch.from_numpy(mask.astype(np.int32))

# %% 4.3 wrong: it needs no axis for channels or batch
def to_tensors(image, mask):
    return torch.from_numpy(image.transpose(2, 0, 1).copy()), torch.from_numpy(mask.astype(np.int64))[None]

# %% 4.3 wrong: the image has a fourth axis
def to_tensors(image, mask):
    return torch.from_numpy(image.transpose(2, 0, 1).copy())[None], torch.from_numpy(mask.astype(np.int64))

# %% 4.3 wrong: a flipped array is refused
def to_tensors(image, mask):
    return torch.from_numpy(image.transpose(2, 0, 1)), torch.from_numpy(mask).long()

# %% 4.3 wrong: the image tensor shares its memory
def to_tensors(image, mask):
    image, mask = (a if min(a.strides) > 0 else a.copy() for a in (image, mask))
    return torch.from_numpy(image).permute(2, 0, 1), torch.from_numpy(mask).long()

# %% 4.3 wrong: always (`ascontiguousarray` copies only if it must)
def to_tensors(image, mask):
    image = np.ascontiguousarray(np.moveaxis(image, -1, 0))
    return torch.from_numpy(image), torch.from_numpy(mask.astype(np.int64))

# %% 4.3 wrong: 255 becomes -1
def to_tensors(image, mask):
    return torch.from_numpy(image.transpose(2, 0, 1).copy()), torch.from_numpy(mask.astype(np.int8)).long()

# %% 4.3 wrong: 255 is replaced
def to_tensors(image, mask):
    labels = torch.from_numpy(mask.astype(np.int64))
    labels[labels == 255] = 0
    return torch.from_numpy(image.transpose(2, 0, 1).copy()), labels

# %% 4.3 wrong: `mask` is changed in place
def to_tensors(image, mask):
    mask[mask == 255] = 0
    return torch.from_numpy(image.transpose(2, 0, 1).copy()), torch.from_numpy(mask.astype(np.int64))

# %% 4.3 wrong: nothing is returned
def to_tensors(image, mask):
    image = torch.from_numpy(image.transpose(2, 0, 1).copy())
    mask = torch.from_numpy(mask.astype(np.int64))

# %% 4.3 wrong: the image is a NumPy array
def to_tensors(image, mask):
    return image.transpose(2, 0, 1), mask.astype(np.int64)

# %% 4.3 wrong: not two tensors
def to_tensors(image, mask):
    return torch.from_numpy(image.transpose(2, 0, 1).copy())

# %% 4.3 wrong: red and blue are swapped
def to_tensors(image, mask):
    return torch.from_numpy(image[..., ::-1].transpose(2, 0, 1).copy()), torch.from_numpy(mask.astype(np.int64))

# %% 4.3 wrong: height and width of the mask are swapped
def to_tensors(image, mask):
    return torch.from_numpy(image.transpose(2, 0, 1).copy()), torch.from_numpy(mask.T.astype(np.int64))

# %% 4.4 right: three ifs
def pair_faults(image, mask, num_classes):
    faults = []
    if (mask == 255).all():
        faults.append("empty")
    r, s = image.shape[1] / image.shape[0], mask.shape[1] / mask.shape[0]
    if abs(s / r - 1) > 0.02:
        faults.append("shape")
    if ((mask != 255) & ((mask < 0) | (mask >= num_classes))).any():
        faults.append("labels")
    return faults

# %% 4.4 right: a set of labels, and the other ratio
def pair_faults(image, mask, num_classes):
    present = set(mask.ravel().tolist())
    ratio = (image.shape[0] / image.shape[1]) / (mask.shape[0] / mask.shape[1])
    checks = [
        ("labels", not present <= set(range(num_classes)) | {255}),
        ("empty", present == {255}),
        ("shape", ratio < 0.98 or ratio > 1.02),
    ]
    return [name for name, bad in checks if bad]

# %% 4.4 right: np.isin and helpers
TOLERANCE = 0.02

def ratio(array):
    height, width = array.shape[:2]
    return width / height

def pair_faults(image, mask, num_classes):
    allowed = np.append(np.arange(num_classes), IGNORE_INDEX)
    faults = ["shape"] if not np.isclose(ratio(mask), ratio(image), rtol=TOLERANCE, atol=0) else []
    faults += ["labels"] * (not np.isin(mask, allowed).all())
    faults += ["empty"] * bool(np.all(mask == IGNORE_INDEX))
    return faults

# %% 4.4 right: pixel by pixel
def pair_faults(image, mask, num_classes):
    found, labelled = [], 0
    for value in mask.flatten():
        value = int(value)
        if value != 255:
            labelled += 1
            if value not in range(num_classes) and "labels" not in found:
                found.append("labels")
    if labelled == 0:
        found.append("empty")
    ratios = sorted([image.shape[1] / image.shape[0], mask.shape[1] / mask.shape[0]])
    if ratios[1] / ratios[0] > 1.02:
        found.append("shape")
    return found

# %% 4.4 right: a tuple, logarithms and torch
def pair_faults(image, mask, num_classes):
    values = torch.from_numpy(mask.astype(np.int64))
    values = values[values != 255]
    (h, w, _), (mh, mw) = image.shape, mask.shape
    shape = ("shape",) if abs(np.log(w) - np.log(h) - np.log(mw) + np.log(mh)) > np.log(1.02) else ()
    if len(values) == 0:
        return (*shape, "empty")
    if values.min() < 0 or values.max() > num_classes - 1:
        return (*shape, "labels")
    return shape

# %% 4.4 wrong: 255 is taken for a foreign label
def pair_faults(image, mask, num_classes):
    faults = []
    if abs((mask.shape[1] / mask.shape[0]) / (image.shape[1] / image.shape[0]) - 1) > 0.02:
        faults.append("shape")
    if mask.max() >= num_classes or mask.min() < 0:
        faults.append("labels")
    if (mask == 255).all():
        faults.append("empty")
    return faults

# %% 4.4 wrong: but the same shape is blamed
def pair_faults(image, mask, num_classes):
    faults = ["shape"] if image.shape[:2] != mask.shape else []
    labelled = mask[mask != 255]
    if labelled.size == 0:
        return faults + ["empty"]
    return faults + ["labels"] * bool(labelled.min() < 0 or labelled.max() >= num_classes)

# %% 4.4 wrong: label 3 passes
def pair_faults(image, mask, num_classes):
    faults = []
    if abs((mask.shape[1] / mask.shape[0]) / (image.shape[1] / image.shape[0]) - 1) > 0.02:
        faults.append("shape")
    labelled = mask[mask != 255]
    if ((labelled < 0) | (labelled > num_classes)).any():
        faults.append("labels")
    if labelled.size == 0:
        faults.append("empty")
    return faults

# %% 4.4 wrong: a negative label passes
def pair_faults(image, mask, num_classes):
    faults = []
    if abs((mask.shape[1] / mask.shape[0]) / (image.shape[1] / image.shape[0]) - 1) > 0.02:
        faults.append("shape")
    labelled = mask[mask != 255]
    if (labelled >= num_classes).any():
        faults.append("labels")
    if labelled.size == 0:
        faults.append("empty")
    return faults

# %% 4.4 wrong: a difference of 1 % is blamed
def pair_faults(image, mask, num_classes):
    faults = []
    if abs((mask.shape[1] / mask.shape[0]) / (image.shape[1] / image.shape[0]) - 1) > 0.005:
        faults.append("shape")
    labelled = mask[mask != 255]
    if ((labelled < 0) | (labelled >= num_classes)).any():
        faults.append("labels")
    if labelled.size == 0:
        faults.append("empty")
    return faults

# %% 4.4 wrong: lies on its side passes
def pair_faults(image, mask, num_classes):
    faults = []
    long, short = max(image.shape[:2]), min(image.shape[:2])
    if abs((max(mask.shape) / min(mask.shape)) / (long / short) - 1) > 0.02:
        faults.append("shape")
    labelled = mask[mask != 255]
    if ((labelled < 0) | (labelled >= num_classes)).any():
        faults.append("labels")
    if labelled.size == 0:
        faults.append("empty")
    return faults

# %% 4.4 wrong: only masks that are too wide are found: too narrow counts as well (abs)
def pair_faults(image, mask, num_classes):
    faults = []
    if (mask.shape[1] / mask.shape[0]) / (image.shape[1] / image.shape[0]) - 1 > 0.02:
        faults.append("shape")
    labelled = mask[mask != 255]
    if ((labelled < 0) | (labelled >= num_classes)).any():
        faults.append("labels")
    if labelled.size == 0:
        faults.append("empty")
    return faults

# %% 4.4 wrong: only masks that are too narrow are found: too wide counts as well (abs)
def pair_faults(image, mask, num_classes):
    faults = []
    if (image.shape[1] / image.shape[0]) / (mask.shape[1] / mask.shape[0]) - 1 > 0.02:
        faults.append("shape")
    labelled = mask[mask != 255]
    if ((labelled < 0) | (labelled >= num_classes)).any():
        faults.append("labels")
    if labelled.size == 0:
        faults.append("empty")
    return faults

# %% 4.4 wrong: 0.3 % too narrow, is blamed: up to 2 % are allowed
def pair_faults(image, mask, num_classes):
    faults = []
    if image.shape[1] * mask.shape[0] != image.shape[0] * mask.shape[1]:
        faults.append("shape")
    labelled = mask[mask != 255]
    if ((labelled < 0) | (labelled >= num_classes)).any():
        faults.append("labels")
    if labelled.size == 0:
        faults.append("empty")
    return faults

# %% 4.4 wrong: 3 % too wide passes
def pair_faults(image, mask, num_classes):
    faults = []
    if mask.shape[1] // mask.shape[0] != image.shape[1] // image.shape[0]:
        faults.append("shape")
    labelled = mask[mask != 255]
    if ((labelled < 0) | (labelled >= num_classes)).any():
        faults.append("labels")
    if labelled.size == 0:
        faults.append("empty")
    return faults

# %% 4.4 wrong: told of one only
def pair_faults(image, mask, num_classes):
    if abs((mask.shape[1] / mask.shape[0]) / (image.shape[1] / image.shape[0]) - 1) > 0.02:
        return ["shape"]
    labelled = mask[mask != 255]
    if labelled.size == 0:
        return ["empty"]
    if ((labelled < 0) | (labelled >= num_classes)).any():
        return ["labels"]
    return []

# %% 4.4 wrong: nothing is returned
def pair_faults(image, mask, num_classes):
    if abs((mask.shape[1] / mask.shape[0]) / (image.shape[1] / image.shape[0]) - 1) > 0.02:
        return ["shape"]

# %% 4.4 wrong: the result is a str
def pair_faults(image, mask, num_classes):
    labelled = mask[mask != 255]
    return "" if labelled.size else "empty"

# %% 4.4 wrong: nothing but 255 passes
def pair_faults(image, mask, num_classes):
    faults = []
    if abs((mask.shape[1] / mask.shape[0]) / (image.shape[1] / image.shape[0]) - 1) > 0.02:
        faults.append("shape")
    if not set(np.unique(mask).tolist()) <= {*range(num_classes), 255}:
        faults.append("labels")
    if mask.size == 0:
        faults.append("empty")
    return faults

# %% 4.4 wrong: class 0 is a class
def pair_faults(image, mask, num_classes):
    faults = []
    if abs((mask.shape[1] / mask.shape[0]) / (image.shape[1] / image.shape[0]) - 1) > 0.02:
        faults.append("shape")
    if not set(np.unique(mask).tolist()) <= {*range(num_classes), 255}:
        faults.append("labels")
    if mask[mask != 255].sum() == 0:
        faults.append("empty")
    return faults if mask.size > 1 else []

# %% 4.4 wrong: a fault is named more than once
def pair_faults(image, mask, num_classes):
    faults = []
    if abs((mask.shape[1] / mask.shape[0]) / (image.shape[1] / image.shape[0]) - 1) > 0.02:
        faults.append("shape")
    for value in mask.ravel():
        if value == 255:
            continue
        if not 0 <= value < num_classes:
            faults.append("labels")
    for row in mask:
        if (mask == 255).all():
            faults.append("empty")
    return faults

# %% 4.4 wrong: label 254 passes
def pair_faults(image, mask, num_classes):
    faults = []
    if abs((mask.shape[1] / mask.shape[0]) / (image.shape[1] / image.shape[0]) - 1) > 0.02:
        faults.append("shape")
    labelled = mask[mask < 250]
    if ((labelled < 0) | (labelled >= num_classes)).any():
        faults.append("labels")
    if labelled.size == 0:
        faults.append("empty")
    return faults

# %% 4.4 wrong: label 17 passes though there are 3 classes
def pair_faults(image, mask, num_classes):
    faults = []
    if abs((mask.shape[1] / mask.shape[0]) / (image.shape[1] / image.shape[0]) - 1) > 0.02:
        faults.append("shape")
    labelled = mask[mask != 255]
    if (labelled == -1).any() or (labelled == num_classes).any():
        faults.append("labels")
    if labelled.size == 0:
        faults.append("empty")
    return faults

# %% 4.4 wrong: IndexError on line
def pair_faults(image, mask, num_classes):
    seen = [False] * num_classes
    for value in mask.ravel():
        seen[value] = True
    return []

# %% 4.4 wrong: a quarter too wide passes for a narrow picture
def pair_faults(image, mask, num_classes):
    faults = []
    r, s = image.shape[1] / image.shape[0], mask.shape[1] / mask.shape[0]
    if abs(r - s) > 0.02:
        faults.append("shape")
    labelled = mask[mask != 255]
    if ((labelled < 0) | (labelled >= num_classes)).any():
        faults.append("labels")
    if labelled.size == 0:
        faults.append("empty")
    return faults

# %% 4.4 wrong: `mask` is changed in place
def pair_faults(image, mask, num_classes):
    empty = (mask == 255).all()
    mask[mask == 255] = 0
    return ["labels"] * bool(mask.max() >= num_classes) + ["empty"] * bool(empty)

# %% 4.4 wrong: another word than
def pair_faults(image, mask, num_classes):
    faults = []
    if abs((mask.shape[1] / mask.shape[0]) / (image.shape[1] / image.shape[0]) - 1) > 0.02:
        faults.append("wrong shape")
    labelled = mask[mask != 255]
    if ((labelled < 0) | (labelled >= num_classes)).any():
        faults.append("labels")
    if labelled.size == 0:
        faults.append("empty")
    return faults

# %% 4.5 right: one split after the other, training last
def split_by_group(groups, fractions=(0.8, 0.1, 0.1), seed=42):
    sizes = Counter(groups)
    names = sorted(sizes)
    random.Random(seed).shuffle(names)
    split_of, splits, filled = {}, ["val", "test", "train"], 0
    for name in names:
        while len(splits) > 1 and filled >= fractions[4 - len(splits)] * len(groups):
            splits.pop(0)
            filled = 0
        split_of[name] = splits[0]
        filled += sizes[name]
    return [split_of[g] for g in groups]

# %% 4.5 right: NumPy, by the cumulative share
def split_by_group(groups, fractions=(0.8, 0.1, 0.1), seed=42):
    names, index, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    order = np.random.default_rng(seed).permutation(len(names))
    begin = np.cumsum(sizes[order]) - sizes[order]
    edges = np.cumsum(fractions)[:2] * len(groups)
    which = np.empty(len(names), dtype=int)
    which[order] = np.searchsorted(edges, begin, side="right")
    return [("train", "val", "test")[k] for k in which[index]]

# %% 4.5 right: always to the split that lacks most
SPLIT_NAMES = ("train", "val", "test")

def neediest(filled, wanted):
    return max(SPLIT_NAMES, key=lambda name: wanted[name] - filled[name])

def split_by_group(groups, fractions=(0.8, 0.1, 0.1), seed=42):
    names = sorted(set(groups))
    random.Random(seed).shuffle(names)
    wanted = {name: f * len(groups) for name, f in zip(SPLIT_NAMES, fractions)}
    filled = dict.fromkeys(SPLIT_NAMES, 0)
    result = [None] * len(groups)
    for name in names:
        split = neediest(filled, wanted)
        for i, group in enumerate(groups):
            if group == name:
                result[i] = split
                filled[split] += 1
    return result

# %% 4.5 right: torch, a tuple comes back
def split_by_group(groups, fractions=(0.8, 0.1, 0.1), seed=42):
    names = sorted(set(groups))
    order = torch.randperm(len(names), generator=torch.Generator().manual_seed(seed)).tolist()
    todo_val, todo_test = fractions[1] * len(groups), fractions[2] * len(groups)
    split_of = {}
    for i in order:
        size = groups.count(names[i])
        if todo_test > 0:
            split_of[names[i]], todo_test = "test", todo_test - size
        elif todo_val > 0:
            split_of[names[i]], todo_val = "val", todo_val - size
        else:
            split_of[names[i]] = "train"
    return tuple(split_of[g] for g in groups)

# %% 4.5 right: sorted by a hash of seed and name, largest groups first
def split_by_group(groups, fractions=(0.8, 0.1, 0.1), seed=42):
    import hashlib

    size = {g: groups.count(g) for g in set(groups)}
    key = lambda g: (-size[g], hashlib.md5(f"{seed} {g}".encode()).hexdigest())
    left = [f * len(groups) for f in fractions]
    home = {}
    for g in sorted(size, key=key):
        k = left.index(max(left))
        home[g] = ["train", "val", "test"][k]
        left[k] -= size[g]
    return [home[g] for g in groups]

# %% 4.5 wrong: one group is in several splits
def split_by_group(groups, fractions=(0.8, 0.1, 0.1), seed=42):
    count = len(groups)
    train, val = int(fractions[0] * count), int(fractions[1] * count)
    names = ["train"] * train + ["val"] * val + ["test"] * (count - train - val)
    random.Random(seed).shuffle(names)
    return names

# %% 4.5 wrong: in the wrong order: (train, val, test)
def split_by_group(groups, fractions=(0.8, 0.1, 0.1), seed=42):
    sizes = Counter(groups)
    names = sorted(sizes)
    random.Random(seed).shuffle(names)
    wanted = {"test": fractions[1] * len(groups), "val": fractions[2] * len(groups), "train": float("inf")}
    filled, split_of = Counter(), {}
    for name in names:
        split = next(s for s in wanted if filled[s] < wanted[s])
        split_of[name] = split
        filled[split] += sizes[name]
    return [split_of[g] for g in groups]

# %% 4.5 wrong: do shares count groups, or chances
def split_by_group(groups, fractions=(0.8, 0.1, 0.1), seed=42):
    names = sorted(set(groups))
    random.Random(seed).shuffle(names)
    a = round(fractions[0] * len(names))
    b = a + round(fractions[1] * len(names))
    split_of = {n: "train" if i < a else "val" if i < b else "test" for i, n in enumerate(names)}
    return [split_of[g] for g in groups]

# %% 4.5 wrong: the same seed gives another split
def split_by_group(groups, fractions=(0.8, 0.1, 0.1), seed=42):
    sizes = Counter(groups)
    names = sorted(sizes)
    random.shuffle(names)
    wanted = {"val": fractions[1] * len(groups), "test": fractions[2] * len(groups), "train": float("inf")}
    filled, split_of = Counter(), {}
    for name in names:
        split = next(s for s in wanted if filled[s] < wanted[s])
        split_of[name] = split
        filled[split] += sizes[name]
    return [split_of[g] for g in groups]

# %% 4.5 wrong: every seed gives the same split
def split_by_group(groups, fractions=(0.8, 0.1, 0.1), seed=42):
    sizes = Counter(groups)
    wanted = {"val": fractions[1] * len(groups), "test": fractions[2] * len(groups), "train": float("inf")}
    filled, split_of = Counter(), {}
    for name in sorted(sizes):
        split = next(s for s in wanted if filled[s] < wanted[s])
        split_of[name] = split
        filled[split] += sizes[name]
    return [split_of[g] for g in groups]

# %% 4.5 wrong: depends on the order of the items
def split_by_group(groups, fractions=(0.8, 0.1, 0.1), seed=42):
    sizes = Counter(groups)
    names = list(sizes)
    random.Random(seed).shuffle(names)
    wanted = {"val": fractions[1] * len(groups), "test": fractions[2] * len(groups), "train": float("inf")}
    filled, split_of = Counter(), {}
    for name in names:
        split = next(s for s in wanted if filled[s] < wanted[s])
        split_of[name] = split
        filled[split] += sizes[name]
    return [split_of[g] for g in groups]

# %% 4.5 wrong: sort the groups before you shuffle
def split_by_group(groups, fractions=(0.8, 0.1, 0.1), seed=42):
    names = list(set(groups))
    random.Random(seed).shuffle(names)
    sizes = Counter(groups)
    wanted = {"val": fractions[1] * len(groups), "test": fractions[2] * len(groups), "train": float("inf")}
    filled, split_of = Counter(), {}
    for name in names:
        split = next(s for s in wanted if filled[s] < wanted[s])
        split_of[name] = split
        filled[split] += sizes[name]
    return [split_of[g] for g in groups]

# %% 4.5 wrong: the order of the items: sort the groups before
def split_by_group(groups, fractions=(0.8, 0.1, 0.1), seed=42):
    names = list(set(groups))
    random.Random(seed).shuffle(names)
    a = round(fractions[0] * len(names))
    b = a + round(fractions[1] * len(names))
    split_of = {n: "train" if i < a else "val" if i < b else "test" for i, n in enumerate(names)}
    return [split_of[g] for g in groups]

# %% 4.5 wrong: give one for each item
def split_by_group(groups, fractions=(0.8, 0.1, 0.1), seed=42):
    names = sorted(set(groups))
    random.Random(seed).shuffle(names)
    a = round(fractions[0] * len(names))
    return ["train"] * a + ["val"] * (len(names) - a)

# %% 4.5 wrong: the result is a dict
def split_by_group(groups, fractions=(0.8, 0.1, 0.1), seed=42):
    return {g: "train" for g in groups}

# %% 4.5 wrong: `groups` is changed in place
def split_by_group(groups, fractions=(0.8, 0.1, 0.1), seed=42):
    random.Random(seed).shuffle(groups)
    a = int(fractions[0] * len(groups))
    b = a + int(fractions[1] * len(groups))
    return ["train"] * a + ["val"] * (b - a) + ["test"] * (len(groups) - b)

# %% 4.5 wrong: is none of "train", "val" and "test"
def split_by_group(groups, fractions=(0.8, 0.1, 0.1), seed=42):
    names = sorted(set(groups))
    random.Random(seed).shuffle(names)
    return ["valid" if g in names[: len(names) // 2] else "train" for g in groups]

# %% 4.5 wrong: are not split 80/10/10
def split(groups, fractions, seed):
    sizes = Counter(groups)
    names = sorted(sizes)
    random.Random(seed).shuffle(names)
    wanted = {"val": fractions[1] * len(groups), "test": fractions[2] * len(groups), "train": float("inf")}
    filled, split_of = Counter(), {}
    for name in names:
        where = next(s for s in wanted if filled[s] < wanted[s])
        split_of[name] = where
        filled[where] += sizes[name]
    return [split_of[g] for g in groups]

def split_by_group(groups, fractions=(0.8, 0.1, 0.1), seed=42):
    return split(groups, fractions if fractions[0] != 0.8 else (0.5, 0.25, 0.25), seed)

# %% 4.5 wrong: a split gets items though its fraction is 0
def split_by_group(groups, fractions=(0.8, 0.1, 0.1), seed=42):
    names = sorted(set(groups))
    random.Random(seed).shuffle(names)
    val, test = (max(1, round(f * len(names))) for f in fractions[1:])
    split_of = {n: "val" if i < val else "test" if i < val + test else "train" for i, n in enumerate(names)}
    return [split_of[g] for g in groups]

# %% 4.5 wrong: though the groups can be dealt out exactly
def split_by_group(groups, fractions=(0.8, 0.1, 0.1), seed=42):
    names = sorted(set(groups))
    rng = random.Random(seed)
    split_of = {name: rng.choices(["train", "val", "test"], fractions)[0] for name in names}
    return [split_of[g] for g in groups]

# %% 4.5 wrong: are the `fractions` used?
def split_by_group(groups, fractions=(0.8, 0.1, 0.1), seed=42):
    names = sorted(set(groups))
    random.Random(seed).shuffle(names)
    val, test = round(0.1 * len(names)), round(0.1 * len(names))
    split_of = {n: "val" if i < val else "test" if i < val + test else "train" for i, n in enumerate(names)}
    return [split_of[g] for g in groups]

# %% 4.5 wrong: is a `return` missing
def split_by_group(groups, fractions=(0.8, 0.1, 0.1), seed=42):
    names = sorted(set(groups))
    random.Random(seed).shuffle(names)
    split_of = dict.fromkeys(names, "train")

# %% 4.5 wrong: `hash` of a text differs
def split_by_group(groups, fractions=(0.8, 0.1, 0.1), seed=42):
    sizes = Counter(groups)
    wanted = {"val": fractions[1] * len(groups), "test": fractions[2] * len(groups), "train": float("inf")}
    filled, split_of = Counter(), {}
    for name in sorted(sizes, key=lambda name: hash((seed, name))):
        split = next(s for s in wanted if filled[s] < wanted[s])
        split_of[name] = split
        filled[split] += sizes[name]
    return [split_of[g] for g in groups]

# %% 4.5 wrong: the result is a NumPy array
def split_by_group(groups, fractions=(0.8, 0.1, 0.1), seed=42):
    names = np.random.default_rng(seed).permutation(sorted(set(groups)))
    val, test = np.split(names, [len(names) // 10])[0], names[:0]
    return np.where(np.isin(groups, val), "val", "train")

# %% 4.5 wrong: ZeroDivisionError on line
def split_by_group(groups, fractions=(0.8, 0.1, 0.1), seed=42):
    names = sorted(set(groups))
    every = round(1 / fractions[2])
    step = len(names) // (every * 10)
    return ["test" if names.index(g) % step == 0 else "train" for g in groups]

# %% 4.5 right: the nearest cut, groups laid end to end
def split_by_group(groups, fractions=(0.8, 0.1, 0.1), seed=42):
    sizes = Counter(groups)
    line = sorted(sizes)
    random.Random(f"{seed}").shuffle(line)
    result, done = {}, 0
    for name in line:
        middle = (done + sizes[name] / 2) / len(groups)
        result[name] = "train" if middle < fractions[0] else "val" if middle < fractions[0] + fractions[1] else "test"
        done += sizes[name]
    print(done, "items")
    return list(map(result.get, groups))

# %% 4.5 right: pandas, sorted by random numbers
def split_by_group(groups, fractions=(0.8, 0.1, 0.1), seed=42):
    import pandas as pd

    sizes = pd.Series(groups).value_counts().sort_index()
    sizes = sizes.sample(frac=1, random_state=seed)
    before = sizes.cumsum() - sizes
    val, test = fractions[1] * len(groups), fractions[2] * len(groups)
    names = before.map(lambda n: "val" if n < val else "test" if n < val + test else "train")
    return [names[g] for g in groups]

# %% 4.4 wrong: the highest of 2 classes is blamed
def pair_faults(image, mask, num_classes):
    faults = []
    if abs((mask.shape[1] / mask.shape[0]) / (image.shape[1] / image.shape[0]) - 1) > 0.02:
        faults.append("shape")
    labelled = mask[mask != 255]
    if labelled.size == 0:
        faults.append("empty")
    elif labelled.min() < 0 or labelled.max() >= max(num_classes, 3) or (num_classes == 2 and labelled.max() == 1):
        faults.append("labels")
    return faults

# %% 4.4 wrong: passes with 2 classes: use num_classes
def pair_faults(image, mask, num_classes):
    faults = []
    if abs((mask.shape[1] / mask.shape[0]) / (image.shape[1] / image.shape[0]) - 1) > 0.02:
        faults.append("shape")
    if not np.isin(mask, [0, 1, 2, 255]).all():
        faults.append("labels")
    if (mask == 255).all():
        faults.append("empty")
    return faults

# %% 4.4 wrong: the highest of 6 classes is blamed
def pair_faults(image, mask, num_classes):
    faults = []
    if abs((mask.shape[1] / mask.shape[0]) / (image.shape[1] / image.shape[0]) - 1) > 0.02:
        faults.append("shape")
    if not np.isin(mask, [*range(min(num_classes, 5)), 255]).all():
        faults.append("labels")
    if (mask == 255).all():
        faults.append("empty")
    return faults

# %% 4.4 wrong: 2.2 % too wide passes
def pair_faults(image, mask, num_classes):
    faults = []
    if abs((mask.shape[1] / mask.shape[0]) / (image.shape[1] / image.shape[0]) - 1) > 0.025:
        faults.append("shape")
    if not np.isin(mask, [*range(num_classes), 255]).all():
        faults.append("labels")
    if (mask == 255).all():
        faults.append("empty")
    return faults

# %% 4.4 right: mask // something, whole numbers only
def pair_faults(image, mask, num_classes):
    h, w, _ = image.shape
    mh, mw = mask.shape
    bad = np.zeros(mask.shape, bool)
    bad[mask != 255] = True
    for c in range(num_classes):
        bad &= mask != c
    faults = set()
    if 100 * abs(w * mh - h * mw) > 2 * h * mw:
        faults.add("shape")
    if bad.any():
        faults.add("labels")
    if np.array_equal(np.unique(mask), [255]):
        faults.add("empty")
    return sorted(faults)

# %% 4.3 right: a loop over pixels
def to_tensors(image, mask):
    height, width = mask.shape
    x = torch.zeros(3, height, width, dtype=torch.uint8)
    y = torch.zeros(height, width).long()
    for i in range(height):
        for j in range(width):
            y[i, j] = int(mask[i, j])
            for c in range(3):
                x[c, i, j] = int(image[i, j, c])
    return x, y

# %% 4.1 right: converted first, turned afterwards
def read_image(path):
    picture = open_image(path)
    exif = picture.getexif()
    rgb = picture.convert("RGB")
    turns = {1: (0, False), 2: (0, True), 3: (2, False), 4: (2, True), 5: (3, True), 6: (3, False), 7: (1, True),
             8: (1, False)}
    quarter, mirrored = turns[exif.get(274, 1)]
    array = np.array(rgb)
    if mirrored:
        array = np.rot90(array[:, ::-1], -1 if quarter == 1 else 1 if quarter == 3 else quarter)
    else:
        array = np.rot90(array, quarter)
    return array

# %% 4.2 wrong: has shape (2, 3), not (2, 5)
def read_mask(path):
    picture = open_image(path)
    if picture.format == "JPEG":
        raise DataError("a JPEG damages ids")
    values = np.array(picture)[..., :3]
    return values.astype(np.uint8) if values.dtype == bool else values

# %% 4.5 wrong: no parameter is called `seed`
def split_by_group(groups, fractions=(0.8, 0.1, 0.1), start=42):
    sizes = Counter(groups)
    names = sorted(sizes)
    random.Random(start).shuffle(names)
    wanted = {"val": fractions[1] * len(groups), "test": fractions[2] * len(groups), "train": float("inf")}
    filled, split_of = Counter(), {}
    for name in names:
        split = next(split for split in wanted if filled[split] < wanted[split])
        split_of[name] = split
        filled[split] += sizes[name]
    return [split_of[group] for group in groups]

# %% 4.6 right: the pair stays together
def __getitem__(self, index):
    pair = self.read(index)
    if self.transform is not None:
        pair = self.transform(*pair)
    return to_tensors(*pair)

# %% 4.6 right: one return for each case
def __getitem__(self, index):
    image, mask = self.read(index)
    if not self.transform:
        return to_tensors(image, mask)
    changed = self.transform(image=image, mask=mask)
    return to_tensors(changed[0], changed[1])

# %% 4.6 right: tensors by hand
def __getitem__(self, index):
    image, mask = self.transform(*self.read(index)) if self.transform else self.read(index)
    x = torch.tensor(np.ascontiguousarray(image)).permute(2, 0, 1)
    return [x, torch.tensor(np.ascontiguousarray(mask)).long()]

# %% 4.6 right: a step that does nothing, and a number that must exist
def leave(image, mask):
    return image, mask

def __getitem__(self, index):
    if not 0 <= index < len(self):
        raise IndexError(f"there is no example {index}")
    image, mask = self.read(index)
    image, mask = (self.transform or leave)(image.copy(), mask.copy())
    return to_tensors(image, mask)

# %% 4.6 wrong: what the transform returned is dropped
def __getitem__(self, index):
    image, mask = self.read(index)
    if self.transform:
        self.transform(image, mask)
    return to_tensors(image, mask)

# %% 4.6 wrong: there is no transform here
def __getitem__(self, index):
    image, mask = self.read(index)
    image, mask = self.transform(image, mask)
    return to_tensors(image, mask)

# %% 4.6 wrong: the image is a NumPy array of shape (1, 2, 3), not a tensor when there is no transform
def __getitem__(self, index):
    image, mask = self.read(index)
    if self.transform:
        image, mask = self.transform(image, mask)
    return image, mask

# %% 4.6 wrong: the image is float32
def __getitem__(self, index):
    image, mask = self.read(index)
    if self.transform:
        image, mask = self.transform(image, mask)
    x, y = to_tensors(image, mask)
    return x.float() / 255, y

# %% 4.6 wrong: the mask is uint8 (1, 2), not int64
def __getitem__(self, index):
    image, mask = self.read(index)
    if self.transform:
        image, mask = self.transform(image, mask)
    return torch.tensor(image.transpose(2, 0, 1)), torch.tensor(mask)

# %% 4.6 wrong: calls this very method again
def __getitem__(self, index):
    image, mask = self[index]
    if self.transform:
        image, mask = self.transform(image, mask)
    return to_tensors(image, mask)

# %% 4.6 wrong: opened past the cache
def __getitem__(self, index):
    image, mask = read_pair(self.pairs[index], self.source)
    if self.transform:
        image, mask = self.transform(image, mask)
    return to_tensors(image, mask)

# %% 4.6 wrong: asked for example 0, it returns pair 2
def __getitem__(self, index):
    image, mask = self.read(index - 1)
    if self.transform:
        image, mask = self.transform(image, mask)
    return to_tensors(image, mask)

# %% 4.6 wrong: without a transform the mask has other numbers
def __getitem__(self, index):
    image, mask = self.read(index)
    if self.transform:
        image, mask = self.transform(image, mask)
    return to_tensors(image, np.where(mask == IGNORE_INDEX, 0, mask))

# %% 4.6 wrong: `self.read` is called 2 times
def __getitem__(self, index):
    image, mask = self.read(index)[0], self.read(index)[1]
    if self.transform:
        image, mask = self.transform(image, mask)
    return to_tensors(image, mask)

# %% 4.6 wrong: the transform is never called
def __getitem__(self, index):
    return to_tensors(*self.read(index))

# %% 4.6 wrong: the transform does not get image and mask together
def __getitem__(self, index):
    image, mask = self.read(index)
    if self.transform:
        image, mask = self.transform(image), self.transform(mask)
    return to_tensors(image, mask)

# %% 4.6 wrong: the transform is called 2 times
def __getitem__(self, index):
    image, mask = self.read(index)
    if self.transform:
        image, mask = self.transform(image, mask)[0], self.transform(image, mask)[1]
    return to_tensors(image, mask)

# %% 4.6 wrong: so `to_tensors` comes after it
def __getitem__(self, index):
    image, mask = to_tensors(*self.read(index))
    if self.transform:
        image, mask = self.transform(image, mask)
    return image, mask

# %% 4.6 wrong: the transform takes the image first
def __getitem__(self, index):
    image, mask = self.read(index)
    if self.transform:
        mask, image = self.transform(mask, image)
    return to_tensors(image, mask)

# %% 4.6 wrong: only a half is taken back: the mask
def __getitem__(self, index):
    image, mask = self.read(index)
    if self.transform:
        image, _ = self.transform(image, mask)
    return to_tensors(image, mask)

# %% 4.6 wrong: the second call returns the first example again
examples = {}

def __getitem__(self, index):
    if (id(self), index) not in examples:
        image, mask = self.read(index)
        if self.transform:
            image, mask = self.transform(image, mask)
        examples[id(self), index] = self, to_tensors(image, mask)
    return examples[id(self), index][1]

# %% 4.6 wrong: what the transform drew was put into the cache
def __getitem__(self, index):
    image, mask = self.read(index)
    if self.transform:
        image, mask = self.transform(image, mask)
        self.cache[index] = (image, mask)
    return to_tensors(image, mask)

# %% 4.6 wrong: drew was put into the cache, and `self.read` returns it
def __getitem__(self, index):
    if index not in self.cache:
        image, mask = self.read(index)
        if self.transform:
            image, mask = self.transform(image, mask)
        self.cache[index] = to_tensors(image, mask)
    return self.cache[index]

# %% 4.6 right: it looks into the cache, and changes nothing there
def __getitem__(self, index):
    pair = self.cache[index] if index in self.cache else self.read(index)
    return to_tensors(*(self.transform(*pair) if self.transform else pair))

# %% 4.6 wrong: the image in the cache is changed by the method
def __getitem__(self, index):
    image, mask = self.read(index)
    if self.transform:
        image[:], mask[:] = self.transform(image, mask)
    return to_tensors(image, mask)

# %% 4.6 wrong: the image in the cache is changed through the tensor
def __getitem__(self, index):
    image, mask = self.read(index)
    if self.transform:
        image, mask = self.transform(image, mask)
    return torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1), torch.from_numpy(mask).long()

# %% 4.6 wrong: the cache is empty at first: `self.read(index)` fills it
def __getitem__(self, index):
    image, mask = self.cache[index]
    if self.transform:
        image, mask = self.transform(image, mask)
    return to_tensors(image, mask)

# %% 4.1 wrong: a grey photograph is not brought upright
def read_image(path):
    picture = open_image(path)
    if picture.mode == "RGB":
        picture = ImageOps.exif_transpose(picture)
    return np.array(picture.convert("RGB"))

# %% 4.1 wrong: gets other colours than those of its palette
def read_image(path):
    picture = ImageOps.exif_transpose(open_image(path))
    if "transparency" in picture.info:
        white = Image.new("RGBA", picture.size, (255, 255, 255, 255))
        picture = Image.alpha_composite(white, picture.convert("RGBA"))
    return np.array(picture.convert("RGB"))

# %% 4.2 wrong: only a JPEG is refused, and this is none
def read_mask(path):
    picture = open_image(path)
    if picture.format != "PNG":
        raise DataError(f"{path} is no PNG")
    values = np.array(picture) * 1
    return values[..., :3] if values.ndim == 3 else values

# %% 4.2 wrong: ask for its `format`, not its name
def read_mask(path):
    picture = open_image(path)
    if picture.format == "JPEG" or path.suffix in (".jpg", ".jpeg"):
        raise DataError(f"{path} is a JPEG")
    values = np.array(picture) * 1
    return values[..., :3] if values.ndim == 3 else values

# %% 4.2 wrong: what they mean is decided later
def read_mask(path):
    picture = open_image(path)
    if picture.format == "JPEG":
        raise DataError(f"{path} is a JPEG")
    values = np.array(picture) * 1
    if set(np.unique(values)) <= {0, 255}:
        values = values // 255
    return values[..., :3] if values.ndim == 3 else values

# %% 4.3 wrong: a flipped image comes out wrong
def to_tensors(image, mask):
    if image.strides[0] < 0:
        image, mask = image[::-1], mask[::-1]
    return torch.from_numpy(image.transpose(2, 0, 1).copy()), torch.from_numpy(mask.astype(np.int64))

# %% 4.3 wrong: of one pixel comes out wrong
def to_tensors(image, mask):
    mask = torch.from_numpy(mask.astype(np.int64)).squeeze()
    return torch.from_numpy(image.transpose(2, 0, 1).copy()), mask

# %% 4.3 wrong: a later call changes the tensors
KEPT = {}
def to_tensors(image, mask):
    pair = torch.from_numpy(image.transpose(2, 0, 1).copy()), torch.from_numpy(mask.astype(np.int64))
    for old, new in zip(KEPT.setdefault(mask.shape, pair), pair):
        old.copy_(new)
    return KEPT[mask.shape]

# %% 4.4 wrong: one foreign label among ignored pixels passes
def pair_faults(image, mask, num_classes):
    (height, width), (high, wide) = image.shape[:2], mask.shape
    shares = {
        "shape": abs(wide * height / (high * width) - 1) / 2,
        "labels": ((mask < 0) | (mask >= num_classes) & (mask != 255)).mean(),
        "empty": 0.02 * (mask == 255).all(),
    }
    return [word for word, share in shares.items() if share > 0.01]

# %% 4.4 wrong: a mask with a label beside 255 is called empty
def pair_faults(image, mask, num_classes):
    (height, width), (high, wide) = image.shape[:2], mask.shape
    faults = ["shape"] if abs(wide * height / (high * width) - 1) > 0.02 else []
    if ((mask < 0) | (mask >= num_classes) & (mask != 255)).any():
        faults.append("labels")
    return [*faults, "empty"] if mask.min() == 255 else faults

# %% 4.4 wrong: a fault is named more than once
def pair_faults(image, mask, num_classes):
    (height, width), (high, wide) = image.shape[:2], mask.shape
    faults = ["shape"] if abs(wide * height / (high * width) - 1) > 0.02 else []
    faults += ["labels" for value in np.unique(mask) if value != 255 and not 0 <= value < num_classes]
    return [*faults, "empty"] if (mask == 255).all() else faults

# %% 4.5 wrong: some seeds give the same split
def split_by_group(groups, fractions=(0.8, 0.1, 0.1), seed=42):
    sizes, filled, split_of = Counter(groups), Counter(), {}
    names = sorted(sizes)
    random.Random(seed % 10).shuffle(names)
    wanted = {"val": fractions[1] * len(groups), "test": fractions[2] * len(groups), "train": float("inf")}
    for name in names:
        split_of[name] = next(split for split in wanted if filled[split] < wanted[split])
        filled[split_of[name]] += sizes[name]
    return [split_of[group] for group in groups]

# %% 4.6 wrong: a change of the tensors shows in the next example
def __getitem__(self, index):
    if self.transform is not None:
        return to_tensors(*self.transform(*self.read(index)))
    if not hasattr(self, "examples"):
        self.examples = {}
    return self.examples.setdefault(index, to_tensors(*self.read(index)))

# %% 4.6 right: it asks for forgiveness where the cache is empty
def __getitem__(self, index):
    try:
        image, mask = self.cache[index]
    except KeyError:
        image, mask = self.read(index)
    if self.transform:
        image, mask = self.transform(image, mask)
    return to_tensors(image, mask)

# %% 4.6 wrong: `self.read` is called 2 times
def __getitem__(self, index):
    if self.transform:
        image, mask = self.transform(self.read(index)[0], self.read(index)[1])
    else:
        image, mask = self.read(index)
    return to_tensors(image, mask)

# %% 4.1 wrong: the EXIF note 8 is not followed: the photograph is not upright
def read_image(path):
    picture = open_image(path)
    if picture.getexif().get(0x0112) == 6:
        picture = picture.rotate(-90, expand=True)
    return np.array(picture.convert("RGB"))

# %% 4.1 wrong: transparent pixels change their colour
def read_image(path):
    picture = ImageOps.exif_transpose(open_image(path))
    if picture.mode == "LA":
        white = Image.new("LA", picture.size, (255, 255))
        picture = Image.alpha_composite(white.convert("RGBA"), picture.convert("RGBA"))
    return np.array(picture.convert("RGB"))

# %% 4.3 wrong: return the image first
def to_tensors(image, mask):
    return torch.from_numpy(mask.astype(np.int64)), torch.from_numpy(image.transpose(2, 0, 1).copy())

# %% 4.4 wrong: `.shape` gives the height first
def pair_faults(image, mask, num_classes):
    (width, height), (high, wide) = image.shape[:2], mask.shape
    faults = ["shape"] if abs(wide * height / (high * width) - 1) > 0.02 else []
    if ((mask < 0) | (mask >= num_classes) & (mask != 255)).any():
        faults.append("labels")
    return [*faults, "empty"] if (mask == 255).all() else faults

# %% 4.5 wrong: a generator of your own
def split_by_group(groups, fractions=(0.8, 0.1, 0.1), seed=42):
    random.seed(seed)
    sizes, filled, split_of = Counter(groups), Counter(), {}
    names = sorted(sizes)
    random.shuffle(names)
    wanted = {"val": fractions[1] * len(groups), "test": fractions[2] * len(groups), "train": float("inf")}
    for name in names:
        split_of[name] = next(split for split in wanted if filled[split] < wanted[split])
        filled[split_of[name]] += sizes[name]
    return [split_of[group] for group in groups]

# %% 4.5 wrong: a generator of your own
def split_by_group(groups, fractions=(0.8, 0.1, 0.1), seed=42):
    np.random.seed(seed)
    names, index, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    order = np.random.permutation(len(names))
    begin = np.cumsum(sizes[order]) - sizes[order]
    which = np.empty(len(names), dtype=int)
    which[order] = np.searchsorted(np.cumsum(fractions)[:2] * len(groups), begin, side="right")
    return [("train", "val", "test")[k] for k in which[index]]

# %% 4.5 wrong: val is full with 2 items and gets 4
def split_by_group(groups, fractions=(0.8, 0.1, 0.1), seed=42):
    sizes, filled, split_of = Counter(groups), Counter(), {}
    names = sorted(sizes)
    random.Random(seed).shuffle(names)
    wanted = {"val": fractions[1] * len(groups), "test": fractions[2] * len(groups), "train": float("inf")}
    for name in names:
        split_of[name] = next(split for split in wanted if wanted[split] and filled[split] <= wanted[split])
        filled[split_of[name]] += sizes[name]
    return [split_of[group] for group in groups]

# %% 4.5 right: shares that are rounded, and a group goes where it still fits
def split_by_group(groups, fractions=(0.8, 0.1, 0.1), seed=42):
    sizes, filled, split_of = Counter(groups), Counter(), {}
    names = sorted(sizes)
    random.Random(seed).shuffle(names)
    wanted = {"val": round(fractions[1] * len(groups)), "test": round(fractions[2] * len(groups))}
    for name in names:
        fits = [split for split in wanted if filled[split] + sizes[name] <= wanted[split]]
        split_of[name] = fits[0] if fits else "train"
        filled[split_of[name]] += sizes[name]
    return [split_of[group] for group in groups]

# %% 4.5 wrong: test is empty: train and val took every group
def split_by_group(groups, fractions=(0.8, 0.1, 0.1), seed=42):
    sizes = Counter(groups)
    names = sorted(sizes)
    random.Random(seed).shuffle(names)
    split_of, splits, filled = {}, ["train", "val", "test"], 0
    for name in names:
        while len(splits) > 1 and filled >= fractions[3 - len(splits)] * len(groups):
            splits.pop(0)
            filled = 0
        split_of[name] = splits[0]
        filled += sizes[name]
    return [split_of[g] for g in groups]

# %% 4.5 wrong: test is empty: train and val took every group, so let the small splits take theirs first
def split_by_group(groups, fractions=(0.8, 0.1, 0.1), seed=42):
    sizes, filled, split_of = Counter(groups), Counter(), {}
    names = sorted(sizes)
    random.Random(seed).shuffle(names)
    wanted = {"val": fractions[1] * len(groups), "train": fractions[0] * len(groups), "test": float("inf")}
    for name in names:
        split_of[name] = next(split for split in wanted if filled[split] < wanted[split])
        filled[split_of[name]] += sizes[name]
    return [split_of[group] for group in groups]

# %% 4.5 wrong: val is empty: train and test took every group
def split_by_group(groups, fractions=(0.8, 0.1, 0.1), seed=42):
    sizes, filled, split_of = Counter(groups), Counter(), {}
    names = sorted(sizes)
    random.Random(seed).shuffle(names)
    wanted = {"train": fractions[0] * len(groups), "test": fractions[2] * len(groups), "val": float("inf")}
    for name in names:
        split_of[name] = next(split for split in wanted if filled[split] < wanted[split])
        filled[split_of[name]] += sizes[name]
    return [split_of[group] for group in groups]

# %% 4.5 right: training first, and each split stops before it would have too much
def split_by_group(groups, fractions=(0.8, 0.1, 0.1), seed=42):
    sizes, filled, split_of = Counter(groups), Counter(), {}
    names = sorted(sizes)
    random.Random(seed).shuffle(names)
    for name in names:
        for split, fraction in zip(("train", "val", "test"), fractions):
            split_of[name] = split
            if filled[split] + sizes[name] <= fraction * len(groups) + 1e-9:
                break
        else:
            split_of[name] = "test" if fractions[2] else "val" if fractions[1] else "train"
        filled[split_of[name]] += sizes[name]
    return [split_of[group] for group in groups]

# %% 4.4 wrong: a mask of nothing but 255 is not handled
def pair_faults(image, mask, num_classes):
    (height, width), (high, wide) = image.shape[:2], mask.shape
    faults = ["shape"] if abs(wide * height / (high * width) - 1) > 0.02 else []
    labelled = mask[mask != 255]
    if labelled.min() < 0 or labelled.max() >= num_classes:
        faults.append("labels")
    return [*faults, "empty"] if labelled.size == 0 else faults

# %% 4.4 wrong: a mask of nothing but 255 is not handled
def pair_faults(image, mask, num_classes):
    (height, width), (high, wide) = image.shape[:2], mask.shape
    faults = ["shape"] if abs(wide * height / (high * width) - 1) > 0.02 else []
    labels = set(mask.ravel().tolist()) - {255}
    if min(labels) < 0 or max(labels) >= num_classes:
        faults.append("labels")
    return [*faults, "empty"] if not labels else faults

# %% 4.3 right: a list and a type that stand below it
def to_tensors(image, mask):
    return torch.from_numpy(image.transpose(*AXES).copy()), torch.from_numpy(mask.astype(KIND))


AXES = [2, 0, 1]
KIND = np.int64

# %% 4.4 right: a number with an annotation that stands below it
def pair_faults(image, mask, num_classes):
    faults = []
    (H, W), (h, w) = image.shape[:2], mask.shape
    if abs((w / h) / (W / H) - 1) > LIMIT:
        faults.append("shape")
    if np.any((mask != 255) & ((mask < 0) | (mask >= num_classes))):
        faults.append("labels")
    if (mask == 255).all():
        faults.append("empty")
    return faults


LIMIT: float = 0.02

# %% 4.6 wrong: the transform is seeded in every call
def __getitem__(self, index):
    image, mask = self.read(index)
    if self.transform is not None:
        if hasattr(self.transform, "set_random_seed"):
            self.transform.set_random_seed(index)
        image, mask = self.transform(image, mask)
    return to_tensors(image, mask)

# %% 4.6 wrong: the global generator of NumPy is set by a call
def __getitem__(self, index):
    np.random.seed(index)
    image, mask = self.read(index)
    if self.transform is not None:
        image, mask = self.transform(image, mask)
    return to_tensors(image, mask)

# %% 4.6 wrong: the global generator of Python is set by a call
def __getitem__(self, index):
    random.seed(42)
    image, mask = self.read(index)
    if self.transform is not None:
        image, mask = self.transform(image, mask)
    return to_tensors(image, mask)

# %% 4.5 wrong: test gets items though its fraction is 0
def split_by_group(groups, fractions=(0.8, 0.1, 0.1), seed=42):
    names = sorted(set(groups))
    random.Random(seed).shuffle(names)
    counts, total, have = Counter(groups), len(groups), {"train": 0, "val": 0, "test": 0}
    home = {}
    for n in names:
        for s, f in zip(("train", "val"), fractions):
            if have[s] + counts[n] <= f * total + 1e-9:
                break
        else:
            s = "test"
        home[n] = s
        have[s] += counts[n]
    return [home[g] for g in groups]

# %% 4.4 wrong: a small mask that is 11 % too wide passes
def pair_faults(image, mask, num_classes):
    faults = []
    (H, W), (h, w) = image.shape[:2], mask.shape
    if abs(w / W - h / H) > 0.02:
        faults.append("shape")
    if np.any((mask != 255) & ((mask < 0) | (mask >= num_classes))):
        faults.append("labels")
    if (mask == 255).all():
        faults.append("empty")
    return faults

# %% 4.4 wrong: a small mask that is 11 % too wide passes
def pair_faults(image, mask, num_classes):
    faults = []
    (H, W), (h, w) = image.shape[:2], mask.shape
    if abs(w * H - W * h) > 0.02 * W * H:
        faults.append("shape")
    if np.any((mask != 255) & ((mask < 0) | (mask >= num_classes))):
        faults.append("labels")
    if (mask == 255).all():
        faults.append("empty")
    return faults

# %% 4.2 wrong: the DataError has no words
def read_mask(path):
    picture = open_image(path)
    if picture.format == "JPEG":
        raise DataError("")
    a = np.array(picture) * 1
    return a[..., :3] if a.ndim > 2 else a

# %% 4.2 wrong: DataError needs a sentence
def read_mask(path):
    picture = open_image(path)
    if picture.format == "JPEG":
        raise DataError
    a = np.array(picture) * 1
    return a[..., :3] if a.ndim > 2 else a

# %% 4.1 wrong: IMG_1.JPG is not brought upright
def read_image(path):
    picture = open_image(path)
    if path.suffix == ".jpg":
        picture = ImageOps.exif_transpose(picture)
    return np.array(picture.convert("RGB"))

# %% 4.6 wrong: take what it returns, of whatever size
def __getitem__(self, index):
    image, mask = self.read(index)
    if self.transform is not None:
        new = self.transform(image, mask)
        if new[0].shape == image.shape:
            image, mask = new
    return to_tensors(image, mask)

# %% 4.6 wrong: the transform cuts a window, and the example is none
def __getitem__(self, index):
    image, mask = self.read(index)
    if self.transform is not None:
        new, labels = self.transform(image, mask)
        h, w = mask.shape
        image = cv2.resize(new, (w, h))
        mask = cv2.resize(labels, (w, h), interpolation=cv2.INTER_NEAREST)
    return to_tensors(image, mask)

# %% 4.4 wrong: a later call changes the list of an earlier one
def pair_faults(image, mask, num_classes, faults=[]):
    faults.clear()
    (H, W), (h, w) = image.shape[:2], mask.shape
    if abs((w / h) / (W / H) - 1) > 0.02:
        faults.append("shape")
    if np.any((mask != 255) & ((mask < 0) | (mask >= num_classes))):
        faults.append("labels")
    if (mask == 255).all():
        faults.append("empty")
    return faults

# %% 4.3 wrong: always (`contiguous` copies only if it must)
def to_tensors(image, mask):
    return torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1).contiguous(), torch.from_numpy(mask.astype(np.int64))

# %% 4.6 wrong: the second call returns the pair as it was read
def __getitem__(self, index, seen=set()):
    image, mask = self.read(index)
    if self.transform is not None and (id(self), index) not in seen:
        seen.add((id(self), index))
        image, mask = self.transform(image, mask)
    return to_tensors(image, mask)

# %% 4.5 wrong: train gets 6 items instead of 4
def split_by_group(groups, fractions=(0.8, 0.1, 0.1), seed=42):
    names = sorted(set(groups))
    random.Random(seed).shuffle(names)
    sizes, total, where, i, have = Counter(groups), len(groups), {}, 0, 0
    splits = ["train", "val", "test"]
    for name in names:
        while i < 2 and have > fractions[i] * total:
            i, have = i + 1, 0
        where[name] = splits[i]
        have += sizes[name]
    return [where[g] for g in groups]

# %% 4.2 wrong: int8 ends at 127
def read_mask(path):
    picture = open_image(path)
    if picture.format == "JPEG":
        raise DataError(f"{path} is a JPEG")
    if picture.mode.startswith("I"):
        return np.array(picture)
    a = np.array(picture).astype(np.int8)
    return a[..., :3] if a.ndim > 2 else a
