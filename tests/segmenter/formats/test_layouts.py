"""A table of layouts of images and masks: each is read as it is, with the ids of the canonical folder and splits."""

import re

import numpy as np
import pytest
from drawn_annotations import write
from drawn_folders import COLOURS, COUNT, ids, image, palette, save
from helpers import snapshot, splits_by_name

from segmenter import formats
from utils import catalog
from utils.config import Config

SPLIT = ["train", "train", "train", "val", "val", "test"]
THREE = ("background", "disc", "box")


def plain(mask):
    return mask


def white(mask):
    return (mask > 0).astype(np.uint8) * 255


def coloured(mask):
    return COLOURS[mask]


def in_palette(mask):
    return palette(mask, COLOURS)


def layout(image_name, mask_name, encode=plain, splits=None, words=None, files=None):
    """Draw the six scenes under names that may hold {n}, {split} and {word}, the split's own word."""

    def build(root):
        for number in range(COUNT):
            split = (splits or SPLIT)[number]
            named = {"n": number, "n2": f"{number:02d}", "split": split, "word": (words or {}).get(split, split)}
            save(root / image_name.format(**named), image(number))
            save(root / mask_name.format(**named), encode(ids(number)))
        for name, text in (files or {}).items():
            write(root / name, text)
        return root

    return build


def together(*layouts):
    """Draw several layouts into one folder."""

    def build(root):
        for one in layouts:
            one(root)

    return build


LEFT, FINE = "leftImg8bit/{split}/town/t_{n2}_leftImg8bit.png", "gtFine/{split}/town/t_{n2}_gtFine_"
NAMED = "name,r,g,b\nbackground,0,0,0\ndisc,128,0,0\nbox,0,128,0\n"
LABELMAP = "# label:color_rgb:parts:actions\nbackground:0,0,0::\nbox:0,128,0::\ndisc:128,0,0::\n"
LISTS = {f"{split}.txt": "".join(f"{n}\n" for n in range(COUNT) if SPLIT[n] == split) for split in set(SPLIT)}
IN_VOC = {f"ImageSets/Segmentation/{name}": text for name, text in LISTS.items()}
TWO = ["train"] * 4 + ["test"] * 2
VAL = ["train"] * 4 + ["val"] * 2
CAPITALS = {"train": "Train", "val": "Val", "test": "Test"}
LONG = {"train": "training", "val": "validation", "test": "test"}

