"""The survey that a head is trained on, and the head that it gets."""

from __future__ import annotations

import time

from services.common.store.store import Store
from services.common.survey.existence import Existence
from services.common.survey.heads import HeadStore
from services.common.survey.state import Snapshot, folded_survey
from services.common.survey.survey_operations import RunningOperation
from services.embedder.training.head_onnx import to_onnx
from spotted.arrays import BoolArray, Float32Array, IntArray
from spotted.errors import PreconditionError
from spotted.heads.head import Head
from spotted.ranking.gallery import Gallery
from spotted.scoring import geometry
from spotted.scoring.feasibility import pair_feasibility

# vectors of the survey that the exported head is compared with the trained one on
PROBES = 1024


class SurveyHead:
    """The head of a survey of one generation."""

    def __init__(self, store: Store, running: RunningOperation, survey_id: str, generation: str) -> None:
        """generation: of the survey when the training was requested."""
        self._store = store
        self._running = running
        self._survey_id = survey_id
        self._generation = generation

    def read(self) -> Snapshot:
        """The survey as it is now. Raises PreconditionError if it is of another generation."""
        folded = folded_survey(self._store, self._survey_id)
        snapshot, generation = folded.view(lambda state, _: (state.snapshot(), folded.generation))
        self._require(generation)
        return snapshot

    def put(self, head: Head, snapshot: Snapshot, base: Float32Array, recipe_json: str) -> str:
        """Store a head with the metrics of its operation; its digest. base: (n, D) unit rows."""
        # the head is stored under the survey's id
        self._require(Existence(self._store).generation(self._survey_id))
        return HeadStore(self._store).put(
            to_onnx(head, base[:PROBES]),
            snapshot.survey.embedding,
            survey_id=self._survey_id,
            recipe_json=recipe_json,
            metrics=dict(self._running.operation.metrics),
            created_s=time.time(),
        )

    def _require(self, generation: str) -> None:
        if generation != self._generation:
            raise PreconditionError(
                f"survey {self._survey_id!r} was deleted and created again, or restored, since its training "
                "was requested; train a head again"
            )


def journeys(gallery: Gallery, rows: IntArray) -> tuple[Float32Array, BoolArray]:
    """Feasibility of the pairs of rows, (m, m), NaN if unknown, and which are two animals in one image."""
    below, left = rows[:, None], rows[None, :]
    scores = pair_feasibility(gallery.table, below, left, gallery.extent, gallery.params)
    return scores, geometry.same_image(gallery.table, below, left) & (below != left)
