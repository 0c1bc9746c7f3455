from __future__ import annotations

import time

import numpy as np
import pytest

from services.common.store import keys
from services.common.store.operations import Operations
from services.common.store.store import Store
from services.common.survey.existence import Existence
from services.common.survey.heads import HeadStore
from services.common.survey.survey_operations import RunningOperation
from services.embedder.training.named_worker import has_places
from services.embedder.training.survey_head import SurveyHead, journeys
from services.scorer.__main__ import service
from spotted.client import Spotted
from spotted.errors import PreconditionError
from spotted.heads.head import Head
from spotted.scoring.similarity import unit_rows
from tests.services.embedder.serving import SPEC, add_survey
from tests.services.serving import running


def test_a_head_is_stored_for_the_generation_of_its_survey(store: Store, survey_id: str) -> None:
    with running(service(store)) as a, Spotted(embedder=a, scorer=a, sampler=a) as spotted:
        add_survey(spotted, survey_id)
    operation = Operations(store, now=time.time).begin("waiting")
    of = Existence(store).generation(survey_id)
    own = RunningOperation(store, operation, keys.training(survey_id, of), survey_id)
    survey = SurveyHead(store, own, survey_id, of)
    snapshot = survey.read()
    base = unit_rows(snapshot.base)
    head = Head(np.eye(12, dtype=np.float32), *(np.zeros(s, np.float32) for s in (12, (12, 12), 12)))
    stored = HeadStore(store).get(survey.put(head, snapshot, base, "{}"))
    assert stored.spec == SPEC
    np.testing.assert_allclose(stored.apply(base), base, atol=1e-6)
    assert has_places(snapshot, np.arange(len(base)))
    scores, two_animals = journeys(snapshot.gallery, np.arange(6))
    assert scores.shape == two_animals.shape == (6, 6)
    Existence(store).delete_survey(survey_id, "")
    with running(service(store)) as a, Spotted(embedder=a, scorer=a, sampler=a) as spotted:
        add_survey(spotted, survey_id)
    with pytest.raises(PreconditionError, match="was deleted and created again, or restored"):
        survey.put(head, snapshot, base, "{}")
    with pytest.raises(PreconditionError, match="was deleted and created again, or restored"):
        survey.read()
