"""Notebook 4: reading, checking and splitting pairs."""

import contextlib
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from exercises.definitions import Exercise, NotWritten
from exercises.expect import Wrong, expect, kind_of, require, values_close
from exercises.process_state import started_anew
from utils.config import COURSE
from utils.errors import DataError

ORANGE, SKY, GREEN = (230, 159, 0), (86, 180, 233), (0, 158, 115)


def read_back(answer: Callable, picture: Image.Image, name: str = "picture.png", **options: Any) -> Any:
    """Save a picture in a folder of its own and let an answer read it."""
    with tempfile.TemporaryDirectory(prefix="read_", ignore_cleanup_errors=True) as folder:
        path = Path(folder) / name
        picture.save(path, **options)
        return answer(path)


def drawable(result: Any) -> np.ndarray:
    """Return what an answer gives as a picture of bytes, (H, W) or (H, W, 3). Raises Wrong for anything else."""
    from utils.plots import to_array

    array = np.asarray(to_array(result))
    require(array.ndim == 2 or (array.ndim == 3 and array.shape[-1] in (3, 4)), "this is no picture")
    return array if array.max() <= 1 else array.clip(0, 255).astype(np.uint8)


def bytes_only(result: np.ndarray) -> None:
    """Raise Wrong unless an array holds bytes."""
    require(
        result.dtype == np.uint8, f"the values are {result.dtype}, not bytes (uint8)", expected="uint8",
        yours=str(result.dtype),
    )  # fmt: skip


def broken_files(answer: Callable) -> None:
    """A file that is no whole picture is refused with a DataError.

    `open_image(path)` finds out and raises it. `Image.open` and OpenCV accept some broken files without a word, and
    complain about others in words of their own.
    """
    with tempfile.TemporaryDirectory(prefix="read_", ignore_cleanup_errors=True) as folder:
        cut = Path(folder) / "cut_off.png"
        Image.fromarray(np.random.default_rng(0).integers(0, 9, (40, 30), dtype=np.uint8)).save(cut)
        cut.write_bytes(cut.read_bytes()[:-300])
        (Path(folder) / "web_page.png").write_text("<!DOCTYPE html><title>404</title>")
        for name, what in (
            ("missing.png", "missing file"),
            ("web_page.png", "web page"),
            ("cut_off.png", "cut-off file"),
        ):
            try:
                answer(Path(folder) / name)
            except (DataError, NotWritten):
                continue
            except Exception as error:
                words = f"a {what} raises {type(error).__name__}, not DataError: begin with open_image(path)"
                raise Wrong(words, file=name) from None
            raise Wrong(f"a {what} is accepted without a word: begin with open_image(path)", file=name)


# ---------------------------------------------------------------- 4.1 read_image
COLOURS = np.array([[(255, 0, 0), (0, 200, 0), (0, 0, 90)], [(9, 8, 7), (250, 120, 30), (1, 2, 3)]], dtype=np.uint8)


def colours(read_image: Callable) -> None:
    """A colour picture becomes uint8 (H, W, 3), red first.

    `open_image(path)` returns a PIL picture, and `np.array(picture)` its pixels. OpenCV would put blue first.
    """
    result = expect(
        lambda file: read_back(read_image, Image.fromarray(file)), COLOURS, gives=COLOURS, says="the colours differ",
        mistakes=[
            (COLOURS[..., ::-1], "red and blue are swapped: OpenCV reads blue first"),
            (COLOURS.transpose(2, 0, 1), "the channels come first: here they stay last, (H, W, 3)"),
            (COLOURS.transpose(1, 0, 2), "height and width are swapped"),
            (lambda result: values_close(result * 255, COLOURS, 0.01), "the values are divided by 255: keep the bytes"),
            (lambda result: np.ndim(result) == 2, "the colours are lost: the result has one value a pixel, not three"),
        ],
    )  # fmt: skip
    bytes_only(result)


def grey(read_image: Callable) -> None:
    """A grey or black-and-white picture has three equal channels.

    PIL pictures have a mode: "L" is grey, "1" black and white, "LA" grey with transparency. `picture.convert("RGB")`
    brings every mode to three channels of bytes.
    """
    values = np.array([[0, 255, 255], [255, 0, 255]], dtype=np.uint8)
    for mode in ("L", "1", "LA"):
        result = expect(
            lambda file, mode=mode: read_back(read_image, Image.fromarray(file).convert(mode)), values,
            gives=np.stack([values] * 3, axis=-1), says=f'a grey picture (mode "{mode}") has other values afterwards',
            mistakes=[
                (lambda result: np.ndim(result) == 2, "a grey picture stays (H, W): it needs three equal channels"),
                (lambda result: result.shape[-1] in (1, 2, 4), "a grey picture does not get three channels"),
                (lambda result: result.max() == 1, 'white becomes 1 in mode "1": convert("RGB") makes it 255'),
            ],
        )  # fmt: skip
        bytes_only(result)


def palette_picture(ids: np.ndarray, palette: dict[int, tuple[int, int, int]]) -> Image.Image:
    """Return a picture that stores ids and a table of colours."""
    picture, table = Image.fromarray(ids).convert("L"), np.zeros((256, 3), dtype=np.uint8)
    for index, colour in palette.items():
        table[index] = colour
    picture.putpalette(table.ravel().tolist())
    return picture


def palette_colours(read_image: Callable) -> None:
    """A picture with a palette gives the colours of the palette.

    Such a file (mode "P") stores a number for each pixel and a table of colours. A photograph is its colours:
    `convert("RGB")` looks them up.
    """
    ids = np.array([[0, 1, 1], [2, 0, 2]], dtype=np.uint8)
    shown = np.array([ORANGE, SKY, GREEN], dtype=np.uint8)[ids]
    expect(
        lambda file: read_back(read_image, palette_picture(file, {0: ORANGE, 1: SKY, 2: GREEN}), transparency=1), ids,
        gives=shown, says="a picture with a palette gets other colours than those of its palette",
        mistakes=[
            (lambda result: np.ndim(result) == 2, "a picture with a palette gives its numbers, not its colours"),
            (np.stack([ids] * 3, axis=-1), "a picture with a palette gives its numbers three times, not its colours"),
            (lambda result: np.ptp(result, axis=-1).max() == 0, "a picture with a palette turns grey"),
            (shown[..., ::-1], "red and blue are swapped in a picture with a palette"),
        ],
    )  # fmt: skip


def transparency(read_image: Callable) -> None:
    """Transparency is dropped, and the colours stay.

    The last channel of the modes "RGBA" and "LA" says how solid each pixel is. Leave it out: the colours, or the grey
    values, remain.
    """
    solid = np.array([[255, 128, 0], [255, 3, 77]], dtype=np.uint8)[..., None]
    greys = np.stack([COLOURS[..., 0]] * 3, axis=-1)
    for mode, colours, wanted in (("RGBA", COLOURS, COLOURS), ("LA", COLOURS[..., :1], greys)):
        expect(
            lambda file, mode=mode: read_back(read_image, Image.fromarray(file, mode)),
            np.concatenate([colours, solid], axis=-1), gives=wanted,
            says=f'transparent pixels change their colour (mode "{mode}"): drop the last channel, keep the rest',
            mistakes=[(lambda result: result.shape[-1] in (2, 4), "a transparent picture keeps its last channel")],
        )  # fmt: skip


BLOCKS = np.array([[(1, 0, 0), (0, 1, 0), (0, 0, 1)], [(1, 1, 1), (0, 0, 0), (1, 1, 0)]], dtype=np.uint8)
# What undoes each note: how the stored picture is turned or mirrored to stand upright.
UPRIGHT: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    1: lambda a: a, 6: lambda a: np.rot90(a, -1), 8: np.rot90, 3: lambda a: np.rot90(a, 2), 2: lambda a: a[:, ::-1],
    4: lambda a: a[::-1], 5: lambda a: a.transpose(1, 0, 2), 7: lambda a: np.rot90(a, 2).transpose(1, 0, 2),
}  # fmt: skip


