from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import numpy as np
import pytest

from services.common.store.store import Store
from services.common.survey.heads import HeadStore
from services.embedder.images.photograph import WHOLE_IMAGE, CropPart, Photograph
from services.embedder.images.tones import Reference, Tone
from services.embedder.inference.backbones import Backbone
from services.embedder.inference.calls import (
    CropResult,
    EmbedCall,
    Embedders,
    EmbedOptions,
    NamedPhotograph,
)
from services.embedder.inference.fair_queue import Share
from services.embedder.inference.image_embedder import Embedding, EmbedPlan, ImageEmbedder
from services.embedder.inference.stored import Stores
from services.embedder.references import ReferenceStore
from services.embedder.training.head_onnx import to_onnx
from spotted.boxes.cropping import FractionBox
from spotted.errors import DigestMismatchError, NotFoundError, PreconditionError, UnreadableImageError
from spotted.heads.head import Head
from spotted.scoring.similarity import unit_rows
from spotted.v1 import survey_pb2

PLAIN = EmbedOptions(survey_id="kruger")


def plain_call(embedder: ImageEmbedder) -> EmbedCall:
    return EmbedCall(embedder, EmbedPlan(Share("kruger", bulk=False), embedder.backbone.preprocessing))


def embed(backbone: Backbone, contents: Sequence[bytes]) -> list[CropResult]:
    async def run() -> list[CropResult]:
        embedder = ImageEmbedder(backbone)
        try:
            crops = [NamedPhotograph((str(n),), Photograph(content)) for n, content in enumerate(contents)]
            return await plain_call(embedder).embed_all(crops, None)
        finally:
            await embedder.close()

    return asyncio.run(run())


def loaded(store: Store, backbone: Backbone) -> Embedders:
    stores = Stores(HeadStore(store), ReferenceStore(store))
    return Embedders([ImageEmbedder(backbone)], "efficientnet-lite0", stores)


def planned(store: Store, backbone: Backbone, options: EmbedOptions) -> EmbedPlan:
    async def run() -> EmbedPlan:
        embedders = loaded(store, backbone)
        try:
            return (await embedders.open_call(options, bulk=True)).plan
        finally:
            await embedders.close()

    return asyncio.run(run())


