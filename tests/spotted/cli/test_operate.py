from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from services.common.store.store import Store
from services.upkeep.__main__ import main as upkeep
from spotted.cli import main, operate
from tests.spotted.client.surveys import DETECTIONS, SPEC, serving, survey, vectors


def spotted(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


@pytest.mark.parametrize("name", upkeep.commands)
def test_every_operator_command_is_that_of_upkeep(name: str) -> None:
    assert main.get_command(click.Context(main), name) is upkeep.commands[name]


def test_an_unknown_operator_command_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="nosuch"):
        getattr(operate, "nosuch")  # noqa: B009 - the module has dynamic attributes


def test_a_token_is_made_listed_and_revoked(store: Store) -> None:
    def document(*arguments: str) -> Any:  # noqa: ANN401 - a JSON document
        done = spotted("token", *arguments, "--store", store.url, "--json")
        assert done.exit_code == 0, done.stderr
        return json.loads(done.stdout)

    made = document("create", "--organisation", "wcs", "--role", "read", "--expires", "90d")
    assert made["token"]
    assert made["token"] not in str(document("list"))
    assert spotted("token", "revoke", made["token_id"], "--store", store.url).exit_code == 0


def test_a_survey_goes_into_a_file_and_back_under_another_id(
    store: Store, survey_id: str, tmp_path: Path
) -> None:
    path = tmp_path / "one.spotted"
    with serving(store) as client:
        client.create_survey(survey(survey_id)).add_detections(DETECTIONS, vectors(), SPEC)
        assert spotted("backup", survey_id, "-o", str(path), "--store", store.url).exit_code == 0
        restored = spotted("restore", str(path), "--as", f"{survey_id}-b", "--store", store.url)
        assert restored.exit_code == 0, restored.stderr
        assert f"{survey_id}-b restored: 3 events, 0 sessions\n" in restored.stdout
        assert list(client.survey(f"{survey_id}-b").detections()) == DETECTIONS


def test_exit_codes_and_usage_are_those_of_the_command_itself(tmp_path: Path) -> None:
    wrong = spotted("restore", "nosuch", "another", "--as", "one")
    assert wrong.exit_code == 2
    assert "restore [OPTIONS] [FILE | URL]..." in wrong.stderr
    assert "--as takes one survey id" in wrong.stderr
    unstarted = spotted("upgrade", "--data", str(tmp_path))
    assert unstarted.exit_code == 6
    assert "spotted up" in unstarted.stderr
