"""utils/augmentations.py: image and mask stay aligned through every step, and randomness is what it should be."""

import cv2
import numpy as np
import pytest
import torch
from helpers import COURSE
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torchvision.transforms.v2 import functional

from utils.augmentations import (
    STRENGTH,
    Augment,
    eval_transform,
    geometric,
    pad,
    photometric,
    random_crop,
    random_flip,
    train_transform,
    train_transform_v2,
)
from utils.config import Config

SEEDS = range(12)
SIZE = 64


@pytest.fixture(scope="module")
def landmarks():
    """White blocks on black that have no symmetry at all, and the mask that marks them."""
    blocks = np.random.default_rng(5).random((8, 8)) > 0.5
    blocks[0, :2], blocks[-1, -1] = (True, False), False
    mask = np.kron(blocks, np.ones((12, 12))).astype(np.uint8)
    return np.where(mask[..., None], 235, 20).astype(np.uint8).repeat(3, axis=2), mask


def disagreement(image, mask):
    """Share of pixels, away from edges, whose brightness says something else than the mask."""
    assert image.shape == (*mask.shape, 3)
    kernel = np.ones((5, 5), np.uint8)
    flat = cv2.dilate(mask, kernel) == cv2.erode(mask, kernel)
    inside = flat & (mask != 255)
    assert inside.mean() > 0.1
    grey = cv2.GaussianBlur(image, (3, 3), 0).mean(axis=2)
    threshold = (np.percentile(grey[inside], 2) + np.percentile(grey[inside], 98)) / 2
    return ((grey > threshold) != (mask == 1))[inside].mean()


def steps():
    """Every single step that the course uses, at every strength."""
    yield "pad", pad(128)
    for strength in STRENGTH:
        config = Config(image_size=SIZE, augmentation=strength)
        whole = [*train_transform(config).pipeline.transforms]
        for step in whole:
            yield f"{strength} {type(step).__name__}", step


STEPS = dict(steps())


def test_the_list_of_steps_is_the_whole_pipeline():
    names = {name.split()[-1] for name in STEPS}
    used = {type(s).__name__ for strength in STRENGTH for s in [*geometric(strength), *photometric(strength)]}
    assert names == {"pad", "PadIfNeeded", "RandomCrop", "RandomRotate90"} | used
    assert used == {"HorizontalFlip", "Affine", "ColorJitter", "GaussNoise"}


@pytest.mark.parametrize("name", STEPS)
def test_image_and_mask_stay_aligned_through_every_step(name, landmarks):
    changed = 0
    for seed in SEEDS:
        step = STEPS[name]
        image, mask = Augment([step], seed=seed)(*landmarks)
        assert disagreement(image, mask) < 0.002
        changed += image.shape != landmarks[0].shape or bool((image != landmarks[0]).any())
    assert changed or name.endswith("PadIfNeeded"), "the step never did anything"


@pytest.mark.parametrize("framing", ["crop", "resize"])
@pytest.mark.parametrize("aerial", [True, False])
@pytest.mark.parametrize("strength", [*STRENGTH, "none"])
def test_image_and_mask_stay_aligned_through_the_whole_pipeline(strength, aerial, framing, landmarks):
    size = SIZE if framing == "crop" else 96
    transform = train_transform(Config(image_size=size, augmentation=strength, aerial=aerial, framing=framing))
    for _ in SEEDS:
        image, mask = transform(*landmarks)
        assert (image.shape, mask.shape) == ((size, size, 3), (size, size))
        assert (image.dtype, mask.dtype) == (np.uint8, np.uint8)
        assert disagreement(image, mask) < 0.005


def test_the_torchvision_twin_keeps_them_aligned_too(landmarks):
    transform = train_transform_v2(Config(image_size=SIZE, augmentation="medium"))
    torch.manual_seed(0)
    results = [transform(*landmarks) for _ in SEEDS]
    for image, mask in results:
        assert (image.shape, mask.shape) == ((SIZE, SIZE, 3), (SIZE, SIZE))
        assert (image.dtype, mask.dtype) == (np.uint8, np.uint8)
        assert disagreement(image, mask) < 0.005
    assert len({mask.tobytes() for _, mask in results}) > len(SEEDS) // 2