def phone_picture(blocks: np.ndarray, note: int) -> tuple[Image.Image, Image.Exif]:
    """Return a picture of coloured blocks of 16 pixels, and the note (EXIF) that says how to turn it."""
    exif = Image.Exif()
    exif[0x0112] = note
    return Image.fromarray(np.kron(blocks, np.full((16, 16, 1), 255, dtype=np.uint8))), exif


def upright(read_image: Callable) -> None:
    """A photograph is turned and mirrored as its EXIF note says.

    `ImageOps.exif_transpose(picture)` reads the note and does what it says; a picture without a note stays as it is.
    """
    for note, turn in UPRIGHT.items():
        picture, exif = phone_picture(BLOCKS, note)
        wanted = np.ascontiguousarray(turn(BLOCKS))
        result = read_back(read_image, picture, "photo.jpg", exif=exif, quality=95, subsampling=0)
        require(
            isinstance(result, np.ndarray) and result.ndim == 3, "a photograph (.jpg) is no array (H, W, 3) afterwards",
            yours=kind_of(result),
        )  # fmt: skip
        found = (result[8::16, 8::16] > 128).astype(np.uint8)  # the middle of each block
        says = f"the EXIF note {note} is not followed as it should be"
        stays = found.shape == BLOCKS.shape and (found == BLOCKS).all()
        lies = stays and note in (3, 6, 8)
        ignored = f"the EXIF note {'is not read' if note == 6 else f'{note} is not followed'}"  # 6 is tried first
        expect(
            lambda stored, found=found: found, np.array(picture)[8::16, 8::16] // 255, gives=wanted, says=says,
            mistakes=[
                (lambda _, lies=lies: lies, f"{ignored}: the photograph is not upright"),
                (lambda _, stays=stays: stays, f"a mirrored photograph (EXIF note {note}) stays mirrored"),
                (np.rot90(wanted, 2), "the photograph is turned the wrong way and stands on its head"),
                (wanted[..., ::-1], "red and blue are swapped in a photograph (.jpg)"),
            ],
        )  # fmt: skip
    picture, exif = phone_picture(BLOCKS, 6)
    for name, says in (
        ("grey.jpg", "a grey photograph is not brought upright: it can carry an EXIF note as well"),
        ("IMG_1.JPG", "IMG_1.JPG is not brought upright: the note is in the file, whatever its name ends with"),
        ("photo.jpeg", "photo.jpeg is not brought upright: the note is in the file, whatever its name ends with"),
    ):
        lying = picture.convert("L") if name == "grey.jpg" else picture
        shape = np.shape(read_back(read_image, lying, name, exif=exif))
        require(shape == (48, 32, 3), says, **{"EXIF note": 6}, file=(32, 48), expected=(48, 32, 3), yours=shape)


def phone_example(answer: Callable) -> tuple[Any, Any]:
    """Photograph lying on its side, and what the answer makes of it."""
    with Image.open(COURSE / "data/tiny/images/town01_00.jpg") as scene:
        lying = scene.crop((0, 0, 224, 256)).transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6
    return np.array(lying), drawable(read_back(answer, lying, "phone.jpg", exif=exif, quality=90))


# ---------------------------------------------------------------- 4.2 read_mask
IDS = np.array([[0, 1, 5, 1, 0], [2, 255, 3, 3, 2]], dtype=np.uint8)  # wider than the three channels of a picture


def whole(result: np.ndarray) -> None:
    """Raise Wrong unless an array holds whole numbers."""
    require(
        np.issubdtype(result.dtype, np.integer), f"the numbers are {result.dtype}: ids are whole numbers",
        yours=str(result.dtype),
    )  # fmt: skip


def read_stored(read_mask: Callable, picture: Image.Image, name: str = "picture.png", **options: Any) -> Any:
    """Let an answer read a mask. Raises Wrong, with the mode of the file, where it returns nothing."""
    modes = []

    def answer(path: Path) -> Any:
        with Image.open(path) as file:
            modes.append(file.mode)
        return read_mask(path)

    try:
        result = read_back(answer, picture, name, **options)
    except DataError as error:
        says = "only a JPEG is refused, and this is none" + ": ask for its `format`, not its name" * ("jpg" in name)
        raise Wrong(says, file=name, mode=modes[0], yours=f"DataError: {error}") from None
    require(result is not None, f'nothing is returned for a file of mode "{modes[0]}": has every case a `return`?')
    return result


def stored_ids(read_mask: Callable) -> None:
    """The numbers of a grey mask are its ids, untouched.

    `np.array(open_image(path))` gives the stored numbers. Convert nothing and divide by nothing.
    """
    result = expect(
        lambda file: read_stored(read_mask, Image.fromarray(file), "made_from_jpg.png"), IDS, gives=IDS,
        says="the numbers are not those that the mask stores",
        mistakes=[
            (lambda result: np.ndim(result) == 3, "a mask of ids has a third axis afterwards: keep it (H, W)"),
            (lambda r: values_close(r * 255, IDS, 0.01), "the ids are divided by 255: a mask is no photograph"),
            (lambda result: ((result > 0) == (IDS > 0)).all() and result.max() <= 1, "all classes become one"),
            (IDS.T, "height and width are swapped"),
            (lambda result: result.dtype == np.int8, "255 becomes -1: int8 ends at 127"),
            (lambda result: (result[IDS != 255] == IDS[IDS != 255]).all(), "255 is replaced: keep it"),
        ],
    )  # fmt: skip
    whole(result)


def palette_ids(read_mask: Callable) -> None:
    """A mask with a palette gives its numbers, not the colours that they are shown in.

    Mode "P" stores ids and a table of colours for the eye. `np.array(picture)` gives the ids; any `convert` replaces
    them by colours or by the brightness of the colours.
    """
    picture = palette_picture(IDS, {1: ORANGE, 5: SKY, 2: GREEN, 255: (255, 255, 255), 3: (90, 90, 90)})
    result = expect(
        lambda file: read_stored(read_mask, picture), IDS, gives=IDS, says="a mask with a palette gives other numbers",
        mistakes=[
            (lambda result: np.ndim(result) == 3, "these are the colours of the palette, not the ids"),
            (np.array(picture.convert("L")), "these are the grey values of the palette's colours, not the ids"),
            (lambda result: (result != IDS).any(), "a mask with a palette gives other numbers than its ids"),
        ],
    )  # fmt: skip
    whole(result)


def black_and_white(read_mask: Callable) -> None:
    """A black-and-white mask gives the numbers 0 and 1.

    `np.array` of a picture of mode "1" holds True and False. `.astype(np.uint8)` makes 1 and 0 of them.
    """
    ids = np.array([[0, 1, 1, 0, 1], [1, 0, 1, 1, 1]], dtype=np.uint8)
    result = expect(
        lambda file: read_stored(read_mask, Image.fromarray(file == 1)), ids, gives=ids,
        says="a black-and-white mask does not give 0 and 1",
        mistakes=[(ids * 255, "a black-and-white mask stores 0 and 1, and becomes 0 and 255")],
    )  # fmt: skip
    require(result.dtype != bool, "a black-and-white mask gives True and False: make them 1 and 0", yours="bool")
    whole(result)


