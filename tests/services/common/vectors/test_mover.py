from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from services.common.store import keys
from services.common.store.journal import Journal
from services.common.store.store import Store
from services.common.survey.existence import Existence
from services.common.survey.state import folded_survey
from services.common.vectors.blocks import VectorBlocks
from services.common.vectors.mover import LEAST_BYTES, Mover, Progress, vectors_of
from services.common.vectors.places import Kept, Place
from services.common.vectors.sweeping import DAY_S, sweep
from spotted.errors import SurveyDamagedError
from spotted.v1 import store_pb2, survey_pb2
from tests.services.common.vectors.planted import (
    EACH,
    PART_BYTES,
    add,
    entries,
    moved_positions,
    names,
    plant,
    read,
)
from tests.services.journal_entries import break_entry, contents


class Killed(BaseException):
    """The process is killed here."""


class Kills:
    """Kills the process before or after its nth step outside itself."""

    def __init__(self, at: int) -> None:
        self._at = at
        self._steps = itertools.count(1)

    def __call__(self) -> None:
        if next(self._steps) == self._at:
            raise Killed


class KilledStore(Store):
    """A store whose caller may be killed before or after each command."""

    kills: Callable[[], None] = staticmethod(lambda: None)

    @contextmanager
    def _translated(self, kind: str = "read") -> Iterator[None]:
        self.kills()
        with super()._translated(kind):
            yield
        self.kills()


class KilledPlace:
    """A place whose caller may be killed before or after each use."""

    def __init__(self, place: Place, kills: Callable[[], None]) -> None:
        self.shown = place.shown
        self._place = place
        self._kills = kills

    def put(self, name: str, content: bytes) -> None:
        self._kills()
        self._place.put(name, content)
        self._kills()

    def get(self, name: str) -> bytes | None:
        self._kills()
        return self._place.get(name)

    def remove(self, name: str) -> None:
        self._kills()
        self._place.remove(name)
        self._kills()

    def kept(self, folder: str) -> Iterator[Kept]:
        return self._place.kept(folder)


def in_days(days: float) -> Callable[[], float]:
    return lambda: time.time() + days * DAY_S


