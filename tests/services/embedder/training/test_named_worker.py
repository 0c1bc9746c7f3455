from __future__ import annotations

import time

import numpy as np
import pytest

from services.common.store import keys
from services.common.store.operations import Operations
from services.common.store.store import Store
from services.common.survey.existence import Existence
from services.common.survey.heads import HeadStore
from services.common.survey.state import Snapshot, folded_survey
from services.common.survey.survey_operations import RunningOperation
from services.embedder.training.jobs import NamedHead
from services.embedder.training.named_worker import NamedTraining, has_places, numbered, other_encounters
from services.embedder.training.survey_head import journeys
from services.scorer.__main__ import service
from spotted.arrays import Float32Array
from spotted.client import Spotted
from spotted.client.survey_messages import embedding_spec
from spotted.heads.named import NamedRecipe, fit_named_head
from spotted.survey import Detection, Side, Survey
from spotted.v1 import operations_pb2 as pb
from tests.services.embedder.serving import SPEC
from tests.services.serving import running

ANIMALS, EACH = 12, 4


def coats() -> Float32Array:
    """Vectors of animals that differ within an animal along the first three elements only."""
    rng = np.random.default_rng(0)
    looks = np.repeat(rng.normal(size=(ANIMALS, 12)), EACH, axis=0)
    looks[:, :3] += rng.normal(scale=4.0, size=(ANIMALS * EACH, 3))
    return np.asarray(looks, dtype=np.float32)


def detections() -> list[Detection]:
    """Detections of the animals; the first of each has its name in the survey too."""
    return [
        Detection(
            f"a{animal:02}-{each}",
            individual_id=f"a{animal:02}" if each < 3 else "",
            side=(Side.LEFT, Side.RIGHT)[each % 2],
            encounter_id=f"e{animal}" if each < 2 else "",
        )
        for animal in range(ANIMALS)
        for each in range(EACH)
    ]


@pytest.fixture
def known(store: Store, survey_id: str) -> Snapshot:
    with running(service(store)) as a, Spotted(embedder=a, scorer=a, sampler=a) as spotted:
        survey = spotted.create_survey(Survey(survey_id, 0.0, 1000.0))
        survey.add_detections(detections(), coats(), embedding_spec(SPEC))
    return folded_survey(store, survey_id).view(lambda state, _: state.snapshot())


def made(store: Store, survey_id: str, job: NamedHead) -> pb.Operation:
    """The operation of a head that was made in this process."""
    operations = Operations(store, now=time.time)
    operation = operations.begin("waiting")
    of = Existence(store).generation(survey_id)
    own = RunningOperation(store, operation, keys.training(survey_id, of), survey_id)
    NamedTraining(store, own, survey_id, of, job).run()
    return operations.get(operation.operation_id)


def test_a_head_of_named_individuals_is_stored_with_what_it_gains(
    store: Store, survey_id: str, known: Snapshot
) -> None:
    names = {one.detection_id: one.detection_id[:3] for one in detections()}
    done = made(store, survey_id, NamedHead(names))
    assert (done.state, done.progress) == (pb.OPERATION_STATE_SUCCEEDED, 1.0), done.message
    assert (done.metrics["held_out_queries"], done.metrics["held_out_individuals"]) == (48, 12)
    assert done.metrics["head_top1"] > done.metrics["backbone_top1"]
    assert done.metrics["helps"] == 1.0
    assert "on 12 individuals that it was not made from, top-1 " in done.message
    assert done.message.endswith(f"it helps; activate head {done.result} to use it")
    individuals, sides = numbered(known, NamedHead(names))
    base = known.gallery.embeddings.astype(np.float32)
    expected = fit_named_head(base, sides, NamedRecipe()).apply(base)
    np.testing.assert_allclose(HeadStore(store).get(done.result).apply(base), expected, atol=2e-3)
    assert len(set(individuals.tolist())) == ANIMALS


def test_names_of_the_request_come_before_those_of_the_survey(known: Snapshot) -> None:
    named = {"a00-0": "Asha", "a01-0": "Asha", "a00-3": "a01"}
    individuals, sides = numbered(known, NamedHead(named, use_known_individuals=True))
    rows = {one.detection_id: index for index, one in enumerate(known.detections)}
    assert individuals[rows["a00-0"]] == individuals[rows["a01-0"]] != individuals[rows["a00-1"]]
    assert individuals[rows["a00-3"]] == individuals[rows["a01-1"]]
    assert individuals[rows["a02-3"]] == -1 == sides[rows["a02-3"]]
    # two flanks of an animal are two coats
    assert sides[rows["a02-0"]] == sides[rows["a02-2"]] != sides[rows["a02-1"]]


def test_photographs_of_one_encounter_are_not_compared(known: Snapshot) -> None:
    feasibility, never = other_encounters(known, np.arange(6))
    np.testing.assert_array_equal(feasibility, journeys(known.gallery, np.arange(6))[0])
    assert [(int(a), int(b)) for a, b in np.argwhere(never) if a < b] == [(0, 1), (4, 5)]


@pytest.mark.usefixtures("known")
def test_too_few_individuals_fail_with_the_reason(store: Store, survey_id: str) -> None:
    done = made(store, survey_id, NamedHead({"a00-0": "Asha", "a00-1": "Asha"}))
    assert done.state == pb.OPERATION_STATE_FAILED
    assert "1 animals are known from two photographs; a head needs at least 8" in done.message


def test_without_places_looks_are_the_score(known: Snapshot) -> None:
    assert not has_places(known, np.arange(20))
    assert not has_places(known, np.arange(0))
