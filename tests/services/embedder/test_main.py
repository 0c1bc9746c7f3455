from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from services.common.memory import MIB
from services.common.settings import Settings
from services.common.store.store import Store
from services.embedder import __main__ as embedder
from services.embedder.__main__ import load
from services.embedder.images.segmenting import Needs, Segmenter
from services.embedder.inference.backbones import Backbone
from tests.services.embedder.images.drawn_segmenters import write_segmenter


def test_a_segmenter_is_measured_and_left_out_of_the_memory_for_decoding(
    tmp_path: Path, store: Store, backbone: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedder, "load_backbone", lambda *_, **__: backbone)
    monkeypatch.setattr(backbone, "warm_up", lambda: None)
    # a run takes 300 MiB, in this process and in that of a costly image
    monkeypatch.setattr(Segmenter, "warm_up", lambda self: setattr(self, "needs", Needs(300 * MIB, 1.0)))
    settings = Settings("127.0.0.1:0", store_url=store.url, workers=2)

    async def room(settings: Settings) -> int:
        embedders = load(settings, store)
        found = embedders.get("").budget.total_bytes
        if settings.segmenter:
            assert embedders.segmenter is not None
            assert embedders.segmenter.needs.seconds == 1.0
        await embedders.close()
        return found

    without = asyncio.run(room(settings))
    masked = asyncio.run(room(replace(settings, segmenter=write_segmenter(tmp_path, "sam"))))
    # other differences are those of memory that this process holds meanwhile
    assert without - masked == pytest.approx(300 * MIB, abs=60 * MIB)
