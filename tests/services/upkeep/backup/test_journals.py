"""Every entry of a survey's journals damaged in every way, seen through the real services and backups."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from services.common import process
from services.common.store import keys
from services.common.store.store import Store
from services.common.vectors.blocks import VectorBlocks
from services.common.vectors.joining import open_joined
from services.common.vectors.mover import Mover, Progress
from services.common.vectors.places import Folder
from services.upkeep.backup.contents import pages, read_contents
from services.upkeep.backup.directory import back_up_all
from services.upkeep.backup.journals import PAGE_BYTES, Journals
from services.upkeep.backup.restore import restore_survey
from services.upkeep.backup.validation import check_events
from services.upkeep.backup.write import Backups
from spotted.client import Label, Spotted
from spotted.constraints.answers import Answer
from spotted.errors import NotFoundError, SurveyDamagedError, UnavailableError
from spotted.survey import Camera, Detection
from tests.services.common.vectors.planted import PART_BYTES, moved_positions, names, plant, read
from tests.services.journal_entries import DAMAGES, break_entry
from tests.services.upkeep.living import Life, backed_up, entries, seen
from tests.spotted.client.surveys import SPEC, known_vectors, serving

NAMED = "damaged at event {} "
LABEL = [Label("k00", "k01", Answer.SAME, "anna")]


@pytest.fixture(scope="module")
def living(store_url: str) -> Iterator[tuple[str, str]]:
    """The ids of a survey with a session, and of its neighbour with one."""
    store = Store(store_url)
    store.open()
    ids = f"survey-{uuid.uuid4().hex[:12]}", f"survey-{uuid.uuid4().hex[:12]}"
    with serving(store) as spotted:
        for survey_id in ids:
            life = Life(spotted, store, survey_id, 1)
            for step in (life.add, life.answer, life.move, life.answer, life.answer, life.delete):
                step()
    yield ids
    store.close()


def of_survey(spotted: Spotted, survey_id: str) -> list[Callable[[], object]]:
    """Calls that need the survey."""
    survey = spotted.survey(survey_id)
    one = [Detection("new", "c1", 5.0)]
    return [
        survey.info,
        lambda: list(survey.cameras()),
        lambda: list(survey.detections()),
        lambda: survey.add_detections(one, known_vectors()[:1], SPEC),
        lambda: survey.delete_detections(["k00"]),
        lambda: survey.upsert_cameras([Camera("c1", x_m=1.0, y_m=1.0)]),
        lambda: survey.create_session("another"),
    ]


def of_session(spotted: Spotted, survey_id: str, session_id: str) -> list[Callable[[], object]]:
    """Calls that need the session."""
    session = spotted.survey(survey_id).session(session_id)
    return [
        session.info,
        session.progress,
        lambda: session.next_pairs("anna"),
        lambda: session.submit_labels(LABEL),
        lambda: session.retract_labels(["3-1"], "anna"),
        lambda: list(session.individuals()),
        lambda: list(session.conflicts()),
        lambda: list(session.events()),
    ]


def places(journals: dict[str, list[bytes]]) -> list[tuple[str, int]]:
    return [(session_id, at) for session_id, events in journals.items() for at in range(len(events))]


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGES)
def test_each_damage_is_shown_spares_all_others_and_is_restored_over(
    living: tuple[str, str], store: Store, second: Store, tmp_path: Path, damage: str
) -> None:
    survey_id, neighbour = living
    whole = backed_up(store, survey_id, tmp_path).path
    before = entries(store, survey_id)
    assert len(places(before)) > 9
    for session_id, at in places(before):
        break_entry(store, keys.journal(survey_id, session_id), at, damage)
        named = NAMED.format(at + 1)
        with serving(store) as spotted:
            listed = {one.survey_id: one for one in spotted.surveys()}
            assert replace(listed[neighbour], updated_at_s=None) == spotted.survey(neighbour).info()
            check_shown(spotted, survey_id, session_id, named)
        with pytest.raises(SurveyDamagedError, match=named):
            backed_up(store, survey_id, tmp_path / "..")
        check_saved(store, second, (survey_id, session_id, at), tmp_path)
        with pytest.raises(SurveyDamagedError, match=named):
            restore_survey(store, whole)
        assert not restore_survey(store, whole, over_damaged=True).unchanged
        after = entries(store, survey_id)
        assert {each: events[1:] for each, events in after.items()} == {
            each: events[1:] for each, events in before.items()
        }
        before = after
    with serving(store) as spotted:
        assert seen(spotted, survey_id)


def check_shown(spotted: Spotted, survey_id: str, session_id: str, named: str) -> None:
    """The damaged survey or session is listed as such, and every call that needs it says so."""
    listed = {survey.survey_id: survey.damage for survey in spotted.surveys()}
    sessions = {session.session_id: session.damage for session in spotted.survey(survey_id).sessions()}
    calls = of_session(spotted, survey_id, session_id) if session_id else of_survey(spotted, survey_id)
    shown = sessions.pop(session_id) if session_id else listed[survey_id]
    assert named in shown
    assert "spotted restore --over-damaged" in shown
    assert not any(sessions.values())
    for call in calls:
        with pytest.raises(SurveyDamagedError, match=named):
            call()


def check_saved(store: Store, second: Store, damaged: tuple[str, str, int], directory: Path) -> None:
    """What precedes the damage is backed up, whole, and a service reads it after a restore."""
    survey_id, session_id, at = damaged
    path = directory / "part.spotted"
    backups = Backups(store, now=process.now)
    if not session_id and not at:
        with pytest.raises(SurveyDamagedError, match="nothing precedes it"):
            backups.back_up(survey_id, path, up_to_damage=True)
        return
    done = backups.back_up(survey_id, path, up_to_damage=True)
    saved = read_contents(path)
    check_events(saved)
    assert saved.events.get(session_id, 0) == at
    assert done.left_out > 0
    copy = f"copy-{uuid.uuid4().hex[:8]}"
    restore_survey(second, path, survey=copy)
    assert sum(map(len, entries(second, copy).values())) == done.events


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_survey_and_a_damaged_session_are_deleted(
    store: Store, survey_id: str, damage: str
) -> None:
    with serving(store) as spotted:
        life = Life(spotted, store, survey_id, 1)
        life.spotted.survey(survey_id).create_session("main", strategy="greedy")
    rng = np.random.default_rng(len(damage))
    for session_id in ("main", ""):
        key = keys.journal(survey_id, session_id)
        break_entry(store, key, int(rng.integers(store.length(key))), damage)
        with serving(store) as spotted:
            survey = spotted.survey(survey_id)
            gone = survey.session(session_id) if session_id else survey
            gone.delete()
            with pytest.raises(NotFoundError):
                gone.info()
            assert session_id or survey_id not in [each.survey_id for each in spotted.surveys()]
    with serving(store) as spotted:
        again = Life(spotted, store, survey_id, 2).survey
        assert list(again.sessions()) == []
    # nothing else is left of the first one
    assert len(entries(store, survey_id)) == 1


def test_a_backup_of_all_names_the_damaged_ones_and_keeps_their_older_files(
    living: tuple[str, str], store: Store, tmp_path: Path
) -> None:
    survey_id, neighbour = living
    whole = backed_up(store, survey_id, tmp_path).path
    older = back_up_all(store, [survey_id], tmp_path / "all", now=process.now).backed_up[0].path
    break_entry(store, keys.survey_journal(survey_id), 1, "a bit is flipped")
    try:
        run = back_up_all(store, [survey_id, neighbour], tmp_path / "all", now=process.now, keep=1)
        assert [each.survey_id for each in run.backed_up] == [neighbour]
        ((failed, error),) = run.failed
        assert (failed, error.reason) == (survey_id, "SURVEY_DAMAGED")
        run = back_up_all(store, [survey_id], tmp_path / "all", now=process.now, keep=1, up_to_damage=True)
        assert (run.failed, run.backed_up[0].left_out > 0) == ([], True)
        assert older.exists()
    finally:
        restore_survey(store, whole, over_damaged=True)


def test_a_survey_that_is_not_damaged_is_saved_as_a_whole(living: tuple[str, str], store: Store) -> None:
    journals = Journals(store, living[1])
    assert journals.up_to_damage(journals.look()) == journals.look()


@pytest.fixture
def blocks(store: Store, tmp_path: Path) -> Iterator[VectorBlocks]:
    store.blocks = made = VectorBlocks(Folder(tmp_path / "vectors"))
    open_joined(store, made)
    yield made
    store.delete(keys.BLOCKS)


def forgotten(store: Store, blocks: VectorBlocks) -> None:
    """As another process: no block is in memory."""
    store.blocks = fresh = VectorBlocks(blocks.place)
    fresh.store_id = blocks.store_id


def test_a_backup_contains_the_vectors_and_needs_no_blocks(
    blocks: VectorBlocks, store: Store, second: Store, survey_id: str, tmp_path: Path
) -> None:
    plant(store, survey_id)
    before = read(store, survey_id)
    plain, moved = tmp_path / "plain", tmp_path / "moved"
    Backups(store, now=process.now).back_up(survey_id, plain)
    Mover(store, blocks, block_bytes=PART_BYTES).move(survey_id, Progress())
    Backups(store, now=process.now).back_up(survey_id, moved)
    entries = [[entry for page in pages(path) for entry in page.entries] for path in (plain, moved)]
    assert entries[0] == entries[1]
    assert not restore_survey(second, moved).unchanged
    assert read(second, survey_id) == before
    # what it was made from has the same content
    assert restore_survey(store, plain).unchanged


def test_a_survey_with_a_damaged_block_is_saved_up_to_it_and_restored_over(
    blocks: VectorBlocks, store: Store, survey_id: str, tmp_path: Path
) -> None:
    plant(store, survey_id)
    before = read(store, survey_id)
    whole, rest = tmp_path / "whole", tmp_path / "rest"
    backups = Backups(store, now=process.now)
    backups.back_up(survey_id, whole)
    Mover(store, blocks, block_bytes=2 * PART_BYTES).move(survey_id, Progress())
    for name in names(blocks)[1:]:
        blocks.place.put(name, b"damaged")
    forgotten(store, blocks)
    with pytest.raises(SurveyDamagedError, match=r"block \S+ of its vectors in \S+ is damaged"):
        backups.back_up(survey_id, rest)
    assert backups.back_up(survey_id, rest, up_to_damage=True).left_out >= 3
    assert not restore_survey(store, whole, over_damaged=True).unchanged
    assert read(store, survey_id) == before
    # its vectors are in the store again, until they are moved
    assert moved_positions(store, survey_id) == []
    assert Mover(store, blocks).move(survey_id, Progress()).left_bytes > 6 * PART_BYTES


def test_blocks_that_cannot_be_reached_are_no_damage(
    blocks: VectorBlocks, store: Store, survey_id: str, tmp_path: Path
) -> None:
    plant(store, survey_id)
    Mover(store, blocks, block_bytes=PART_BYTES).move(survey_id, Progress())
    (tmp_path / "vectors").rename(tmp_path / "elsewhere")
    (tmp_path / "vectors").write_bytes(b"")
    forgotten(store, blocks)
    with pytest.raises(UnavailableError, match="mount the folder"):
        Backups(store, now=process.now).back_up(survey_id, tmp_path / "rest", up_to_damage=True)


def test_pages_stay_small_with_the_vectors_in_them(
    blocks: VectorBlocks, store: Store, survey_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(store, survey_id, adds=8)
    Mover(store, blocks, block_bytes=PART_BYTES).move(survey_id, Progress())
    journals = Journals(store, survey_id)
    (own,) = journals.look()
    assert len(list(journals.pages(own))) == 1 < PAGE_BYTES
    monkeypatch.setattr("services.upkeep.backup.journals.PAGE_BYTES", 2 * PART_BYTES)
    found = list(journals.pages(own))
    assert len(found) == 5
    assert sum(map(len, found)) == own.events
