from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from services.embedder.images.decoding import ByteArray, Decoding
from services.embedder.images.masks import RleMask
from services.embedder.images.parts import PreparedCrop, prepare_parts
from services.embedder.images.photograph import WHOLE_IMAGE, CropPart, Photograph
from services.embedder.images.preprocessing import Preprocessing
from services.embedder.images.tones import Tone
from spotted.boxes.cropping import FractionBox, PixelBox
from spotted.errors import InvalidInputError, UnreadableImageError
from tests.services.embedder.pictures import FORMATS, encoded

PARTS = (
    CropPart(PixelBox(60, 50, 200, 140)),
    CropPart(FractionBox(0.2, 0.1, 0.5, 0.6), 0.7),
    CropPart(mask=RleMask(300, 400, (0, 300 * 200, 300 * 200))),
    WHOLE_IMAGE,
)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("tone", [Tone.AS_TAKEN, Tone.EQUALISED])
def test_parts_of_one_image_are_those_of_images_sent_one_by_one(
    drawing: ByteArray, kind: str, tone: Tone
) -> None:
    content, steps = encoded(drawing, kind), Preprocessing(64, tone=tone)
    for part, made in zip(PARTS, prepare_parts(Photograph(content, PARTS), steps, None), strict=True):
        assert isinstance(made, PreparedCrop)
        np.testing.assert_array_equal(made.pixels, steps.apply(content, part))


def test_a_part_that_cannot_be_used_fails_by_itself_and_keeps_no_pixels(drawing: ByteArray) -> None:
    wrong_size = CropPart(mask=RleMask(30, 40, (0, 1200)))
    parts = (WHOLE_IMAGE, CropPart(PixelBox(900, 0, 10, 10)), wrong_size, PARTS[0])
    first, outside, masked, last = prepare_parts(Photograph(encoded(drawing), parts), Preprocessing(64), None)
    assert isinstance(first, PreparedCrop)
    assert isinstance(last, PreparedCrop)
    for error, words in ((outside, "lies outside the image"), (masked, "mask has 40 x 30 pixels")):
        assert isinstance(error, UnreadableImageError)
        assert words in str(error)
        assert error.__traceback__ is None
        assert error.__context__ is None


def test_an_image_that_cannot_be_decoded_fails_as_a_whole(drawing: ByteArray) -> None:
    with pytest.raises(UnreadableImageError, match="damaged or truncated"):
        prepare_parts(Photograph(encoded(drawing)[:500], PARTS), Preprocessing(64), None)


FAST, EXACT = Preprocessing(16, decoding=Decoding.FAST), Preprocessing(16)
# (400, 300) pixels: 1/2, 1/8, all, 1/8 and 1/2 of the size
FRACTIONS = (
    CropPart(FractionBox(0.2, 0.2, 0.2, 0.5)),
    WHOLE_IMAGE,
    CropPart(FractionBox(0.4, 0.1, 0.1, 0.6)),
    CropPart(FractionBox(-0.1, -0.1, 1.0, 1.0), 0.5),
    CropPart(FractionBox(0.5, 0.2, 0.4, 0.3), 0.7),
)


def test_fast_decoding_takes_the_size_that_each_box_needs_whatever_else_is_in_the_image(
    drawing: ByteArray,
) -> None:
    assert [FAST.reduction(part, 400, 300) for part in FRACTIONS] == [2, 8, 1, 8, 2]
    content = encoded(Image.fromarray(drawing), "JPEG", quality=90)
    together = prepare_parts(Photograph(content, FRACTIONS), FAST, None)
    for part, made in zip(FRACTIONS, together, strict=True):
        assert isinstance(made, PreparedCrop)
        np.testing.assert_array_equal(made.pixels, FAST.apply(content, part))
        distance = np.abs(made.pixels.astype(int) - EXACT.apply(content, part)).mean()
        assert distance < 12
        assert (distance == 0) == (part is FRACTIONS[2])


@given(
    st.tuples(st.floats(-1000, 4000), st.floats(-1000, 3000), st.floats(1, 5000), st.floats(1, 5000)),
    st.integers(8, 500),
)
def test_the_box_keeps_twice_the_pixels_of_the_input(
    box: tuple[float, float, float, float], size: int
) -> None:
    steps = Preprocessing(size, decoding=Decoding.FAST)
    x, y, width, height = box
    inside = min(min(x + width, 4000) - max(x, 0), min(y + height, 3000) - max(y, 0))
    reduction = steps.reduction(CropPart(PixelBox(*box)), 4000, 3000)
    assert reduction == 1 or inside / reduction >= 2 * size
    assert reduction == 8 or inside / (2 * reduction) < 2 * size
    assert Preprocessing(size).reduction(CropPart(PixelBox(*box)), 4000, 3000) == 1


def test_boxes_in_pixels_refer_to_the_whole_image_with_fast_decoding(drawing: ByteArray) -> None:
    content = encoded(drawing, "JPEG")
    pixels = CropPart(PixelBox(80, 60, 80, 150))
    np.testing.assert_array_equal(FAST.apply(content, pixels), FAST.apply(content, FRACTIONS[0]))
    with pytest.raises(UnreadableImageError, match=r"x=900.* lies outside the image of 400 x 300 pixels"):
        FAST.apply(content, CropPart(PixelBox(900, 0, 100, 100)))


def test_masks_and_other_files_are_decoded_exactly(drawing: ByteArray) -> None:
    mask = CropPart(mask=RleMask(300, 400, (0, 300 * 200, 300 * 200)))
    for content, part in ((encoded(drawing, "JPEG"), mask), (encoded(drawing), WHOLE_IMAGE)):
        np.testing.assert_array_equal(FAST.apply(content, part), EXACT.apply(content, part))


def test_fast_decoding_has_a_digest_of_its_own_and_goes_without_tone_maps() -> None:
    assert FAST.digest != EXACT.digest
    assert FAST.cut_digest != EXACT.cut_digest
    with pytest.raises(InvalidInputError, match="tone maps and segmenters need"):
        Preprocessing(16, decoding=Decoding.FAST, tone=Tone.EQUALISED)
