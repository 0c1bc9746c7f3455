from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import Result

from services.common import process
from services.common.store import keys
from services.common.store.organisations import enrol
from services.common.store.store import Store
from services.upkeep.backup.directory import files
from services.upkeep.commands import backup, restore
from spotted.v1 import catalogue_pb2, store_pb2, survey_pb2
from tests.services.journal_entries import break_entry, push
from tests.services.upkeep.backup.test_directory import plant
from tests.services.upkeep.console import invoke


@pytest.fixture
def survey(store: Store, survey_id: str) -> str:
    return plant(store, survey_id)


def run(store: Store, *arguments: str) -> Result:
    return invoke(backup.backup, ["backup", *arguments, "--store", store.url])


def test_one_survey_goes_into_one_file_that_can_be_checked(store: Store, survey: str, tmp_path: Path) -> None:
    path = tmp_path / "one.spotted"
    done = run(store, survey, "-o", str(path))
    assert done.exit_code == 0, done.stderr
    assert done.stdout == f"{survey}: 1 events, 0 sessions, 0.0 MB in {path}\n"
    checked = run(store, "--check", str(path))
    assert checked.exit_code == 0
    assert f"{path} is intact: survey {survey} as of 20" in checked.stdout
    (result,) = json.loads(run(store, "--check", str(path), "--json").stdout)["checked"]
    assert (result["survey_id"], result["events"], result["store_version"]) == (survey, 1, keys.STORE_VERSION)


def test_a_check_of_a_damaged_file_fails(store: Store, survey: str, tmp_path: Path) -> None:
    path = tmp_path / "one.spotted"
    run(store, survey, "-o", str(path))
    path.write_bytes(path.read_bytes()[:-5])
    checked = run(store, "--check", str(path))
    assert checked.exit_code == 3
    assert "is damaged at byte" in checked.stderr
    assert checked.stdout == ""


def test_all_surveys_go_into_a_directory_with_a_last_line_that_counts(
    second: Store, survey_id: str, tmp_path: Path
) -> None:
    survey = plant(second, survey_id)
    for _ in range(2):
        done = run(second, "--all", "--output", str(tmp_path), "--keep", "1")
        assert done.exit_code == 0, done.stderr
    (path,) = files(tmp_path, survey)
    assert f"{survey}: 1 events, 0 sessions, 0.0 MB in {path}" in done.stdout
    count = len(list(tmp_path.iterdir()))
    assert done.stdout.splitlines()[-1].startswith(f"{count} of {count} surveys backed up to {tmp_path}: ")


def test_all_includes_catalogues_which_are_checked_by_their_own_rules(
    second: Store, survey_id: str, tmp_path: Path
) -> None:
    plant(second, survey_id)
    owner = f"org{survey_id[-8:]}"
    change = catalogue_pb2.CatalogueChange(change_id="first", create_time=process.now())
    enrol(second, owner)
    push(second, keys.catalogue_journal(owner), change.SerializeToString())
    done = run(second, "--all", "--output", str(tmp_path))
    assert done.exit_code == 0, done.stderr
    assert "surveys and catalogues backed up to" in done.stdout.splitlines()[-1]
    (path,) = files(tmp_path, f"{owner}//catalogue")
    checked = run(second, "--check", str(path))
    assert f"{path} is intact: {owner}//catalogue as of" in checked.stdout
    second.delete(*second.names(keys.of_catalogue(owner)))


def test_one_that_fails_fails_the_command_and_stops_no_other(
    store: Store, survey: str, tmp_path: Path
) -> None:
    done = run(store, "nosuch", survey, "-o", str(tmp_path))
    assert done.exit_code == 1
    assert "nosuch failed: survey 'nosuch' does not exist" in done.stderr
    assert done.stdout.splitlines()[-1].startswith("1 of 2 surveys backed up")
    assert len(files(tmp_path, survey)) == 1
    result = json.loads(run(store, "nosuch", survey, "-o", str(tmp_path), "--json").stdout)
    assert [each["survey_id"] for each in result["backed_up"]] == [survey]
    assert [each["reason"] for each in result["failed"]] == ["NOT_FOUND"]


def test_what_a_survey_names_and_the_store_lost_is_reported(
    store: Store, survey_id: str, tmp_path: Path
) -> None:
    plant(store, survey_id)
    named = survey_pb2.Survey(survey_id=survey_id, head_digest="a" * 64)
    event = store_pb2.SurveyEvent(survey=named).SerializeToString()
    push(store, keys.survey_journal(survey_id), event)
    done = run(store, survey_id, "-o", str(tmp_path))
    assert f"{survey_id} refers to {'a' * 64}, which is not in the store" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-o", "x"], "give the surveys to back up, or --all"),
        (["a", "--all", "-o", "x"], "give the surveys to back up, or --all"),
        (["a"], "give the file or directory to write with --output"),
        (["--check"], "--check needs the files to verify"),
        (["--check", "--all", "a"], "--check needs the files to verify"),
    ],
)
def test_wrong_usage_is_reported(store: Store, arguments: list[str], words: str) -> None:
    done = run(store, *arguments)
    assert done.exit_code == 2
    assert words in done.stderr


def test_surveys_go_to_an_object_store_are_checked_there_and_come_back(
    store: Store, second: Store, survey: str, s3: dict[str, str], tmp_path: Path
) -> None:
    for name, value in s3.items():
        (tmp_path / name).write_text(value)
    settings = ["--object-store-settings", str(tmp_path)]
    done = run(store, survey, "-o", f"s3://backups/{survey}", "--keep", "1", "--json", *settings)
    assert done.exit_code == 0, done.stderr
    (url,) = [each["output"] for each in json.loads(done.stdout)["backed_up"]]
    assert url.startswith(f"s3://backups/{survey}/{survey}.20")
    assert f"{url} is intact: survey {survey}" in run(store, "--check", url, *settings).stdout
    arguments = ["restore", url, "--as", f"{survey}-back", "--store", second.url, *settings]
    restored = invoke(restore.restore_files, arguments)
    assert (restored.exit_code, restored.stderr) == (0, "")
    assert second.length(keys.survey_journal(f"{survey}-back")) == 1


def test_a_damaged_survey_is_backed_up_only_up_to_its_damage_and_only_if_asked(
    store: Store, survey: str, tmp_path: Path
) -> None:
    key = keys.survey_journal(survey)
    event = store_pb2.SurveyEvent(deleted=store_pb2.DetectionsDeleted(detection_ids=["d"]))
    event.create_time.GetCurrentTime()
    push(store, key, event.SerializeToString(), event.SerializeToString())
    break_entry(store, key, 1, "a bit is flipped")
    path = str(tmp_path / "part.spotted")
    done = run(store, survey, "-o", path)
    assert done.exit_code == 1
    assert f"survey {survey!r} is damaged at event 2" in done.stderr
    done = run(store, survey, "-o", path, "--up-to-damage")
    assert (done.exit_code, done.stderr) == (
        0,
        f"{survey} is damaged: 2 events from the damage on are not in {path}\n",
    )
    assert run(store, "--check", path).exit_code == 0


def test_a_check_finds_events_that_a_restore_would_refuse(store: Store, survey: str, tmp_path: Path) -> None:
    push(store, keys.survey_journal(survey), store_pb2.SurveyEvent().SerializeToString())
    path = str(tmp_path / "invalid.spotted")
    assert run(store, survey, "-o", path).exit_code == 0
    done = run(store, "--check", path)
    assert done.exit_code == 3
    assert "has an invalid event 2 of the survey" in done.stderr
