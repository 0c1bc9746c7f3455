from __future__ import annotations

import io
import os
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from inspect import isfunction
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from services.common.memory import MIB
from services.common.rpc.message_sizes import MAX_MESSAGE_BYTES as OTHER_MAX_BYTES
from services.common.store.store import Store
from services.common.survey.heads import HeadStore
from services.embedder import wire
from services.embedder.images.decoding import ByteArray
from services.embedder.inference.backbones import Backbone
from services.embedder.inference.decoding_budget import DecodingBudget
from services.embedder.servicer import MAX_MESSAGE_BYTES
from services.embedder.training.head_onnx import PARITY, to_onnx
from spotted import messages
from spotted.arrays import Float32Array
from spotted.client import Crop, Preparation, Spotted, Tone
from spotted.client.calls import our_errors
from spotted.client.survey_messages import embedding_spec
from spotted.errors import (
    DigestMismatchError,
    InvalidInputError,
    MessageTooLargeError,
    NotFoundError,
    UnreadableImageError,
)
from spotted.heads.head import Head
from spotted.local_features.methods import installed_methods
from spotted.scoring.similarity import unit_rows
from spotted.v1 import embedder_pb2 as pb
from tests.services.embedder.serving import SPEC, serving
from tests.waiting import PATIENCE_S
from tools.hostile_images import HOSTILE, flat_jpeg, many_scans


@pytest.fixture
def spotted(store: Store, backbone: Backbone) -> Iterator[Spotted]:
    with serving(store, backbone) as client:
        yield client


def test_local_features_come_beside_the_vector_by_call_or_stream(
    spotted: Spotted, drawing_png: bytes
) -> None:
    pytest.importorskip("cv2", reason="the extra `local` is not installed")
    crops = [Crop("whole", drawing_png), Crop("part", drawing_png, (0.0, 0.0, 0.5, 1.0)), Crop("bad", b"no")]
    called = spotted.embed_batch(crops, local_method="hotspotter")
    streamed = list(spotted.embed(crops, local_method="hotspotter"))
    assert [one.local_features for one in called] == [one.local_features for one in streamed]
    assert [bool(one.local_features) for one in called] == [True, True, False]
    assert called[0].local_features != called[1].local_features
    assert called[0].local_spec == streamed[0].local_spec
    equalised = spotted.embed_batch(
        crops[:1], local_method="hotspotter", preparation=Preparation(Tone.EQUALISED)
    )
    assert equalised[0].local_spec != called[0].local_spec
    assert spotted.embed_batch(crops[:1])[0].local_spec is None
    assert spotted.server_info().local_methods == tuple(installed_methods())
    with pytest.raises(NotFoundError, match="use one of hotspotter"):
        spotted.embed_batch(crops, local_method="nosuch")


def test_a_vector_is_the_same_by_call_or_stream_and_with_any_other_crops(
    spotted: Spotted, drawing_png: bytes
) -> None:
    alone = spotted.connection.embedder.stub.Embed(
        pb.EmbedRequest(crops=[pb.Crop(image=drawing_png)]), timeout=PATIENCE_S
    )
    first = messages.vector(alone.results[0].embedding)
    assert np.linalg.norm(first) == pytest.approx(1.0, abs=1e-5)
    crops = [Crop(str(n), drawing_png, (0.1 * (n % 5), 0.0, 0.5, 1.0) if n else None) for n in range(20)]
    # sent one by one, and with the others of its image
    for sent in (iter(crops), crops):
        streamed = {e.crop_id: e for e in spotted.embed(sent)}
        assert len(streamed) == 20
        assert streamed["0"].vector is not None
        np.testing.assert_allclose(streamed["0"].vector, first, atol=1e-6)
        assert streamed["0"].spec == embedding_spec(alone.spec)


