from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from services.embedder.images.decoding import ByteArray
from services.embedder.images.resizing import KERNELS, Kernel, resize
from spotted.arrays import FloatArray

RED = (255, 0, 0)


def triangle(distance: FloatArray) -> FloatArray:
    return np.asarray(np.maximum(1 - np.abs(distance), 0))


def keys_cubic(distance: FloatArray) -> FloatArray:
    """The kernel of Keys with a = -0.5, as in Pillow."""
    far = np.abs(distance)
    near = 1.5 * far**3 - 2.5 * far**2 + 1
    middle = -0.5 * far**3 + 2.5 * far**2 - 4 * far + 2
    return np.where(far < 1, near, np.where(far < 2, middle, 0.0))


def lanczos(distance: FloatArray) -> FloatArray:
    return np.where(np.abs(distance) < 3, np.sinc(distance) * np.sinc(distance / 3), 0.0)


@pytest.mark.parametrize(
    ("kernel", "weigh"), [("bilinear", triangle), ("bicubic", keys_cubic), ("lanczos", lanczos)]
)
@pytest.mark.parametrize("size", [16, 700])
def test_an_antialiased_kernel_is_its_formula_in_a_plain_loop(
    drawing: ByteArray, kernel: Kernel, weigh: Callable[[FloatArray], FloatArray], size: int
) -> None:
    line = drawing[0].astype(np.float64)
    scale = len(line) / size
    expected = []
    for pixel in range(size):
        distance = np.arange(len(line)) + 0.5 - (pixel + 0.5) * scale
        weights = weigh(distance / max(scale, 1.0))
        expected.append((weights[:, None] * line).sum(axis=0) / weights.sum())
    image = np.repeat(drawing[:1], 40, axis=0)
    found = resize(image, size, kernel=kernel)[size // 2]
    # Pillow rounds its weights to 22 bits, so the last step may fall the other way
    assert np.abs(found - np.clip(expected, 0, 255)).max() <= 0.51


def test_the_opencv_kernel_gives_the_levels_that_opencv_gives(drawing: ByteArray) -> None:
    # of cv2.resize(drawing, (size, size)), the same in opencv-python-headless 4.11 and 5.0
    digests = {
        97: "6096176990991f846883349e482a22a5298e5436143d9e7fffbde79ef9ce9eed",
        224: "57dfd48e42338106adfee960c77efa98cda4b9b53b15e96cddd24dbf5888841b",
        440: "16da065d2a3930a011c3b5359986dd0bf082d04a78b0654c3fed4068329cabdd",
        500: "4f3c73cc491caa716e23090bffd912e30de489610b4187845ff4c1dc22fe4845",
    }
    for size, digest in digests.items():
        found = resize(drawing, size, kernel="opencv-linear")
        assert hashlib.sha256(found.tobytes()).hexdigest() == digest


@settings(max_examples=100, deadline=None)
@given(
    height=st.integers(1, 90),
    width=st.integers(1, 90),
    size=st.integers(1, 120),
    seed=st.integers(0, 2**32 - 1),
)
def test_the_opencv_kernel_is_linear_interpolation_to_within_a_level(
    height: int, width: int, size: int, seed: int
) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    rows = np.clip((np.arange(size) + 0.5) * height / size - 0.5, 0, height - 1)
    columns = np.clip((np.arange(size) + 0.5) * width / size - 0.5, 0, width - 1)
    found = resize(image, size, kernel="opencv-linear").astype(float)
    for channel in range(3):
        levels = image[:, :, channel].astype(float)
        lines = np.array([np.interp(columns, np.arange(width), line) for line in levels])
        expected = np.array([np.interp(rows, np.arange(height), line) for line in lines.T]).T
        assert np.abs(found[:, :, channel] - expected).max() <= 1.0


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_uniform_image_stays_uniform_at_any_size(kernel: Kernel) -> None:
    image = np.full((7, 501, 3), 77, dtype=np.uint8)
    assert (resize(image, 224, kernel=kernel) == 77).all()
    assert (resize(image[:1, :1], 224, kernel=kernel) == 77).all()


@pytest.mark.parametrize("kernel", KERNELS)
def test_an_image_of_the_right_size_is_left_as_it_is(drawing: ByteArray, kernel: Kernel) -> None:
    square = drawing[:224, :224]
    assert np.array_equal(resize(square, 224, kernel=kernel), square)


@pytest.mark.parametrize("kernel", KERNELS)
def test_padding_keeps_the_proportions_in_the_middle(drawing: ByteArray, kernel: Kernel) -> None:
    found = resize(drawing, 200, kernel=kernel, aspect="pad", fill=RED)
    assert (found[:25] == RED).all()
    assert (found[175:] == RED).all()
    assert not (found[25:175] == RED).all(axis=2).any()
    if kernel != "opencv-linear":
        kind = {"bilinear": 2, "bicubic": 3, "lanczos": 1}[kernel]
        expected = Image.fromarray(drawing).resize((200, 150), Image.Resampling(kind))
        assert np.array_equal(found[25:175], np.asarray(expected))


def test_a_padded_turn_of_the_axes_is_the_turned_padded_image(drawing: ByteArray) -> None:
    found = resize(drawing, 120, aspect="pad", fill=RED)
    turned = resize(drawing.swapaxes(0, 1), 120, aspect="pad", fill=RED).swapaxes(0, 1)
    # Pillow rounds after the horizontal pass, which comes first
    assert np.abs(turned.astype(int) - found).max() <= 1


def test_the_thinnest_crop_keeps_a_line() -> None:
    found = resize(np.full((1, 1000, 3), 9, dtype=np.uint8), 10, aspect="pad", fill=RED)
    assert (found[4] == 9).all()
    assert (np.delete(found, 4, axis=0) == RED).all()


def test_a_square_is_not_padded(drawing: ByteArray) -> None:
    square = drawing[:300, :300]
    assert np.array_equal(resize(square, 64, aspect="pad"), resize(square, 64))
