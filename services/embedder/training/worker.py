"""One training of a head, which reports its progress in the store.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict

from services.common.store import keys
from services.common.store.operations import Operations
from services.common.store.store import Store
from services.common.survey.existence import Existence
from services.common.survey.heads import HeadStore
from services.common.survey.state import Snapshot, folded_survey
from services.embedder.training.head_onnx import to_onnx
from services.embedder.training.trainings import MARK_TTL_S
from spotted.arrays import BoolArray, Float32Array, IntArray
from spotted.errors import PreconditionError, SpottedError
from spotted.heads.head import HeadRecipe
from spotted.heads.training import Step, train_head
from spotted.scoring import geometry
from spotted.scoring.feasibility import pair_feasibility
from spotted.scoring.similarity import unit_rows
from spotted.v1 import operations_pb2 as pb

# least seconds between two updates of the operation
REPORT_EVERY_S = 1.0
# vectors of the survey that the exported head is compared with the trained one on
PROBES = 1024
METRICS = ("loss", "positive_pairs", "negative_pairs", "mean_similarity", "effective_rank")
# a head is reported to collapse below this share of the effective rank of the backbone
COLLAPSED_SHARE = 0.5


class Cancelled(Exception):  # noqa: N818 - not an error
    """The training was asked to stop."""


class Training:
    """One training of a head, on the survey of one generation."""

    def __init__(
        self, store: Store, operation_id: str, survey_id: str, generation: str, recipe: HeadRecipe
    ) -> None:
        """Begin. generation: of the survey when the training was requested."""
        self._store = store
        self._survey_id = survey_id
        self._generation = generation
        self._recipe = recipe
        self._operations = Operations(store, now=store.now, organisation=keys.owner(survey_id))
        self._operation = self._operations.get(operation_id)
        self._reported_s = 0.0

    def run(self) -> None:
        """Train, store the head, and end the operation as succeeded, failed or cancelled."""
        try:
            digest = self._train()
        except Cancelled:
            self._end(pb.OPERATION_STATE_CANCELLED, "cancelled")
        except SpottedError as error:
            self._end(pb.OPERATION_STATE_FAILED, str(error))
        else:
            self._operation.result, self._operation.progress = digest, 1.0
            self._end(pb.OPERATION_STATE_SUCCEEDED, f"trained; activate head {digest} to use it")

    def _train(self) -> str:
        folded = folded_survey(self._store, self._survey_id)
        snapshot, generation = folded.view(lambda state, _: (state.snapshot(), folded.generation))
        self._require(generation)
        base = unit_rows(snapshot.base)
        head = train_head(base, pseudo_labels(snapshot), self._recipe, on_progress=self.report)
        # the head is stored under the survey's id
        self._require(Existence(self._store).generation(self._survey_id))
        return HeadStore(self._store).put(
            to_onnx(head, base[:PROBES]),
            snapshot.survey.embedding,
            survey_id=self._survey_id,
            recipe_json=json.dumps(asdict(self._recipe), sort_keys=True),
            metrics=dict(self._operation.metrics),
            created_s=time.time(),
        )

    def _require(self, generation: str) -> None:
        if generation != self._generation:
            raise PreconditionError(
                f"survey {self._survey_id!r} was deleted and created again, or restored, since its training "
                "was requested; train a head again"
            )

    def report(self, step: Step) -> None:
        """Update the operation after an epoch, at most every second; raises Cancelled if cancelled."""
        if step.epoch == 1:
            # the head is the identity in the first epoch, so these are the figures of the backbone
            self._operation.metrics["backbone_mean_similarity"] = step.mean_similarity
            self._operation.metrics["backbone_effective_rank"] = step.effective_rank
        if time.monotonic() - self._reported_s < REPORT_EVERY_S and step.epoch != self._recipe.epochs:
            return
        self._reported_s = time.monotonic()
        if self._operations.cancel_asked(self._operation.operation_id):
            raise Cancelled
        self._operation.progress = step.epoch / self._recipe.epochs
        self._operation.message = self._message(step)
        self._operation.metrics.update({metric: getattr(step, metric) for metric in METRICS})
        self._operations.put(self._operation)
        mark = self._operation.operation_id.encode()
        self._store.put(keys.training(self._survey_id, self._generation), mark, ttl_s=MARK_TTL_S)

    def _message(self, step: Step) -> str:
        message = (
            f"epoch {step.epoch} of {self._recipe.epochs}, loss {step.loss:.4f}, "
            f"{step.positive_pairs} positive and {step.negative_pairs} negative pairs"
        )
        backbone = self._operation.metrics["backbone_effective_rank"]
        if step.effective_rank < COLLAPSED_SHARE * backbone:
            message += f"; the vectors collapse: effective rank {step.effective_rank:.1f} of {backbone:.1f}"
        return message

    def _end(self, state: pb.OperationState.ValueType, message: str) -> None:
        self._operation.state, self._operation.message = state, message
        self._operations.put(self._operation)
        self._store.delete(keys.training(self._survey_id, self._generation))


def pseudo_labels(snapshot: Snapshot) -> Callable[[IntArray], tuple[Float32Array, BoolArray]]:
    """The `feasibility` argument of train_head for a survey."""
    gallery = snapshot.gallery

    def of_rows(rows: IntArray) -> tuple[Float32Array, BoolArray]:
        below, left = rows[:, None], rows[None, :]
        scores = pair_feasibility(gallery.table, below, left, gallery.extent, gallery.params)
        return scores, geometry.same_image(gallery.table, below, left) & (below != left)

    return of_rows
