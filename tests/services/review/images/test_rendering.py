from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from services.review.images import rendering
from services.review.images.rendering import (
    Size,
    around,
    as_jpeg,
    encoded,
    is_converted,
    pixels,
    rendered,
    upright_size,
    whole_size,
)
from spotted.errors import UnreadableImageError
from spotted.survey import ImageBox

FRACTION = st.floats(0.0, 1.0)


def saved(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    written = io.BytesIO()
    image.save(written, kind, **options)
    return written.getvalue()


def opened(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


def gradient(width: int, height: int) -> Image.Image:
    """Red grows to the right, green downwards."""
    x, y = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return Image.fromarray(np.stack([x, y, np.zeros_like(x)], axis=2).astype(np.uint8))


@given(FRACTION, FRACTION, FRACTION, FRACTION, st.integers(1, 5000), st.integers(1, 5000))
def test_a_part_lies_inside_the_image_and_holds_the_box(
    x: float, y: float, width: float, height: float, wide: int, high: int
) -> None:
    left, top, right, bottom = around(ImageBox(x, y, width, height), Size(wide, high))
    assert 0 <= left < right <= wide
    assert 0 <= top < bottom <= high
    if (left, top, right, bottom) != (0, 0, wide, high):
        assert left <= x * wide
        assert right >= min((x + width) * wide, wide) - 1


def test_a_box_in_pixels_is_the_same_part() -> None:
    size = Size(200, 100)
    assert around(ImageBox(50, 25, 100, 50, in_pixels=True), size) == around(
        ImageBox(0.25, 0.25, 0.5, 0.5), size
    )
    assert around(None, size) == (0, 0, 200, 100)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "JPEG"])
@pytest.mark.parametrize("longest", [None, 320, 100])
def test_a_picture_looks_as_the_file(kind: str, longest: int | None) -> None:
    image = opened(rendered(saved(gradient(640, 480), kind), longest=longest))
    expected = gradient(640, 480).resize(image.size, Image.Resampling.BOX)
    assert image.size == (640, 480) if longest is None else 0.8 * longest <= max(image.size) <= 1.1 * longest
    if longest:
        assert Size(*image.size) == whole_size(saved(gradient(640, 480), kind), longest)
    assert np.abs(np.asarray(image, float) - np.asarray(expected, float)).mean() < 4.0


def test_a_part_of_a_reduced_picture_is_that_part() -> None:
    content = saved(gradient(4000, 3000), "JPEG", quality=90)
    part = opened(rendered(content, part=(2000, 1500, 3000, 2500), longest=100))
    # half an eighth would be 125: too far from 100
    assert part.size == (100, 100)
    red, green, _ = (int(one) for one in np.asarray(part)[0, 0])
    assert abs(red - 128) < 4
    assert abs(green - 128) < 4


def test_pictures_are_never_enlarged() -> None:
    assert opened(rendered(saved(gradient(40, 30)), longest=320)).size == (40, 30)


@pytest.mark.parametrize("content", [b"", b"no image"])
def test_a_file_of_another_kind_is_named_if_it_cannot_be_shown(content: bytes) -> None:
    with pytest.raises(UnreadableImageError, match=r"'IMG_1\.TIF' cannot be shown: it is no image"):
        as_jpeg(content, "IMG_1.TIF")
    assert not is_converted("IMG_1.JPG")


def test_a_kind_whose_reader_is_missing_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spotted.formats.image_kinds._has_heif", lambda: False)
    with pytest.raises(UnreadableImageError, match=r"'a\.heic' .*pip install 'spotted\[heif\]'"):
        as_jpeg(b"whatever it is", "a.heic")


def test_a_file_of_another_kind_with_too_many_pixels_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "MOST_PIXELS", 1000)
    with pytest.raises(UnreadableImageError, match="40 x 30 pixels are more than 1,000"):
        as_jpeg(saved(gradient(40, 30), "TIFF"), "a.tif")


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK", "I;16", "1", "LA"])
def test_every_kind_of_pixels_is_shown(mode: str) -> None:
    image = (
        Image.fromarray(np.full((20, 30), 40_000, np.uint16))
        if mode == "I;16"
        else Image.new("RGB", (30, 20), (160, 160, 160)).convert(mode)
    )
    kind = "JPEG" if mode == "CMYK" else "PNG"
    assert opened(rendered(saved(image, kind))).size == (30, 20)


@pytest.mark.parametrize(
    "content", [b"", b"no image", b"GIF89a" + b"\0" * 50, b"\xff\xd8\xff\xe0" + b"\0" * 20]
)
def test_what_is_no_image_is_refused(content: bytes) -> None:
    with pytest.raises(UnreadableImageError):
        rendered(content)


def test_a_file_that_was_cut_off_is_refused() -> None:
    with pytest.raises(UnreadableImageError):
        rendered(saved(gradient(400, 300), "JPEG")[:2000])


def test_an_image_of_too_many_pixels_is_refused_before_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "MOST_PIXELS", 1000)
    with pytest.raises(UnreadableImageError, match="40 x 30"):
        upright_size(saved(gradient(40, 30)))


def test_metadata_of_pngs_and_webps_is_left_out() -> None:
    exif = Image.Exif()
    exif[0x010E] = "SECRET"
    for kind in ("PNG", "WEBP"):
        content = saved(gradient(40, 30), kind, exif=exif.tobytes())
        assert b"SECRET" in content
        assert b"SECRET" not in rendered(content)
    assert b"Exif" not in encoded(np.zeros((4, 4, 3), np.uint8))


@pytest.mark.parametrize("orientation", range(10))
@pytest.mark.parametrize("longest", [None, 50])
def test_a_picture_is_turned_as_its_header_says(orientation: int, longest: int | None) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = saved(gradient(100, 60), "JPEG", quality=95, exif=exif.tobytes())
    shown = opened(rendered(content, longest=longest))
    expected = ImageOps.exif_transpose(opened(content)).resize(shown.size, Image.Resampling.BOX)
    assert Size(*shown.size) == (whole_size(content, longest) if longest else upright_size(content))
    assert np.abs(np.asarray(shown, float) - np.asarray(expected, float)).mean() < 4.0


@given(st.integers(1, 900), st.integers(1, 900), st.integers(1, 700))
@settings(max_examples=40, deadline=None)
def test_a_jpeg_has_the_size_that_was_announced_near_the_wanted_one(
    wide: int, high: int, longest: int
) -> None:
    content = saved(Image.new("RGB", (wide, high)), "JPEG")
    announced = whole_size(content, longest)
    shown = opened(rendered(content, longest=longest)).size
    assert shown == (announced.width, announced.height)
    assert max(shown) <= max(1.1 * longest + 1, 1)
    assert max(shown) >= min(0.8 * longest, max(wide, high)) - 1
    exact = pixels(content, longest=longest, exact=True).shape
    assert abs(max(exact[:2]) - min(longest, max(wide, high))) <= 1
