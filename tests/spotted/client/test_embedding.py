from __future__ import annotations

from spotted.client.embedding import Crop, _crop_message
from spotted.v1 import survey_pb2


def test_a_crop_travels_with_its_box_in_fractions() -> None:
    message = _crop_message(Crop("a", b"image", (0.1, 0.2, 0.3, 0.4)))
    assert message.fractions == survey_pb2.FractionBox(x=0.1, y=0.2, width=0.3, height=0.4)
    assert (message.crop_id, message.image) == ("a", b"image")


def test_a_crop_without_a_box_is_the_whole_image() -> None:
    assert _crop_message(Crop("a", b"image")).WhichOneof("box") is None
