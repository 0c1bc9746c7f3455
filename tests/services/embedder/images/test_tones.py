from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.embedder.images.decoding import ByteArray
from services.embedder.images.tones import (
    Reference,
    apply_curves,
    equalisation_curves,
    histograms,
    matching_curves,
)
from spotted.errors import InvalidInputError

SEEDS = st.integers(0, 2**32 - 1)


def photograph(seed: int, levels: int = 256) -> ByteArray:
    """Noise (20, 30, 3) from a distribution chosen by the seed."""
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.full(levels, 0.2))
    chosen = rng.choice(256, levels, replace=False)
    return rng.choice(chosen, (20, 30, 3), p=shares).astype(np.uint8)


def half_up(value: float) -> int:
    return int(np.floor(value + 0.5))


def test_histograms_count_each_channel(drawing: ByteArray) -> None:
    found = histograms(drawing)
    for channel in range(3):
        assert np.array_equal(found[channel], np.bincount(drawing[:, :, channel].ravel(), minlength=256))


def test_each_channel_is_mapped_by_its_own_curve(drawing: ByteArray) -> None:
    curves = np.random.default_rng(0).integers(0, 256, (3, 256), dtype=np.uint8)
    expected = np.stack([curves[channel][drawing[:, :, channel]] for channel in range(3)], axis=2)
    assert np.array_equal(apply_curves(drawing, curves), expected)
    assert np.array_equal(apply_curves(drawing[::-1, 5:99], curves), expected[::-1, 5:99])


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, levels=st.integers(1, 256))
def test_equalising_is_the_plain_loop(seed: int, levels: int) -> None:
    image = photograph(seed, levels)
    found = apply_curves(image, equalisation_curves(histograms(image)))
    for channel in range(3):
        pixels = image[:, :, channel]
        lowest = (pixels == pixels.min()).sum()
        for level in np.unique(pixels):
            below = (pixels <= level).sum()
            even = 255 * (below - lowest) / (pixels.size - lowest) if lowest < pixels.size else level
            assert (found[:, :, channel][pixels == level] == half_up(float(even))).all()


def test_an_even_histogram_is_left_as_it_is() -> None:
    even = np.stack([np.arange(256, dtype=np.uint8).reshape(16, 16)] * 3, axis=2)
    assert np.array_equal(apply_curves(even, equalisation_curves(histograms(even))), even)


def test_an_equalised_photograph_reaches_from_black_to_white(drawing: ByteArray) -> None:
    found = apply_curves(drawing // 4 + 90, equalisation_curves(histograms(drawing // 4 + 90)))
    assert found.min(axis=(0, 1)).tolist() == [0, 0, 0]
    assert found.max(axis=(0, 1)).tolist() == [255, 255, 255]


def test_equalising_takes_out_exposure_and_cast(drawing: ByteArray) -> None:
    # any rising map of the levels of a channel gives the same ranks
    darker = (drawing // 2 + np.array([3, 30, 90])).astype(np.uint8)
    ranks = drawing // 2 * 2
    expected = apply_curves(ranks, equalisation_curves(histograms(ranks)))
    assert np.array_equal(apply_curves(darker, equalisation_curves(histograms(darker))), expected)


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, levels=st.integers(1, 256), reference_levels=st.integers(1, 256))
def test_matching_is_the_plain_loop(seed: int, levels: int, reference_levels: int) -> None:
    image, target = photograph(seed, levels), photograph(seed ^ 1, reference_levels)[:13, :17]
    curves = matching_curves(histograms(image), Reference.of(target))
    for channel in range(3):
        pixels, target_pixels = image[:, :, channel], target[:, :, channel]
        present, counts = np.unique(target_pixels, return_counts=True)
        shares = np.cumsum(counts) / target_pixels.size
        for level in np.unique(pixels):
            exact = np.interp((pixels <= level).mean(), shares, present)
            found = int(curves[channel][level])
            # in floating point a half may fall either way
            assert found == half_up(exact) or abs(exact + 0.5 - round(exact + 0.5)) < 1e-9


def test_matching_to_its_own_histogram_changes_nothing(drawing: ByteArray) -> None:
    curves = matching_curves(histograms(drawing), Reference.of(drawing))
    assert np.array_equal(apply_curves(drawing, curves), drawing)


def test_a_matched_photograph_has_the_tones_of_the_reference(drawing: ByteArray) -> None:
    taken = (drawing // 2 + np.array([3, 30, 90])).astype(np.uint8)
    curves = matching_curves(histograms(taken), Reference.of(drawing))
    assert np.abs(apply_curves(taken, curves).astype(int) - drawing).max() <= 1


def test_every_curve_rises(drawing: ByteArray) -> None:
    counts = histograms(drawing)
    for curves in (equalisation_curves(counts), matching_curves(counts, Reference.of(photograph(7, 20)))):
        assert (np.diff(curves.astype(int), axis=1) >= 0).all()


def test_the_largest_counts_do_not_overflow() -> None:
    most, least = [0] * 256, [0] * 256
    most[0], most[255] = 1, 99_999_999
    least[0], least[255] = 99_999_999, 1
    counts = np.zeros((3, 256), dtype=np.int64)
    counts[:, 10], counts[:, 20], counts[:, 30] = 89_478_485, 1, 89_478_485
    curves = matching_curves(counts, Reference((tuple(most), tuple(least), tuple(most))))
    assert curves[:, 30].tolist() == [255, 255, 255]
    assert curves[:, 10].tolist() == [127, 0, 127]


@pytest.mark.parametrize(
    "counts",
    [
        (),
        ((1,) * 256,) * 2,
        ((1,) * 255,) * 3,
        ((0,) * 256,) * 3,
        ((-1, *((2,) * 255)),) * 3,
        ((100_000_001, *((0,) * 255)),) * 3,
    ],
)
def test_counts_that_are_no_histogram_are_refused(counts: tuple[tuple[int, ...], ...]) -> None:
    with pytest.raises(InvalidInputError, match="3 x 256 counts"):
        Reference(counts)


def test_the_digest_of_a_reference_depends_only_on_its_counts(drawing: ByteArray) -> None:
    assert Reference.of(drawing).digest == Reference.of(drawing[::-1]).digest
    assert Reference.of(drawing).digest != Reference.of(drawing[1:]).digest
    assert (
        Reference(((1,) * 256,) * 3).digest
        == "6f0ef155d3e4086c60ce05841a62c6104bfc7ddfa638a5467e76ffda2a14b050"
    )
