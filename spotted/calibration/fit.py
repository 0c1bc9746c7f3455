"""Fitting a calibration to labels.

Few labels give the order of the product with probabilities of other surveys (`starting`), more give it with
probabilities of their own, and if cross-validation over individuals finds that all evidence ranks better than
the product, the evidence decides (`held_out`). Matched marks count unless left-out individuals rank better
without them. So a calibration never ranks by evidence that was not seen to help.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spotted.arrays import BoolArray, IntArray
from spotted.calibration.evidence import PairEvidence
from spotted.calibration.held_out import HeldOut, cross_validate, line_weights
from spotted.calibration.kinds import CalibrationKind
from spotted.calibration.labels import Labels, describe_shortage
from spotted.calibration.model import Calibration, rounded
from spotted.calibration.starting import starting_calibration
from spotted.calibration.unanswered import Population, represented
from spotted.calibration.weights import Shrinkage, deviations, fit_evidence, fit_line

# share of queries that marks must lose before they do not count
LEAST_LOSS = 0.01


def fit_calibration(
    pairs: PairEvidence,
    rows: IntArray,
    individuals: IntArray,
    *,
    candidates: int,
    shrinkage: Shrinkage | None = None,
    background: BoolArray | None = None,
) -> Calibration:
    """Fit the weights to pairs whose answer is known; equal input gives equal weights.

    pairs: (m,) all pairs whose answer is labelled or implied by labels; if they are too many, those of
        `thin_pairs`. NOT_COMPARABLE pairs are left out.
    rows: (m, 2), the detection at each end.
    individuals: (m, 2), the individual of each end as any number; equal numbers make a SAME pair.
    candidates: number of detections that a detection competes with, usually the size of the survey less one.
    shrinkage: the prior; None for the default.
    background: (m,) which pairs were drawn at random among those without an answer (`draw_background`), if
        the answers are not about random pairs. How likely they are SAME follows from other surveys and from
        the number of SAME pairs that is expected; a detection without a label has any number of its own.
    With too few labels (`describe_shortage`), the starting calibration, which any answers with random pairs
    beside them move.
    Raises InvalidInputError if a visual similarity is outside [0, 1], a local score is below 0, shapes
    differ, or `candidates` is below 1.

    >>> from spotted.calibration.model import probability
    >>> rng = np.random.default_rng(0)
    >>> animal = np.arange(24) // 4
    >>> first, second = np.triu_indices(24, 1)
    >>> same = animal[first] == animal[second]
    >>> unknown = np.full(len(same), np.nan)
    >>> pairs = PairEvidence(
    ...     visual=np.clip(np.where(same, 0.8, 0.3) + rng.normal(0.0, 0.1, len(same)), 0.0, 1.0),
    ...     feasibility=unknown,
    ...     distance_m=unknown,
    ...     gap_s=unknown,
    ...     sides=np.full(len(same), 1, np.int8),
    ... )
    >>> animals = np.stack([animal[first], animal[second]], axis=1)
    >>> rows = np.stack([first, second], axis=1)
    >>> calibration = fit_calibration(pairs, rows, animals, candidates=23)
    >>> calibration.kind.name, calibration.same_pairs, calibration.different_pairs, calibration.individuals
    ('PRODUCT', 36, 240, 6)
    >>> likely = probability(calibration, pairs)
    >>> bool(likely[same].mean() > 0.6), bool(likely[~same].mean() < 0.1)
    (True, True)
    """
    labels = Labels.of(pairs, rows, individuals, candidates, background)
    prior = shrinkage or Shrinkage()
    if describe_shortage(individuals[~labels.background]):
        moved = labels.background.any() and not labels.background.all()
        return _starting(labels, prior) if moved else starting_calibration(candidates)
    held_out = cross_validate(labels, prior)
    if labels.pairs.local is None:
        return _calibration(labels, held_out, prior)
    unmarked = replace(labels, pairs=replace(labels.pairs, local=None))
    without = cross_validate(unmarked, prior)
    if without.found > held_out.found + LEAST_LOSS:
        return replace(_calibration(unmarked, without, prior), uses_marks=False)
    return _calibration(labels, held_out, prior)


def _starting(labels: Labels, prior: Shrinkage) -> Calibration:
    """The starting calibration, moved to the few answers of a session."""
    survey = Population.of(labels)
    weights = line_weights(fit_line(labels, prior, survey))
    return replace(
        starting_calibration(labels.candidates),
        placed=rounded(weights.placed),
        unplaced=rounded(weights.unplaced),
        same_pairs=int(labels.same.sum()),
        different_pairs=int((~labels.same & ~labels.background).sum()),
        individuals=len(labels.photographs),
        share=rounded(np.array([survey.share]))[0],
    )


def _calibration(labels: Labels, held_out: HeldOut, prior: Shrinkage) -> Calibration:
    same, evidence = int(labels.same.sum()), held_out.better
    survey = represented(labels)
    weights = (
        fit_evidence(labels, prior, survey) if evidence else line_weights(fit_line(labels, prior, survey))
    )
    share = labels.share if survey is None else survey.share
    return Calibration(
        kind=CalibrationKind.EVIDENCE if evidence else CalibrationKind.PRODUCT,
        placed=rounded(weights.placed),
        unplaced=rounded(weights.unplaced),
        scale=rounded(deviations(labels.pairs)),
        same_pairs=same,
        different_pairs=int((~labels.same & ~labels.background).sum()),
        individuals=len(labels.photographs),
        share=rounded(np.array([share]))[0],
        held_out_ece=_short(held_out.evidence_error if evidence else held_out.product_error),
        held_out_gain=_short(held_out.gain),
    )


def _short(value: float | None) -> float | None:
    return None if value is None else rounded(np.array([value]))[0]