def test_the_torchvision_twin_mirrors_and_turns(landmarks):
    transform = train_transform_v2(Config(image_size=96, augmentation="medium", aerial=False))
    torch.manual_seed(0)
    found = [transform(*landmarks)[1] for _ in range(200)]
    mask = landmarks[1]
    same, mirrored = (sum((m == wanted).all() for m in found) for wanted in (mask, mask[:, ::-1]))
    assert same > 10
    assert mirrored > 10
    assert sum((m == 255).any() for m in found) > 60


def test_the_torchvision_twin_pads_with_black_and_ignored(landmarks):
    image, mask = train_transform_v2(Config(image_size=200))(landmarks[0], landmarks[1])
    assert (image.shape, mask.shape) == ((200, 200, 3), (200, 200))
    assert (mask == 255).mean() > 0.5
    assert set(np.unique(mask)) == {0, 1, 255}


@pytest.mark.parametrize("aerial", [True, False])
@pytest.mark.parametrize("strength", [*STRENGTH, "none"])
def test_the_torchvision_twin_obeys_the_config_as_the_pipeline_does(strength, aerial, landmarks):
    torch.manual_seed(0)
    config, found = Config(image_size=96, augmentation=strength, aerial=aerial), []
    for transform in (train_transform(config), train_transform_v2(config)):
        draws = [transform(*landmarks) for _ in range(200)]
        whole = {mask.tobytes() for _, mask in draws if 255 not in mask}
        empty = np.mean([(mask == 255).mean() for _, mask in draws])
        other_colours = np.mean([abs(np.median(image[mask == 1]) - 235) > 2 for image, mask in draws])
        found.append((len(whole), empty, other_colours))
    (views, empty, colours), (views_v2, empty_v2, colours_v2) = found
    if strength in ("none", "light"):
        assert views_v2 == views == {"none": 1, "light": 8 if aerial else 2}[strength]
        assert empty_v2 == colours_v2 == 0
    assert empty_v2 == pytest.approx(empty, abs=0.03)
    assert colours_v2 == pytest.approx(colours, abs=0.15)


@pytest.mark.parametrize("change", [
    lambda i, m: (i[:, ::-1], m), lambda i, m: (i, m[::-1]), lambda i, m: (np.rot90(i), m),
    lambda i, m: (np.roll(i, 6, axis=1), m), lambda i, m: (255 - i, m),
], ids=["flip", "flip mask", "turn", "shift", "invert"])  # fmt: skip
def test_the_landmarks_notice_when_only_one_of_both_moves(change, landmarks):
    assert disagreement(*(np.ascontiguousarray(a) for a in change(*landmarks))) > 0.1


def test_a_real_scene_stays_aligned_pixel_by_pixel(tiny):
    """A drawn picture of the mask itself goes through as the image: geometry must move both alike."""
    mask = np.array(Image.open(tiny.pairs("train")[0].mask))
    picture = (mask * 40).astype(np.uint8)[..., None].repeat(3, axis=2)
    for seed in SEEDS:
        image, moved = Augment(geometric("strong"), seed=seed)(picture, mask)
        inside = (cv2.dilate(moved, np.ones((3, 3))) == cv2.erode(moved, np.ones((3, 3)))) & (moved != 255)
        wrong = np.abs(image[..., 0].astype(int) - moved.astype(int) * 40)[inside] > 20
        assert wrong.mean() < 0.01


# ---------------------------------------------------------------- by hand
SIDE = st.integers(1, 12)
SEED = st.integers(0, 2**32 - 1)


def noise(seed, height, width):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (height, width, 3), np.uint8), rng.integers(0, 256, (height, width), np.uint8)


