from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from services.common.store.store import Store
from services.embedder.inference.backbones import Backbone
from spotted.client.spotted import Spotted
from spotted.client.values import Crop
from spotted.errors import NotFoundError, PreconditionError
from spotted.survey import Survey
from spotted.testing import fake_services
from spotted.testing.fake_embedder import FakeEmbedder
from spotted.v1 import embedder_pb2
from tests.services.embedder.serving import serving


def test_each_crop_comes_back_as_a_unit_vector_or_as_a_message(store: Store, backbone: Backbone) -> None:
    content = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 255, (40, 50, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(content, "PNG")
    with serving(store, backbone) as spotted:
        crops = [Crop("whole", content.getvalue()), Crop("text", b"hello")]
        found = {e.crop_id: e for e in spotted.embed(iter(crops))}
        with pytest.raises(NotFoundError, match="nosuch"):
            list(spotted.embed(crops, model_id="nosuch"))
        batch = spotted.embed_batch(crops)
        (loaded,) = spotted.models()
        info = spotted.server_info()
    whole, text = found["whole"], found["text"]
    assert whole.vector is not None
    assert whole.vector.shape == (whole.spec.dimension,)
    assert np.linalg.norm(whole.vector) == pytest.approx(1.0, abs=1e-5)
    assert whole.error == ""
    assert text.vector is None
    assert "image" in text.error
    assert [one.error for one in batch] == ["", text.error]
    assert batch[0].vector is not None
    np.testing.assert_allclose(batch[0].vector, whole.vector, atol=1e-5)
    assert (loaded.spec, info.default_model_id, info.models) == (whole.spec, loaded.model_id, (loaded,))


@pytest.mark.parametrize(("listed", "sent"), [(True, [2, 1]), (False, [1, 1, 1])])
def test_crops_of_a_list_travel_with_their_image_and_those_of_an_iterator_at_once(
    *, listed: bool, sent: list[int]
) -> None:
    crops = [
        Crop("a", b"herd", (0.0, 0.0, 0.5, 1.0)),
        Crop("b", b"herd", (0.5, 0.0, 0.5, 1.0)),
        Crop("c", b"one"),
    ]
    counts: list[int] = []
    fake = FakeEmbedder().replies()

    def stream(requests: Iterator[embedder_pb2.EmbedStreamRequest]) -> object:
        def noted() -> Iterator[embedder_pb2.EmbedStreamRequest]:
            for request in requests:
                counts.append(1 + len(request.crop.others))
                yield request

        return fake["EmbedStream"](noted())

    with fake_services({"EmbedStream": stream}) as spotted:
        found = list(spotted.embed(crops if listed else iter(crops)))
        assert [one.crop_id for one in found] == ["a", "b", "c"]
        assert [one.crop_id for one in spotted.embed_batch(crops)] == ["a", "b", "c"]
    assert counts == sent


def test_a_directory_in_which_nothing_was_started_is_named(tmp_path: Path) -> None:
    with pytest.raises(PreconditionError, match=f"{tmp_path}; run `spotted up`"):
        Spotted.local(tmp_path)


def test_surveys_are_listed_by_id(spotted: Spotted, survey_id: str) -> None:
    spotted.create_survey(Survey(f"{survey_id}-b", 0.0, 1.0))
    listed = [s.survey_id for s in spotted.surveys()]
    assert listed == sorted(listed)
    assert {survey_id, f"{survey_id}-b"} <= set(listed)
