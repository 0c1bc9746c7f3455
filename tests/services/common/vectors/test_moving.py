from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from services.common.store import keys
from services.common.store.store import Store
from services.common.vectors.blocks import VectorBlocks
from services.common.vectors.moving import Moving
from spotted.errors import UnavailableError
from tests.services.common.vectors.planted import EACH, PART_BYTES, add, moved_positions, names, plant, read
from tests.waiting import until


@pytest.fixture
def moving(blocks: VectorBlocks, store: Store) -> Iterator[Moving]:
    made = Moving(store, blocks, block_bytes=2 * PART_BYTES, pass_s=3600)
    yield made
    made.stop()


def test_a_survey_moves_once_enough_was_added(store: Store, survey_id: str, moving: Moving) -> None:
    store.put(keys.BLOCKS_SWEPT, b"")
    moving.start()
    plant(store, survey_id, adds=1)
    before = read(store, survey_id)
    moving.grown(survey_id, PART_BYTES)
    add(store, survey_id, 1)
    moving.grown(survey_id, PART_BYTES)
    until(lambda: moved_positions(store, survey_id) != [], "its vectors are moved")
    ids, vectors = read(store, survey_id)
    assert (ids[:EACH], vectors[: len(before[1])]) == before


def test_looks_move_what_others_left_and_the_rest_once_it_stays_the_same(
    store: Store, survey_id: str, moving: Moving, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("mover", "moving"):
        monkeypatch.setattr(f"services.common.vectors.{module}.LEAST_BYTES", PART_BYTES)
    plant(store, survey_id, adds=5)
    moving.look()
    assert moved_positions(store, survey_id) == [1, 2, 3, 4]
    add(store, survey_id, 5)
    moving.look()
    assert moved_positions(store, survey_id) == [1, 2, 3, 4, 5, 6, 7]
    add(store, survey_id, 6)
    moving.look()
    assert moved_positions(store, survey_id) == [1, 2, 3, 4, 5, 6, 7]
    moving.look()
    assert moved_positions(store, survey_id) == [1, 2, 3, 4, 5, 6, 7, 8]


def test_a_survey_that_another_process_moves_is_left_to_it(
    store: Store, survey_id: str, moving: Moving
) -> None:
    plant(store, survey_id)
    store.put(keys.moving(survey_id), b"another")
    assert moving.move(survey_id).moved_bytes == 0
    store.delete(keys.moving(survey_id))
    assert moving.move(survey_id).moved_bytes == 6 * PART_BYTES
    assert store.get(keys.moving(survey_id)) is None
    # the next process goes on from there
    assert moving.move(survey_id).moved_bytes == 0


def test_a_failure_is_logged_once_for_a_cause_and_the_next_look_tries_again(
    store: Store,
    survey_id: str,
    moving: Moving,
    blocks: VectorBlocks,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    plant(store, survey_id)
    before = read(store, survey_id)

    def refuse(*_: object) -> None:
        raise UnavailableError("the disk is full")

    store.put(keys.BLOCKS_SWEPT, b"")
    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING, "spotted"):
        patch.setattr(blocks.place, "put", refuse)
        moving.look()
        assert [each.getMessage() for each in caplog.records] == [
            "vectors stay in the store: the disk is full"
        ]
    assert read(store, survey_id) == before
    assert names(blocks) == []
    moving.look()
    assert moved_positions(store, survey_id) == [1, 2, 3, 4, 5, 6]
    assert read(store, survey_id) == before
