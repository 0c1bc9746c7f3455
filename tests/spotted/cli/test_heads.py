from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from services.common.store.store import Store
from services.embedder.inference.backbones import Backbone
from spotted.cli.heads import activate_head
from spotted.errors import NotFoundError
from tests.services.embedder.serving import add_survey, serving
from tests.spotted.cli.conftest import Machine, machine_of


@pytest.fixture
def training(tmp_path: Path, store: Store, backbone: Backbone, survey_id: str) -> Iterator[Machine]:
    with serving(store, backbone) as spotted:
        add_survey(spotted, survey_id)
        yield machine_of(tmp_path / "data", spotted)


@pytest.mark.slow
def test_a_head_is_learned_activated_and_taken_back(training: Machine, survey_id: str) -> None:
    learned = training.run("train-head", survey_id, "--epochs", "3", "--activate", "--json")
    assert learned.exit_code == 0, learned.output
    document = json.loads(learned.stdout)
    assert training.spotted.survey(survey_id).info().head_digest == document["head_digest"]
    assert {"loss", "effective_rank"} <= set(document["metrics"])
    back = training.run("activate-head", survey_id)
    assert back.exit_code == 0, back.output
    assert f"spotted activate-head {survey_id} {document['head_digest']}" in back.stdout
    assert training.spotted.survey(survey_id).info().head_digest == ""


def test_an_unknown_survey_is_named(machine: Machine) -> None:
    done = CliRunner().invoke(activate_head, ["nosuch", "--data", str(machine.directory)])
    assert isinstance(done.exception, NotFoundError)
    assert "nosuch" in str(done.exception)
