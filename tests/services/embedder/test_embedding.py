from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import numpy as np
import pytest

from services.embedder.backbones import Backbone
from services.embedder.embedding import Embedders, as_ready, embed_all
from services.embedder.pipeline import Embedding, ImageCrop, ImageEmbedder
from services.embedder.wire import NamedCrop, Outcome
from spotted.errors import NotFoundError, OverloadedError, UnreadableImageError


async def numbers(count: int, drawn: list[int]) -> AsyncIterator[int]:
    for number in range(count):
        drawn.append(number)
        yield number


def test_results_come_as_they_are_ready_and_none_is_lost() -> None:
    async def run() -> list[int]:
        gates = [asyncio.Event() for _ in range(4)]

        async def work(number: int) -> int:
            if number == 3:
                for gate in gates:
                    gate.set()
            await gates[number].wait()
            return number

        return [result async for result in as_ready(numbers(4, []), work, limit=4)]

    results = asyncio.run(run())
    assert sorted(results) == [0, 1, 2, 3]


def test_no_more_is_drawn_than_there_is_room_for() -> None:
    async def run() -> None:
        drawn: list[int] = []

        async def work(number: int) -> int:
            return number

        results = as_ready(numbers(50, drawn), work, limit=3)
        seen = 0
        async for _ in results:
            seen += 1
            # those read, those at work or waiting to be read, and the one that waits for room
            assert len(drawn) <= seen + 3 + 1
        assert seen == 50

    asyncio.run(run())


def test_the_first_error_ends_the_stream_as_itself() -> None:
    async def run() -> None:
        async def work(number: int) -> int:
            if number == 2:
                raise OverloadedError("full", retry_after_s=1.0)
            return number

        async for _ in as_ready(numbers(10, []), work):
            pass

    with pytest.raises(OverloadedError):
        asyncio.run(run())


def test_a_stream_of_nothing_ends() -> None:
    async def run() -> list[int]:
        async def work(number: int) -> int:
            return number

        return [result async for result in as_ready(numbers(0, []), work)]

    assert asyncio.run(run()) == []


def embed(backbone: Backbone, contents: Sequence[bytes]) -> list[Outcome]:
    async def run() -> list[Outcome]:
        embedder = ImageEmbedder(backbone, workers=1)
        try:
            crops = [NamedCrop(str(n), ImageCrop(content)) for n, content in enumerate(contents)]
            return await embed_all(embedder, crops, None)
        finally:
            await embedder.close()

    return asyncio.run(run())


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
        embedder = ImageEmbedder(backbone, workers=1, max_batch=4)
        crop = NamedCrop("a", ImageCrop(drawing_png))
        try:
            return await asyncio.gather(*(embed_all(embedder, [crop], None) for _ in range(8)))
        finally:
            await embedder.close()

    embeddings = [outcome.result for (outcome,) in asyncio.run(run())]
    assert all(isinstance(e, Embedding) for e in embeddings)
    # what one batch embeds has one duration; the first may go alone, seven others fill two batches
    assert len({e.timings.worked_s for e in embeddings if isinstance(e, Embedding)}) <= 3


def test_the_error_of_what_is_drawn_ends_the_stream_as_itself() -> None:
    async def broken() -> AsyncIterator[int]:
        yield 0
        raise NotFoundError("gone")

    async def run() -> None:
        async def work(number: int) -> int:
            return number

        async for _ in as_ready(broken(), work):
            pass

    with pytest.raises(NotFoundError, match="gone"):
        asyncio.run(run())


def test_a_model_is_found_by_id_or_as_the_default(backbone: Backbone) -> None:
    embedder = ImageEmbedder(backbone, workers=1)
    embedders = Embedders([embedder], "efficientnet-lite0")
    assert embedders.get("") is embedders.get("efficientnet-lite0") is embedder
    with pytest.raises(NotFoundError, match=r"'other' is not loaded; this server has efficientnet-lite0"):
        embedders.get("other")
    asyncio.run(embedders.close())
