from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import Result

from services.common.store import keys
from services.common.store.store import Store
from services.upkeep.commands import restore
from tests.services.journal_entries import break_entry
from tests.services.upkeep.backup.test_directory import plant
from tests.services.upkeep.console import invoke
from tests.services.upkeep.living import backed_up


@pytest.fixture
def file(store: Store, survey_id: str, tmp_path: Path) -> str:
    return str(backed_up(store, plant(store, survey_id), tmp_path).path)


def run(store: Store, *arguments: str) -> Result:
    return invoke(restore.restore_files, ["restore", *arguments, "--store", store.url])


def test_a_file_is_restored_and_a_repeat_says_so(second: Store, file: str, survey_id: str) -> None:
    done = run(second, file)
    assert done.exit_code == 0, done.stderr
    assert done.stdout == f"{survey_id} restored: 1 events, 0 sessions\n"
    assert run(second, file).stdout == f"{survey_id} already exists with the same 1 events, 0 sessions\n"
    (result,) = json.loads(run(second, file, "--json").stdout)["restored"]
    assert result == {"survey_id": survey_id, "events": 1, "sessions": 0, "unchanged": True}


def test_it_goes_under_the_id_and_organisation_that_are_asked_for(
    second: Store, file: str, survey_id: str
) -> None:
    done = run(second, file, "--as", f"{survey_id}-b", "--organisation", "wcs")
    assert done.stdout.startswith(f"wcs/{survey_id}-b restored")
    assert second.length(keys.survey_journal(f"wcs/{survey_id}-b")) == 1


def test_files_restored_before_a_damaged_one_are_reported(
    second: Store, file: str, survey_id: str, tmp_path: Path
) -> None:
    damaged = tmp_path / "damaged.spotted"
    damaged.write_bytes(Path(file).read_bytes()[:-1])
    done = run(second, file, str(damaged))
    assert done.exit_code == 3
    assert done.stdout == f"{survey_id} restored: 1 events, 0 sessions\n"
    assert "damaged.spotted is damaged at byte" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["a", "b", "--as", "x"], 2, "--as takes one survey id; give one file"),
        (["a", "--as", "x/y"], 3, "--as is 'x/y'; use 1 to 64 letters"),
        (["a", "--organisation", "x y"], 3, "--organisation is 'x y'"),
        (["nosuch.spotted"], 3, "nosuch.spotted cannot be read"),
    ],
)
def test_wrong_usage_is_reported(second: Store, arguments: list[str], code: int, words: str) -> None:
    done = run(second, *arguments)
    assert done.exit_code == code
    assert words in done.stderr


def test_a_damaged_survey_is_replaced_only_if_asked(second: Store, file: str, survey_id: str) -> None:
    run(second, file)
    break_entry(second, keys.survey_journal(survey_id), 0, "it is garbage")
    done = run(second, file)
    assert done.exit_code == 1
    assert f"survey {survey_id!r} is damaged at event 1" in done.stderr
    assert "--over-damaged" in done.stderr
    assert run(second, file, "--over-damaged").stdout == f"{survey_id} restored: 1 events, 0 sessions\n"
    assert "already exists with the same" in run(second, file, "--over-damaged").stdout
