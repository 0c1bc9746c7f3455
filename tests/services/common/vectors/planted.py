"""Surveys with vectors, as the scorer stores them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from services.common.store import keys
from services.common.store.journal import Change, Journal
from services.common.store.moved import is_moved
from services.common.store.store import Store
from services.common.survey.listing import Listing
from services.common.survey.state import folded_survey
from services.common.vectors.blocks import VectorBlocks
from spotted import messages
from spotted.v1 import corrections_pb2, store_pb2, survey_pb2

DIMENSION = 256
EACH = 4
BEGIN_S = 1_700_000_000
SPEC = survey_pb2.EmbeddingSpec(backbone_digest="b" * 64, preprocessing_digest="c" * 64, dimension=DIMENSION)
PART_BYTES = 2 * DIMENSION * EACH


def plant(store: Store, survey_id: str, adds: int = 6, *, seed: int = 0) -> None:
    """A survey with some events of added detections, and one that corrects two vectors."""
    Listing(store).enter(survey_id)
    survey = survey_pb2.Survey(survey_id=survey_id, display_name=f"{seed}", embedding=SPEC)
    survey.start_time.seconds, survey.end_time.seconds = BEGIN_S, BEGIN_S + 1000
    append(store, survey_id, store_pb2.SurveyEvent(survey=survey))
    for at in range(adds):
        add(store, survey_id, at, seed=seed)
    corrected = store_pb2.SurveyEvent(
        updated=corrections_pb2.DetectionsUpdated(
            detections=[_detection(0, row) for row in range(2)], embeddings=_vectors(2, seed + 99)
        )
    )
    append(store, survey_id, corrected)


def add(store: Store, survey_id: str, at: int, *, seed: int = 0) -> None:
    """Append one event of added detections."""
    added = store_pb2.DetectionsAdded(
        detections=[_detection(at, row) for row in range(EACH)], embeddings=_vectors(EACH, seed + at)
    )
    append(store, survey_id, store_pb2.SurveyEvent(detections=added))


def append(store: Store, survey_id: str, event: store_pb2.SurveyEvent) -> None:
    """Append an event."""
    event.create_time.seconds = BEGIN_S
    journal = Journal(store, survey_id)
    at = journal.length()
    assert (
        journal.append(Change(event.SerializeToString(), b""), expected=at, scope="plant", request_id=str(at))
        == b""
    )


def read(store: Store, survey_id: str) -> tuple[list[str], bytes]:
    """The detections and vectors of a survey, read from its journal from the beginning."""
    snapshot = folded_survey(store, survey_id).view(lambda state, _: state.snapshot())
    return [each.detection_id for each in snapshot.detections], snapshot.base.tobytes()


def entries(store: Store, survey_id: str) -> list[bytes]:
    """The entries of a survey's journal as stored."""
    return store.slice(keys.survey_journal(survey_id), 0, -1)


def moved_positions(store: Store, survey_id: str) -> list[int]:
    """The positions of the entries whose vectors are in blocks."""
    return [at for at, entry in enumerate(entries(store, survey_id)) if is_moved(entry)]


def names(blocks: VectorBlocks) -> Sequence[str]:
    """The names of all blocks."""
    return [each.name for each in blocks.kept() if each.name.count("/") > 1]


def _detection(at: int, row: int) -> survey_pb2.Detection:
    return survey_pb2.Detection(detection_id=f"d{at:02}-{row}", image_uri=f"photographs/{at}-{row}.jpg")


def _vectors(count: int, seed: int) -> survey_pb2.Tensor:
    rows = np.random.default_rng(seed).normal(size=(count, DIMENSION))
    return messages.tensor((rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float16))