def test_a_heat_map_shares_out_the_cosine_of_the_two_vectors(spotted: Spotted, drawing_png: bytes) -> None:
    crops = Crop("a", drawing_png), Crop("a", drawing_png, (0.1, 0.2, 0.6, 0.7))
    heat = spotted.heat_map(*crops, matches=5)
    first, second = (
        one.vector for one in spotted.embed_batch([replace(c, crop_id=str(n)) for n, c in enumerate(crops)])
    )
    assert first is not None
    assert second is not None
    assert heat.similarity == pytest.approx(float(first @ second), abs=1e-5)
    assert heat.first.shape == heat.second.shape == (7, 7)
    assert heat.first.sum() == pytest.approx(heat.similarity, abs=1e-5)
    assert heat.second.sum() == pytest.approx(heat.similarity, abs=1e-5)
    assert 0 < len(heat.matches) <= 5
    assert heat.spec == spotted.embed_batch(crops[:1])[0].spec
    with pytest.raises(UnreadableImageError, match="the second crop: "):
        spotted.heat_map(crops[0], Crop("b", b"no image"))
    with pytest.raises(UnreadableImageError, match="the first crop: "):
        spotted.heat_map(Crop("b", drawing_png, (2.0, 2.0, 0.5, 0.5)), crops[0])