def sixteen_bits(read_mask: Callable) -> None:
    """Numbers above 255 survive.

    Masks of 16 bits hold up to 65,536 different numbers. A conversion to bytes cuts them off.
    """
    values = np.array([[0, 300, 7, 0, 2], [40000, 256, 1, 9, 300]], dtype=np.uint16)
    result = expect(
        lambda file: read_stored(read_mask, Image.fromarray(file), "mask.tif"), values, gives=values,
        says="a mask of 16 bits gives other numbers",
        mistakes=[
            (values.astype(np.uint8), "numbers above 255 are cut off to 8 bits: 300 becomes 44"),
            (np.minimum(values, 255), "numbers above 255 become 255: keep them"),
            (lambda result: result.max() <= 255, "a mask of 16 bits is squeezed into 8: keep its numbers"),
            (lambda result: result.min() < 0, "large numbers turn negative: 16 bits need an unsigned or larger type"),
        ],
    )  # fmt: skip
    whole(result)


def coloured(read_mask: Callable) -> None:
    """A mask that stores colours stays (H, W, 3), red first.

    Which class a colour means is decided later, with the class table. Drop a fourth channel (transparency).
    """
    stored = np.array([[ORANGE, SKY, GREEN], [(0, 0, 0), ORANGE, SKY]], dtype=np.uint8)
    solid = np.array([[255, 128, 0], [255, 3, 77]], dtype=np.uint8)[..., None]
    for file in (stored, np.concatenate([stored, solid], axis=-1)):
        result = expect(
            lambda file: read_stored(read_mask, Image.fromarray(file)), file, gives=stored,
            says="a colour mask has other colours afterwards",
            mistakes=[
                (stored[..., ::-1], "red and blue are swapped in a colour mask"),
                (lambda result: result.ndim == 2, "a colour mask loses its colours: keep three channels"),
                (lambda result: result.shape[-1] == 4, "the transparency is still there: keep three channels"),
            ],
        )  # fmt: skip
        whole(result)


def no_jpeg(read_mask: Callable) -> None:
    """A JPEG is refused with a DataError, whatever its name ends with.

    The picture that `open_image` returns knows its format: `if picture.format == "JPEG": raise DataError("...")`. Ask
    it before you convert or turn the picture, because the new picture that these return has no format.
    """
    for name in ("mask.jpg", "mask.jpeg", "renamed.png"):
        try:
            picture = Image.fromarray(np.kron(IDS, np.ones((8, 8), dtype=np.uint8)))
            picture = picture.convert("RGB") if name == "mask.jpeg" else picture
            result = read_back(read_mask, picture, name, format="JPEG")
        except DataError as error:
            require(str(error).strip(), "the DataError has no words: say in a sentence which file it is, and why")
            continue
        except (ValueError, TypeError, OSError, AssertionError, RuntimeError) as error:
            says = "DataError needs a sentence: which file it is, and why it is refused"
            require("DataError" not in str(error), says, file=name, error=str(error))
            what = type(error).__name__
            raise Wrong(f"a JPEG raises {what}: let it raise DataError", file=name, yours=what) from None
        if result is None:
            raise Wrong("a JPEG gives None, and the fault shows up much later: raise DataError", file=name)
        if asks_a_copy(read_mask, picture, name):
            raise Wrong(
                "a JPEG is accepted, because a picture that was converted or turned has no `format` any more: ask the "
                "picture that `open_image` returned", file=name,
            )  # fmt: skip
        if name == "renamed.png":
            raise Wrong("a JPEG that was renamed to .png is accepted: ask for its `format`, not its name", file=name)
        raise Wrong(f"a JPEG mask ({name}) is accepted though its ids are damaged: raise DataError", file=name)
    white = np.where(IDS > 2, 255, 0).astype(np.uint8)
    says = "a mask of 0 and 255 must keep these numbers: what they mean is decided later"
    expect(lambda file: read_stored(read_mask, Image.fromarray(file), "a_png.jpg", format="PNG"), white, gives=white,
           says=says)  # fmt: skip


def asks_a_copy(read_mask: Callable, picture: Image.Image, name: str) -> bool:
    """Say whether an answer that accepts a JPEG would refuse it if Pillow's copies of a picture kept the format."""
    with mock.patch.object(Image.Image, "format", "JPEG"):  # the class of copies; an opened file has one of its own
        try:
            read_back(read_mask, picture, name, format="JPEG")
        except DataError:
            return True
        except Exception:  # whatever else goes wrong, the usual verdict says more
            return False
    return False


def mask_example(answer: Callable) -> tuple[Any, Any]:
    """Palette mask as a program shows it that takes the ids for grey, and the ids in colour."""
    from utils import catalog, plots
    from utils.config import Config

    path, palette = COURSE / "data/tiny/masks/town01_00.png", catalog.load(Config()).palette
    palette = [*palette, *[(255, 0, 255)] * (255 - len(palette))]  # what is no class shines
    with Image.open(path) as stored:
        grey_ids = np.stack([np.array(stored)] * 3, axis=-1)
    return grey_ids, drawable(plots.colour_mask(answer(path), palette))


# ---------------------------------------------------------------- 4.3 to_tensors
SMALL = np.arange(24, dtype=np.uint8).reshape(2, 4, 3) * 10
LABELS = np.array([[0, 1, 2, 255], [5, 255, 0, 1]], dtype=np.uint8)


def as_pair(result: Any, when: str = "") -> tuple[Tensor, Tensor]:
    """Return the two tensors that an answer gives. Raises Wrong, which says `when`, for anything else."""
    require(result is not None, "nothing is returned: is a `return` missing?")
    require(
        isinstance(result, tuple | list) and len(result) == 2, f"the result is {kind_of(result)}, not two tensors",
        expected="(image, mask)",
    )  # fmt: skip
    for name, value in zip(("image", "mask"), result, strict=True):
        require(isinstance(value, Tensor), f"the {name} is {kind_of(value)}, not a tensor{when}")
    return tuple(result)


def channels_first(to_tensors: Callable) -> None:
    """The image has its channels first: (3, H, W).

    Arrays are (H, W, 3), PyTorch wants (3, H, W). `image.transpose(2, 0, 1)` puts the last axis first.
    """
    image, _ = as_pair(expect(to_tensors, SMALL, LABELS))
    wanted = {
        (2, 4, 3): "the image's channels are last: PyTorch wants them first, (3, H, W)",
        (3, 4, 2): "height and width of the image are swapped: (3, H, W)",
        (1, 3, 2, 4): "the image has a fourth axis: one image is (3, H, W), batches come later",
        (2, 4): "the first result is (2, 4), as the mask should be: return the image first, (image, mask)",
    }
    says = wanted.get(tuple(image.shape), f"the image has shape {tuple(image.shape)}, not (3, 2, 4)")
    require(image.shape == (3, 2, 4), says, expected=(3, 2, 4), yours=tuple(image.shape))


def pixels_stay(to_tensors: Callable) -> None:
    """Each pixel keeps its place and its three bytes.

    `reshape` and `view` only cut the same row of numbers anew: they mix pixels and channels. Move the axes instead,
    with `transpose` (NumPy) or `permute` (PyTorch). The image stays uint8.
    """
    image, _ = as_pair(to_tensors(SMALL.copy(), LABELS.copy()))
    details = {"expected": "torch.uint8", "yours": str(image.dtype)}
    divided = image.is_floating_point() and image.max() <= 1
    says = "the image is divided by 255: it stays uint8, the model divides later"
    require(not divided, says, **details)
    require(image.dtype == torch.uint8, f"the image is {image.dtype}: it stays uint8", **details)
    wanted = torch.tensor(np.moveaxis(SMALL, -1, 0).tolist(), dtype=torch.uint8)
    expect(
        lambda image: as_pair(to_tensors(image, LABELS.copy()))[0], SMALL, gives=wanted, says="the pixels are mixed up",
        mistakes=[
            (torch.tensor(SMALL.reshape(3, 2, 4)), "reshape mixes the pixels up: move the axes with transpose"),
            (wanted.flip(0), "red and blue are swapped"),
        ],
    )  # fmt: skip


