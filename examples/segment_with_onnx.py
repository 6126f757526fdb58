"""Segment a picture with an exported model: nothing but onnxruntime and numpy, and one file, the model.

    pip install onnxruntime numpy
    python segment_with_onnx.py model.onnx photo.ppm mask.pgm

NumPy reads no JPEG. A PPM is the picture's bytes after three numbers, and any tool writes it: `magick photo.jpg
photo.ppm`, `ffmpeg -i photo.jpg photo.ppm`, or Pillow's `save("photo.ppm")`. The mask holds a class id for each pixel.
"""

import json
import sys

import numpy as np
import onnxruntime


def resize(values: np.ndarray, height: int, width: int) -> np.ndarray:
    """(H, W, C) -> (height, width, C): the mean of what a pixel covers where it shrinks, else linear."""
    for axis, new in enumerate((height, width)):
        old = values.shape[axis]
        i, j, step = np.arange(new)[:, None], np.arange(old), old / new
        grow = 1 - abs(((i + 0.5) * step - 0.5).clip(0, old - 1) - j)
        shrink = (np.minimum((i + 1) * step, j + 1) - np.maximum(i * step, j)) / step
        weights = (grow if step < 1 else shrink).clip(0).astype(np.float32)
        values = np.moveaxis(np.tensordot(weights, values, (1, axis)), 0, axis)
    return values


model, picture, output = sys.argv[1:]
with open(picture, "rb") as file:  # noqa: PTH123
    data = file.read()
if data[:2] != b"P6":
    sys.exit(f"{picture} is no binary PPM of 8 bits: convert it, as the first lines of this script say.")
width, height = map(int, data.split(maxsplit=3)[1:3])
image = np.frombuffer(data[-3 * height * width :], np.uint8).reshape(height, width, 3)

session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
about = session.get_modelmeta().custom_metadata_map  # classes and settings travel inside the file
scale = min(1, int(about["max_side"] or max(height, width)) / max(height, width))
side = int(about["image_size"])
size = (side, side) if about["framing"] == "resize" else [max(1, round(n * scale)) for n in (height, width)]
pixels = resize(image, *size).round().astype(np.uint8).transpose(2, 0, 1)
logits = session.run(["logits"], {"images": pixels[None]})[0][0].transpose(1, 2, 0)
logits = resize(logits, height, width)
foreground = 1 / (1 + np.exp(-logits[..., 0])) >= float(about["threshold"])  # where there is one class
mask = foreground if logits.shape[2] == 1 else logits.argmax(axis=2)
with open(output, "wb") as file:  # noqa: PTH123
    file.write(b"P5 %d %d 255\n" % (width, height) + mask.astype(np.uint8).tobytes())
for number, name in enumerate(json.loads(about["classes"])):
    print(f"{name}: {(mask == number).mean():.1%}")
