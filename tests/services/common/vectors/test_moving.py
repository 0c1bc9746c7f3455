from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest

from services.common.store import keys
from services.common.store.store import Store
from services.common.vectors.blocks import VectorBlocks
from services.common.vectors.moving import Moving
from spotted.errors import UnavailableError
from spotted.local import processes
from spotted.survey import Detection
from spotted.v1 import scorer_pb2, survey_pb2
from tests.services import forked
from tests.services.common.vectors.planted import EACH, PART_BYTES, add, moved_positions, names, plant, read
from tests.services.scorer.planted import Scorer, add_request
from tests.waiting import until

# more than a block of vectors
SCORED, SCORED_DIMENSION = 2100, 2048


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


def test_a_survey_that_grows_all_the_time_does_not_put_off_looks_at_others(
    store: Store, blocks: VectorBlocks, survey_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put(keys.BLOCKS_SWEPT, b"")
    moving = Moving(store, blocks, block_bytes=PART_BYTES, pass_s=0.05)
    looks: list[None] = []
    monkeypatch.setattr(moving, "look", lambda: looks.append(None))
    # each turn asks for the next one at once
    monkeypatch.setattr(moving, "move", lambda each: moving.grown(each, PART_BYTES))
    moving.grown(survey_id, PART_BYTES)
    try:
        moving.start()
        until(lambda: len(looks) >= 3, "others are looked at")
    finally:
        moving.stop()


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


def test_a_scorer_moves_what_it_takes_and_another_reads_it(
    blocks: VectorBlocks, store: Store, survey_id: str, tmp_path: Path
) -> None:
    def started(settings: Mapping[str, str]) -> processes.Member:
        port = processes.free_port()
        return forked.start_service("scorer", tmp_path, port, store.url, environment=settings)

    given = {"SPOTTED_VECTOR_BLOCKS_URL": blocks.place.shown}
    spec = survey_pb2.EmbeddingSpec(backbone_digest="b", preprocessing_digest="p", dimension=SCORED_DIMENSION)
    store.put(keys.BLOCKS_SWEPT, b"")
    vectors = np.random.default_rng(0).normal(size=(SCORED, SCORED_DIMENSION)).astype(np.float32)
    members = [started(given), started(given)]
    try:
        for member in members:
            processes.wait(member, tmp_path / "scorer.log")
        first, second = (Scorer(member.address) for member in members)
        first.create(survey_id, ())
        added = [Detection(f"d{i:04}") for i in range(SCORED)]
        parts = [slice(i, i + 300) for i in range(0, SCORED, 300)]
        first.stub.AddDetections(add_request(survey_id, added[p], vectors[p], spec) for p in parts)
        until(lambda: moved_positions(store, survey_id) != [], "its vectors are moved")
        ids = [each.detection_id for each in added[:3]]
        request = scorer_pb2.GetScoreMatrixRequest(
            survey_id=survey_id, row_detection_ids=ids, column_detection_ids=ids
        )
        answers = [
            [each.SerializeToString() for each in s.stub.GetScoreMatrix(request)] for s in (first, second)
        ]
        assert answers[0] == answers[1]
        # without the setting, it does not start
        refused = started({})
        until(lambda: refused.process() is None, "the scorer without blocks ends")
        assert "set SPOTTED_VECTOR_BLOCKS_URL" in (tmp_path / "scorer.log").read_text()
    finally:
        for member in members:
            processes.end(member)
