from __future__ import annotations

import numpy as np
import pytest

from services.embedder.images.decoding import ByteArray
from services.embedder.images.masks import RleMask
from services.embedder.images.parts import PreparedCrop, prepare_parts
from services.embedder.images.photograph import WHOLE_IMAGE, CropPart, Photograph
from services.embedder.images.preprocessing import Preprocessing
from services.embedder.images.tones import Tone
from spotted.boxes.cropping import FractionBox, PixelBox
from spotted.errors import UnreadableImageError
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
