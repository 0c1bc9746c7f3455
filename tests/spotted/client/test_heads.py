from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.common.store.store import Store
from services.embedder.inference.backbones import Backbone
from spotted.client import Spotted
from spotted.errors import NotFoundError, PreconditionError
from spotted.v1 import embedder_pb2, operations_pb2
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
    begun = spotted.train_head(survey_id, embedder_pb2.HeadRecipe(epochs=2))
    seen = list(spotted.watch_operation(begun.operation_id))
    assert seen[-1].state == operations_pb2.OPERATION_STATE_SUCCEEDED, seen[-1].message
    assert [one.progress for one in seen] == sorted(one.progress for one in seen)
    assert spotted.activate_head(survey_id, seen[-1].result).head_digest == seen[-1].result
    assert spotted.activate_head(survey_id, "").head_digest == ""


@pytest.mark.slow
def test_a_training_may_be_asked_to_end(spotted: Spotted, survey_id: str) -> None:
    add_survey(spotted, survey_id)
    begun = spotted.train_head(survey_id, embedder_pb2.HeadRecipe(epochs=10_000))
    spotted.cancel_operation(begun.operation_id)
    *_, last = spotted.watch_operation(begun.operation_id)
    assert last.state == operations_pb2.OPERATION_STATE_CANCELLED


def test_what_cannot_be_learned_or_activated_is_told(spotted: Spotted, survey_id: str) -> None:
    with pytest.raises(NotFoundError):
        spotted.train_head("nosuch")
    add_survey(spotted, survey_id)
    with pytest.raises(NotFoundError, match="head"):
        spotted.activate_head(survey_id, "0" * 64)
    with pytest.raises((NotFoundError, PreconditionError)):
        list(spotted.watch_operation("nosuch"))
