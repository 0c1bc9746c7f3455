from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from services.common.store.store import Store
from services.common.survey.heads import HeadStore
from services.embedder.images.preprocessing import ImageCrop
from services.embedder.images.references import ReferenceStore
from services.embedder.images.tones import Reference, Tone
from services.embedder.inference.backbones import Backbone
from services.embedder.inference.calls import Embedders, NamedCrop, Outcome, Stores, Wanted, embed_all
from services.embedder.inference.fair_queue import Share
from services.embedder.inference.image_embedder import Embedding, ImageEmbedder, Way
from services.embedder.training.head_onnx import to_onnx
from spotted.errors import DigestMismatchError, NotFoundError, PreconditionError, UnreadableImageError
from spotted.heads.head import Head
from spotted.scoring.similarity import unit_rows
from spotted.v1 import survey_pb2

PLAIN = Wanted("kruger", "", Tone.AS_TAKEN, "", segmented=False, fill=None)


def plain(backbone: Backbone) -> Way:
    return Way(Share("kruger", bulk=False), backbone.preprocessing)


def embed(backbone: Backbone, contents: Sequence[bytes]) -> list[Outcome]:
    async def run() -> list[Outcome]:
        embedder = ImageEmbedder(backbone)
        try:
            crops = [NamedCrop(str(n), ImageCrop(content)) for n, content in enumerate(contents)]
            return await embed_all(embedder, crops, plain(backbone), None)
        finally:
            await embedder.close()

    return asyncio.run(run())


def way(store: Store, backbone: Backbone, wanted: Wanted) -> Way:
    async def run() -> Way:
        embedder = ImageEmbedder(backbone)
        stores = Stores(HeadStore(store), ReferenceStore(store))
        embedders = Embedders([embedder], "efficientnet-lite0", stores)
        try:
            return await embedders.way(embedder, wanted, bulk=True)
        finally:
            await embedders.close()

    return asyncio.run(run())


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


def test_a_crop_that_cannot_be_read_fails_alone_and_in_its_place(
    backbone: Backbone, drawing_png: bytes
) -> None:
    outcomes = embed(backbone, [drawing_png, b"no image", drawing_png])
    assert [o.crop_id for o in outcomes] == ["0", "1", "2"]
    first, second, third = (o.result for o in outcomes)
    assert isinstance(second, UnreadableImageError)
    assert isinstance(first, Embedding)
    assert isinstance(third, Embedding)
    np.testing.assert_allclose(first.vector, third.vector, atol=1e-6)


def test_concurrent_callers_share_batches(backbone: Backbone, drawing_png: bytes) -> None:
    async def run() -> list[list[Outcome]]:
        embedder = ImageEmbedder(backbone)
        crop = NamedCrop("a", ImageCrop(drawing_png))
        try:
            return await asyncio.gather(
                *(embed_all(embedder, [crop], plain(backbone), None) for _ in range(8))
            )
        finally:
            await embedder.close()

    embeddings = [outcome.result for (outcome,) in asyncio.run(run())]
    assert all(isinstance(e, Embedding) for e in embeddings)
    # what one batch embeds has one duration; the first may go alone, seven others fill two batches
    assert len({e.timings.worked_s for e in embeddings if isinstance(e, Embedding)}) <= 3


def test_a_head_is_applied_to_the_crops_of_calls_that_name_it(
    store: Store, backbone: Backbone, drawing_png: bytes
) -> None:
    digest = stored_head(store, backbone, backbone.preprocessing.digest)
    adapted = way(store, backbone, replace(PLAIN, head_digest=digest))
    assert adapted.head is not None

    async def run() -> list[Outcome]:
        embedder = ImageEmbedder(backbone)
        crops = [NamedCrop("a", ImageCrop(drawing_png))]
        try:
            both = [
                embed_all(embedder, crops, one, None) for one in (plain(backbone), adapted, plain(backbone))
            ]
            return [outcome for (outcome,) in await asyncio.gather(*both)]
        finally:
            await embedder.close()

    base, changed, again = (o.result.vector for o in asyncio.run(run()) if isinstance(o.result, Embedding))
    np.testing.assert_allclose(changed, adapted.head.apply(base[None])[0], atol=1e-6)
    np.testing.assert_allclose(base, again, atol=1e-6)
    assert float(base @ changed) < 0.999


def test_a_head_of_other_vectors_is_refused(store: Store, backbone: Backbone) -> None:
    digest = stored_head(store, backbone, "other")
    with pytest.raises(DigestMismatchError, match="preprocessing other"):
        way(store, backbone, replace(PLAIN, head_digest=digest))
    with pytest.raises(NotFoundError, match="head 'nosuch'"):
        way(store, backbone, replace(PLAIN, head_digest="nosuch"))


def test_tones_are_matched_to_a_stored_reference(store: Store, backbone: Backbone) -> None:
    reference = Reference.of(np.random.default_rng(0).integers(0, 255, (20, 30, 3), dtype=np.uint8))
    digest = ReferenceStore(store).put(reference)
    matched = way(store, backbone, replace(PLAIN, tone=Tone.MATCHED, reference_digest=digest))
    assert matched.preprocessing.reference == reference
    assert matched.preprocessing.digest != backbone.preprocessing.digest
    with pytest.raises(NotFoundError, match="'nosuch' is not in the store; send AddReferenceImage"):
        way(store, backbone, replace(PLAIN, tone=Tone.MATCHED, reference_digest="nosuch"))


def test_what_is_left_out_has_the_colour_asked_for_or_the_backbones_mean(
    store: Store, backbone: Backbone
) -> None:
    assert way(store, backbone, PLAIN).preprocessing.fill == (127, 127, 127)
    assert way(store, backbone, replace(PLAIN, fill=(1, 2, 3))).preprocessing.fill == (1, 2, 3)


def test_a_segmenter_that_is_not_there_is_told(store: Store, backbone: Backbone) -> None:
    with pytest.raises(PreconditionError, match="SPOTTED_SEGMENTER"):
        way(store, backbone, replace(PLAIN, segmented=True))


def test_a_model_is_found_by_id_or_as_the_default(store: Store, backbone: Backbone) -> None:
    embedder = ImageEmbedder(backbone)
    stores = Stores(HeadStore(store), ReferenceStore(store))
    embedders = Embedders([embedder], "efficientnet-lite0", stores)
    assert embedders.get("") is embedders.get("efficientnet-lite0") is embedder
    with pytest.raises(NotFoundError, match=r"'other' is not loaded; this server has efficientnet-lite0"):
        embedders.get("other")
    asyncio.run(embedders.close())