def test_vectors_move_and_everyone_reads_the_same(blocks: VectorBlocks, store: Store, survey_id: str) -> None:
    plant(store, survey_id)
    folded = folded_survey(store, survey_id)
    state = folded.view(lambda state, _: state)
    before, events = read(store, survey_id), contents(store, keys.survey_journal(survey_id))
    size = sum(map(len, entries(store, survey_id)))
    progress = Mover(store, blocks, block_bytes=2 * PART_BYTES).move(survey_id, Progress())
    assert moved_positions(store, survey_id) == [1, 2, 3, 4, 5, 6]
    assert (progress.position, progress.length) == (7, 8)
    assert (progress.moved_bytes, progress.left_bytes) == (6 * PART_BYTES, PART_BYTES // EACH * 2)
    assert len(names(blocks)) == 3
    assert size - sum(map(len, entries(store, survey_id))) > 0.9 * progress.moved_bytes
    assert read(store, survey_id) == before
    # byte for byte what was appended
    assert list(Journal(store, survey_id).read(0)) == events
    # who had read it goes on
    add(store, survey_id, 6)
    assert folded.view(lambda state, _: state) is state
    assert len(state.detections) == 7 * EACH


def test_a_rest_moves_only_if_it_is_asked_for_and_worth_it(
    blocks: VectorBlocks, store: Store, survey_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(store, survey_id)
    mover = Mover(store, blocks)
    first = mover.move(survey_id, Progress(), rest=True)
    assert 0 < first.left_bytes < LEAST_BYTES
    assert moved_positions(store, survey_id) == []
    monkeypatch.setattr("services.common.vectors.mover.LEAST_BYTES", PART_BYTES)
    assert mover.move(survey_id, first).moved_bytes == 0
    last = mover.move(survey_id, first, rest=True)
    assert (last.moved_bytes, last.left_bytes, last.position) == (first.left_bytes, 0, 8)
    # the correction has vectors, too
    assert moved_positions(store, survey_id) == [1, 2, 3, 4, 5, 6, 7]


def test_a_survey_that_was_created_again_is_begun_from_the_beginning(
    blocks: VectorBlocks, store: Store, survey_id: str
) -> None:
    mover = Mover(store, blocks, block_bytes=PART_BYTES)
    plant(store, survey_id)
    progress = mover.move(survey_id, Progress())
    Existence(store).delete_survey(survey_id, "")
    assert mover.move(survey_id, progress) == Progress()
    plant(store, survey_id, seed=7)
    before = read(store, survey_id)
    assert mover.move(survey_id, progress).moved_bytes == 6 * PART_BYTES
    assert read(store, survey_id) == before


def test_two_movers_at_once_lose_nothing_and_leave_no_block_without_use(
    blocks: VectorBlocks, store: Store, survey_id: str
) -> None:
    plant(store, survey_id, adds=24)
    before = read(store, survey_id)
    sizes = (2 * PART_BYTES, 3 * PART_BYTES, 5 * PART_BYTES)
    start = threading.Barrier(len(sizes))

    def move(size: int) -> None:
        start.wait()
        Mover(store, blocks, block_bytes=size).move(survey_id, Progress())

    threads = [threading.Thread(target=move, args=(size,)) for size in sizes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read(store, survey_id) == before
    assert len(moved_positions(store, survey_id)) >= 20
    assert sweep(store, blocks, now=in_days(2)) == []
    assert read(store, survey_id) == before


@pytest.mark.parametrize("deleted", [False, True], ids=["", "and another survey is created under its id"])
def test_no_kill_between_any_two_steps_loses_vectors(
    blocks: VectorBlocks, store: Store, survey_id: str, *, deleted: bool
) -> None:
    killed = 0
    for at in itertools.count(1):
        own = f"{survey_id}-{at}"
        plant(store, own, adds=3)
        kills = Kills(at)
        first = KilledStore(store.url)
        first.kills = kills
        place = VectorBlocks(KilledPlace(blocks.place, kills))
        place.store_id = blocks.store_id
        mover = Mover(first, place, block_bytes=2 * PART_BYTES)
        try:
            mover.move(own, Progress())
        except Killed:
            killed += 1
        else:
            break
        finally:
            first.close()
        if deleted:
            Existence(store).delete_survey(own, "")
            plant(store, own, adds=3, seed=at)
        expected = read(store, own)
        sweep(store, blocks, now=in_days(2))
        assert read(store, own) == expected
        Mover(store, blocks, block_bytes=2 * PART_BYTES).move(own, Progress())
        sweep(store, blocks, now=in_days(2))
        # what a deleted survey left is marked by the first sweep, two days later a second removes it
        sweep(store, blocks, now=in_days(4))
        assert read(store, own) == expected
        assert moved_positions(store, own)[:2] == [1, 2]
        Existence(store).delete_survey(own, "")
    # before and after four commands of the store at least, and those of the place
    assert killed > 10
    sweep(store, blocks, now=in_days(2))
    sweep(store, blocks, now=in_days(4))
    assert all(survey_id not in each for each in names(blocks))


def test_a_damaged_entry_stays_as_it_is_with_all_after_it(
    blocks: VectorBlocks, store: Store, survey_id: str
) -> None:
    plant(store, survey_id)
    break_entry(store, keys.survey_journal(survey_id), 4, "a bit is flipped")
    Mover(store, blocks, block_bytes=PART_BYTES).move(survey_id, Progress())
    assert moved_positions(store, survey_id) == [1, 2, 3]
    with pytest.raises(SurveyDamagedError, match=r"at event 5 \(its checksum is wrong\)"):
        read(store, survey_id)


def test_a_lost_block_spoils_its_survey_and_no_other(
    blocks: VectorBlocks, store: Store, survey_id: str
) -> None:
    other = f"{survey_id}-other"
    for each in (survey_id, other):
        plant(store, each, seed=len(each))
        before = read(store, each)
        Mover(store, blocks, block_bytes=3 * PART_BYTES).move(each, Progress())
    (lost, *_) = [each for each in names(blocks) if folder_of(store, survey_id) in each]
    blocks.place.remove(lost)
    store.blocks = fresh = VectorBlocks(blocks.place)
    fresh.store_id = blocks.store_id
    with pytest.raises(SurveyDamagedError, match=rf"'{survey_id}' is damaged at event \d \(block {lost} of"):
        read(store, survey_id)
    assert read(store, other) == before


def folder_of(store: Store, survey_id: str) -> str:
    uid: str = folded_survey(store, survey_id).view(lambda state, _: state.uid)
    return f"/{uid}/"


def test_only_events_with_vectors_have_vectors() -> None:
    assert (
        vectors_of(store_pb2.SurveyEvent(survey=survey_pb2.Survey(survey_id="a")).SerializeToString()) == b""
    )
    assert vectors_of(b"\xff no event") == b""
    small = survey_pb2.Tensor(content=b"v" * 511)
    event = store_pb2.SurveyEvent(detections=store_pb2.DetectionsAdded(embeddings=small))
    assert vectors_of(event.SerializeToString()) == b""
    event.detections.embeddings.content += b"v"
    assert vectors_of(event.SerializeToString()) == b"v" * 512
