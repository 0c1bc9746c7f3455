from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from services.common.store import keys
from services.common.store.organisations import enrol
from services.common.store.store import Store
from services.common.survey.existence import Existence
from services.upkeep.backup.contents import read_contents
from services.upkeep.backup.directory import back_up_all, file_name, files, survey_ids
from spotted.errors import NotFoundError, StoreUnavailableError
from spotted.local import processes
from spotted.v1 import store_pb2, survey_pb2
from tests.services.journal_entries import push, rewind
from tests.services.listing import enlist, strike

BEGAN_S = 1_780_000_000


def at(seconds: int) -> Timestamp:
    return Timestamp(seconds=BEGAN_S + seconds)


def ticking() -> Callable[[], Timestamp]:
    seconds = itertools.count()
    return lambda: at(next(seconds))


def plant(store: Store, survey_id: str) -> str:
    survey = survey_pb2.Survey(survey_id=survey_id, end_time=at(0))
    event = store_pb2.SurveyEvent(survey=survey)
    enlist(store, survey_id, keys.owner(survey_id))
    enrol(store, keys.owner(survey_id))
    push(store, keys.survey_journal(survey_id), event.SerializeToString())
    return survey_id


@pytest.fixture
def surveys(store: Store) -> list[str]:
    """Surveys of two organisations and of none."""
    tag = uuid.uuid4().hex[:8]
    return [plant(store, f"{owner}{tag}") for owner in ("a-org/", "b-org/", "plain-")]


def test_surveys_of_every_organisation_are_found(store: Store, surveys: list[str]) -> None:
    enlist(store, "a-org/listed-but-none", "a-org")
    lost = plant(store, f"lost-{uuid.uuid4().hex[:8]}")
    store.delete(keys.survey_journal(lost))
    found = survey_ids(store)
    assert {*surveys, lost} <= set(found)
    assert found == sorted(found)
    assert "a-org/listed-but-none" not in found
    # and withdrawn from the list
    assert "a-org/listed-but-none" not in store.fields(keys.surveys("a-org"))
    Existence(store).delete_survey(lost, "")


def test_a_file_is_named_by_survey_and_time() -> None:
    assert file_name("kenya.2025", at(0)) == "kenya.2025.20260528T202640Z.spotted"
    assert file_name("wcs/kenya", at(1)) == "wcs+kenya.20260528T202641Z.spotted"


def test_each_survey_has_its_file(store: Store, surveys: list[str], tmp_path: Path) -> None:
    outcome = back_up_all(store, surveys, tmp_path / "new", now=ticking())
    assert not outcome.failed
    assert [read_contents(each.path).header.survey_id for each in outcome.backed_up] == surveys
    assert len(list((tmp_path / "new").iterdir())) == 3


def test_the_newest_files_of_each_survey_stay(store: Store, surveys: list[str], tmp_path: Path) -> None:
    now = ticking()
    strange = ["notes.txt", "plain.spotted", f"{surveys[2]}.old.spotted"]
    for name in strange:
        (tmp_path / name).write_text("mine")
    longer = plant(store, f"{surveys[2]}.b")
    for _ in range(2):
        back_up_all(store, [*surveys, longer], tmp_path, now=now)
    first, second = files(tmp_path, surveys[2])
    outcome = back_up_all(store, surveys[2:], tmp_path, now=now, keep=2)
    assert outcome.removed == [str(first)]
    assert files(tmp_path, surveys[2]) == [second, outcome.backed_up[0].path]
    for survey_id in (*surveys[:2], longer):
        assert len(files(tmp_path, survey_id)) == 2
    assert all((tmp_path / name).exists() for name in strange)


def test_a_survey_that_fails_keeps_its_files_and_stops_no_other(
    store: Store, surveys: list[str], tmp_path: Path
) -> None:
    now = ticking()
    back_up_all(store, surveys, tmp_path, now=now)
    kept = files(tmp_path, surveys[0])
    rewind(store, keys.survey_journal(surveys[0]), 0)
    outcome = back_up_all(store, surveys, tmp_path, now=now, keep=1)
    ((failed, error),) = outcome.failed
    assert failed == surveys[0]
    assert isinstance(error, NotFoundError)
    assert files(tmp_path, surveys[0]) == kept
    assert [each.survey_id for each in outcome.backed_up] == surveys[1:]


def test_a_store_that_is_gone_is_not_asked_for_every_survey(tmp_path: Path) -> None:
    gone = Store(f"redis://127.0.0.1:{processes.free_port()}/0")
    outcome = back_up_all(gone, ["a", "b", "c"], tmp_path, now=ticking())
    assert [(survey_id, type(error)) for survey_id, error in outcome.failed] == [("a", StoreUnavailableError)]


@pytest.mark.parametrize("odd", ["../../etc", "a\nb", "*", "", "nul\0", "a/b/c"])
def test_a_survey_with_an_id_that_no_service_accepts_is_named_and_the_others_are_written(
    store: Store, surveys: list[str], tmp_path: Path, odd: str
) -> None:
    plant(store, odd)
    directory = tmp_path / "backups"
    try:
        run = back_up_all(store, [*surveys[:1], odd, *surveys[1:]], directory, now=ticking())
        assert odd in survey_ids(store)
    finally:
        strike(store, odd, keys.owner(odd))
        store.delete(keys.survey_journal(odd))
    assert [each.survey_id for each in run.backed_up] == surveys
    assert [survey_id for survey_id, _ in run.failed] == [odd]
    assert len(list(tmp_path.rglob("*.spotted"))) == len(list(directory.iterdir())) == 3


def test_ids_and_journals_that_another_program_wrote_are_named(store: Store, tmp_path: Path) -> None:
    tag = uuid.uuid4().hex[:8]
    good, wrong = plant(store, f"good-{tag}"), f"wrong-{tag}"
    enlist(store, wrong)
    store.put(keys.survey_journal(wrong), b"no list")
    enlist(store, b"\xff" + tag.encode())
    try:
        found = [survey_id for survey_id in survey_ids(store) if tag in survey_id]
        run = back_up_all(store, found, tmp_path, now=ticking())
    finally:
        strike(store, b"\xff" + tag.encode())
        strike(store, wrong)
        store.delete(keys.survey_journal(wrong))
    assert [each.survey_id for each in run.backed_up] == [good]
    ((survey_id, error),) = run.failed
    assert survey_id == wrong
    assert "another type" in str(error)