@pytest.mark.parametrize(("method", "extra"), [("hotspotter-affine", "hesaff"), ("nosuch", "local")])
def test_the_extra_that_a_local_method_needs_is_named(
    method: str, extra: str, store: Store, backbone: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.embedder.inference.calls.missing_extra", lambda _: "hesaff")
    with pytest.raises(NotFoundError, match=f"by '{method}'; install the extra `{extra}` in the embedder"):
        planned(store, backbone, EmbedOptions(local_method=method))


def stored_head(store: Store, backbone: Backbone, preprocessing_digest: str) -> str:
    dimension = backbone.manifest.dimension
    rng = np.random.default_rng(2)
    shapes = ((8, dimension), (8,), (dimension, 8), (dimension,))
    head = Head(*((0.1 * rng.normal(size=shape)).astype(np.float32) for shape in shapes))
    spec = survey_pb2.EmbeddingSpec(
        backbone_digest=backbone.digest, preprocessing_digest=preprocessing_digest, dimension=dimension
    )
    probes = unit_rows(rng.normal(size=(5, dimension)))
    return HeadStore(store).put(
        to_onnx(head, probes), spec, survey_id="s", recipe_json="{}", metrics={}, created_s=0.0
    )


def test_only_a_crop_that_cannot_be_read_fails(backbone: Backbone, drawing_png: bytes) -> None:
    results = embed(backbone, [drawing_png, b"no image", drawing_png])
    assert [result.crop_id for result in results] == ["0", "1", "2"]
    first, second, third = (result.embedding for result in results)
    assert isinstance(second, UnreadableImageError)
    assert isinstance(first, Embedding)
    assert isinstance(third, Embedding)
    np.testing.assert_allclose(first.vector, third.vector, atol=1e-6)


def test_an_image_that_cannot_be_decoded_fails_all_of_its_crops_and_no_other(
    backbone: Backbone, drawing_png: bytes
) -> None:
    part = CropPart(FractionBox(0.1, 0.1, 0.5, 0.5))

    async def run() -> list[CropResult]:
        embedder = ImageEmbedder(backbone)
        images = [
            NamedPhotograph(("a", "b"), Photograph(drawing_png, (WHOLE_IMAGE, part))),
            NamedPhotograph(("c", "d", "e"), Photograph(drawing_png[:500], (WHOLE_IMAGE, part, part))),
            NamedPhotograph(("f",), Photograph(drawing_png, (part,))),
        ]
        try:
            return await plain_call(embedder).embed_all(images, None)
        finally:
            await embedder.close()

    results = asyncio.run(run())
    assert [result.crop_id for result in results] == list("abcdef")
    failed = {r.crop_id: str(r.embedding) for r in results if not isinstance(r.embedding, Embedding)}
    assert failed.keys() == set("cde")
    assert len(set(failed.values())) == 1
    _, second, *_, last = (result.embedding for result in results)
    assert isinstance(second, Embedding)
    assert isinstance(last, Embedding)
    np.testing.assert_array_equal(second.vector, last.vector)


def test_concurrent_callers_share_batches(backbone: Backbone, drawing_png: bytes) -> None:
    async def run() -> list[list[CropResult]]:
        embedder = ImageEmbedder(backbone)
        crop = NamedPhotograph(("a",), Photograph(drawing_png))
        try:
            return await asyncio.gather(*(plain_call(embedder).embed_all([crop], None) for _ in range(8)))
        finally:
            await embedder.close()

    embeddings = [result.embedding for (result,) in asyncio.run(run())]
    assert all(isinstance(e, Embedding) for e in embeddings)
    # crops of one batch have one duration; the first may run by itself, seven others fill two batches
    assert len({e.timings.worked_s for e in embeddings if isinstance(e, Embedding)}) <= 3


def test_a_head_is_applied_to_the_crops_of_calls_that_name_it(
    store: Store, backbone: Backbone, drawing_png: bytes
) -> None:
    digest = stored_head(store, backbone, backbone.preprocessing.digest)
    adapted = planned(store, backbone, replace(PLAIN, head_digest=digest))
    assert adapted.head is not None

    async def run() -> list[CropResult]:
        embedder = ImageEmbedder(backbone)
        crop = NamedPhotograph(("a",), Photograph(drawing_png))
        plain = plain_call(embedder)
        try:
            calls = [call.embed_one(crop, None) for call in (plain, EmbedCall(embedder, adapted), plain)]
            return [result for (result,) in await asyncio.gather(*calls)]
        finally:
            await embedder.close()

    embeddings = (result.embedding for result in asyncio.run(run()))
    base, changed, again = (e.vector for e in embeddings if isinstance(e, Embedding))
    np.testing.assert_allclose(changed, adapted.head.apply(base[None])[0], atol=1e-6)
    np.testing.assert_allclose(base, again, atol=1e-6)
    assert float(base @ changed) < 0.999


def test_a_head_of_other_vectors_is_refused(store: Store, backbone: Backbone) -> None:
    digest = stored_head(store, backbone, "other")
    with pytest.raises(DigestMismatchError, match="preprocessing other"):
        planned(store, backbone, replace(PLAIN, head_digest=digest))
    with pytest.raises(NotFoundError, match="head 'nosuch'"):
        planned(store, backbone, replace(PLAIN, head_digest="nosuch"))


def test_tones_are_matched_to_a_stored_reference(store: Store, backbone: Backbone) -> None:
    reference = Reference.of(np.random.default_rng(0).integers(0, 255, (20, 30, 3), dtype=np.uint8))
    digest = ReferenceStore(store).put(reference)
    matched = planned(store, backbone, replace(PLAIN, tone=Tone.MATCHED, reference_digest=digest))
    assert matched.preprocessing.reference == reference
    assert matched.preprocessing.digest != backbone.preprocessing.digest
    with pytest.raises(NotFoundError, match="'nosuch' is not in the store; add the reference image"):
        planned(store, backbone, replace(PLAIN, tone=Tone.MATCHED, reference_digest="nosuch"))


def test_masked_areas_have_the_colour_asked_for_or_the_mean_of_the_backbone(
    store: Store, backbone: Backbone
) -> None:
    assert planned(store, backbone, PLAIN).preprocessing.fill == (127, 127, 127)
    assert planned(store, backbone, replace(PLAIN, fill=(1, 2, 3))).preprocessing.fill == (1, 2, 3)


def test_a_missing_segmenter_is_reported(store: Store, backbone: Backbone) -> None:
    with pytest.raises(PreconditionError, match="SPOTTED_SEGMENTER"):
        planned(store, backbone, replace(PLAIN, segmented=True))


def test_results_of_a_stream_come_in_order_and_each_crop_gets_the_time_left(
    backbone: Backbone, drawing_png: bytes
) -> None:
    contents = [drawing_png, b"no image", drawing_png]
    asked: list[float] = []

    def time_left_s() -> float:
        asked.append(60.0)
        return 60.0

    async def crops() -> AsyncIterator[NamedPhotograph]:
        for n, content in enumerate(contents):
            yield NamedPhotograph((f"{n}a", f"{n}b"), Photograph(content, (WHOLE_IMAGE, WHOLE_IMAGE)))

    async def run() -> list[CropResult]:
        embedder = ImageEmbedder(backbone)
        try:
            return [result async for result in plain_call(embedder).embed_stream(crops(), time_left_s)]
        finally:
            await embedder.close()

    results = asyncio.run(run())
    assert [result.crop_id for result in results] == ["0a", "0b", "1a", "1b", "2a", "2b"]
    assert [isinstance(result.embedding, Embedding) for result in results[::2]] == [True, False, True]
    assert asked == [60.0] * 3


def test_a_model_is_found_by_id_or_as_the_default(store: Store, backbone: Backbone) -> None:
    embedders = loaded(store, backbone)
    (embedder,) = embedders.all
    assert embedders.get("") is embedders.get("efficientnet-lite0") is embedder
    with pytest.raises(NotFoundError, match=r"'other' is not loaded; this server has efficientnet-lite0"):
        embedders.get("other")
    asyncio.run(embedders.close())
