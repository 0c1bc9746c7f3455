"""Blocks in a folder, for the store that the tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.common.store import keys
from services.common.store.store import Store
from services.common.vectors.blocks import VectorBlocks
from services.common.vectors.joining import open_joined
from services.common.vectors.places import Folder


@pytest.fixture
def blocks(store: Store, tmp_path: Path) -> Iterator[VectorBlocks]:
    """The blocks of the store; for other tests it has none."""
    made = VectorBlocks(Folder(tmp_path / "vectors"))
    store.blocks = made
    open_joined(store, made)
    yield made
    store.delete(keys.BLOCKS, keys.BLOCKS_SWEPT)
