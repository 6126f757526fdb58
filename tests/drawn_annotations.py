"""The scenes of `drawn_folders` as the labelling tools write them: one function for each format."""

import base64
import csv
import io
import json
import zlib

import cv2
import numpy as np
from drawn_folders import COUNT, SIZE, ids, image, save
from PIL import Image

NAMES = {1: "disc", 2: "box"}
HEIGHT, WIDTH = SIZE


def images(root, name="{}.png", **options):
    for number in range(COUNT):
        save(root / name.format(number), image(number), **options)
    return root


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_text(text, encoding="utf-8")
    return path


def rings(mask):
    """Outlines through the centres of the border's pixels: float (N, 2), the first pixel from 0 to 1."""
    found, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return [ring.reshape(-1, 2) + 0.5 for ring in found]


def polygons(number):
    """Every region of a scene, the disc below the box: (class, float (N, 2))."""
    return [(index, ring) for index in NAMES for ring in rings(ids(number) == index)]


def box_of(mask):
    """Top, left and what a box around a mask holds."""
    y, x = np.nonzero(mask)
    return y.min(), x.min(), mask[y.min() : y.max() + 1, x.min() : x.max() + 1]


def counts(flat):
    """Lengths of the runs of a flat mask, beginning with what is outside."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flat.astype(int), [1 - flat[-1].astype(int)]])))
    return np.diff([0, *edges]).tolist()


def png(array, mode=None):
    encoded = io.BytesIO()
    Image.fromarray(array, mode).save(encoded, "PNG")
    return encoded.getvalue()


# ---------------------------------------------------------------- COCO
def coco_document(numbers=range(COUNT), segment=None, name="{}.png", **more):
    annotations = []
    for number in numbers:
        for index in NAMES:
            mask = ids(number) == index
            outline = segment(mask) if segment else [ring.ravel().tolist() for ring in rings(mask)]
            annotations.append({"id": len(annotations) + 1, "image_id": number, "category_id": index * 10,
                                "segmentation": outline, "iscrowd": 0, "bbox": [1, 1, 5, 5], "area": 9})  # fmt: skip
    return {
        "images": [{"id": n, "file_name": name.format(n), "height": HEIGHT, "width": WIDTH} for n in numbers],
        "annotations": annotations,
        "categories": [{"id": index * 10, "name": text, "supercategory": "things"} for index, text in NAMES.items()],
        **more,
    }


def uncompressed(mask):
    return {"size": list(SIZE), "counts": counts(mask.ravel(order="F"))}


def compressed(mask):
    from pycocotools import mask as coco

    runs = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {"size": list(SIZE), "counts": runs["counts"].decode()}


def coco(root, segment=None):
    write(images(root / "images").parent / "annotations" / "instances_default.json", coco_document(segment=segment))
    return root


def coco_official(root):
    for split, numbers in {"train": range(4), "val": range(4, 6)}.items():
        for number in numbers:
            save(root / f"{split}2017" / f"{number}.png", image(number))
        write(root / "annotations" / f"instances_{split}2017.json", coco_document(numbers))
        write(root / "annotations" / f"captions_{split}2017.json", {"images": [], "annotations": [{"caption": "a"}]})
    return root


def panoptic(root):
    """Segments of all classes, the background too, under numbers that need two channels; 0 is none."""
    images(root / "val2017", "{}.jpg")
    annotations = []
    for number in range(COUNT):
        numbers = ids(number).astype(np.int64) * 300 + 7
        packed = np.stack([numbers % 256, numbers // 256, numbers * 0], axis=-1).astype(np.uint8)
        save(root / "annotations" / "panoptic_val2017" / f"{number}.png", packed)
        segments = [{"id": index * 300 + 7, "category_id": index * 10, "iscrowd": 0} for index in (0, *NAMES)]
        annotations.append({"image_id": number, "file_name": f"{number}.png", "segments_info": segments})
    document = coco_document(name="{}.jpg") | {"annotations": annotations}
    document["categories"].append({"id": 0, "name": "background", "supercategory": "stuff"})
    write(root / "annotations" / "panoptic_val2017.json", document)
    return root


def roboflow_coco(root):
    for split, numbers in {"train": range(3), "valid": range(3, 5), "test": range(5, 6)}.items():
        for number in numbers:
            save(root / split / f"{number}.jpg", image(number), quality=95)
        document = coco_document(numbers, name="{}.jpg")
        document["categories"].insert(0, {"id": 0, "name": "things", "supercategory": "none"})
        write(root / split / "_annotations.coco.json", document)
    return root


# ---------------------------------------------------------------- labelme
def labelme(root, name="{}.json", shape=None):
    images(root)
    for number in range(COUNT):
        shapes = [
            shape(index, ids(number) == index) if shape else
            {"label": NAMES[index], "points": ring.tolist(), "shape_type": "polygon", "group_id": None, "flags": {}}
            for index, ring in polygons(number)
        ]  # fmt: skip
        write(root / name.format(number), {
            "version": "5.4.1", "flags": {}, "shapes": shapes, "imagePath": f"{number}.png",
            "imageData": base64.b64encode(png(image(number))).decode(), "imageHeight": HEIGHT, "imageWidth": WIDTH,
        })  # fmt: skip
    return root


def labelme_mask(index, mask):
    top, left, inside = box_of(mask)
    height, width = inside.shape
    return {"label": NAMES[index], "points": [[int(left), int(top)], [int(left + width - 1), int(top + height - 1)]],
            "shape_type": "mask", "mask": base64.b64encode(png(inside)).decode()}  # fmt: skip


def labelme_shapes(index, mask):
    """The disc as a circle, the box as a rectangle."""
    top, left, inside = (int(v) if np.isscalar(v) else v for v in box_of(mask))
    height, width = inside.shape
    if index == 2:
        return {"label": "box", "points": [[left, top], [left + width, top + height]], "shape_type": "rectangle"}
    middle = [14.5 + 3 * ((left - 6) // 3), 14.5]
    return {"label": "disc", "points": [middle, [middle[0] + 8.9, middle[1]]], "shape_type": "circle"}


# ---------------------------------------------------------------- CVAT
def cvat(root, masks=False, folder="images", labels=True):
    images(root / folder)
    entries = []
    for number in range(COUNT):
        shapes = ""
        for index, ring in polygons(number):
            top, left, inside = box_of(ids(number) == index)
            points = ";".join(f"{x:.2f},{y:.2f}" for x, y in ring)
            shapes += (
                f'<mask label="{NAMES[index]}" rle="{", ".join(map(str, counts(inside.ravel())))}" left="{left}" '
                f'top="{top}" width="{inside.shape[1]}" height="{inside.shape[0]}" z_order="0"></mask>'
                if masks else f'<polygon label="{NAMES[index]}" occluded="0" points="{points}" z_order="0"></polygon>'
            )  # fmt: skip
        entries.append(f'<image id="{number}" name="{number}.png" width="{WIDTH}" height="{HEIGHT}">{shapes}</image>')
    named = "".join(f"<label><name>{name}</name><color>#ff0000</color></label>" for name in NAMES.values())
    meta = f"<meta><task><labels>{named}</labels></task></meta>" if labels else ""
    text = f'<?xml version="1.0" encoding="utf-8"?>\n<annotations><version>1.1</version>{meta}{"".join(entries)}'
    write(root / "annotations.xml", f"{text}</annotations>")
    return root


# ---------------------------------------------------------------- YOLO
def yolo(root, layout="{kind}/{split}/{number}", names="list", yaml=True):
    for number in range(COUNT):
        split = "train" if number < 4 else "val"
        place = layout.format(kind="images", split=split, number=number)
        save(root / f"{place}.png", image(number))
        rows = [
            " ".join([str(index - 1), *(f"{value:.6f}" for value in (ring / SIZE[::-1]).ravel())])
            for index, ring in polygons(number)
        ]
        write(root / f"{layout.format(kind='labels', split=split, number=number)}.txt", "\n".join(rows))
    listed = "names: [disc, box]" if names == "list" else "names:\n  0: disc\n  1: box"
    if yaml:
        write(root / "data.yaml", f"path: ../somewhere\ntrain: images/train\nval: images/val\nnc: 2\n{listed}\n")
    else:
        write(root / "classes.txt", "disc\nbox\n")
    return root


# ---------------------------------------------------------------- Label Studio
def brush(mask):
    """Pack a mask as Label Studio does: runs of equal values, lengths of 16 bits."""
    flat = np.repeat(mask.ravel().astype(np.uint8) * 255, 4)
    bits = [f"{flat.size:032b}", f"{7:05b}", *[f"{15:04b}"] * 4]
    start = 0
    while start < flat.size:
        end = start + 1
        while end < flat.size and flat[end] == flat[start] and end - start < 65536:
            end += 1
        if end - start > 1:
            bits += ["1", "00", f"{end - start - 1:016b}", f"{flat[start]:08b}"]
        else:
            bits += ["0", "01", f"{0:016b}", f"{flat[start]:08b}"]
        start = end
    text = "".join(bits)
    text += "0" * (-len(text) % 8)
    return [int(text[i : i + 8], 2) for i in range(0, len(text), 8)]


def label_studio(root, strokes=False, short=False, address="/data/upload/1/0a1b2c3d-{}.png"):
    images(root / "images")
    tasks = []
    for number in range(COUNT):
        found = []
        for index, ring in polygons(number):
            size = {"original_width": WIDTH, "original_height": HEIGHT}
            value = (
                {"format": "rle", "rle": brush(ids(number) == index), "brushlabels": [NAMES[index]]}
                if strokes
                else {"points": (ring / SIZE[::-1] * 100).tolist(), "polygonlabels": [NAMES[index]], "closed": True}
            )
            kind = "brushlabels" if strokes else "polygonlabels"
            found.append(value | size if short else {"id": "a", "type": kind, **size, "value": value})
        name = address.format(number)
        tasks.append(
            {"id": number, "image": name, "label": found, "annotator": 1, "annotation_id": number} if short else
            {"id": number, "data": {"image": name}, "annotations": [
                {"id": 7, "was_cancelled": True, "result": []}, {"id": 8, "was_cancelled": False, "result": found}]}
        )  # fmt: skip
    write(root / "project-1.json", tasks)
    return root


# ---------------------------------------------------------------- VIA
def via_regions(number):
    return [
        ({"name": "polygon", "all_points_x": ring[:, 0].tolist(), "all_points_y": ring[:, 1].tolist()},
         {"class": NAMES[index]})
        for index, ring in polygons(number)
    ]  # fmt: skip


def via(root, kind="project"):
    images(root)
    if kind == "csv":
        with (root / "via_region_data.csv").open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow(["filename", "file_size", "file_attributes", "region_count", "region_id",
                            "region_shape_attributes", "region_attributes"])  # fmt: skip
            for number in range(COUNT):
                for place, parts in enumerate(via_regions(number)):
                    table.writerow([f"{number}.png", 1, "{}", 2, place, *map(json.dumps, parts)])
        return root
    entries = {}
    for number in range(COUNT):
        regions = [{"shape_attributes": s, "region_attributes": a} for s, a in via_regions(number)]
        if kind == "old":
            regions = {str(place): region for place, region in enumerate(regions)}
        if kind == "ticked":
            for region in regions:
                region["region_attributes"] = {"type": {region["region_attributes"]["class"]: True}}
        entries[f"{number}.png123"] = {
            "filename": f"{number}.png",
            "size": 123,
            "regions": regions,
            "file_attributes": {},
        }
    settings = {"_via_settings": {}, "_via_img_metadata": entries, "_via_attributes": {}}
    write(root / "via.json", settings if kind == "project" else entries)
    return root


# ---------------------------------------------------------------- Supervisely
def supervisely(root, bitmaps=False):
    images(root / "ds0" / "img")
    for number in range(COUNT):
        objects = []
        for index, ring in polygons(number):
            top, left, inside = box_of(ids(number) == index)
            rgba = np.dstack([inside * np.uint8(255)] * 4)
            packed = base64.b64encode(zlib.compress(png(rgba))).decode()
            objects.append(
                {"classTitle": NAMES[index], "geometryType": "bitmap",
                 "bitmap": {"data": packed, "origin": [int(left), int(top)]}} if bitmaps else
                {"classTitle": NAMES[index], "geometryType": "polygon",
                 "points": {"exterior": ring.tolist(), "interior": []}}
            )  # fmt: skip
        size = {"height": HEIGHT, "width": WIDTH}
        write(root / "ds0" / "ann" / f"{number}.png.json", {"description": "", "size": size, "objects": objects})
    classes = [{"title": name, "shape": "any", "color": "#FF0000"} for name in NAMES.values()]
    write(root / "meta.json", {"classes": classes, "tags": []})
    return root


# ---------------------------------------------------------------- run lengths
def kaggle(root, order="F", columns=("ImageId", "EncodedPixels", "ClassId"), joined=False, one_class=False):
    images(root / "train_images")
    rows = [columns[:2] if joined or one_class else columns]
    for number in range(COUNT):
        masks = [(1, ids(number) > 0)] if one_class else [(index, ids(number) == index) for index in NAMES]
        for index, mask in masks:
            lengths = np.array(counts(mask.ravel(order=order)))
            ends = np.cumsum(lengths)
            pairs = zip(ends[:-1:2] + 1, lengths[1::2], strict=False)
            runs = " ".join(f"{start} {length}" for start, length in pairs)
            name = f"{number}.png_{index}" if joined else f"{number}.png" if order == "F" else str(number)
            rows.append((name, runs) if joined or one_class else (name, runs, index))
    with (root / "train.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return root


# ---------------------------------------------------------------- masks of single objects, arrays, maps
def objects(root, image_name="images/{}.png", mask_name="masks/{number}/{name}_{place}.png"):
    for number in range(COUNT):
        save(root / image_name.format(number), image(number))
        for place, (index, _) in enumerate(polygons(number)):
            mask = (ids(number) == index).astype(np.uint8) * 255
            save(root / mask_name.format(number=number, name=NAMES[index], place=place), mask)
    return root


def arrays(root, save_array, ending, folder="labels"):
    images(root / "images")
    (root / folder).mkdir(parents=True)
    for number in range(COUNT):
        save_array(root / folder / f"{number}{ending}", ids(number))
    write(root / "classes.csv", "id,name\n0,background\n1,disc\n2,box\n")
    return root


def maps(root, crs="EPSG:32632", each=True):
    """GeoTIFF images side by side, and polygons in longitude and latitude."""
    import rasterio
    from rasterio.transform import from_origin
    from rasterio.warp import transform_geom

    features = {}
    for number in range(COUNT):
        place = from_origin(500_000 + number * 1000, 5_000_000, 2, 2)
        path = root / f"{number}.tif"
        path.parent.mkdir(parents=True, exist_ok=True)
        with rasterio.open(path, "w", driver="GTiff", width=WIDTH, height=HEIGHT, count=3, dtype="uint8", crs=crs,
                           transform=place) as file:  # fmt: skip
            file.write(image(number).transpose(2, 0, 1))
        for index, ring in polygons(number):
            points = [place * tuple(point) for point in [*ring, ring[0]]]
            shape = transform_geom(crs, "EPSG:4326", {"type": "Polygon", "coordinates": [points]})
            features.setdefault(number, []).append(
                {"type": "Feature", "properties": {"class": NAMES[index]}, "geometry": shape}
            )
    if each:
        for number, some in features.items():
            write(root / f"{number}.geojson", {"type": "FeatureCollection", "features": some})
    else:
        every = [feature for some in features.values() for feature in some]
        write(root / "fields.geojson", {"type": "FeatureCollection", "features": every})
    return root
