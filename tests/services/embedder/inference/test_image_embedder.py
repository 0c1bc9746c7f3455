from __future__ import annotations

import asyncio
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from services.embedder.images.decoding import ByteArray
from services.embedder.images.preprocessing import ImageCrop
from services.embedder.inference.backbones import Backbone
from services.embedder.inference.fair_queue import Share
from services.embedder.inference.image_embedder import Embedding, EmbedPlan, ImageEmbedder, limits_for
from services.embedder.inference.limits import Limits
from spotted.arrays import Float32Array
from spotted.boxes.cropping import FractionBox, PixelBox
from spotted.errors import SpottedError, UnreadableImageError

ONE = Share("kruger", bulk=False)


def embed_all(
    backbone: Backbone, crops: list[ImageCrop], *, workers: int = 2
) -> list[Embedding | BaseException]:
    async def run() -> list[Embedding | BaseException]:
        embedder = ImageEmbedder(backbone, limits_for(backbone, workers))
        plan = EmbedPlan(ONE, backbone.preprocessing)
        met = await asyncio.gather(*(embedder.embed(crop, plan) for crop in crops), return_exceptions=True)
        await embedder.close()
        return met

    return asyncio.run(run())


def vectors(met: list[Embedding | BaseException]) -> Float32Array:
    return np.stack([one.vector for one in met if isinstance(one, Embedding)])


def png(pixels: ByteArray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def test_concurrent_crops_embed_as_each_would_alone(
    backbone: Backbone, drawing: ByteArray, drawing_png: bytes
) -> None:
    boxes = [PixelBox(10 * n, 5 * n, 100, 120) for n in range(12)]
    found = vectors(embed_all(backbone, [ImageCrop(drawing_png, box) for box in boxes]))
    for n, box in enumerate(boxes):
        rows, columns = slice(5 * n, 5 * n + 120), slice(10 * n, 10 * n + 100)
        cut = backbone.preprocessing.apply(ImageCrop(png(drawing[rows, columns])))
        (alone,) = backbone.embed([cut])
        assert not isinstance(alone, Exception), box
        assert np.abs(found[n] - alone).max() < 1e-6


def test_a_crop_that_cannot_be_read_fails_alone(backbone: Backbone, drawing_png: bytes) -> None:
    crops = [
        ImageCrop(drawing_png),
        ImageCrop(b"not an image"),
        ImageCrop(drawing_png, FractionBox(2.0, 0.0, 0.5, 0.5)),
        ImageCrop(drawing_png[:-500]),
        ImageCrop(drawing_png),
    ]
    met = embed_all(backbone, crops)
    assert [isinstance(one, UnreadableImageError) for one in met] == [False, True, True, True, False]
    first, last = vectors(met)
    assert np.abs(first - last).max() < 1e-6


def test_the_largest_image_is_the_embedders_choice(backbone: Backbone, drawing_png: bytes) -> None:
    async def run() -> None:
        embedder = ImageEmbedder(backbone, max_pixels=1000)
        with pytest.raises(SpottedError, match=r"more than the 0\.0 allowed"):
            await embedder.embed(ImageCrop(drawing_png), EmbedPlan(ONE, backbone.preprocessing))
        await embedder.close()

    asyncio.run(run())


def test_an_embedding_says_where_its_time_went(backbone: Backbone, drawing_png: bytes) -> None:
    (met,) = embed_all(backbone, [ImageCrop(drawing_png)], workers=1)
    assert isinstance(met, Embedding)
    assert met.timings.queued_s >= 0
    assert met.timings.prepared_s > 0
    assert met.timings.worked_s > 0


def test_a_photograph_is_most_alike_its_own_closer_crop(backbone: Backbone, real_files: Path) -> None:
    files = [path.read_bytes() for path in sorted((real_files / "nyala" / "images").rglob("*.jp*g"))[::40]]
    whole = vectors(embed_all(backbone, [ImageCrop(content) for content in files]))
    inner = FractionBox(0.05, 0.05, 0.9, 0.9)
    closer = vectors(embed_all(backbone, [ImageCrop(content, inner) for content in files]))
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
    crops = [ImageCrop(drawing_png, PixelBox(10 * n, 5 * n, 100, 120)) for n in range(12)]

    async def run() -> Float32Array:
        # threads that prepare for one run at a time, as for a GPU
        limits = Limits(workers=3, runs=1, claim=1, max_batch=backbone.max_batch)
        embedder = ImageEmbedder(backbone, limits)
        plan = EmbedPlan(ONE, backbone.preprocessing)
        met = await asyncio.gather(*(embedder.embed(crop, plan) for crop in crops))
        await embedder.close()
        return np.stack([one.vector for one in met])

    assert np.abs(asyncio.run(run()) - vectors(embed_all(backbone, crops))).max() < 1e-6
