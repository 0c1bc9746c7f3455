from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from services.common.store import keys
from services.common.store.store import Store
from services.common.vectors.blocks import VectorBlocks
from services.common.vectors.joining import open_joined, open_vector_blocks
from services.common.vectors.places import Folder
from spotted.errors import PreconditionError


def test_all_processes_that_join_at_once_agree_on_one_id(blocks: VectorBlocks, store: Store) -> None:
    store.delete(keys.BLOCKS)
    joined = [VectorBlocks(blocks.place) for _ in range(8)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda each: open_joined(store, each), joined))
    stored = store.get(keys.BLOCKS)
    assert stored is not None
    assert {each.store_id for each in joined} == {stored.decode()}


def test_a_process_without_blocks_or_with_others_is_refused(
    blocks: VectorBlocks, store: Store, tmp_path: Path
) -> None:
    with pytest.raises(PreconditionError, match="set SPOTTED_VECTOR_BLOCKS_URL"):
        open_joined(store, None)
    with pytest.raises(PreconditionError, match=rf"{tmp_path}/other does not have the vectors of the store"):
        open_joined(store, VectorBlocks(Folder(tmp_path / "other")))
    again = VectorBlocks(blocks.place)
    open_joined(store, again)
    assert again.store_id == blocks.store_id


def test_a_store_whose_vectors_are_in_it_needs_no_place(store: Store) -> None:
    open_joined(store, None)
    assert store.get(keys.BLOCKS) is None


def test_a_place_is_a_folder_or_a_url(tmp_path: Path) -> None:
    assert open_vector_blocks("") is None
    folder = open_vector_blocks(str(tmp_path))
    assert folder is not None
    assert folder.place.shown == str(tmp_path)
    pytest.importorskip("obstore", reason="the extra s3 is not installed")
    bucket = open_vector_blocks("s3://bucket/prefix/")
    assert bucket is not None
    assert bucket.place.shown == "s3://bucket/prefix"
