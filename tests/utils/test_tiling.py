"""utils/tiling.py: tiles cover every pixel, and what they give is what the whole picture gives."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from utils.config import Config
from utils.models import build_model
from utils.tiling import gaussian_window, merge_tiles, predict_tiled, tile_spans, tile_starts


@st.composite
def layouts(draw):
    tile = draw(st.integers(1, 60))
    return draw(st.integers(1, 300)), tile, draw(st.integers(0, tile - 1))


@given(layouts())
def test_tiles_cover_every_pixel_inside_the_picture_and_overlap_as_asked(layout):
    length, tile, overlap = layout
    starts = tile_starts(length, tile, overlap)
    assert starts[0] == 0
    assert starts[-1] == max(length - tile, 0)
    for a, b in pairwise(starts):
        assert 0 < b - a <= tile - overlap
    covered = np.zeros(length, int)
    for start in starts:
        covered[start : start + tile] += 1
    assert covered.min() >= 1


@given(layouts())
def test_no_more_tiles_than_needed(layout):
    length, tile, overlap = layout
    starts = tile_starts(length, tile, overlap)
    fewer = len(starts) - 1
    assert fewer == 0 or fewer * (tile - overlap) + overlap < length


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (8, 8), (5, 16)])
def test_the_window_is_central_symmetric_and_never_zero(shape):
    window = gaussian_window(*shape)
    assert window.shape == shape
    assert (window > 0).all()
    assert torch.allclose(window, window.flip(0).flip(1))
    assert window.max() <= 1
    assert window[shape[0] // 2, shape[1] // 2] == window.max()
    if min(shape) > 1:
        assert window[0, 0] < 0.01


def picture(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def whole(model, image):
    with torch.no_grad():
        return model(torch.from_numpy(image.transpose(2, 0, 1).copy())[None])[0].numpy()


@given(size=st.tuples(st.integers(1, 70), st.integers(1, 70)), tile=st.integers(2, 40), share=st.floats(0, 0.95))
def test_a_pointwise_model_gives_the_same_everywhere(size, tile, share):
    def model(images):
        return torch.stack([images[:, 0].float(), images[:, 1].float() - images[:, 2]], dim=1) / 64

    image = picture(*size)
    found = predict_tiled(model, image, tile, int(share * tile))
    assert found.shape == (2, *size)
    assert found.dtype == np.float32
    assert np.allclose(found, whole(model, image), atol=1e-4)


class Neighbours(nn.Module):
    """Looks `reach` pixels around: away from the picture's border, tiles with that overlap must change nothing."""

    def __init__(self, reach):
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(3, 2, 2 * reach + 1, padding=reach)

    def forward(self, images):
        return self.conv(images.float() / 255)


def test_blending_hides_the_borders_of_tiles():
    """Near a tile's border a model lacks context; weights that fall towards it keep that error small."""
    model, image = Neighbours(3).eval(), picture(80, 96)
    expected = whole(model, image)
    inner = np.s_[:, 8:-8, 8:-8]

    def error(overlap):
        with torch.no_grad():
            return np.abs(predict_tiled(model, image, 32, overlap) - expected)[inner]

    assert error(16).max() < 0.35 * error(0).max()
    assert error(16).mean() < 0.5 * error(0).mean()


@given(
    size=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    reach=st.integers(0, 3),
    more=st.integers(0, 9),
    overlap=st.integers(0, 9),
)
def test_a_model_that_looks_no_further_than_a_quarter_of_the_overlap_sees_no_tiles(size, reach, more, overlap):
    model, image = Neighbours(reach).eval(), picture(*size)
    overlap += 4 * reach
    with torch.no_grad():
        found = predict_tiled(model, image, overlap + 1 + more, overlap)
    assert np.allclose(found, whole(model, image), atol=1e-4)


def test_one_that_looks_further_does():
    model, image = Neighbours(5).eval(), picture(80, 80)
    with torch.no_grad():
        found = predict_tiled(model, image, 32, 8)
    assert np.abs(found - whole(model, image)).max() > 1e-2


