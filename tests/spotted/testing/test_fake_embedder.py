from __future__ import annotations

import numpy as np
import pytest

from spotted.client import Crop, CropPart
from spotted.testing import fake_services
from spotted.testing.fake_embedder import DIMENSION, MODEL_ID, FakeEmbedder


def test_equal_images_have_equal_unit_vectors() -> None:
    crops = [Crop("a", b"one"), Crop("b", b"other"), Crop("c", b"one"), Crop("d", b"")]
    with fake_services() as spotted:
        first, other, again, failed = spotted.embed(crops)
        batch = spotted.embed_batch(crops)
    assert first.vector is not None
    assert other.vector is not None
    np.testing.assert_array_equal(first.vector, again.vector)
    assert np.linalg.norm(first.vector) == pytest.approx(1.0, abs=1e-6)
    assert abs(first.vector @ other.vector) < 0.9
    assert failed.vector is None
    assert "empty" in failed.error
    assert [one.crop_id for one in batch] == ["a", "b", "c", "d"]


def test_the_others_of_a_crop_are_answered_after_it() -> None:
    crops = [
        Crop("a", b"one", others=(CropPart("b"), CropPart("c"))),
        Crop("d", b"", others=(CropPart("e"),)),
    ]
    with fake_services() as spotted:
        for found in (list(spotted.embed(iter(crops))), spotted.embed_batch(crops)):
            assert [one.crop_id for one in found] == list("abcde")
            assert [bool(one.error) for one in found] == [False, False, False, True, True]


def test_the_model_is_the_one_that_embeds() -> None:
    with fake_services() as spotted:
        (model,) = spotted.models()
        (embedded,) = spotted.embed([Crop("a", b"one")])
        assert (model.model_id, model.spec, model.spec.dimension) == (MODEL_ID, embedded.spec, DIMENSION)
        assert spotted.server_info().models == (model,)
        assert spotted.add_reference(b"one") == spotted.add_reference(b"one") != spotted.add_reference(b"two")
    assert FakeEmbedder().spec.dimension == DIMENSION
