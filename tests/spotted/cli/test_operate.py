from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from services.common.store.store import Store
from services.upkeep.__main__ import main as upkeep
from spotted.cli import main
from tests.spotted.client.surveys import DETECTIONS, SPEC, serving, survey, vectors


def spotted(*arguments: str) -> int:
    """The exit status; what the command prints comes from a process of its own."""
    return CliRunner().invoke(main, arguments).exit_code


@pytest.mark.parametrize("name", upkeep.commands)
def test_every_command_on_the_store_is_one_of_spotted(name: str) -> None:
    assert main.commands[name].help


def test_a_token_is_made_listed_and_revoked(store: Store, capfd: pytest.CaptureFixture[str]) -> None:
    def told(*arguments: str) -> Any:  # noqa: ANN401 - a JSON document
        assert spotted("token", *arguments, "--store", store.url, "--json") == 0
        return json.loads(capfd.readouterr().out)

    made = told("create", "--organisation", "wcs", "--role", "read", "--expires", "90d")
    assert made["token"]
    assert made["token"] not in str(told("list"))
    assert spotted("token", "revoke", made["token_id"], "--store", store.url) == 0


def test_a_survey_goes_into_a_file_and_back_under_another_id(
    store: Store, survey_id: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "one.spotted"
    with serving(store) as client:
        client.create_survey(survey(survey_id))
        client.add_detections(survey_id, DETECTIONS, vectors(), SPEC)
        assert spotted("backup", survey_id, "-o", str(path), "--store", store.url) == 0
        assert spotted("restore", str(path), "--as", f"{survey_id}-b", "--store", store.url) == 0
        assert f"{survey_id}-b restored: 4 events, 0 sessions\n" in capfd.readouterr().out
        assert list(client.detections(f"{survey_id}-b")) == DETECTIONS


def test_exit_codes_and_usage_are_those_of_the_command_itself(capfd: pytest.CaptureFixture[str]) -> None:
    assert spotted("restore", "nosuch", "another", "--as", "one") == 2
    told = capfd.readouterr().err
    assert "Usage: spotted restore [OPTIONS] FILE..." in told
    assert "--as takes one survey id" in told