def labels_are_int64(to_tensors: Callable) -> None:
    """The mask is int64 (H, W), as PyTorch's losses demand, and 255 stays 255.

    `torch.from_numpy(mask.astype(np.int64))`, or `.long()` on the tensor. It has no axis for channels.
    """
    _, mask = as_pair(to_tensors(SMALL.copy(), LABELS.copy()))
    expected = {"expected": "int64 (2, 4)", "yours": f"{str(mask.dtype).removeprefix('torch.')} {tuple(mask.shape)}"}
    require(mask.ndim == 2, "the mask is (H, W): it needs no axis for channels or batch", **expected)
    require(mask.shape == (2, 4), "height and width of the mask are swapped", **expected)
    floats = "the mask holds floats: class ids are whole numbers, int64"
    require(not mask.is_floating_point(), floats, **expected)
    require(mask.dtype == torch.int64, f"the mask is {mask.dtype}: PyTorch's losses want int64", **expected)
    wanted = torch.tensor(LABELS.tolist())
    expect(
        lambda mask: as_pair(to_tensors(SMALL.copy(), mask))[1], LABELS, gives=wanted, says="the labels differ",
        mistakes=[
            (lambda result: (result == -1).any(), "255 becomes -1: uint8 cannot go through int8"),
            (lambda result: (result[LABELS == 255] != 255).all(), "255 is replaced: keep it, the losses leave it out"),
        ],
    )  # fmt: skip


def flipped_views(to_tensors: Callable) -> None:
    """Flipped arrays are taken too.

    `image[:, ::-1]` is a view that runs backwards through memory, and PyTorch refuses it. A `.copy()` runs forwards.
    """
    views = {"[:, ::-1]": np.s_[:, ::-1], "[::-1]": np.s_[::-1], "[:1, :1]": np.s_[:1, :1]}
    for text, view in views.items():
        image, mask = SMALL[view], LABELS[view]
        try:
            found = as_pair(to_tensors(image, mask))
        except (ValueError, RuntimeError) as error:
            if "stride" not in str(error):
                raise
            raise Wrong("a flipped array is refused (it runs backwards): copy it first", image=f"image{text}") from None
        wanted = (torch.tensor(np.moveaxis(image, -1, 0).tolist()), torch.tensor(mask.tolist()))
        for name, result, right in zip(("image", "mask"), found, wanted, strict=True):
            says = f"a flipped {name} comes out wrong" if "-" in text else f"the {name} of one pixel comes out wrong"
            require(torch.equal(result.long(), right), says, view=name + text, expected=right, yours=result)


def own_memory(to_tensors: Callable) -> None:
    """The tensors have memory of their own.

    `torch.from_numpy` shares memory with the array, and `permute` only looks at it differently. A change of the tensor
    would change the cached picture. `.copy()` (NumPy) or `.clone()` (PyTorch) makes it independent.
    """
    lies_first = np.moveaxis(SMALL, -1, 0).copy().transpose(1, 2, 0)  # (H, W, 3), and its channels lie first in memory
    always = " always (`{}` copies only if it must)"
    for picture, hint in (
        (SMALL.copy(), ""), (lies_first, always.format("ascontiguousarray")),
        (SMALL[:1, :1].copy(), always.format("contiguous")),
    ):  # fmt: skip
        arrays = picture, LABELS[: len(picture), : picture.shape[1]].copy()
        for name, array, result in zip(("image", "mask"), arrays, as_pair(to_tensors(*arrays)), strict=True):
            before = result.clone()
            array += 1
            require(
                torch.equal(result, before), f"the {name} tensor shares its memory with the array: copy it{hint}",
                change=f"{name} += 1", before=before, after=result,
            )  # fmt: skip
    first, _ = as_pair(to_tensors(SMALL.copy(), LABELS.copy()))
    before, _ = first.clone(), to_tensors(SMALL[::-1].copy(), LABELS[::-1].copy())
    require(torch.equal(first, before), "a later call changes the tensors of an earlier one: make new ones each time")


def tensor_example(answer: Callable) -> tuple[Any, Any]:
    """Scene as an array, and as a tensor."""
    with Image.open(COURSE / "data/tiny/images/town01_00.jpg") as scene:
        image = np.array(scene.convert("RGB"))[:192]
    return image, drawable(answer(image, np.zeros(image.shape[:2], dtype=np.uint8))[0])


# ---------------------------------------------------------------- 4.4 pair_faults
WORDS = {"shape", "labels", "empty"}


def wide_and_high(shape: tuple[int, ...]) -> str:
    """Write the shape (H, W) of an array in words."""
    return f"{shape[1]} wide, {shape[0]} high"


def faults_are(
    pair_faults: Callable, size: tuple[int, int], mask: np.ndarray, wanted: list[str], says: str, classes: int = 3,
    **mistakes: str,
) -> None:  # fmt: skip
    """Compare the faults of a pair; `mistakes` name what is said instead for a word too many or too few."""
    found = expect(pair_faults, np.zeros((*size, 3), dtype=np.uint8), mask, classes)
    details = {
        "image": wide_and_high(size),
        "mask": mask if mask.size < 24 else wide_and_high(mask.shape),
        "num_classes": classes,
        "expected": wanted,
        "yours": found,
    }
    require(found is not None, "nothing is returned: a pair without a fault gives an empty list, []", **details)
    require(isinstance(found, list | tuple), f"the result is {kind_of(found)}, not a list of words", **details)
    strange = [word for word in found if not isinstance(word, str) or word not in WORDS]
    require(not strange, 'another word than "shape", "labels" and "empty" is in the list', **details)
    require(len(found) == len(set(found)), "a fault is named more than once", **details)
    for word in sorted(WORDS):
        if (word in found) != (word in wanted):
            raise Wrong(mistakes.get(word, says), **details)


def filled(height: int, width: int, value: int = 1) -> np.ndarray:
    """Return a mask of one label."""
    return np.full((height, width), value, dtype=np.uint8)


def good_pair(pair_faults: Callable) -> None:
    """A pair that fits has no faults: an empty list.

    Gather the words in a list, `faults = []`, and return it at the end.
    """
    mask = np.array([[0, 1, 2], [255, 2, 0]], dtype=np.uint8)
    faults_are(
        pair_faults, (2, 3), mask, [], "a pair without a fault is blamed",
        labels="255 is taken for a foreign label: it means ignored",
        shape="a pair of equal size has the fault shape: `.shape` gives the height first, then the width",
        empty="a mask with a few ignored pixels is called empty: only a mask of nothing but 255 is",
    )  # fmt: skip
    faults_are(
        pair_faults, (2, 3), mask.astype(np.int64), [], "a mask of another integer type is blamed",
        labels="255 is taken for a foreign label when the mask is int64", shape="a pair of equal size has a fault",
    )  # fmt: skip
    faults_are(pair_faults, (1, 1), filled(1, 1, 0), [], "a single pixel of class 0 is a good pair, and is blamed")


def another_size(pair_faults: Callable) -> None:
    """A mask of another size but the same shape is no fault.

    Do not compare the sizes: compare width / height of the image with width / height of the mask.
    """
    says = "a mask of another size but the same shape is blamed: compare width / height"
    for size, mask in (((40, 80), (20, 40)), ((40, 80), (80, 160)), ((3, 3), (7, 7))):
        faults_are(pair_faults, size, filled(*mask), [], says)
    says = "a mask that is rounded to whole pixels, 0.3 % too narrow, is blamed: up to 2 % are allowed"
    faults_are(pair_faults, (100, 301), filled(50, 150), [], says)


