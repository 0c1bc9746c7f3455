from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from services.common.store.store import Store
from services.common.vectors.blocks import VectorBlocks
from services.common.vectors.buckets import Bucket
from services.common.vectors.joining import open_joined
from services.common.vectors.mover import Mover, Progress
from services.common.vectors.sweeping import DAY_S, GONE, sweep
from spotted.errors import SpottedError
from tests.services.common.vectors.planted import PART_BYTES, moved_positions, names, plant, read
from tests.services.upkeep.object_store import serving

pytest.importorskip("obstore", reason="the extra s3 is not installed")
pytest.importorskip("moto", reason="the development requirements are not installed")


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with serving(tmp_path_factory.mktemp("s3")) as settings:
        yield settings


def test_vectors_are_moved_to_a_bucket_and_swept_there(
    s3: dict[str, str], blocks: VectorBlocks, store: Store, survey_id: str
) -> None:
    # the fixture `blocks` takes the store's own place back afterwards
    del blocks
    store.delete("spotted:blocks")
    bucket = Bucket("s3://backups/vectors/", s3)
    assert bucket.get("a/b") is None
    bucket.remove("a/b")
    store.blocks = made = VectorBlocks(bucket)
    open_joined(store, made)
    plant(store, survey_id)
    before = read(store, survey_id)
    Mover(store, made, block_bytes=2 * PART_BYTES).move(survey_id, Progress())
    assert moved_positions(store, survey_id) == [1, 2, 3, 4, 5, 6]
    fresh = VectorBlocks(bucket)
    open_joined(store, fresh)
    store.blocks = fresh
    assert read(store, survey_id) == before
    orphan = made.write("", "ab" * 16, b"orphan")
    assert sweep(store, made) == []
    removed = sweep(store, made, now=lambda: time.time() + 2 * DAY_S)
    assert removed == [made.name("", orphan.uid, each) for each in (orphan.block, GONE)]
    assert len([each for each in names(made) if orphan.uid not in each]) == 3
    assert read(store, survey_id) == before


def test_a_bucket_that_is_missing_is_named(s3: dict[str, str]) -> None:
    with pytest.raises(SpottedError, match="s3://no-such-bucket"):
        Bucket("s3://no-such-bucket", s3).put("a", b"content")
