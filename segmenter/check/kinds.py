"""Every kind of finding: how grave it is, what to do about it, and how one case of it is put into words."""

from dataclasses import dataclass
from typing import Literal

from utils.errors import FAULTS

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")

SMALL_SIDE = 32  # pixels: what a network that halves the image five times needs
LONG_ASPECT = 4.0
MANY_PIXELS = 50_000_000

ANTI_ALIASED = "anti-aliased mask"
EXIF_TURNED = "EXIF-turned image (turned upright)"
MORE_THAN_8_BITS = "image of more than 8 bits (scaled)"
BANDS = "image of several bands (three are read)"
TOO_SMALL = f"image smaller than {SMALL_SIDE} pixels"
TOO_LONG = f"image longer than {LONG_ASPECT:.0f}:1"
TOO_LARGE = f"image of more than {MANY_PIXELS // 10**6} megapixels"


@dataclass(frozen=True)
class Kind:
    """What is known of a kind of finding.

    Attributes:
        severity: "error": training would stop, or learn or score something wrong. "warning": scores may mislead, so
            look at it. "note": the course copes with it.
        remedy: what to do.
        words: the words of one case. {files} are its files by name, {paths} by path; the other names are its facts.
        separator: what stands between several files.
    """

    severity: Severity
    remedy: str
    words: str = "{files}"
    separator: str = " = "


# The faults that `repair` mends in a copy, and how it does so; it leaves out pairs with any other fault.
MENDED = {
    ANTI_ALIASED: "With two classes, --fix-into cuts them at 128.",
    "colour outside the class table": "--fix-into ignores such pixels.",
    "value without a class": "--fix-into ignores such pixels.",
    "label outside the classes": "--fix-into ignores such pixels.",
}
FAULT_KINDS = {
    kind: Kind("error", f"{remedy} {MENDED[kind]}" if kind in MENDED else remedy)
    for kind, (_, remedy) in FAULTS.items()
}
# In the order of the report, within each severity.
KINDS: dict[str, Kind] = {
    "without partner": Kind("error", "Give every image one mask of the same name, or remove the file.", "{paths}"),
    "same name twice": Kind(
        "error", "Keep one file of each name: nobody can tell which of them the mask belongs to.", "{paths}", " and "
    ),
    **FAULT_KINDS,
    "empty split": Kind("error", "Name the split of more pairs in a csv, or let splits='random' draw them.", "{name}"),
    "split without labels": Kind(
        "error", "Every pixel of it is ignored: label some of it, or move pairs into it.", "{name}"
    ),
    "pair listed in several splits": Kind("error", "Keep one row of each pair.", "{files} is listed in {splits}"),
    "identical images in several splits": Kind(
        "error", "Keep one copy: a model scores well on what it was trained on."
    ),
    "group in several splits": Kind(
        "warning", "Scores flatter the model: splits='random' draws anew, by group.", "{name}: {counts}"
    ),
    "near duplicates in several splits": Kind(
        "warning", "Look at the pairs: copies belong in one split.", separator=" ~ "
    ),
    "identical images with different masks": Kind(
        "warning", "The masks contradict each other: keep the right one.", "{files} ({share:.1%} of the pixels differ)"
    ),
    "validation without foreground": Kind(
        "warning", "No IoU can tell which epoch is the best: move pairs, or set splits='stratified'.", "{name}"
    ),
    "class missing from a split": Kind(
        "warning",
        "Not learned, or not scored: move pairs, or set splits='stratified'.",
        "{name}: in {present}, not in {missing}",
    ),
    "ids with gaps": Kind(
        "warning", "Number the classes 0, 1, 2 ... or name them: each id up to the largest is a class.", "{name}"
    ),
    "ids that count objects": Kind(
        "warning",
        "Each mask has the ids from 0 to one of its own, as numbered objects have. Where they are one class, set "
        "mask_values='0=0 1=1 2=1 3=1', with every number.",
        "{name}",
    ),
    "most pixels ignored": Kind(
        "warning", "Little is learned from what is left: look whether 255 really means 'ignored'.", "{share:.1%}"
    ),
    TOO_SMALL: Kind("warning", "Deep networks leave nothing of it: remove the pair."),
    "class without a pixel": Kind("note", "It cannot be learned; scores leave it out.", "{name}"),
    "every pixel ignored": Kind("note", "The pair teaches nothing."),
    "only one class in the mask": Kind("note", "Fine where the class is really all there is: look at some."),
    "identical images, kept in one split": Kind("note", "They count twice in training."),
    "mask of another size (resized)": Kind("note", "Brought to the image's size, nearest label."),
    "grey image": Kind("note", "Read as RGB with three equal channels."),
    EXIF_TURNED: Kind("note", "Masks must have been drawn on the upright image: look at one."),
    MORE_THAN_8_BITS: Kind("note", "One value, a high percentile of all images, becomes 255 in each."),
    BANDS: Kind("note", "The bands that the file calls red, green and blue are read, else the first three."),
    "fourth channel (dropped)": Kind("note", "Transparency or infrared is not used."),
    "CMYK image (converted)": Kind("note", "Read as RGB; colours may shift a little."),
    TOO_LONG: Kind("note", "framing='resize' squeezes it: use framing='crop'."),
    TOO_LARGE: Kind("note", "Set max_side, so that it is shrunk once."),
    "image smaller than the crop": Kind("note", "It is padded; a smaller image_size wastes less."),
    "picture in no pair": Kind("note", "Not read: name it in the list, or leave it where it is.", "{paths}"),
    # Of what a labelling tool wrote, before masks are drawn of it.
    "annotations of another size": Kind(
        "error", "They are left out: annotate the image again, or put the right one in its place.", "{files} ({size})"
    ),
    "annotations that cannot be drawn": Kind(
        "error", "The images are left out: export the annotations again, or draw them anew.", "{name}"
    ),
    "annotated image is missing": Kind("warning", "Add it, or name its folder (convert --images).", "{name}"),
    "image annotated twice": Kind("warning", "The first entry with a region counts: remove the others."),
    "same image under two names": Kind("warning", "Keep one: their annotations may differ."),
    "region drawn twice": Kind("warning", "Remove one of them.", "{files}: {name}"),
    "masks of an image overlap": Kind(
        "warning", "If two people marked the same things, keep the masks of one: all are joined.", "{files}: {name}"
    ),
    "region outside the image": Kind("warning", "Nothing of it is drawn: move or remove it.", "{files}: {name}"),
    "region without an area": Kind("warning", "Nothing of it is drawn: draw it again.", "{files}: {name}"),
    "outline crosses itself": Kind(
        "warning", "What lies between the crossings is drawn as holes: mend the outline.", "{files}: {name}"
    ),
    "region beyond the border": Kind("note", "It is cut at the border of the image.", "{files}: {name}"),
    "image without annotations": Kind("note", "Left out; convert --unlabelled background takes it as background."),
    "empty test split": Kind("note", "Nothing is left for a final score.", "{name}"),
}
