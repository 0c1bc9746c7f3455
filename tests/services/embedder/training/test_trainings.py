"""Heads trained from places and times in their own processes, over real channels."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import psutil
import pytest

from services.common.store import keys
from services.common.store.store import Store
from services.embedder.inference.backbones import Backbone
from services.embedder.training import trainings
from spotted import messages
from spotted.client import Spotted
from spotted.client.calls import our_errors
from spotted.errors import NotFoundError, PreconditionError
from spotted.heads.head import HeadRecipe
from spotted.v1 import embedder_pb2 as pb
from spotted.v1 import operations_pb2, scorer_pb2
from tests.services.embedder.serving import add_survey, serving
from tests.waiting import PATIENCE_S


@pytest.fixture
def spotted(store: Store, backbone: Backbone) -> Iterator[Spotted]:
    with serving(store, backbone) as client:
        yield client
    # each training is watched by a thread that uses the store at its end
    for thread in threading.enumerate():
        if thread.name == "training":
            thread.join(30)


def train(
    spotted: Spotted, survey_id: str, epochs: int = 3, request_id: str = ""
) -> operations_pb2.Operation:
    request = pb.TrainHeadRequest(
        survey_id=survey_id, recipe=pb.HeadRecipe(epochs=epochs, rank=4), request_id=request_id
    )
    with our_errors("embedder"):
        return spotted.connection.embedder.stub.TrainHead(request, timeout=PATIENCE_S).operation


def ended(spotted: Spotted, operation_id: str) -> operations_pb2.Operation:
    stub = spotted.connection.operations.stub
    request = operations_pb2.WatchOperationRequest(operation_id=operation_id)
    *_, last = stub.WatchOperation(request, timeout=PATIENCE_S)
    return last.operation


@pytest.mark.slow
def test_a_head_is_trained_activated_and_taken_back(spotted: Spotted, survey_id: str) -> None:
    add_survey(spotted, survey_id)
    operation = train(spotted, survey_id, request_id="r")
    assert train(spotted, survey_id, request_id="r").operation_id == operation.operation_id
    with pytest.raises(PreconditionError, match="already running"):
        train(spotted, survey_id)
    done = ended(spotted, operation.operation_id)
    assert done.state == operations_pb2.OPERATION_STATE_SUCCEEDED, done.message
    assert done.progress == 1.0
    assert {"loss", "positive_pairs", "effective_rank"} <= set(done.metrics)
    before = spotted.survey(survey_id).score_matrix()
    request = scorer_pb2.ActivateHeadRequest(survey_id=survey_id, head_digest=done.result)
    active = spotted.connection.scorer.stub.ActivateHead(request, timeout=PATIENCE_S)
    assert active.score_spec.head_digest == done.result
    adapted = spotted.survey(survey_id).score_matrix()
    assert np.abs(adapted - before).max() > 1e-4
    _, vectors = spotted.survey(survey_id).detections_with_embeddings()
    _, stored = spotted.survey(survey_id).detections_with_embeddings(base=True)
    request.head_digest = ""
    spotted.connection.scorer.stub.ActivateHead(request, timeout=PATIENCE_S)
    np.testing.assert_array_equal(spotted.survey(survey_id).score_matrix(), before)
    _, base = spotted.survey(survey_id).detections_with_embeddings()
    np.testing.assert_array_equal(base, stored)
    applied = spotted.connection.embedder.stub.ApplyHead(
        pb.ApplyHeadRequest(head_digest=done.result, embeddings=messages.tensor(base)), timeout=PATIENCE_S
    )
    np.testing.assert_allclose(messages.vector(applied.embeddings), vectors, atol=2e-3)


@pytest.mark.slow
def test_a_training_that_is_cancelled_ends_and_leaves_no_head(spotted: Spotted, survey_id: str) -> None:
    add_survey(spotted, survey_id)
    operation = train(spotted, survey_id, epochs=10_000)
    stub = spotted.connection.operations.stub
    stub.CancelOperation(
        operations_pb2.CancelOperationRequest(operation_id=operation.operation_id), timeout=PATIENCE_S
    )
    done = ended(spotted, operation.operation_id)
    assert (done.state, done.result) == (operations_pb2.OPERATION_STATE_CANCELLED, "")
    # the next one may begin
    assert ended(spotted, train(spotted, survey_id).operation_id).result


@pytest.mark.slow
def test_a_training_whose_process_dies_has_failed_with_its_code_and_may_be_repeated(
    spotted: Spotted, survey_id: str
) -> None:
    add_survey(spotted, survey_id)
    operation = train(spotted, survey_id, epochs=10_000)
    children = [c for c in psutil.Process().children() if c.status() != psutil.STATUS_ZOMBIE]
    (worker,) = [c for c in children if operation.operation_id in c.cmdline()]
    worker.kill()
    done = ended(spotted, operation.operation_id)
    assert done.state == operations_pb2.OPERATION_STATE_FAILED
    assert "ended with code -9" in done.message
    assert ended(spotted, train(spotted, survey_id).operation_id).result


def test_a_survey_that_is_too_small_or_unknown_is_refused(spotted: Spotted, survey_id: str) -> None:
    with pytest.raises(NotFoundError):
        train(spotted, survey_id)
    add_survey(spotted, survey_id, count=5)
    with pytest.raises(PreconditionError, match="has 5 detections; training a head needs at least 10"):
        train(spotted, survey_id)


def test_without_torch_no_training_begins(
    store: Store, spotted: Spotted, survey_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_survey(spotted, survey_id)
    begun = trainings.Trainings(store, {})
    monkeypatch.setattr(trainings, "find_spec", lambda _: None)
    with pytest.raises(PreconditionError, match="torch is not installed in this embedder; install the extra"):
        begun.begin(survey_id, HeadRecipe(), "")


def test_a_survey_that_was_created_again_may_train_and_repeats_no_request_of_the_one_before(
    store: Store, spotted: Spotted, survey_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []
    monkeypatch.setattr(trainings.Trainings, "_start", lambda *started_with: started.append(started_with[3]))
    begun = trainings.Trainings(store, {})
    add_survey(spotted, survey_id)
    first = begun.begin(survey_id, HeadRecipe(), "r")
    assert begun.begin(survey_id, HeadRecipe(), "r").operation_id == first.operation_id
    with pytest.raises(PreconditionError, match="already running"):
        begun.begin(survey_id, HeadRecipe(), "other")
    spotted.survey(survey_id).delete()
    add_survey(spotted, survey_id)
    # the training of the one before still reports
    store.put(keys.training(survey_id, started[0]), first.operation_id.encode(), ttl_s=60)
    again = begun.begin(survey_id, HeadRecipe(), "r")
    assert again.operation_id != first.operation_id
    assert len(set(started)) == 2
