"""A head from known individuals, measured on individuals that it was not made from.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial

import numpy as np

from services.common.store.store import Store
from services.common.survey.state import Snapshot
from services.common.survey.survey_operations import Finish, RunningOperation
from services.embedder.training.jobs import NamedHead
from services.embedder.training.survey_head import SurveyHead, journeys
from spotted.arrays import BoolArray, Float32Array, IntArray
from spotted.heads.held_out import HeldOutGain, judge_named_head
from spotted.heads.named import NamedRecipe, fit_named_head
from spotted.scoring.similarity import unit_rows
from spotted.survey import Side

# share of the work that is done when the head has been measured
MEASURED = 0.9
# detections whose pairs tell whether places are known
MOST_LOOKED_AT = 500
FLANKS = (Side.LEFT, Side.RIGHT)


class NamedTraining:
    """A head of a survey of one generation from known individuals."""

    def __init__(
        self, store: Store, running: RunningOperation, survey_id: str, generation: str, job: NamedHead
    ) -> None:
        """generation: of the survey when the head was requested."""
        self._survey = SurveyHead(store, running, survey_id, generation)
        self._running = running
        self._job = job

    def run(self) -> None:
        """Make and measure the head, store it, and end the operation as succeeded, failed or cancelled."""
        self._running.run(self._train, failed="it failed; see the log of the embedder")

    def _train(self) -> Finish:
        snapshot = self._survey.read()
        base = unit_rows(snapshot.base)
        individuals, coats = numbered(snapshot, self._job)
        recipe = NamedRecipe(keep_spread=has_places(snapshot, np.flatnonzero(individuals >= 0)))
        self._report(0.0)
        gain = judge_named_head(
            base, individuals, coats, recipe, partial(other_encounters, snapshot), on_progress=self._report
        )
        self._running.report(MEASURED, "measured", metrics_of(gain))
        head = fit_named_head(base, coats, recipe)
        digest = self._survey.put(head, snapshot, base, json.dumps(asdict(recipe), sort_keys=True))
        return Finish(digest, f"{described(gain)}; activate head {digest} to use it")

    def _report(self, share: float) -> None:
        self._running.report(MEASURED * share, "measuring the head on individuals that are left out")


def numbered(snapshot: Snapshot, job: NamedHead) -> tuple[IntArray, IntArray]:
    """Numbers of the individual and of the coat of each detection, (n,) each, -1 if unknown.

    A flank of an individual is a coat; photographs of neither flank, or of an unknown side, are another one.
    """
    names = [
        job.names.get(one.detection_id, one.individual_id if job.use_known_individuals else "")
        for one in snapshot.detections
    ]
    individuals = _numbers(names)
    sides = np.array([FLANKS.index(d.side) + 1 if d.side in FLANKS else 0 for d in snapshot.detections])
    coats = np.where(individuals < 0, -1, individuals * (len(FLANKS) + 1) + sides)
    return individuals, coats.astype(np.int64)


def other_encounters(snapshot: Snapshot, rows: IntArray) -> tuple[Float32Array, BoolArray]:
    """Feasibility of the pairs of rows, and which are never compared: of one image, or of one encounter.

    Photographs of one encounter resemble each other by more than the animal.
    """
    feasibility, one_image = journeys(snapshot.gallery, rows)
    encounter = _numbers([snapshot.detections[row].encounter_id for row in rows.tolist()])
    return feasibility, one_image | ((encounter[:, None] == encounter) & (encounter >= 0))


def has_places(snapshot: Snapshot, rows: IntArray) -> bool:
    """Whether the feasibility of most pairs of some rows is known, so that scores combine it with looks."""
    chosen = rows[:: max(1, len(rows) // MOST_LOOKED_AT)]
    feasibility, _ = journeys(snapshot.gallery, chosen)
    return bool(len(chosen)) and bool(np.isnan(feasibility).mean() < 1 / 2)


def metrics_of(gain: HeldOutGain) -> dict[str, float]:
    """The figures of an operation."""
    return {
        "held_out_queries": float(gain.queries),
        "held_out_individuals": float(gain.individuals),
        "backbone_top1": gain.backbone[0],
        "backbone_top5": gain.backbone[1],
        "head_top1": gain.head[0],
        "head_top5": gain.head[1],
        "gain_top1_low": gain.low,
        "gain_top1_high": gain.high,
        "helps": float(gain.helps),
    }


def described(gain: HeldOutGain) -> str:
    """The gain as a sentence."""
    verdict = "it helps" if gain.helps else "it does not help by more than chance"
    return (
        f"on {gain.individuals} individuals that it was not made from, top-1 {gain.backbone[0]:.3f} became "
        f"{gain.head[0]:.3f} (95 % interval of the gain {gain.low:+.3f} to {gain.high:+.3f}) and top-5 "
        f"{gain.backbone[1]:.3f} became {gain.head[1]:.3f}: {verdict}"
    )


def _numbers(names: Sequence[str]) -> IntArray:
    """A number for each name, -1 for an empty one."""
    number = {name: index for index, name in enumerate(sorted(set(names) - {""}))}
    return np.array([number.get(name, -1) for name in names], dtype=np.int64)