def another_shape(pair_faults: Callable) -> None:
    """A mask of another shape is not of this picture: "shape".

    With r = width / height of each, compare the two: `abs(r_mask / r_image - 1) > 0.02`.
    """
    says = "a mask of another shape passes: compare width / height of both"
    narrow, wide = filled(100, 100), filled(100, 300)
    for mask, other, kinds in ((narrow, wide, ("wide", "narrow")), (wide, narrow, ("narrow", "wide"))):
        found = expect(pair_faults, np.zeros((100, 200, 3), dtype=np.uint8), other, 3)
        words = "only masks that are too {} are found: too {} counts as well (abs)".format(*kinds)
        faults_are(pair_faults, (100, 200), mask, ["shape"], says, shape=words if "shape" in (found or ()) else says)
    for size, mask, words in (
        ((40, 80), (80, 40), "a mask that lies on its side passes: tell height from width"),
        ((40, 80), (20, 80), "half of a mask passes"),
        ((40, 80), (40, 40), "half of a mask passes"),
        ((40, 80), (80, 80), "a mask that is twice as high passes"),
        ((100, 200), (100, 206), "a mask that is 3 % too wide passes: 2 % are allowed"),
        ((100, 200), (106, 200), "a mask that is 6 % too high passes: 2 % are allowed"),
        ((400, 20), (400, 25), "a quarter too wide passes for a narrow picture: compare in percent"),
        ((20, 400), (25, 400), "a quarter too high passes for a wide picture: compare in percent"),
        ((100, 1000), (100, 1022), "a mask that is 2.2 % too wide passes: 2 % are allowed"),
        ((1000, 100), (1022, 100), "a mask that is 2.2 % too high passes: 2 % are allowed"),
        ((800, 800), (90, 100), "a small mask that is 11 % too wide passes: divide one ratio by the other"),
    ):
        faults_are(pair_faults, size, filled(*mask), ["shape"], says, shape=words)


def two_percent(pair_faults: Callable) -> None:
    """Differences below 2 % are no fault, in wide and in high pictures.

    Percent means: divide one ratio by the other and see how far that is from 1. A plain difference of the ratios is
    large for wide pictures and small for high ones.
    """
    says = "a difference of 1 % is blamed: compare in percent, 2 % are allowed"
    for size in ((100, 200), (200, 100), (10, 400), (400, 10)):
        height, width = (round(1.01 * side) if side >= 200 else side for side in size)
        faults_are(pair_faults, size, filled(height, width), [], says)
    says = "a large mask that is 1 % too high is blamed: divide one ratio by the other, 2 % are allowed"
    faults_are(pair_faults, (100, 200), filled(404, 800), [], says)
    says = "a difference of 1.9 % is blamed: 2 % are allowed"
    for size, mask in (((100, 1000), (100, 1019)), ((1000, 100), (1019, 100))):
        faults_are(pair_faults, size, filled(*mask), [], says)


def foreign_labels(pair_faults: Callable) -> None:
    """A label that is no class is found: "labels".

    Good labels are 0 ... num_classes - 1, and 255. Leave the 255 out first; then look at the smallest and largest.
    """
    for value, words in (
        (3, "label 3 passes though 3 classes are called 0, 1 and 2"),
        (17, "label 17 passes though there are 3 classes"),
        (254, "label 254 passes: only 255 means ignored"),
        (-1, "a negative label passes"),
        (256, "label 256 passes: only 255 means ignored"),
    ):
        mask = np.array([[0, 1, 255], [255, 2, value]], dtype=np.int64)
        says = f"a mask with label {value} gets another fault"
        faults_are(pair_faults, (2, 3), mask, ["labels"], says, labels=words)
    for classes in (2, 6):
        mask = np.array([[0, 1, 255], [255, 1, classes - 1]], dtype=np.uint8)
        says = f"the highest of {classes} classes is blamed: use num_classes"
        faults_are(pair_faults, (2, 3), mask, [], says, classes)
        words = f"label {classes} passes with {classes} classes: use num_classes"
        mask[1, 2] = classes
        faults_are(pair_faults, (2, 3), mask, ["labels"], says, classes, labels=words)
    mask = filled(20, 20, 255).astype(np.int64)
    mask[3, 4:6] = 256, 300
    faults_are(
        pair_faults, (20, 20), mask, ["labels"], "two foreign labels among 398 ignored pixels are not handled",
        labels="one foreign label among ignored pixels passes", empty="a mask with a label beside 255 is called empty",
    )  # fmt: skip


def empty_mask(pair_faults: Callable) -> None:
    """A mask of nothing but 255 teaches nothing: "empty".

    `(mask == 255).all()` says whether every pixel is ignored.
    """
    for dtype in (np.uint8, np.int64):
        mask = filled(2, 3, 255).astype(dtype)
        try:
            faults_are(
                pair_faults, (2, 3), mask, ["empty"], "an empty mask gets other faults",
                empty="a mask of nothing but 255 passes", labels="255 is taken for a foreign label in an empty mask",
            )  # fmt: skip
        except (ValueError, IndexError, RuntimeError) as error:  # the smallest of no labels at all
            says = "a mask of nothing but 255 is not handled: without its ignored pixels no label is left to look at"
            details = {"mask": mask, "num_classes": 3, "expected": ["empty"]}
            raise Wrong(says, **details, yours=f"{type(error).__name__}: {error}") from None
    for mask in (filled(2, 3, 0), np.array([[255, 255, 255], [255, 0, 255]], dtype=np.uint8)):
        says = "a mask with labelled pixels is called empty: class 0 is a class"
        faults_are(pair_faults, (2, 3), mask, [], says, labels="class 0 is taken for a foreign label")


def all_faults(pair_faults: Callable) -> None:
    """All faults are named, not only the first.

    A `return` after the first fault hides the others. Append to the list, and return it at the end.
    """
    says = "a pair with two faults is told of one only: gather all"
    faults_are(pair_faults, (4, 8), filled(8, 4, 9), ["shape", "labels"], says)
    faults_are(pair_faults, (4, 8), filled(8, 4, 255), ["shape", "empty"], says)
    image, foreign, ignored = np.zeros((4, 8, 3), dtype=np.uint8), filled(4, 8, 9), filled(4, 8, 255)
    first, _ = pair_faults(image, foreign, 3), pair_faults(image, ignored, 3)
    says = "a later call changes the list of an earlier one: make a new list each time"
    require(list(first) == ["labels"], says, expected=["labels"], yours=first)


# ---------------------------------------------------------------- 4.5 split_by_group
SPLITS = ("train", "val", "test")


def splits_of(answer: Callable, groups: list[str], *args: Any, **kwargs: Any) -> list[str]:
    """Call an answer; return the names that it gives. Raises Wrong for anything but one name for each item."""
    found = expect(answer, groups, *args, **kwargs)
    require(found is not None, "nothing is returned: is a `return` missing?")
    details = {"groups": groups, "yours": found}
    require(isinstance(found, list | tuple), f"the result is {kind_of(found)}, not a list", **details)
    require(
        len(found) == len(groups), f"{len(groups)} items, but {len(found)} names: give one for each item", **details
    )
    strange = [name for name in found if not isinstance(name, str) or name not in SPLITS]
    require(not strange, 'a name is none of "train", "val" and "test"', **details)
    return list(found)


def towns(count: int, size: int) -> list[str]:
    """Return groups of equal size, their items not side by side."""
    return [f"town{i % count}" for i in range(count * size)]