class Pooled(nn.Module):
    """Halves the picture twice, as a U-Net does: what it sees depends on where a tile begins."""

    stride = 4

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.down = nn.Conv2d(3, 4, 4, stride=4)
        self.up = nn.ConvTranspose2d(4, 2, 4, stride=4)

    def forward(self, images):
        height, width = images.shape[-2:]
        padded = nn.functional.pad(images.float() / 255, (0, -width % 4, 0, -height % 4), mode="replicate")
        return self.up(self.down(padded).relu())[..., :height, :width]


@given(size=st.tuples(st.integers(1, 90), st.integers(1, 90)), tile=st.integers(4, 40), overlap=st.integers(0, 20))
def test_tiles_begin_where_the_model_sees_what_it_sees_in_the_whole(size, tile, overlap):
    model, image = Pooled().eval(), picture(*size)
    with torch.no_grad():
        found = predict_tiled(model, image, tile, min(overlap, tile - 1), stride=4)
        if min(size) > tile and tile % 4:
            apart = predict_tiled(model, image, tile, 0, stride=1)
            assert np.abs(apart - whole(model, image)).max() > 1e-3
    assert np.allclose(found, whole(model, image), atol=1e-4)


@given(layouts(), st.sampled_from([1, 2, 4, 8, 32]))
def test_spans_use_every_pixel_and_begin_at_the_stride(layout, stride):
    length, tile, overlap = layout
    spans = tile_spans(length, tile, overlap, stride)
    assert (spans[0].low, spans[-1].high) == (0, length)
    for a, b in pairwise(spans):
        assert b.start > a.start
        assert b.low > a.low
        assert b.low <= a.high  # nothing is left out
    for span in spans:
        assert span.start % stride == 0
        assert 0 <= span.start <= span.low < span.high <= span.end <= length
        assert span.end - span.start <= max(tile, stride)


def test_a_picture_that_fits_in_one_tile_is_predicted_once():
    calls = []

    def model(images):
        calls.append(tuple(images.shape))
        return images.float()

    image = picture(20, 30)
    assert np.allclose(predict_tiled(model, image, 32, 8), image.transpose(2, 0, 1))
    assert calls == [(1, 3, 20, 30)]


def test_tiles_arrive_as_bytes_of_the_right_place():
    image, seen = picture(48, 48), []

    def model(images):
        assert images.dtype == torch.uint8
        seen.append(images[0].permute(1, 2, 0).numpy())
        return images.float()

    predict_tiled(model, image, 32, 16)
    assert len(seen) == 4
    assert (seen[0] == image[:32, :32]).all()
    assert (seen[3] == image[16:, 16:]).all()


@pytest.mark.parametrize("overlap", [-1, 32, 40])
def test_an_overlap_that_cannot_be(overlap):
    with pytest.raises(ValueError, match=f"overlap={overlap} .* tile=32"):
        predict_tiled(lambda x: x.float(), picture(40, 40), 32, overlap)


def test_the_courses_own_model_agrees_with_itself_on_nearly_every_pixel():
    torch.manual_seed(0)
    model = build_model(Config(unet_width=4, unet_depth=1), 3).eval()
    image = np.kron(picture(12, 16), np.ones((8, 8, 1), np.uint8))
    with torch.no_grad():
        found = predict_tiled(model, image, 64, 32)
    assert (found.argmax(0) == whole(model, image).argmax(0)).mean() > 0.99


@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.integers(1, 20), st.integers(1, 20))
def test_merging_what_was_cut_gives_it_back(seed, channels, height, width):
    generator = np.random.default_rng(seed)
    whole = generator.normal(size=(channels, height, width)).astype(np.float32)
    tile = int(generator.integers(2, 12))
    starts = [tile_starts(n, tile, tile // 2) for n in (height, width)]
    tiles = ((y, x, whole[:, y : y + tile, x : x + tile]) for y in starts[0] for x in starts[1])
    assert np.allclose(merge_tiles(tiles, height, width), whole, atol=1e-4)
