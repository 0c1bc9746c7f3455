from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from spotted.client.aio.spotted import AsyncSpotted
from spotted.errors import PreconditionError
from spotted.testing import fake_services


def test_without_local_services_the_remedy_is_named(tmp_path: Path) -> None:
    with pytest.raises(PreconditionError, match="spotted up"):
        AsyncSpotted.local(tmp_path)


def test_callers_share_a_client_that_closes_once() -> None:
    async def main(address: str) -> None:
        async with AsyncSpotted(embedder=address, scorer=address, sampler=address) as spotted:
            anna = spotted.as_caller("spotted_anna")
            assert [one async for one in anna.surveys()] == []
        with pytest.raises(PreconditionError, match="was closed"):
            [one async for one in anna.surveys()]

    with fake_services() as blocking:
        asyncio.run(main(blocking.connection.scorer.address))