@given(SEED, SIDE, SIDE, st.sampled_from([0.0, 0.3, 1.0]))
def test_a_flip_by_hand_is_that_of_torchvision_or_none(seed, height, width, p):
    pair = noise(seed, height, width)
    flipped = random_flip(*pair, np.random.default_rng(seed), p)
    decision = np.random.default_rng(seed).random() < p
    for before, after in zip(pair, flipped, strict=True):
        twin = functional.pil_to_tensor(functional.hflip(Image.fromarray(before))).numpy()
        twin = twin[0] if before.ndim == 2 else twin.transpose(1, 2, 0)
        assert np.array_equal(after, twin if decision else before)
        assert after.dtype == np.uint8
        torch.from_numpy(after)  # refuses the reversed strides of a view


def test_flips_by_hand_are_as_frequent_as_asked():
    image, mask = noise(0, 3, 4)
    rng = np.random.default_rng(0)
    for p in (0.0, 0.2, 0.5, 1.0):
        count = sum(not np.array_equal(random_flip(image, mask, rng, p)[1], mask) for _ in range(2000))
        assert abs(count / 2000 - p) < 0.05


@given(SEED, SIDE, SIDE, SIDE)
def test_a_crop_by_hand_is_one_of_all_windows_and_the_same_of_both(seed, height, width, size):
    size = min(size, height, width)
    image, mask = noise(seed, height, width)
    cut, ids = random_crop(image, mask, size, np.random.default_rng(seed))
    pictures = np.lib.stride_tricks.sliding_window_view(image, (size, size), axis=(0, 1)).transpose(0, 1, 3, 4, 2)
    masks = np.lib.stride_tricks.sliding_window_view(mask, (size, size))
    same = (pictures == cut).all(axis=(2, 3, 4)) & (masks == ids).all(axis=(2, 3))
    assert same.any()


def test_every_window_is_cut_equally_often():
    mask = np.arange(30, dtype=np.uint8).reshape(5, 6)
    image, rng = mask[..., None].repeat(3, axis=2), np.random.default_rng(0)
    corners = np.bincount([random_crop(image, mask, 3, rng)[1][0, 0] for _ in range(6000)], minlength=30)
    expected = np.zeros((5, 6))
    expected[:3, :4] = 500
    assert np.abs(corners.reshape(5, 6) - expected).max() < 120
    with pytest.raises(ValueError):
        random_crop(image, mask, 6, rng)


# ---------------------------------------------------------------- masks
@pytest.mark.parametrize("strength", STRENGTH)
def test_no_label_is_ever_invented(strength):
    rng = np.random.default_rng(0)
    image, mask = rng.integers(0, 255, (96, 96, 3), np.uint8), rng.choice([0, 7, 200], (96, 96)).astype(np.uint8)
    transform = train_transform(Config(image_size=SIZE, augmentation=strength))
    for _ in SEEDS:
        assert set(np.unique(transform(image, mask)[1])) <= {0, 7, 200, 255}


def test_what_is_padded_or_turned_in_is_black_and_ignored():
    image, mask = np.full((40, 50, 3), 200, np.uint8), np.ones((40, 50), np.uint8)
    padded, ids = Augment([pad(64)])(image, mask)
    assert padded.shape == (64, 64, 3)
    assert ((padded == 0).all(axis=2) == (ids == 255)).all()
    assert (ids == 1).sum() == 40 * 50
    turned = [Augment(geometric("strong"), seed=s)(np.full((64, 64, 3), 200, np.uint8), np.ones((64, 64), np.uint8))
              for s in SEEDS]  # fmt: skip
    assert any((m == 255).any() for _, m in turned)
    for picture, ids in turned:
        assert picture[ids == 255].mean() < 60 if (ids == 255).any() else True
        inside = cv2.erode((ids == 1).astype(np.uint8), np.ones((5, 5)), borderType=cv2.BORDER_CONSTANT, borderValue=0)
        assert (picture[inside > 0] == 200).all()


@pytest.mark.parametrize("strength", ["medium", "strong"])
def test_colour_changes_leave_masks_and_their_input_alone(strength, landmarks):
    image, mask = landmarks[0].copy(), landmarks[1].copy()
    moved = 0
    for seed in SEEDS:
        changed, ids = Augment(photometric(strength), seed=seed)(image, mask)
        assert (ids == landmarks[1]).all()
        assert (image == landmarks[0]).all()
        moved += bool((changed != image).any())
    assert moved > len(SEEDS) // 2