def one_name_each(split_by_group: Callable) -> None:
    """Every item gets the name of a split, in order.

    Decide for the groups first, in a dict from group to split. Then `[split_of[g] for g in groups]`.
    """
    splits_of(split_by_group, ["a", "b", "a", "c", "c", "d", "a", "e"], (0.5, 0.25, 0.25), 0)
    splits_of(split_by_group, ["a", "a", "a"], (0.5, 0.25, 0.25), 0)


def together(split_by_group: Callable) -> None:
    """No group is in two splits.

    Shuffle the names of the groups, not the items, and give whole groups away.
    """
    for seed in range(6):
        groups = towns(7, 5) + ["alone"] + ["pair"] * 2
        found = splits_of(split_by_group, groups, (0.5, 0.25, 0.25), seed)
        for group in sorted(set(groups)):
            names = sorted({name for name, other in zip(found, groups, strict=True) if other == group})
            require(len(names) == 1, "one group is in several splits: that is the leak", group=group, splits=names)


def exact_shares(split_by_group: Callable) -> None:
    """Equal groups that can be dealt out exactly are, in the order (train, val, test).

    Give groups to val until it has its share of the items, then to test, and all others to train.
    """
    for count, size, fractions in (
        (4, 2, (0.5, 0.25, 0.25)), (8, 3, (0.25, 0.5, 0.25)), (8, 1, (0.25, 0.25, 0.5)), (4, 2, (0.75, 0.25, 0.0)),
        (4, 2, (0.75, 0.0, 0.25)), (4, 3, (1.0, 0.0, 0.0)), (2, 3, (0.5, 0.5, 0.0)),
    ):  # fmt: skip
        groups = towns(count, size)
        for seed in range(3):
            counts = Counter(splits_of(split_by_group, groups, fractions, seed))
            found = tuple(counts[name] for name in SPLITS)
            wanted = tuple(int(f * len(groups)) for f in fractions)
            details = {"groups": groups, "fractions": fractions, "expected": wanted, "yours": found}
            unwanted = any(n and not f for n, f in zip(found, fractions, strict=True))
            require(not unwanted, "a split gets items though its fraction is 0", **details)
            mixed = found != wanted and sorted(found) == sorted(wanted)
            require(not mixed, "the shares are right but in the wrong order: (train, val, test)", **details)
            over = [s for s, n, w in zip(SPLITS, found, wanted, strict=True) if n > w and s != "train"]
            place = SPLITS.index([*over, "val"][0])
            says = "the shares differ though the groups can be dealt out exactly"
            full = f": {SPLITS[place]} is full with {wanted[place]} items and gets {found[place]}"
            more = f": train gets {found[0]} items instead of {wanted[0]} (are the `fractions` used?)"
            require(found == wanted, says + (full if over else more), **details)


def shares_of_items(split_by_group: Callable) -> None:
    """Shares count items, not groups, and a share of 0 stays empty.

    Groups have different sizes. Count the items that a split has already (`Counter(groups)` gives the sizes), not
    its groups.
    """
    groups = [f"large{i % 40:02d}" for i in range(400)] + [f"small{i:03d}" for i in range(200)]
    for fractions in ((0.5, 0.25, 0.25), (0.25, 0.25, 0.5)):
        for seed in range(6):
            counts = Counter(splits_of(split_by_group, groups, fractions, seed))
            for name, fraction in zip(SPLITS, fractions, strict=True):
                require(
                    abs(counts[name] - fraction * 600) <= 20,
                    f"{name} is off by more than twice the largest group: do shares count groups, or chances, "
                    "instead of items?",
                    items=600, largest_group=10, fractions=fractions, expected=f"{name} {fraction * 600:.0f}",
                    yours=f"{name} {counts[name]}",
                )  # fmt: skip
    for groups in (["a"], ["a", "a", "a", "b", "b"], ["a", "b", "b", "b", "b"]):  # nothing comes out even
        for fractions in ((0.5, 0.5, 0.0), (0.5, 0.0, 0.5)):
            found, gone = splits_of(split_by_group, groups, fractions, 0), SPLITS[fractions.index(0)]
            says = f"{gone} gets items though its fraction is 0, where groups do not come out even"
            require(gone not in found, says, groups=groups, fractions=fractions, yours=found)


def usual_shares(split_by_group: Callable) -> None:
    """Without further arguments the split is 80/10/10.

    Keep the defaults in the first line of the function: `fractions=(0.8, 0.1, 0.1), seed=42`, and use both.
    """
    found = Counter(splits_of(split_by_group, towns(100, 1)))
    details = {"items": 100, "expected": "80, 10, 10", "yours": tuple(found[name] for name in SPLITS)}
    for name, wanted in zip(SPLITS, (80, 10, 10), strict=True):
        require(abs(found[name] - wanted) <= 2, "a hundred single pictures are not split 80/10/10", **details)


def none_empty(split_by_group: Callable) -> None:
    """At 80/10/10, ten equal groups or more leave no split empty.

    A small split is used up by the rounding of a large one that comes before it. Fill val and test first: train takes
    what they leave.
    """
    for count in (10, 11, 12, 13, 20, 25):
        groups = towns(count, 6)
        for seed in range(3):
            counts = Counter(splits_of(split_by_group, groups, seed=seed))
            empty = [name for name in SPLITS if not counts[name]]
            others = " and ".join(name for name in SPLITS if counts[name])
            took = "took every group, so let the small splits take theirs first"
            require(
                not empty, f"{[*empty, ''][0]} is empty: {others} {took}",
                **{"items in each group": 6}, groups=count, seed=seed, expected="a group or more in each split",
                yours=", ".join(f"{name} {counts[name]}" for name in SPLITS),
            )  # fmt: skip


def repeatable(split_by_group: Callable) -> None:
    """The same seed gives the same split, another seed another, and the global generators stay as they are.

    `random.Random(seed).shuffle(names)` shuffles with a generator of its own, which starts at the seed each time.
    """
    groups = towns(30, 2)
    seeds = [0, 1, 2, 3, 10]
    found = [splits_of(split_by_group, groups, (0.5, 0.25, 0.25), seed) for seed in seeds]
    for _ in range(2):
        again = splits_of(split_by_group, groups, (0.5, 0.25, 0.25), 0)
        require(again == found[0], "the same seed gives another split the next time: shuffle with the seed", seed=0)
    with started_anew():
        tomorrow = splits_of(split_by_group, groups, (0.5, 0.25, 0.25), 0)
    says = "`hash` of a text differs each time Python starts, and so does the split: use random.Random(seed)"
    require(tomorrow == found[0], says, seed=0)
    different = len(set(map(tuple, found)))
    says = "some seeds give the same split: hand the seed on as it is"
    says = says if different > 1 else "every seed gives the same split: shuffle the names of the groups with the seed"
    require(different == len(seeds), says, seeds=seeds)
    with no_generator_moves("take a generator of your own"):
        splits_of(split_by_group, groups, (0.5, 0.25, 0.25), 0)


@contextlib.contextmanager
def no_generator_moves(remedy: str) -> Iterator[None]:
    """Raise Wrong where what is done meanwhile sets a global random generator, or draws from it."""
    random.random(), np.random.random(), torch.rand(())  # a state that no call has left behind  # noqa: NPY002
    before = global_states()
    yield
    moved = [name for name, state in global_states().items() if state != before[name]]
    says = "is set by a call, so whatever draws from it later repeats itself"
    require(not moved, f"the global generator of {[*moved, 0][0]} {says}: {remedy}")


def global_states() -> dict[str, str]:
    """Return the states of the global random generators, by the name of their library."""
    states = {"Python": random.getstate(), "NumPy": np.random.get_state(legacy=False)["state"]}  # noqa: NPY002
    states["NumPy"] |= {"key": states["NumPy"]["key"].tobytes()}
    return {name: repr(state) for name, state in states.items()} | {"PyTorch": repr(torch.get_rng_state().tolist())}


