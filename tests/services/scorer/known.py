"""A survey whose animals are known, and heads to score it through."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from services.common.store.store import Store
from services.common.survey.heads import HeadStore
from services.embedder.training.head_onnx import to_onnx
from spotted.arrays import Float32Array
from spotted.heads.head import Head
from spotted.scoring.similarity import unit_rows
from spotted.survey import Detection
from spotted.v1 import survey_pb2
from tests.services.scorer.planted import DIMENSION, SPEC, START_S, Scorer, detections, vectors

ANIMALS, EACH = 12, 4
COUNT = ANIMALS * EACH


def known_detections() -> list[Detection]:
    """Four photographs of each of twelve leopards; two of the leopards share an image."""
    return [
        replace(
            detection,
            individual_id=f"leopard-{row // EACH:02}",
            image_id="both" if row in {0, EACH} else "",
        )
        for row, detection in enumerate(detections(COUNT))
    ]


def known_vectors() -> Float32Array:
    """Their vectors (COUNT, DIMENSION): those of one leopard look alike."""
    rng = np.random.default_rng(3)
    looks = np.repeat(rng.normal(size=(ANIMALS, DIMENSION)), EACH, axis=0)
    return (looks + 0.5 * rng.normal(size=looks.shape)).astype(np.float32)


def plant_known(scorer: Scorer, survey_id: str) -> tuple[list[Detection], Float32Array]:
    """Create the survey with all its detections."""
    scorer.create(survey_id)
    scorer.add(survey_id, known_detections(), known_vectors())
    return known_detections(), known_vectors()


def store_head(store: Store, spec: survey_pb2.EmbeddingSpec = SPEC, *, seed: int = 7) -> tuple[str, Head]:
    """A head drawn at random, in the store under its digest."""
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=shape).astype(np.float32) for shape in ((3, DIMENSION), 3, (DIMENSION, 3))]
    head = Head(weights[0], weights[1], weights[2], np.zeros(DIMENSION, np.float32))
    onnx = to_onnx(head, unit_rows(vectors(4)))
    digest = HeadStore(store).put(
        onnx, spec, survey_id="any", recipe_json="{}", metrics={}, created_s=START_S
    )
    return digest, head
