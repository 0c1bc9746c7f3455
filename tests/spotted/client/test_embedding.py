from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from spotted.client.embedding import Crop, _crop_message

from services.common.store.store import Store
from services.embedder.inference.backbones import Backbone
from spotted.errors import NotFoundError
from spotted.v1 import survey_pb2
from tests.services.embedder.serving import serving


def test_a_crop_travels_with_its_box_in_fractions() -> None:
    message = _crop_message(Crop("a", b"image", (0.1, 0.2, 0.3, 0.4)))
    assert message.fractions == survey_pb2.FractionBox(x=0.1, y=0.2, width=0.3, height=0.4)
    assert (message.crop_id, message.image) == ("a", b"image")


def test_a_crop_without_a_box_is_the_whole_image() -> None:
    assert _crop_message(Crop("a", b"image")).WhichOneof("box") is None


def test_each_crop_comes_back_as_a_unit_vector_or_as_a_message(store: Store, backbone: Backbone) -> None:
    content = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 255, (40, 50, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(content, "PNG")
    with serving(store, backbone) as spotted:
        crops = [Crop("whole", content.getvalue()), Crop("text", b"hello")]
        found = {e.crop_id: e for e in spotted.embed(iter(crops))}
        with pytest.raises(NotFoundError, match="nosuch"):
            list(spotted.embed(crops, model_id="nosuch"))
    whole, text = found["whole"], found["text"]
    assert whole.vector is not None
    assert whole.vector.shape == (whole.spec.dimension,)
    assert np.linalg.norm(whole.vector) == pytest.approx(1.0, abs=1e-5)
    assert whole.error == ""
    assert text.vector is None
    assert "image" in text.error
