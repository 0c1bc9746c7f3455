from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from services.common.store.store import Store
from services.embedder.inference.backbones import Backbone
from services.sampler.scorer_client import ScorerClient
from spotted.cli import heads
from spotted.cli.heads import activate_head
from spotted.client import Label, Spotted
from spotted.client.survey_messages import embedding_spec
from spotted.client.values import OperationInfo, OperationState
from spotted.constraints.answers import Answer
from spotted.errors import NotFoundError
from spotted.survey import Detection, Survey
from tests.services.embedder.serving import SPEC, add_survey, serving
from tests.services.embedder.training.test_named_worker import coats
from tests.services.sampler.surveys import in_process as sampler_service
from tests.services.serving import running
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


@pytest.fixture
def answered(tmp_path: Path, store: Store, backbone: Backbone, survey_id: str) -> Iterator[Machine]:
    """Embedder, scorer and sampler, and a session that joined the photographs of twelve animals."""
    with serving(store, backbone) as first:
        client = ScorerClient(first.connection.scorer.address)
        with (
            running(sampler_service(store, client)) as sampler,
            Spotted(
                embedder=first.connection.embedder.address,
                scorer=first.connection.scorer.address,
                sampler=sampler,
            ) as spotted,
        ):
            survey = spotted.create_survey(Survey(survey_id, 0.0, 1000.0))
            ids = [f"d{row:02}" for row in range(48)]
            survey.add_detections([Detection(one) for one in ids], coats(), embedding_spec(SPEC))
            labels = [Label(ids[row], ids[row + 1], Answer.SAME, "ana") for row in range(47) if row % 4 < 3]
            survey.create_session("main", strategy="greedy").submit_labels(labels)
            yield machine_of(tmp_path / "data", spotted)
        client.close()


def test_a_head_is_made_from_the_individuals_of_a_session(answered: Machine, survey_id: str) -> None:
    done = answered.run("train-head", survey_id, "--from-session", "main", "--activate")
    assert done.exit_code == 0, done.output
    digest = answered.spotted.survey(survey_id).info().head_digest
    assert f"head {digest[:12]}: on 12 individuals that it was not made from, top-1 " in done.stdout
    assert f"next: spotted evaluate {survey_id}" in done.stdout
    assert "note: session 'main' is not finished" in done.stderr


def test_a_head_that_does_not_gain_is_not_switched_on(
    answered: Machine, survey_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # half of the labels join photographs of two animals, as if nobody could tell them apart
    session = answered.spotted.survey(survey_id).session("main")
    session.retract_labels([one.label_id for one in session.labels()], "ana")
    mixed = [Label(f"d{row:02}", f"d{(row + 17) % 48:02}", Answer.SAME, "ana") for row in range(0, 48, 3)]
    session.submit_labels([one for one in mixed if one.first_detection_id < one.second_detection_id])
    done = answered.run("train-head", survey_id, "--from-session", "main", "--activate", "--json")
    document = json.loads(done.stdout)
    assert (document["active"], document["metrics"]["helps"]) == (False, 0.0)
    assert answered.spotted.survey(survey_id).info().head_digest == ""
    ended = OperationInfo(
        "o", OperationState.SUCCEEDED, 1.0, "worse; activate head d to use it", "d" * 64, {"helps": 0.0}, 0, 0
    )
    monkeypatch.setattr(heads, "_watch", lambda _: ended)
    text = answered.run("train-head", survey_id, "--from-session", "main", "--activate").stdout
    assert "head dddddddddddd: worse\nnot activated, since it finds individuals" in text
    assert f"spotted activate-head {survey_id} {'d' * 64}" in text


def test_a_recipe_and_individuals_are_wrong_usage(machine: Machine) -> None:
    done = machine.run("train-head", "any", "--known", "--paper")
    assert done.exit_code == 2
    assert "--paper, --epochs and --seed are for heads from locations and times" in done.stderr


def test_an_unknown_survey_is_named(machine: Machine) -> None:
    done = CliRunner().invoke(activate_head, ["nosuch", "--data", str(machine.directory)])
    assert isinstance(done.exception, NotFoundError)
    assert "nosuch" in str(done.exception)
