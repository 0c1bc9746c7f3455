from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

from services.common.store import keys
from services.common.store.operations import Operations
from services.common.store.records import get_record
from services.common.store.store import Store
from services.common.survey.existence import Existence
from services.common.survey.heads import HeadStore
from services.common.survey.state import folded_survey
from services.common.survey.survey_operations import RunningOperation
from services.embedder.training import worker
from services.embedder.training.worker import METRICS, Training, pseudo_labels
from services.scorer.__main__ import service
from spotted.client import Spotted
from spotted.heads.head import Head, HeadRecipe
from spotted.heads.training import Step, train_head
from spotted.v1 import operations_pb2 as pb
from spotted.v1 import store_pb2
from tests.services.embedder.serving import SPEC, add_survey
from tests.services.serving import running


def with_survey(store: Store, survey_id: str, count: int = 24) -> Operations:
    with running(service(store)) as a, Spotted(embedder=a, scorer=a, sampler=a) as spotted:
        add_survey(spotted, survey_id, count)
    return Operations(store, now=time.time)


def generation(store: Store, survey_id: str) -> str:
    return Existence(store).generation(survey_id)


def training_of(
    store: Store, operation: pb.Operation, survey_id: str, recipe: HeadRecipe, *, of: str = ""
) -> Training:
    """A training of this generation of a survey; "": of the one that is there."""
    of = of or generation(store, survey_id)
    running = RunningOperation(store, operation, keys.training(survey_id, of), survey_id)
    return Training(store, running, survey_id, of, recipe)


def test_a_training_stores_its_head_and_reports_it(store: Store, survey_id: str) -> None:
    operations = with_survey(store, survey_id)
    operation = operations.begin("waiting")
    training_of(store, operation, survey_id, HeadRecipe(epochs=3, rank=4)).run()
    done = operations.get(operation.operation_id)
    assert (done.state, done.progress) == (pb.OPERATION_STATE_SUCCEEDED, 1.0)
    head = HeadStore(store).get(done.result)
    assert head.spec == SPEC
    assert done.metrics["positive_pairs"] > 0


def test_a_training_that_was_cancelled_before_it_began_stores_nothing(store: Store, survey_id: str) -> None:
    operations = with_survey(store, survey_id)
    operation = operations.begin("waiting")
    operations.cancel(operation.operation_id)
    training_of(store, operation, survey_id, HeadRecipe(epochs=3)).run()
    done = operations.get(operation.operation_id)
    assert (done.state, done.result) == (pb.OPERATION_STATE_CANCELLED, "")


def test_a_training_without_a_survey_fails_with_the_reason(store: Store, survey_id: str) -> None:
    operations = Operations(store, now=time.time)
    operation = operations.begin("waiting")
    training_of(store, operation, survey_id, HeadRecipe(), of="gone").run()
    done = operations.get(operation.operation_id)
    assert done.state == pb.OPERATION_STATE_FAILED
    assert "does not exist" in done.message


def test_a_recipe_travels_as_json() -> None:
    recipe = HeadRecipe(rank=3, seed=9)
    assert HeadRecipe(**json.loads(json.dumps(asdict(recipe)))) == recipe


def test_a_collapse_is_reported_while_the_head_trains(store: Store, survey_id: str) -> None:
    operations = with_survey(store, survey_id)
    operation = operations.begin("waiting")
    recipe = HeadRecipe(epochs=200, rank=4)
    training = training_of(store, operation, survey_id, recipe)
    messages: list[str] = []
    training.report(Step(1, 1.0, 5, 6, 0.1, 12.0))
    messages.append(operations.get(operation.operation_id).message)
    training.report(Step(recipe.epochs, 0.5, 5, 6, 0.9, 1.5))
    messages.append(operations.get(operation.operation_id).message)
    assert messages[0] == "epoch 1 of 200, loss 1.0000, 5 positive and 6 negative pairs"
    assert messages[1].endswith("the vectors collapse: effective rank 1.5 of 12.0")


def test_the_figures_of_collapse_are_stored_with_the_head(store: Store, survey_id: str) -> None:
    operations = with_survey(store, survey_id)
    operation = operations.begin("waiting")
    training_of(store, operation, survey_id, HeadRecipe(epochs=2, rank=4)).run()
    key = keys.head("", operations.get(operation.operation_id).result)
    stored = get_record(store, key, store_pb2.StoredHead, named="it", remedy="")
    assert stored is not None
    metrics = stored.metrics
    assert metrics["backbone_effective_rank"] >= 1.0
    assert set(METRICS) <= set(metrics)


def test_pseudo_labels_are_the_feasibility_of_the_survey(store: Store, survey_id: str) -> None:
    with_survey(store, survey_id)
    snapshot = folded_survey(store, survey_id).view(lambda state, _: state.snapshot())
    scores, two_animals = pseudo_labels(snapshot)(np.arange(6))
    assert scores.shape == two_animals.shape == (6, 6)
    assert not two_animals.any()
    assert scores[0, 4] == 1.0


@pytest.mark.parametrize("when", ["before it begins", "while it trains"])
def test_a_survey_that_was_created_again_gets_no_head_of_the_one_before(
    store: Store, survey_id: str, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    operations = with_survey(store, survey_id)
    operation = operations.begin("waiting")
    first = generation(store, survey_id)

    def recreate() -> None:
        Existence(store).delete_survey(survey_id, "")
        with_survey(store, survey_id)

    if when == "before it begins":
        recreate()
    else:

        def trained(*arguments: Any, **options: Any) -> Head:  # noqa: ANN401 - any of train_head
            recreate()
            return train_head(*arguments, **options)

        monkeypatch.setattr(worker, "train_head", trained)
    heads = store.names(keys.head("", ""))
    training_of(store, operation, survey_id, HeadRecipe(epochs=2, rank=4), of=first).run()
    done = operations.get(operation.operation_id)
    assert (done.state, done.result) == (pb.OPERATION_STATE_FAILED, "")
    assert "was deleted and created again" in done.message
    assert store.names(keys.head("", "")) == heads
    assert [name for name in store.names(keys.of_survey(survey_id)) if ":training:" in name] == []