# name -> (draw, what a scene becomes: "ids", "binary" or the classes, the splits or None where they are drawn)
TABLE = {
    "images/, masks/": (layout("images/{n}.png", "masks/{n}.png"), "ids", None),
    "image/, label/": (layout("image/{n}.jpg", "label/{n}.png"), "ids", None),
    "img/, mask/": (layout("img/{n}.jpg", "mask/{n}.png"), "ids", None),
    "imgs/, masks/": (layout("imgs/{n}.jpg", "masks/{n}.bmp"), "ids", None),
    "photos/, annotations/": (layout("photos/{n}.jpg", "annotations/{n}.png"), "ids", None),
    "images/, ground_truth/": (layout("images/{n}.tif", "ground_truth/{n}.tif"), "ids", None),
    "Images/, GT/": (layout("Images/{n}.JPG", "GT/{n}.PNG"), "ids", None),
    "images/, labels/ in nested folders": (layout("a/images/{n}.png", "a/labels/{n}.png"), "ids", None),
    "JPEGImages/, SegmentationClass/": (layout("JPEGImages/{n}.jpg", "SegmentationClass/{n}.png"), "ids", None),
    "x.jpg, x_mask.png": (layout("{n2}.jpg", "{n2}_mask.png"), "ids", None),
    "x.jpg, x_label.png": (layout("{n2}.jpg", "{n2}_label.png"), "ids", None),
    "x.png, x_L.png (CamVid)": (
        layout("{n2}.png", "{n2}_L.png", coloured, files={"class_dict.csv": NAMED}), THREE, None
    ),
    "x.jpg, x_gt.tif": (layout("{n2}.jpg", "{n2}_gt.tif"), "ids", None),
    "x.jpg, x_segmentation.png": (layout("{n2}.jpg", "{n2}_segmentation.png"), "ids", None),
    "mask_x.png": (layout("{n2}.jpg", "mask_{n2}.png"), "ids", None),
    "images/x.jpg, masks/x_mask.png": (layout("images/{n2}.jpg", "masks/{n2}_mask.png"), "ids", None),
    "train/images, train/masks": (layout("{split}/images/{n}.png", "{split}/masks/{n}.png"), "ids", SPLIT),
    "images/train, masks/train": (layout("images/{split}/{n}.png", "masks/{split}/{n}.png"), "ids", SPLIT),
    "train, train_labels": (layout("{split}/{n}.png", "{split}_labels/{n}.png"), "ids", SPLIT),
    "train_images, train_masks": (layout("{split}_images/{n}.png", "{split}_masks/{n}.png"), "ids", SPLIT),
    "train, trainannot (SegNet)": (layout("{split}/{n}.png", "{split}annot/{n}.png"), "ids", SPLIT),
    "images/training, annotations/training (ADE20K)": (
        layout("images/{word}/A_{n2}.jpg", "annotations/{word}/A_{n2}.png", splits=VAL, words=LONG), "ids", VAL
    ),
    "valid": (layout("{word}/images/{n}.png", "{word}/masks/{n}.png", words={"val": "valid"}), "ids", SPLIT),
    "Cityscapes": (
        layout(LEFT, f"{FINE}labelIds.png"),
        "ids", SPLIT,
    ),
    "Cityscapes with all that it publishes": (
        together(
            layout(LEFT, f"{FINE}labelIds.png"), layout(LEFT, f"{FINE}color.png", coloured),
            layout(LEFT, f"{FINE}instanceIds.png", lambda mask: mask.astype(np.uint16) * 1000),
        ),
        "ids", SPLIT,
    ),
    "DRIVE": (
        layout("{word}/images/{n2}_training.tif", "{word}/1st_manual/{n2}_manual1.gif", white, TWO, LONG), "binary", TWO
    ),
    "DRIVE with masks of the field of view": (
        together(
            layout("{word}/images/{n2}_training.tif", "{word}/1st_manual/{n2}_manual1.gif", white, TWO, LONG),
            layout("{word}/images/{n2}_training.tif", "{word}/mask/{n2}_training_mask.gif", white, TWO, LONG),
        ),
        "binary", TWO,
    ),
    "CHASE": (layout("Image_{n2}L.jpg", "Image_{n2}L_1stHO.png", white), "binary", None),
    "CHASE with the masks of a second person": (
        together(*(layout("Image_{n2}L.jpg", f"Image_{{n2}}L_{who}.png", encode)
                   for who, encode in (("1stHO", white), ("2ndHO", lambda mask: white(mask)[::-1])))),
        "binary", None,
    ),
    "DUTS, TR and TE": (
        layout("DUTS-{word}/DUTS-{word}-Image/{n}.jpg", "DUTS-{word}/DUTS-{word}-Mask/{n}.png", white, TWO,
               {"train": "TR", "test": "TE"}),
        "binary", TWO,
    ),
    "Vaihingen, with its heights": (
        together(
            layout("top/top_area{n}.tif", "gts_for_participants/top_area{n}.tif", coloured,
                   files={"colours.csv": NAMED}),
            layout("top/top_area{n}.tif", "dsm/dsm_area{n}.tif"),
        ),
        THREE, None,
    ),
    "CRACK500, lists that leave out a folder": (
        layout("{split}data/{split}crop/{n2}.jpg", "{split}data/{split}crop/{n2}.png", white, files={
            f"{split}.txt": "".join(f"{split}crop/{n:02d}.jpg {split}crop/{n:02d}.png\n"
                                    for n in range(COUNT) if SPLIT[n] == split) for split in set(SPLIT)}),
        "binary", SPLIT,
    ),
    "HRF": (
        together(*(layout("images/{n2}_h.jpg", f"{f}", white) for f in ("manual1/{n2}_h.tif", "mask/{n2}_h_mask.tif"))),
        "binary", None,
    ),
    "Carvana": (layout("train/{n2}_01.jpg", "train_masks/{n2}_01_mask.gif", white), "binary", None),
    "VOC with own classes": (
        layout("VOCdevkit/VOC2007/JPEGImages/{n}.jpg", "VOCdevkit/VOC2007/SegmentationClass/{n}.png", in_palette,
               files={f"VOCdevkit/VOC2007/{name}": text for name, text in IN_VOC.items()}),
        "ids", SPLIT,
    ),
    "VOC with lists, the folder itself": (
        layout("JPEGImages/{n}.jpg", "SegmentationClass/{n}.png", in_palette, files=IN_VOC), "ids", SPLIT
    ),
    "VOC with the list of the augmented masks": (
        layout("JPEGImages/{n}.jpg", "SegmentationClassAug/{n}.png", in_palette, splits=VAL,
               files={f"ImageSets/Segmentation/{name}.txt": "\n".join(numbers) for name, numbers in
                      {"train_aug": "0123", "val": "45", "trainval_aug": "012345"}.items()}),
        "ids", VAL,
    ),
    "lists without one for validation": (
        layout("images/{n}.jpg", "labels/{n}.png", splits=TWO, files={"train.txt": "0\n1\n2\n3", "test.txt": "4\n5"}),
        "ids", TWO,
    ),
    "lists named train_list.txt, with notes beside": (
        layout("images/{n}.jpg", "labels/{n}.png", splits=VAL, files={
            "train_list.txt": "".join(f"images/{n}.jpg labels/{n}.png\n" for n in range(4)),
            "val_list.txt": "images/4.jpg labels/4.png\nimages/5.jpg labels/5.png\n",
            "test_results.txt": "mean IoU 0.7\n"}),
        "ids", VAL,
    ),
    "CVAT's segmentation masks": (
        layout("JPEGImages/{n}.png", "SegmentationClass/{n}.png", coloured,
               files={"labelmap.txt": LABELMAP, "ImageSets/Segmentation/default.txt": "0\n1\n2\n3\n4\n5\n"}),
        ("background", "box", "disc"), None,
    ),
    "CVAT's segmentation masks without images' folder": (
        layout("JPEGImages/{n}.png", "SegmentationClass/{n}.png", coloured,
               files={"labelmap.txt": LABELMAP, "ImageSets/Segmentation/Train.txt": "0\n1\n2\n3\n4\n5\n"}),
        ("background", "box", "disc"), None,
    ),
    "CVAT's masks of objects beside": (
        together(*(
            layout("JPEGImages/{n}.png", f"{folder}/{{n}}.png", coloured, files={"labelmap.txt": LABELMAP})
            for folder in ("SegmentationClass", "SegmentationObject")
        )),
        ("background", "box", "disc"), None,
    ),
    "Roboflow's masks": (
        layout("{word}/{n2}_jpg.rf.abc.jpg", "{word}/{n2}_jpg.rf.abc_mask.png", words={"val": "valid"},
               files={f"{w}/_classes.csv": "Pixel Value, Class\n0, background\n1, disc\n2, box\n"
                      for w in ("train", "valid", "test")}),
        THREE, SPLIT,
    ),
    "medical, imagesTr and labelsTr": (
        layout("imagesTr/case_{n2}_0000.png", "labelsTr/case_{n2}.png", splits=["train"] * 6), "ids", None
    ),
    "patients' folders": (layout("p{n}/slice_{n2}.tif", "p{n}/slice_{n2}_mask.tif", white), "binary", None),
    "deepglobe": (layout("{n2}_sat.jpg", "{n2}_mask.png", white), "binary", None),
    "a csv of any two headers": (
        layout("a/{n}.png", "b/{n}.png", files={
            "list.csv": "photo,truth\n" + "".join(f"a/{n}.png,b/{n}.png\n" for n in range(COUNT))}),
        "ids", None,
    ),
    "a csv of Windows": (
        layout("a/{n}.png", "b/{n}.png", files={
            "list.csv": "image_path;mask_path\n" + "".join(f"a\\{n}.png;b\\{n}.png\n" for n in range(COUNT))}),
        "ids", None,
    ),
    "lists of pairs": (
        layout("a/{n}.png", "b/{n}.png", files={
            f"{split}.txt": "".join(f"a/{n}.png b/{n}.png\n" for n in range(COUNT) if SPLIT[n] == split)
            for split in set(SPLIT)}),
        "ids", SPLIT,
    ),
    "ISIC": (
        layout("ISIC_Task1-2_Training_Input/I_{n2}.jpg", "ISIC_Task1_Training_GroundTruth/I_{n2}_segmentation.png",
               white, ["train"] * COUNT),
        "binary", None,
    ),
    "LoveDA": (
        layout("{word}/Rural/images_png/{n}.png", "{word}/Rural/masks_png/{n}.png", words=CAPITALS), "ids", SPLIT
    ),
    "the drone photographs of Kaggle": (
        together(
            layout("semantic_drone_dataset/original_images/{n2}.jpg",
                   "semantic_drone_dataset/label_images_semantic/{n2}.png"),
            layout("semantic_drone_dataset/original_images/{n2}.jpg", "RGB_color_image_masks/{n2}.png", coloured),
        ),
        "ids", None,
    ),
    "KITTI, with its masks in colour and of each object": (
        together(*(
            layout("training/image_2/{n2}_10.png", f"training/{folder}/{{n2}}_10.png", encode, ["train"] * COUNT)
            for folder, encode in (("semantic", plain), ("semantic_rgb", coloured), ("instance", plain))
        )),
        "ids", None,
    ),
    "FloodNet": (layout("{split}/{split}-org-img/{n2}.jpg", "{split}/{split}-label-img/{n2}_lab.png"), "ids", SPLIT),
    "DeepCrack": (layout("{split}_img/{n}.jpg", "{split}_lab/{n}.png", white, TWO), "binary", TWO),
    "CRACK500, told apart by the endings": (layout("all/{n2}.jpg", "all/{n2}.png", white), "binary", None),
    "fish, masks in folders called after the image's": (
        layout("Sea Bass/Sea Bass/{n2}.png", "Sea Bass/Sea Bass GT/{n2}.png"), "ids", None
    ),
    "masks that end alike": (layout("images/im{n2}.ppm", "labels/im{n2}.ah.png", white), "binary", None),
    "all in a folder called segmentation": (layout("segmentation/{n2}.jpg", "segmentation/{n2}_mask.png"), "ids", None),
    "images and masks in a folder called segmentation": (
        layout("segmentation/images/{n2}.jpg", "segmentation/masks/{n2}.png"), "ids", None
    ),
    "ids beside colours": (
        together(*(
            layout("images/{split}/{n}.png", f"{folder}/{{split}}/{{n}}.png", encode)
            for folder, encode in (("labels", coloured), ("labels_ids", plain))
        )),
        "ids", SPLIT,
    ),
    "clothes, images and masks of another prefix, twice": (
        layout("png_images/IMAGES/img_{n2}.png", "png_masks/MASKS/seg_{n2}.png"), "ids", None
    ),
    "a csv whose unlabelled splits name no masks (DeepGlobe)": (
        layout("train/{n}_sat.jpg", "train/{n}_mask.png", coloured, files={
            "class_dict.csv": NAMED,
            "metadata.csv": "image_id,split,sat_image_path,mask_path\n" + "7,valid,valid/7_sat.jpg,\n"
            + "".join(f"{n},train,train/{n}_sat.jpg,train/{n}_mask.png\n" for n in range(COUNT))}),
        THREE, None,
    ),
    "a csv of names and splits": (
        layout("images/{n}.png", "masks/{n}.png", files={
            "split.csv": "filename,subset\n" + "".join(f"{n}.png,{SPLIT[n].title()}\n" for n in range(COUNT))}),
        "ids", SPLIT,
    ),
    "img_dir, ann_dir (mmsegmentation)": (
        layout("img_dir/{split}/{n}.jpg", "ann_dir/{split}/{n}.png"), "ids", SPLIT
    ),
    "sat, map": (layout("{split}/sat/{n}.tiff", "{split}/map/{n}.tif", white), "binary", SPLIT),
    "names in a YAML": (
        layout("images/{n}.png", "masks/{n}.png", files={"data.yaml": "names: [background, disc, box]\n"}), THREE, None
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLE)
def test_every_layout_is_read_as_it_is(name, tmp_path):
    make, meaning, splits = TABLE[name]
    root = tmp_path / "data"
    make(root)
    before = snapshot(root)
    assert list(formats.detect(formats.Listing(root))) == ["pairs"]
    source = catalog.load(Config(dataset="folder", root=root))
    order = [source.classes.index(n) for n in THREE] if isinstance(meaning, tuple) else [0, 1, 2]
    pairs = sorted((pair for pair, _ in source.labelled()), key=lambda pair: int(re.search(r"\d+", pair.image.stem)[0]))
    assert len(pairs) == COUNT
    assert source.unpaired() == []
    for number, pair in enumerate(pairs):
        wanted = (ids(number) > 0) if meaning == "binary" else np.array(order)[ids(number)]
        assert np.array_equal(source.read_ids(pair.mask), wanted), pair.mask
    if isinstance(meaning, tuple):
        assert source.classes == meaning
    if splits:
        found = splits_by_name(source)
        assert [found[pair.image.name] for pair in pairs if splits != TWO] == [s for s in splits if splits != TWO]
    assert snapshot(root) == before
