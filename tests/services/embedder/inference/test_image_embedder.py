from __future__ import annotations

import asyncio
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from services.common.memory import MIB
from services.embedder.images.decoding import ByteArray
from services.embedder.images.parts import PartError
from services.embedder.images.photograph import CropPart, Photograph
from services.embedder.inference.backbones import Backbone
from services.embedder.inference.decoding_budget import DecodingBudget
from services.embedder.inference.fair_queue import Share
from services.embedder.inference.image_embedder import Embedding, EmbedPlan, ImageEmbedder, limits_for
from services.embedder.inference.limits import Limits
from spotted.arrays import Float32Array
from spotted.boxes.cropping import FractionBox, PixelBox
from spotted.errors import SpottedError, UnreadableImageError
from tests.services.embedder.noted import Noted

ONE = Share("kruger", bulk=False)


def embed_all(
    backbone: Backbone, images: list[Photograph], *, workers: int = 2
) -> list[Embedding | BaseException]:
    """The outcomes of all parts; an image that fails as a whole has one."""

    async def run() -> list[Embedding | BaseException]:
        embedder = ImageEmbedder(backbone, limits_for(backbone, workers))
        plan = EmbedPlan(ONE, backbone.preprocessing)
        met = await asyncio.gather(*(embedder.embed(each, plan) for each in images), return_exceptions=True)
        await embedder.close()
        return [part for one in met for part in ([one] if isinstance(one, BaseException) else one)]

    return asyncio.run(run())


def vectors(met: Sequence[Embedding | BaseException]) -> Float32Array:
    return np.stack([one.vector for one in met if isinstance(one, Embedding)])


def png(pixels: ByteArray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def test_concurrent_crops_embed_as_each_would_alone(
    backbone: Backbone, drawing: ByteArray, drawing_png: bytes
) -> None:
    boxes = [PixelBox(10 * n, 5 * n, 100, 120) for n in range(12)]
    found = vectors(embed_all(backbone, [Photograph(drawing_png, (CropPart(box),)) for box in boxes]))
    for n, box in enumerate(boxes):
        rows, columns = slice(5 * n, 5 * n + 120), slice(10 * n, 10 * n + 100)
        cut = backbone.preprocessing.apply(png(drawing[rows, columns]))
        (alone,) = backbone.embed([cut])
        assert not isinstance(alone, Exception), box
        assert np.abs(found[n] - alone).max() < 1e-6


def test_a_crop_that_cannot_be_read_fails_alone(backbone: Backbone, drawing_png: bytes) -> None:
    crops = [
        Photograph(drawing_png),
        Photograph(b"not an image"),
        Photograph(drawing_png, (CropPart(FractionBox(2.0, 0.0, 0.5, 0.5)),)),
        Photograph(drawing_png[:-500]),
        Photograph(drawing_png),
    ]
    met = embed_all(backbone, crops)
    assert [isinstance(one, UnreadableImageError) for one in met] == [False, True, True, True, False]
    first, last = vectors(met)
    assert np.abs(first - last).max() < 1e-6


@pytest.mark.parametrize("costly", [False, True])
def test_animals_of_one_image_get_the_vectors_of_images_sent_one_by_one(
    backbone: Backbone, drawing_png: bytes, *, costly: bool
) -> None:
    parts = [CropPart(PixelBox(10 * n, 5 * n, 100, 120)) for n in range(11)]
    parts.insert(3, CropPart(PixelBox(900, 0, 10, 10)))
    single = embed_all(backbone, [Photograph(drawing_png, (part,)) for part in parts])
    reports = Noted()

    async def run() -> list[Embedding | PartError]:
        # with so little memory the image is prepared in a process of its own
        budget = DecodingBudget(64 * MIB if costly else 400 * MIB)
        embedder = ImageEmbedder(backbone, limits_for(backbone, 2), budget=budget, reports=reports)
        met = await embedder.embed(
            Photograph(drawing_png, tuple(parts)), EmbedPlan(ONE, backbone.preprocessing)
        )
        await embedder.close()
        assert (reports.sums["decode"], reports.sums["crops"], reports.sums["held"]) == (1, 11, 0)
        assert budget.used_bytes == 0
        return met

    together = asyncio.run(run())
    assert isinstance(together[3], UnreadableImageError)
    assert str(together[3]) == str(single[3])
    # the batches differ, the pixels do not
    np.testing.assert_array_equal(vectors(together), vectors(single))


def test_the_largest_image_is_the_embedders_choice(backbone: Backbone, drawing_png: bytes) -> None:
    async def run() -> None:
        embedder = ImageEmbedder(backbone, max_pixels=1000)
        with pytest.raises(SpottedError, match=r"more than the 0\.0 allowed"):
            await embedder.embed(Photograph(drawing_png), EmbedPlan(ONE, backbone.preprocessing))
        await embedder.close()

    asyncio.run(run())


def test_an_embedding_says_where_its_time_went(backbone: Backbone, drawing_png: bytes) -> None:
    (met,) = embed_all(backbone, [Photograph(drawing_png)], workers=1)
    assert isinstance(met, Embedding)
    assert met.timings.queued_s >= 0
    assert met.timings.prepared_s > 0
    assert met.timings.worked_s > 0


def test_a_photograph_is_most_alike_its_own_closer_crop(backbone: Backbone, real_files: Path) -> None:
    files = [path.read_bytes() for path in sorted((real_files / "nyala" / "images").rglob("*.jp*g"))[::40]]
    whole = vectors(embed_all(backbone, [Photograph(content) for content in files]))
    inner = FractionBox(0.05, 0.05, 0.9, 0.9)
    closer = vectors(embed_all(backbone, [Photograph(content, (CropPart(inner),)) for content in files]))
    assert len(files) >= 20
    assert np.array_equal((closer @ whole.T).argmax(axis=1), np.arange(len(files)))


def test_one_device_is_fed_by_all_cores_and_a_cpu_by_each_of_its_own(backbone: Backbone) -> None:
    cpu = limits_for(backbone, 4)
    assert (cpu.workers, cpu.runs, cpu.claim) == (4, 4, backbone.max_batch)
    backbone = Backbone(backbone.manifest, backbone._session, "cuda")
    gpu = limits_for(backbone, 4)
    assert (gpu.workers, gpu.runs, gpu.claim, gpu.max_batch) == (4, 2, 1, backbone.max_batch)
    assert limits_for(backbone, 1).workers == 2


def test_limits_of_a_gpu_give_the_same_vectors(backbone: Backbone, drawing_png: bytes) -> None:
    crops = [Photograph(drawing_png, (CropPart(PixelBox(10 * n, 5 * n, 100, 120)),)) for n in range(12)]

    async def run() -> Float32Array:
        # threads that prepare for one run at a time, as for a GPU
        limits = Limits(workers=3, runs=1, claim=1, max_batch=backbone.max_batch)
        embedder = ImageEmbedder(backbone, limits)
        plan = EmbedPlan(ONE, backbone.preprocessing)
        met = await asyncio.gather(*(embedder.embed(crop, plan) for crop in crops))
        await embedder.close()
        return vectors([part for one in met for part in one])

    assert np.abs(asyncio.run(run()) - vectors(embed_all(backbone, crops))).max() < 1e-6