class WireCalls:
    """Records the entries into `wire` by name."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.entries: Counter[str] = Counter()
        for name, function in vars(wire).items():
            if isfunction(function) and function.__module__ == wire.__name__:
                monkeypatch.setattr(wire, name, self._recorded(name, function))

    def _recorded(self, name: str, function: Callable[..., object]) -> Callable[..., object]:
        def recorded(*args: object, **options: object) -> object:
            self.entries[name] += 1
            return function(*args, **options)

        return recorded

    def public(self) -> dict[str, int]:
        return {name: count for name, count in self.entries.items() if not name.startswith("_")}


def test_a_call_decodes_its_request_once_and_encodes_its_response_once(
    spotted: Spotted, drawing_png: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = WireCalls(monkeypatch)
    crops = [pb.Crop(image=drawing_png), pb.Crop(image=drawing_png)]
    spotted.connection.embedder.stub.Embed(
        pb.EmbedRequest(crops=crops, survey_id="kruger"), timeout=PATIENCE_S
    )
    assert calls.public() == {"embed_request": 1, "embed_response": 1, "call_spec": 1}
    assert (calls.entries["_options"], calls.entries["_photograph"], calls.entries["_spec"]) == (1, 2, 1)


def test_a_stream_decodes_its_options_once_and_each_crop_once(
    spotted: Spotted, drawing_png: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = WireCalls(monkeypatch)
    assert len(list(spotted.embed(Crop(str(n), drawing_png) for n in range(5)))) == 5
    assert calls.public() == {"embed_stream": 1, "stream_responses": 1, "call_spec": 1}
    assert (calls.entries["_options"], calls.entries["_photograph"], calls.entries["_spec"]) == (1, 5, 1)


def cosine(first: Float32Array, second: Float32Array) -> float:
    return float(first.astype(np.float64) @ second / np.linalg.norm(first) / np.linalg.norm(second))


def test_a_hundred_crops_with_ten_bad_ones_give_ninety_vectors(spotted: Spotted, drawing_png: bytes) -> None:
    alone = {e.crop_id: e.vector for e in spotted.embed([Crop("whole", drawing_png)])}["whole"]
    assert alone is not None
    torn = drawing_png[: len(drawing_png) // 2]
    crops = [Crop(str(n), torn if n % 10 == 3 else drawing_png) for n in range(100)]
    found = {e.crop_id: e for e in spotted.embed(crops)}
    assert len(found) == 100
    assert {i for i, e in found.items() if e.vector is None} == {str(n) for n in range(3, 100, 10)}
    vectors = [e.vector for e in found.values() if e.vector is not None]
    assert min(cosine(alone, v) for v in vectors) > 1 - 1e-6


def test_each_concurrent_caller_gets_the_vectors_of_its_own_crops(
    spotted: Spotted, drawing_png: bytes
) -> None:
    boxes = [(0.1 * n, 0.0, 0.4, 1.0) for n in range(6)]
    crops = [Crop(str(n), drawing_png, box) for n, box in enumerate(boxes)]
    expected = {e.crop_id: e.vector for e in spotted.embed(crops)}

    def ask(crop: Crop) -> Float32Array:
        (answer,) = spotted.embed([crop])
        assert (answer.crop_id, answer.error) == (crop.crop_id, "")
        assert answer.vector is not None
        return answer.vector

    with ThreadPoolExecutor(len(crops)) as callers:
        for crop, vector in zip(crops, callers.map(ask, crops), strict=True):
            likeness = {i: cosine(vector, v) for i, v in expected.items() if v is not None}
            assert likeness[crop.crop_id] > 1 - 1e-6
            assert max(likeness, key=likeness.__getitem__) == crop.crop_id


def test_a_large_photograph_is_embedded_and_one_past_the_limit_is_refused(spotted: Spotted) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (1300, 1300, 3), dtype=np.uint8)
    content = io.BytesIO()
    Image.fromarray(noise).save(content, "PNG", compress_level=0)
    assert len(content.getvalue()) > OTHER_MAX_BYTES
    (answer,) = spotted.embed([Crop("large", content.getvalue())])
    assert answer.vector is not None, answer.error
    with pytest.raises(MessageTooLargeError, match="more bytes than gRPC allows"):
        list(spotted.embed([Crop("huge", bytes(MAX_MESSAGE_BYTES + 1))]))


def test_a_stored_head_adapts_over_the_wire_as_its_arrays_do(store: Store, spotted: Spotted) -> None:
    rng = np.random.default_rng(3)
    shapes = (4, 12), (4,), (12, 4), (12,)
    head = Head(*((0.3 * rng.normal(size=shape)).astype(np.float32) for shape in shapes))
    base = unit_rows(rng.normal(size=(40, 12)))
    digest = HeadStore(store).put(
        to_onnx(head, base), SPEC, survey_id="any", recipe_json="{}", metrics={}, created_s=0.0
    )
    request = pb.ApplyHeadRequest(head_digest=digest, embeddings=messages.tensor(base))
    adapted = messages.vector(
        spotted.connection.embedder.stub.ApplyHead(request, timeout=PATIENCE_S).embeddings
    )
    np.testing.assert_allclose(adapted, head.apply(base), atol=PARITY)
    broken = base.copy()
    broken[7, 2] = np.nan
    for unusable, kind in ((broken, InvalidInputError), (base[:, :6], DigestMismatchError)):
        request.embeddings.CopyFrom(messages.tensor(unusable))
        with pytest.raises(kind), our_errors("embedder"):
            spotted.connection.embedder.stub.ApplyHead(request, timeout=PATIENCE_S)


def test_a_stream_answers_in_the_order_of_its_crops(spotted: Spotted, drawing_png: bytes) -> None:
    # torn and tiny crops are ready long before whole ones
    contents = [drawing_png, b"no image", drawing_png[:300], drawing_png] * 20
    found = list(spotted.embed([Crop(str(n), content) for n, content in enumerate(contents)]))
    assert [e.crop_id for e in found] == [str(n) for n in range(80)]
    assert [e.vector is None for e in found] == [False, True, True, False] * 20


def test_a_stream_may_use_a_reference_and_a_survey(spotted: Spotted, drawing_png: bytes) -> None:
    digest = spotted.add_reference(drawing_png)
    assert spotted.add_reference(drawing_png) == digest
    crops = [Crop("a", drawing_png)]
    matched = Preparation(Tone.MATCHED, digest)
    (plain,) = spotted.embed(crops, survey_id="kruger")
    (alike,) = spotted.embed(crops, preparation=matched)
    assert plain.vector is not None
    assert alike.vector is not None
    # an image matched to itself keeps its tones
    assert cosine(plain.vector, alike.vector) > 1 - 1e-6
    assert plain.spec.preprocessing_digest != alike.spec.preprocessing_digest
    (darker,) = spotted.embed(crops, preparation=Preparation(Tone.EQUALISED))
    assert darker.vector is not None
    assert cosine(plain.vector, darker.vector) < 1 - 1e-3


def test_pixels_outside_a_mask_do_not_count(spotted: Spotted, drawing: ByteArray) -> None:
    def png(pixels: ByteArray) -> bytes:
        content = io.BytesIO()
        Image.fromarray(pixels).save(content, "PNG")
        return content.getvalue()

    inside = np.zeros(drawing.shape[:2], dtype=np.uint8)
    inside[40:250, 60:300] = 255
    elsewhere = np.where(inside[..., None] > 0, drawing, 255 - drawing).astype(np.uint8)
    first, second = spotted.embed(
        [Crop(str(n), png(pixels), mask_png=png(inside)) for n, pixels in enumerate((drawing, elsewhere))]
    )
    assert first.vector is not None
    assert second.vector is not None
    np.testing.assert_array_equal(first.vector, second.vector)
    wrong = Crop("wrong", png(drawing), mask_png=png(inside[:-1]))
    (refused,) = spotted.embed([wrong])
    assert "400 x 300" in refused.error


def test_only_bad_crops_fail_in_a_stream(spotted: Spotted, drawing_png: bytes) -> None:
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
    for count in (0, 17):
        request = pb.EmbedRequest(crops=[pb.Crop(image=drawing_png)] * count)
        with pytest.raises(InvalidInputError, match=f"crops is {count}"), our_errors("embedder"):
            spotted.connection.embedder.stub.Embed(request, timeout=PATIENCE_S)
    embeddings = messages.tensor(np.eye(3, dtype=np.float32))
    with pytest.raises(NotFoundError, match="head"), our_errors("embedder"):
        spotted.connection.embedder.stub.ApplyHead(
            pb.ApplyHeadRequest(head_digest="0", embeddings=embeddings), timeout=PATIENCE_S
        )


def test_the_server_reports_its_limits_and_models(spotted: Spotted, backbone: Backbone) -> None:
    info = spotted.connection.embedder.stub.GetServerInfo(pb.GetServerInfoRequest(), timeout=PATIENCE_S)
    assert (info.max_crops, info.default_model_id) == (16, "efficientnet-lite0")
    assert info.server.max_message_bytes == 32 * 1024 * 1024
    models = spotted.connection.embedder.stub.ListModels(pb.ListModelsRequest(), timeout=PATIENCE_S).models
    assert list(models) == list(info.models)
    assert (models[0].spec.backbone_digest, models[0].spec.dimension) == (backbone.digest, 1280)
    assert (models[0].input_size, models[0].licence) == (224, "Apache-2.0")
    assert (models[0].precision, info.segmenter_digest) == ("fp32", "")
    assert models[0].least_cosine > 0.99999
    assert (info.max_queue_crops, info.max_queue_bytes) == (256, 256 * 1024 * 1024)


def memory(field: str) -> int:
    """A field of this process's status, bytes."""
    return int(Path("/proc/self/status").read_text().split(f"{field}:")[1].split()[0]) * 1024


@pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="needs Linux's /proc")
def test_hostile_images_of_one_survey_take_no_more_memory_than_the_budget(
    store: Store, backbone: Backbone, drawing_png: bytes
) -> None:
    budget = DecodingBudget(400 * MIB)
    # 300 MiB is the most for one image, and 100 MiB for one that a worker decodes
    kinds = [*product(HOSTILE, (1500, 3000)), (many_scans, 6000), (flat_jpeg, 6000)]
    hostile = [Crop(str(n), make(edge)) for n, (make, edge) in enumerate(kinds)]
    good = [Crop(f"good-{n}", drawing_png) for n in range(100)]
    with serving(store, backbone, budget=budget) as spotted, ThreadPoolExecutor() as pool:
        list(spotted.embed(good[:4], survey_id="good"))
        Path("/proc/self/clear_refs").write_text("5")
        before = memory("VmRSS")
        attack = pool.submit(lambda: list(spotted.embed(hostile, survey_id="hostile")))
        answers = list(spotted.embed(good, survey_id="good"))
        attacked = {e.crop_id: e for e in attack.result()}
    assert all(e.vector is not None for e in answers)
    assert len(attacked) == len(hostile)
    assert budget.used_bytes == 0
    # beside the budget: buffers, fragments, and the answers
    assert memory("VmHWM") - before < 400 * MIB + 150 * MIB
    refusals = [e.error for e in attacked.values() if e.vector is None]
    assert any("more than the 300 MiB that this embedder has for one image" in error for error in refusals)
    assert any("scans of 6000 x 6000 pixels" in error for error in refusals)
