"""One training of a head from places and times, which reports its progress in the store.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from functools import partial

from services.common.store.store import Store
from services.common.survey.state import Snapshot
from services.common.survey.survey_operations import Finish, RunningOperation
from services.embedder.training.survey_head import SurveyHead, journeys
from spotted.arrays import BoolArray, Float32Array, IntArray
from spotted.heads.head import HeadRecipe
from spotted.heads.training import Step, train_head
from spotted.scoring.similarity import unit_rows

METRICS = ("loss", "positive_pairs", "negative_pairs", "mean_similarity", "effective_rank")
# a head is reported to collapse below this share of the effective rank of the backbone
COLLAPSED_SHARE = 0.5


class Training:
    """One training of a head, on the survey of one generation."""

    def __init__(
        self, store: Store, running: RunningOperation, survey_id: str, generation: str, recipe: HeadRecipe
    ) -> None:
        """Begin. generation: of the survey when the training was requested."""
        self._survey = SurveyHead(store, running, survey_id, generation)
        self._running = running
        self._recipe = recipe

    def run(self) -> None:
        """Train, store the head, and end the operation as succeeded, failed or cancelled."""
        self._running.run(self._train, failed="it failed; see the log of the embedder")

    def _train(self) -> Finish:
        snapshot = self._survey.read()
        base = unit_rows(snapshot.base)
        head = train_head(base, pseudo_labels(snapshot), self._recipe, on_progress=self.report)
        digest = self._survey.put(head, snapshot, base, json.dumps(asdict(self._recipe), sort_keys=True))
        return Finish(digest, f"trained; activate head {digest} to use it")

    def report(self, step: Step) -> None:
        """Report an epoch, at most every second. Raises OperationCancelled if the training was cancelled."""
        if step.epoch == 1:
            # the head is the identity in the first epoch, so these are the figures of the backbone
            metrics = self._running.operation.metrics
            metrics["backbone_mean_similarity"] = step.mean_similarity
            metrics["backbone_effective_rank"] = step.effective_rank
        if self._running.due or step.epoch == self._recipe.epochs:
            self._running.report(
                step.epoch / self._recipe.epochs,
                self._message(step),
                {metric: getattr(step, metric) for metric in METRICS},
            )

    def _message(self, step: Step) -> str:
        message = (
            f"epoch {step.epoch} of {self._recipe.epochs}, loss {step.loss:.4f}, "
            f"{step.positive_pairs} positive and {step.negative_pairs} negative pairs"
        )
        backbone = self._running.operation.metrics["backbone_effective_rank"]
        if step.effective_rank < COLLAPSED_SHARE * backbone:
            message += f"; the vectors collapse: effective rank {step.effective_rank:.1f} of {backbone:.1f}"
        return message


def pseudo_labels(snapshot: Snapshot) -> Callable[[IntArray], tuple[Float32Array, BoolArray]]:
    """The `feasibility` argument of train_head for a survey."""
    return partial(journeys, snapshot.gallery)