@pytest.mark.parametrize("strength", STRENGTH)
def test_a_cached_picture_is_never_written_to(strength, landmarks):
    image, mask = landmarks[0].copy(), landmarks[1].copy()
    transform = train_transform(Config(image_size=96, augmentation=strength))
    for _ in SEEDS:
        transform(image, mask)
    assert (image == landmarks[0]).all()
    assert (mask == landmarks[1]).all()


# ---------------------------------------------------------------- what each setting means
def test_light_from_the_ground_only_mirrors_and_from_above_also_turns(landmarks):
    def results(aerial):
        transform = train_transform(Config(image_size=96, augmentation="light", aerial=aerial))
        return {transform(*landmarks)[1].tobytes() for _ in range(80)}

    mask = landmarks[1]
    both = {mask.tobytes(), mask[:, ::-1].tobytes()}
    assert results(aerial=False) == both
    eight = {np.rot90(m, k).tobytes() for m in (mask, mask[:, ::-1]) for k in range(4)}
    assert results(aerial=True) == eight


def test_none_only_cuts(landmarks):
    image, mask = landmarks
    transform = train_transform(Config(image_size=SIZE, augmentation="none"))
    cuts = {np.ascontiguousarray(image[y : y + SIZE, x : x + SIZE]).tobytes() for y in range(33) for x in range(33)}
    found = [transform(image, mask)[0].tobytes() for _ in range(20)]
    assert set(found) <= cuts
    assert len(set(found)) > 10


@pytest.mark.parametrize("step", [geometric, photometric])
def test_stronger_means_more(step, landmarks):
    def change(strength):
        results = [Augment(step(strength), seed=s)(*landmarks) for s in range(40)]
        if step is geometric:
            return np.mean([(m == 255).mean() for _, m in results])
        return np.mean([np.abs(i.astype(int) - landmarks[0]).mean() for i, _ in results])

    assert change("light") < change("medium") < change("strong")


def test_evaluation_sees_whole_pictures_and_nothing_random(landmarks):
    transform = eval_transform(Config(image_size=32))
    for _ in range(3):
        image, mask = transform(*landmarks)
        assert (image == landmarks[0]).all()
        assert (mask == landmarks[1]).all()
    image, mask = eval_transform(Config(image_size=128))(*landmarks)
    assert image.shape == (128, 128, 3)
    assert (mask == 255).sum() == 128 * 128 - 96 * 96


# ---------------------------------------------------------------- randomness
def sequence(transform, landmarks, count=6):
    return [transform(*landmarks)[0].tobytes() for _ in range(count)]


def test_a_seed_repeats_itself_and_another_differs(landmarks):
    config = Config(image_size=SIZE, augmentation="strong")
    first = sequence(train_transform(config), landmarks)
    assert first == sequence(train_transform(config), landmarks)
    assert first != sequence(train_transform(config.override(seed=1)), landmarks)
    assert len(set(first)) == len(first)


def test_a_stream_can_be_seeded_again(landmarks):
    transform = train_transform(Config(image_size=SIZE, augmentation="strong"))
    transform.set_random_seed(7)
    first = sequence(transform, landmarks)
    assert sequence(transform, landmarks) != first
    transform.set_random_seed(7)
    assert sequence(transform, landmarks) == first
    transform.set_random_seed(8)
    assert sequence(transform, landmarks) != first


@pytest.mark.filterwarnings("ignore:Argument")
def test_a_misspelt_argument_is_no_mere_warning():
    import albumentations as A

    with pytest.raises(ValueError, match="mask_value"):
        Augment([A.PadIfNeeded(64, 64, mask_value=255)])


def test_only_one_module_knows_the_library():
    others = [p.name for p in (COURSE / "utils").rglob("*.py") if "albumentations as A" in p.read_text("utf-8")]
    assert others == ["augmentations.py"]


def test_a_mask_of_another_size_is_refused():
    with pytest.raises(ValueError, match="cannot be changed together"):
        train_transform(Config(image_size=32))(np.zeros((40, 40, 3), np.uint8), np.zeros((40, 39), np.uint8))
