from __future__ import annotations

import time

import pytest

from services.common.store import keys
from services.common.store.store import Store
from services.common.survey.existence import Existence
from services.common.vectors.blocks import VectorBlocks
from services.common.vectors.mover import Mover, Progress
from services.common.vectors.sweeping import DAY_S, sweep
from tests.services.common.vectors.planted import PART_BYTES, names, plant, read
from tests.services.journal_entries import break_entry


@pytest.fixture
def moved(blocks: VectorBlocks, store: Store, survey_id: str) -> list[str]:
    """The blocks of a survey."""
    plant(store, survey_id)
    Mover(store, blocks, block_bytes=2 * PART_BYTES).move(survey_id, Progress())
    return sorted(names(blocks))


def swept(store: Store, blocks: VectorBlocks, days: float) -> list[str]:
    return sorted(sweep(store, blocks, now=lambda: time.time() + days * DAY_S))


def test_only_an_unused_block_goes_and_only_after_a_day(
    blocks: VectorBlocks, store: Store, survey_id: str, moved: list[str]
) -> None:
    before = read(store, survey_id)
    uid = moved[0].split("/")[2]
    orphan = blocks.write("", uid, b"of a process that died")
    assert swept(store, blocks, 0.9) == []
    assert swept(store, blocks, 1.1) == [blocks.name("", uid, orphan.block)]
    assert sorted(names(blocks)) == moved
    assert read(store, survey_id) == before


def test_blocks_of_a_deleted_survey_go_a_day_after_that_was_seen(
    blocks: VectorBlocks, store: Store, survey_id: str, moved: list[str]
) -> None:
    journal = keys.survey_journal(survey_id)
    entries, length = store.slice(journal, 0, -1), store.get(journal + keys.LENGTH)
    Existence(store).delete_survey(survey_id, "")
    # the blocks are old, the deletion is not
    assert swept(store, blocks, 0) == swept(store, blocks, 0.9) == []
    # a failover brings the survey back, and it is deleted again
    store.script("for i = 1, #ARGV do redis.call('RPUSH', KEYS[1], ARGV[i]) end")([journal], entries)
    assert length is not None
    store.put(journal + keys.LENGTH, length)
    Existence(store).listing.enter(survey_id)
    store.script("redis.call('HSET', KEYS[1], ARGV[1], 'mark')")([keys.surveys("")], [survey_id])
    assert swept(store, blocks, 1.1) == [f"{moved[0].rpartition('/')[0]}/gone"]
    assert len(read(store, survey_id)[0]) > 0
    Existence(store).delete_survey(survey_id, "")
    assert swept(store, blocks, 2) == []
    assert set(moved) < set(swept(store, blocks, 3.1))
    assert names(blocks) == []


def test_blocks_stay_while_a_survey_of_the_organisation_cannot_be_read(
    blocks: VectorBlocks, store: Store, survey_id: str, moved: list[str]
) -> None:
    break_entry(store, keys.survey_journal(survey_id), 0, "a bit is flipped")
    for days in (2, 4):
        assert swept(store, blocks, days) == []
    assert sorted(names(blocks)) == moved


def test_blocks_stay_while_a_reference_of_their_survey_is_damaged(
    blocks: VectorBlocks, store: Store, survey_id: str, moved: list[str]
) -> None:
    break_entry(store, keys.survey_journal(survey_id), 3, "a bit is flipped")
    assert swept(store, blocks, 2) == []
    assert sorted(names(blocks)) == moved