def any_order(split_by_group: Callable) -> None:
    """The order of the items does not matter.

    Another computer lists files in another order, and the names in a `set` come in any order. Use
    `sorted(set(groups))` before you shuffle.
    """
    names = [f"town{i:03d}" for i in range(300)]
    mixed = np.random.default_rng(0).permutation(names * 2).tolist()
    for groups in (mixed, sorted(names * 2), sorted(mixed, reverse=True)):
        split_of = dict(zip(groups, splits_of(split_by_group, groups, (0.5, 0.25, 0.25), 1), strict=True))
        if groups is mixed:
            first = split_of
        says = "the split depends on the order of the items: sort the groups before you shuffle them"
        require(split_of == first, says, moved=sum(split_of[n] != first[n] for n in names))


# ---------------------------------------------------------------- 4.6 __getitem__
def numbers_of_pair(index: int) -> tuple[np.ndarray, np.ndarray]:
    """Return pair number `index`: an image (1, 2, 3) whose bytes begin with 10 * index + 1, and its mask (1, 2)."""
    image = np.arange(1, 7, dtype=np.uint8).reshape(1, 2, 3) + np.uint8(10 * index)
    return image, np.array([[index, 255]], dtype=np.uint8)


def pair_of_tensors(image: np.ndarray, mask: np.ndarray) -> tuple[Tensor, Tensor]:
    """Return two arrays as the tensors that an example is made of."""
    return torch.tensor(np.moveaxis(image, -1, 0).tolist(), dtype=torch.uint8), torch.tensor(mask.tolist())


class EmptyCache(Wrong, KeyError):
    """Nothing has been read yet; an answer may expect that, as a KeyError."""


class Cache(dict):
    """A cache that says how it is filled."""

    def __missing__(self, index: int) -> None:
        raise EmptyCache("the cache is empty at first: `self.read(index)` fills it and gives the arrays", index=index)


