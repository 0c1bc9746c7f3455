from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.common.process import now
from services.common.store import keys
from services.common.store.organisations import enrol
from services.common.store.store import Store
from services.upkeep.backup.catalogues import (
    PAGE_BYTES,
    batches,
    catalogue_ids,
    check_catalogue,
    read_catalogue,
    restore_catalogue,
)
from services.upkeep.backup.contents import read_contents
from services.upkeep.backup.directory import back_up_all
from services.upkeep.backup.restore import restore_survey
from services.upkeep.backup.write import Backups
from spotted.errors import AlreadyExistsError, InvalidInputError, NotFoundError, SurveyDamagedError
from spotted.v1 import catalogue_pb2 as pb
from tests.services.journal_entries import break_entry, contents, push, rewind

ENTRY = "cat-0123456789abcdef"


def change(number: int) -> bytes:
    made = pb.CatalogueChange(change_id=f"change-{number}", create_time=now())
    if number:
        made.kind, made.annotator_id = pb.CATALOGUE_CHANGE_KIND_ADDED, "anna"
        made.members.add(survey_id="2024", detection_id=f"d{number}", entry_id=ENTRY, image=b"i" * 16)
    return made.SerializeToString()


@pytest.fixture
def owner(store: Store) -> Iterator[str]:
    """An organisation whose catalogue has five changes."""
    name = f"org{uuid.uuid4().hex[:8]}"
    enrol(store, name)
    push(store, keys.catalogue_journal(name), *(change(number) for number in range(5)))
    yield name
    store.delete(*store.names(keys.of_catalogue(name)))


def backed_up(store: Store, owner: str, path: Path) -> Path:
    done = Backups(store, now=now).back_up(keys.catalogue_id(owner), path)
    assert (done.survey_id, done.events, done.sessions, done.left_out) == (f"{owner}//catalogue", 5, 0, 0)
    return path


def test_a_catalogue_is_found_and_no_survey_has_its_name(store: Store, owner: str) -> None:
    assert f"{owner}//catalogue" in catalogue_ids(store)
    for organisation in (owner, ""):
        assert keys.catalogue_owner(keys.catalogue_id(organisation)) == organisation
    for survey_id in ("catalogue", f"{owner}/catalogue", "a", "//other"):
        assert keys.catalogue_owner(survey_id) is None


def test_it_is_restored_for_another_organisation_with_all_changes(
    store: Store, owner: str, tmp_path: Path
) -> None:
    path = backed_up(store, owner, tmp_path / "c.spotted")
    done = restore_survey(store, path, organisation=f"{owner}x")
    assert (done.survey_id, done.events, done.unchanged) == (f"{owner}x//catalogue", 5, False)
    first, copy = (contents(store, keys.catalogue_journal(name)) for name in (owner, f"{owner}x"))
    assert copy[1:] == first[1:]
    # another journal, of which services have no further events
    assert copy[0] != first[0]
    assert restore_survey(store, path, organisation=f"{owner}x").unchanged
    assert restore_survey(store, path).unchanged


def test_other_content_is_never_overwritten(store: Store, owner: str, tmp_path: Path) -> None:
    path = backed_up(store, owner, tmp_path / "c.spotted")
    push(store, keys.catalogue_journal(owner), change(5))
    with pytest.raises(AlreadyExistsError, match="already exists with other content"):
        restore_survey(store, path)
    with pytest.raises(InvalidInputError, match="omit --as"):
        restore_survey(store, path, survey="another")
    whole = read_contents(path)
    with pytest.raises(AlreadyExistsError):
        restore_catalogue(store, whole, owner, over_damaged=True, on_progress=lambda *_: None)


@pytest.mark.parametrize("lost", [True, False])
def test_a_damaged_one_is_saved_up_to_the_damage_and_restored_over(
    store: Store, owner: str, tmp_path: Path, *, lost: bool
) -> None:
    path, journal = backed_up(store, owner, tmp_path / "c.spotted"), keys.catalogue_journal(owner)
    if lost:
        noted = store.get(journal + keys.LENGTH)
        assert noted is not None
        rewind(store, journal, 3)
        store.put(journal + keys.LENGTH, noted)
    else:
        break_entry(store, journal, 3, "a bit is flipped")
    with pytest.raises(SurveyDamagedError, match="damaged at event 4"):
        Backups(store, now=now).back_up(keys.catalogue_id(owner), tmp_path / "whole")
    part = Backups(store, now=now).back_up(keys.catalogue_id(owner), tmp_path / "part", up_to_damage=True)
    assert (part.events, part.left_out) == (3, 2)
    with pytest.raises(SurveyDamagedError):
        restore_survey(store, path)
    assert not restore_survey(store, path, over_damaged=True).unchanged
    assert len(read_catalogue(store, owner)[0]) == 5


def test_a_catalogue_that_nobody_wrote_cannot_be_backed_up(store: Store, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="is empty"):
        Backups(store, now=now).back_up("nobody//catalogue", tmp_path / "c")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (b"\xff", "invalid event 2"),
        (pb.CatalogueChange(create_time=now()).SerializeToString(), "change_id"),
        (change(0), "twice"),
    ],
    # the messages differ in their times
    ids=["no message", "no id", "twice"],
)
def test_a_file_with_a_wrong_change_is_refused(
    store: Store, owner: str, tmp_path: Path, wrong: bytes, words: str
) -> None:
    other = f"{owner}y"
    push(store, keys.catalogue_journal(other), change(0), wrong)
    Backups(store, now=now).back_up(keys.catalogue_id(other), tmp_path / "c")
    with pytest.raises(InvalidInputError, match=words):
        check_catalogue(read_contents(tmp_path / "c"))
    with pytest.raises(InvalidInputError, match="nothing was restored"):
        restore_survey(store, tmp_path / "c", organisation=f"{owner}z")
    assert keys.catalogue_id(f"{owner}z") not in catalogue_ids(store)


def test_an_entry_with_a_wrong_id_is_refused(store: Store, owner: str, tmp_path: Path) -> None:
    made = pb.CatalogueChange.FromString(change(9))
    made.members[0].entry_id = "../away"
    push(store, keys.catalogue_journal(owner), made.SerializeToString())
    Backups(store, now=now).back_up(keys.catalogue_id(owner), tmp_path / "c")
    with pytest.raises(InvalidInputError, match="is no id of an entry"):
        check_catalogue(read_contents(tmp_path / "c"))


def test_files_of_a_directory_are_named_by_organisation(store: Store, owner: str, tmp_path: Path) -> None:
    run = back_up_all(store, [keys.catalogue_id(owner), "a/../b//catalogue"], tmp_path, now=now, keep=1)
    assert [each.survey_id for each in run.backed_up] == [f"{owner}//catalogue"]
    assert [each for each, _ in run.failed] == ["a/../b//catalogue"]
    (file,) = tmp_path.iterdir()
    assert file.name.startswith(f"{owner}++catalogue.")


def test_pages_hold_all_in_order() -> None:
    events = [b"x" * (PAGE_BYTES // 3 + 1)] * 7 + [b"y" * (2 * PAGE_BYTES), b"z"]
    made = batches(events)
    assert [event for page in made for event in page] == events
    assert all(sum(map(len, page)) <= PAGE_BYTES or len(page) == 1 for page in made)
