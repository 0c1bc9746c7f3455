from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from services.common.store import Store
from services.embedder.backbones import Backbone
from spotted import messages
from spotted.client import Crop, Spotted
from spotted.client.calls import our_errors
from spotted.errors import InvalidInputError, NotFoundError
from spotted.v1 import embedder_pb2 as pb
from tests.services.embedder.serving import serving


@pytest.fixture
def spotted(store: Store, backbone: Backbone) -> Iterator[Spotted]:
    with serving(store, backbone) as client:
        yield client


def test_a_vector_is_the_same_by_either_way_and_whatever_the_company(
    spotted: Spotted, drawing_png: bytes
) -> None:
    alone = spotted.embedder.Embed(pb.EmbedRequest(crops=[pb.Crop(image=drawing_png)]), timeout=60)
    first = messages.vector(alone.results[0].embedding)
    assert np.linalg.norm(first) == pytest.approx(1.0, abs=1e-5)
    crops = [Crop(str(n), drawing_png, (0.1 * (n % 5), 0.0, 0.5, 1.0) if n else None) for n in range(20)]
    streamed = {e.crop_id: e for e in spotted.embed(crops)}
    assert len(streamed) == 20
    assert streamed["0"].vector is not None
    np.testing.assert_allclose(streamed["0"].vector, first, atol=1e-6)
    assert streamed["0"].spec == alone.spec


def test_bad_crops_fail_alone_in_a_stream(spotted: Spotted, drawing_png: bytes) -> None:
    bad = {"torn": drawing_png[: len(drawing_png) // 2], "text": b"hello", "empty": b""}
    crops = [Crop(f"good-{n}", drawing_png) for n in range(10)] + [Crop(i, c) for i, c in bad.items()]
    crops.append(Crop("nothing", drawing_png, (0.5, 0.5, 0.0, 0.2)))
    found = {e.crop_id: e for e in spotted.embed(crops)}
    assert {i for i, e in found.items() if e.vector is None} == {*bad, "nothing"}
    assert all(e.error for e in found.values() if e.vector is None)


def test_an_empty_stream_has_no_answer(spotted: Spotted) -> None:
    assert list(spotted.embed([])) == []


def test_requests_that_cannot_be_met_are_refused(spotted: Spotted, drawing_png: bytes) -> None:
    with pytest.raises(NotFoundError, match="efficientnet-lite0"):
        list(spotted.embed([Crop("a", drawing_png)], model_id="other"))
    with pytest.raises(InvalidInputError, match="crops is 0"), our_errors("embedder"):
        spotted.embedder.Embed(pb.EmbedRequest(), timeout=10)
    embeddings = messages.tensor(np.eye(3, dtype=np.float32))
    with pytest.raises(NotFoundError, match="head"), our_errors("embedder"):
        spotted.embedder.ApplyHead(pb.ApplyHeadRequest(head_digest="0", embeddings=embeddings), timeout=10)


def test_the_server_tells_its_limits_and_models(spotted: Spotted, backbone: Backbone) -> None:
    info = spotted.embedder.GetServerInfo(pb.GetServerInfoRequest(), timeout=10)
    assert (info.max_crops, info.default_model_id) == (16, "efficientnet-lite0")
    assert info.server.max_message_bytes == 32 * 1024 * 1024
    models = spotted.embedder.ListModels(pb.ListModelsRequest(), timeout=10).models
    assert list(models) == list(info.models)
    assert (models[0].spec.backbone_digest, models[0].spec.dimension) == (backbone.digest, 1280)
    assert (models[0].input_size, models[0].licence) == (224, "Apache-2.0")