class ThreePairs:
    """A data set of three pairs, which caches what it has read, as `Pairs` does, and notes what it is asked for."""

    def __init__(self, transform: Callable | None = None) -> None:
        self.transform, self.cache = transform, Cache()
        self.kept, self.asked = [numbers_of_pair(index) for index in range(3)], []

    def __len__(self) -> int:
        return len(self.kept)

    def __getitem__(self, index: int) -> None:
        raise Wrong("`self[index]` calls this very method again, without end: `self.read(index)` gives the arrays")

    def read(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        self.asked.append(index)
        if index not in self.cache:
            self.cache[index] = self.kept[index]
        return self.cache[index]

    @property
    def pairs(self) -> None:
        raise Wrong("the files are opened past the cache, for every example anew: `self.read(index)` asks the cache")

    source = pairs


class MirrorAndCount:
    """A transform that mirrors both arrays, cuts them to some columns, and adds the number of the call to the image."""

    def __init__(self, columns: int = 2) -> None:
        self.calls, self.columns = 0, columns

    def __call__(self, *arrays: Any, **named: Any) -> tuple[np.ndarray, np.ndarray]:
        given = [*arrays, *named.values()]
        says = "the transform does not get image and mask together: hand over both, `self.transform(image, mask)`"
        require(len(given) == 2, says, given=[kind_of(value) for value in given])
        image, mask = given if arrays else (named["image"], named["mask"])
        tensors = any(isinstance(value, Tensor) for value in given)
        require(not tensors, "the transform gets tensors: it works on arrays, so `to_tensors` comes after it")
        says = "the transform takes the image first and the mask second"
        require((np.ndim(image), np.ndim(mask)) == (3, 2), says, given=[kind_of(value) for value in given])
        self.calls += 1
        return image[:, ::-1][:, : self.columns] + np.uint8(self.calls), mask[:, ::-1][:, : self.columns].copy()

    def set_random_seed(self, seed: Any) -> None:
        raise Wrong("the transform is seeded in every call, and draws the same in every epoch: only call it", seed=seed)


def example(answer: Callable, data: ThreePairs, index: int) -> tuple[Tensor, Tensor]:
    """Ask an answer for an example. Raises Wrong where the result is not two tensors."""
    try:
        return as_pair(answer(data, index), "" if data.transform else " when there is no transform")
    except TypeError as error:
        if data.transform or "'NoneType' object is not callable" not in str(error):
            raise
        says = "there is no transform here: `self.transform` is None, and None cannot be called"
        raise Wrong(says, **{"self.transform": None}) from None


def two_tensors(getitem: Callable) -> None:
    """The example is two tensors, image uint8 (3, H, W) and mask int64 (H, W), also without a transform.

    `to_tensors(image, mask)` makes them of the two arrays. Where `self.transform` is None there is nothing to call,
    so ask `if self.transform:` first.
    """
    image, mask = example(getitem, ThreePairs(), 1)
    for name, found, wanted in (("image", image, "uint8 (3, 1, 2)"), ("mask", mask, "int64 (1, 2)")):
        yours = f"{str(found.dtype).removeprefix('torch.')} {tuple(found.shape)}"
        require(yours == wanted, f"the {name} is {yours}, not {wanted}", expected=wanted, yours=yours)


def pair_number_index(getitem: Callable) -> None:
    """Without a transform, example number `index` is pair number `index`, unchanged.

    `image, mask = self.read(index)` gives its two arrays.
    """
    for index in (0, 1, 2):
        found, wanted = example(getitem, ThreePairs(), index), pair_of_tensors(*numbers_of_pair(index))
        details = {"index": index, "expected": wanted, "yours": found}
        others = [k for k in range(3) if k != index and torch.equal(found[0], pair_of_tensors(*numbers_of_pair(k))[0])]
        require(not others, f"asked for example {index}, it returns pair {[*others, 0][0]}", **details)
        for name, one, other in zip(("image", "mask"), found, wanted, strict=True):
            says = f"without a transform the {name} has other numbers than the pair that was read"
            require(torch.equal(one, other), says, **details)


def read_once(getitem: Callable) -> None:
    """The pair is read once for an example.

    Reading may mean decoding two files. Take both arrays from one call: `image, mask = self.read(index)`.
    """
    for transform in (None, MirrorAndCount()):
        data = ThreePairs(transform)
        example(getitem, data, 1)
        says = f"`self.read` is called {len(data.asked)} times for one example: once gives both arrays"
        require(len(data.asked) == 1, says, asked=data.asked)


def both_in_one_call(getitem: Callable) -> None:
    """The transform gets image and mask together, in one call.

    `self.transform(image, mask)` draws once and changes both alike. Two calls draw twice, and the mask would be
    changed in another way than its image.
    """
    data = ThreePairs(MirrorAndCount())
    example(getitem, data, 1)
    require(data.transform.calls, "the transform is never called: every epoch would show the same examples")
    says = f"the transform is called {data.transform.calls} times for one example, and each call draws anew"
    require(data.transform.calls == 1, says, calls=data.transform.calls)


def what_the_transform_returned(getitem: Callable) -> None:
    """The example is what the transform returned, image and mask.

    A transform leaves the arrays that it gets as they are, and returns new ones: `image, mask = self.transform(image,
    mask)` takes both back.
    """
    (image, mask), (x, y) = numbers_of_pair(2), example(getitem, ThreePairs(MirrorAndCount()), 2)
    old, new = pair_of_tensors(image, mask), pair_of_tensors(image[:, ::-1] + np.uint8(1), mask[:, ::-1])
    details = {"before the transform": old, "expected": new, "yours": (x, y)}
    kept = [name for name, one, before in zip(("image", "mask"), (x, y), old, strict=True) if torch.equal(one, before)]
    require(len(kept) < 2, "what the transform returned is dropped, and the old arrays come out", **details)
    require(not kept, f"only a half is taken back: the {''.join(kept)} is the one before the transform", **details)
    same = torch.equal(x, new[0]) and torch.equal(y, new[1])
    require(same, "the example differs from what the transform returned", **details)


def draws_anew(getitem: Callable) -> None:
    """Each call calls the transform anew: nothing of an earlier example is kept.

    The cache holds what `self.read` has decoded, and it fills itself: write nothing into it. An example that is kept
    would be the same in every epoch, and a pair that has been changed would be changed once more.
    """
    data = ThreePairs(MirrorAndCount())
    with no_generator_moves("leave it alone"):
        first, _ = example(getitem, data, 0)
    held, read = data.cache.get(0, data.kept[0]), data.kept[0]
    same = held is read or (isinstance(held, tuple | list) and all(map(np.array_equal, held, read)))
    says = "what the transform drew was put into the cache, and `self.read` returns it to every later epoch"
    require(same, says, read=read, **{"in the cache": held})
    second, _ = example(getitem, data, 0)
    says = "the second call returns the pair as it was read: each call calls the transform anew"
    untouched, _ = pair_of_tensors(*numbers_of_pair(0))
    require(not torch.equal(second, untouched), says, **{"first": first, "second": second})
    says = "the second call returns the first example again: keep nothing of what comes after the transform"
    require(data.transform.calls == 2 and not torch.equal(first, second), says, **{"first": first, "second": second})


def cache_stays(getitem: Callable) -> None:
    """The arrays that `self.read` gave are not changed, nor later through the tensors.

    They may be in the cache, and the next epoch reads them again. Bind the names anew instead of writing into the
    arrays, and let `to_tensors` copy.
    """
    for transform in (None, MirrorAndCount()):
        data = ThreePairs(transform)
        tensors = example(getitem, data, 1)
        for when in ("by the method", "through the tensor, which shares its memory"):
            for name, now, before in zip(("image", "mask"), data.kept[1], numbers_of_pair(1), strict=True):
                says = f"the {name} in the cache is changed {when}"
                require(np.array_equal(now, before), says, before=before, after=now)
            for tensor in tensors:
                tensor += 1
        again, wanted = example(getitem, data, 1), pair_of_tensors(*numbers_of_pair(1))
        says = "a change of the tensors shows in the next example: make new tensors in each call"
        require(transform or all(map(torch.equal, again, wanted)), says, expected=wanted, yours=again)


def windows_stay(getitem: Callable) -> None:
    """Where the transform cuts a window, the example is that window.

    Training cuts small squares out of large pictures. Bring nothing back to the size that it had before.
    """
    x, y = example(getitem, ThreePairs(MirrorAndCount(columns=1)), 2)
    details = {"expected": ((3, 1, 1), (1, 1)), "yours": (tuple(x.shape), tuple(y.shape))}
    says = "the transform cuts a window, and the example is none: take what it returns, of whatever size"
    require(details["yours"] == details["expected"], says, **details)


EXERCISES = [
    Exercise(
        "4.1", "Read any photograph", "utils.images.read_image", 2, 10,
        "Files come grey, with palettes, transparent or lying on their side; a model wants one form.",
        [colours, grey, palette_colours, transparency, upright, broken_files],
        [
            "Three steps: open the picture, bring it upright, make an array of it.",
            "PIL knows the modes of pictures: `picture.convert(\"RGB\")` makes three channels of bytes of any of them.",
            "The note is read by `ImageOps.exif_transpose(picture)`. Turn first: converting may lose the note.",
            "`np.array(ImageOps.exif_transpose(open_image(path)).convert(\"RGB\"))` is the whole of it.",
        ],
        phone_example,
        axes="height, width, red green blue",
    ),
    Exercise(
        "4.2", "Read a mask as it is stored", "utils.images.read_mask", 2, 10,
        "A mask holds names, not brightness: one conversion too many, and the labels are wrong without an error.",
        [stored_ids, no_jpeg, palette_ids, black_and_white, sixteen_bits, coloured, broken_files],
        [
            "What works for photographs is harmful here. Which conversions can you leave out?",
            "`np.array(open_image(path))` gives the stored numbers, palettes included.",
            "Three cases remain: a JPEG (`picture.format`), a fourth channel (`picture.mode`), True and False.",
            'if picture.format == "JPEG": raise DataError(...). If the mode is RGBA, convert to RGB. Then np.array, '
            "and `.astype(np.uint8)` where its dtype is bool.",
        ],
        mask_example,
        axes="height, width",
    ),
    Exercise(
        "4.3", "From arrays to tensors", "utils.dataset.to_tensors", 2, 8,
        "The last step of every data set, where three famous bugs live: reshape, floats, and shared memory.",
        [channels_first, pixels_stay, labels_are_int64, flipped_views, own_memory],
        [
            "`torch.from_numpy(array)` makes a tensor. Which axis has to move, and which type has to change?",
            "The last axis becomes the first: `image.transpose(2, 0, 1)`. The mask only changes its type.",
            "A `.copy()` before `torch.from_numpy` cures two things: flipped views, and memory that is shared.",
            "`torch.from_numpy(image.transpose(2, 0, 1).copy())`, and `torch.from_numpy(mask.astype(np.int64))`.",
        ],
        tensor_example,
    ),
    Exercise(
        "4.4", "The faults of a pair", "utils.dataset.pair_faults", 3, 12,
        "One faulty pair stops a run at night, and a wrong one does not even stop it: find both before.",
        [good_pair, another_size, another_shape, two_percent, foreign_labels, empty_mask, all_faults],
        [
            "Three questions, each with an `if` of its own, and a list that gathers the answers.",
            "`mask[mask != 255]` holds the labelled pixels. How many are there? Which of them are no class?",
            "Shape: r = width / height of the image, s that of the mask; a fault if abs(s / r - 1) > 0.02.",
            "With `labelled = mask[mask != 255]`: labels, if ((labelled < 0) | (labelled >= num_classes)).any(); "
            "empty, if labelled.size == 0.",
        ],
    ),
    Exercise(
        "4.5", "Split by group", "utils.splits.split_by_group", 4, 15,
        "What belongs together stays together, or the test measures memory.",
        # The order of the items comes before the shares: names out of a set fail both by chance, and sorting cures it.
        [one_name_each, together, exact_shares, repeatable, any_order, shares_of_items, usual_shares, none_empty],
        [
            "Deal out groups, not items: first a dict from group to split, then a list for the items.",
            "Shuffle the sorted names: `names = sorted(set(groups)); random.Random(seed).shuffle(names)`.",
            "Walk through the names. Each goes to val while val has fewer items than its share, else to test while "
            "test has fewer, else to train.",
            "`Counter(groups)` gives the size of each group. val's share is `fractions[1] * len(groups)` items. Count "
            "in a dict what each split has so far.",
        ],
        by_name=["fractions", "seed"],
    ),
    Exercise(
        "4.6", "What a data set hands out", "utils.dataset.SegmentationDataset.__getitem__", 2, 8,
        "PyTorch asks for an example by its number, and this method is the answer; batches and workers build on it.",
        [two_tensors, pair_number_index, read_once, both_in_one_call, what_the_transform_returned, draws_anew,
         cache_stays, windows_stay],
        [
            "Three steps in order: read the pair, transform it, make tensors. Each of them has a function already.",
            "`image, mask = self.read(index)` gives both arrays. Which value of `self.transform` cannot be called?",
            "`if self.transform:` comes first, and below it the transform takes both arrays and both are taken back: "
            "`image, mask = self.transform(image, mask)`.",
            "The last line is `return to_tensors(image, mask)`, whether there was a transform or not.",
        ],
    ),
]  # fmt: skip
