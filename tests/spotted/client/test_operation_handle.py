from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.common.store.store import Store
from services.embedder.inference.backbones import Backbone
from spotted.client import Spotted
from spotted.client.operation_handle import OperationHandle
from spotted.client.values import OperationState
from spotted.errors import NotFoundError, PreconditionError
from spotted.heads import HeadRecipe
from tests.services.embedder.serving import add_survey, serving


@pytest.fixture
def spotted(store: Store, backbone: Backbone) -> Iterator[Spotted]:
    with serving(store, backbone) as client:
        yield client


@pytest.mark.slow
def test_a_training_is_watched_to_its_end_and_its_head_scored_through(
    spotted: Spotted, survey_id: str
) -> None:
    add_survey(spotted, survey_id)
    survey = spotted.survey(survey_id)
    operation = survey.train_head(HeadRecipe(epochs=2))
    seen = list(operation.watch())
    assert seen[-1].state is OperationState.SUCCEEDED, seen[-1].message
    assert [one.progress for one in seen] == sorted(one.progress for one in seen)
    assert OperationHandle(spotted.connection, operation.operation_id).info() == seen[-1]
    assert survey.activate_head(seen[-1].result).head_digest == seen[-1].result
    vectors = survey.detections_with_embeddings(base=True)[1]
    assert spotted.apply_head(seen[-1].result, vectors).shape == vectors.shape
    assert survey.activate_head("").head_digest == ""


@pytest.mark.slow
def test_a_training_may_be_asked_to_end(spotted: Spotted, survey_id: str) -> None:
    add_survey(spotted, survey_id)
    operation = spotted.survey(survey_id).train_head(HeadRecipe(epochs=10_000))
    operation.cancel()
    *_, last = operation.watch()
    assert last.state is OperationState.CANCELLED


def test_an_unknown_survey_head_or_operation_is_not_found(spotted: Spotted, survey_id: str) -> None:
    with pytest.raises(NotFoundError):
        spotted.survey("nosuch").train_head()
    add_survey(spotted, survey_id)
    with pytest.raises(NotFoundError, match="head"):
        spotted.survey(survey_id).activate_head("0" * 64)
    with pytest.raises((NotFoundError, PreconditionError)):
        list(spotted.operation("nosuch").watch())
    with pytest.raises((NotFoundError, PreconditionError)):
        spotted.operation("nosuch").info()
