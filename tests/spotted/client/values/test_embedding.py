from __future__ import annotations

from spotted.client.values.embedding import Crop, CropPart


def test_a_crop_gets_a_vector_for_itself_and_for_each_of_the_others() -> None:
    assert Crop("a", b"image").crop_ids == ("a",)
    assert Crop("a", b"image", others=(CropPart("b"), CropPart("c"))).crop_ids == ("a", "b", "c")
