"""Labelled pairs, and what they weigh.

Labelled pairs are not a random sample of pairs, so the share of SAME pairs among them says nothing about that
of the survey. The number of photographs of an animal does not depend on whether it was labelled: the share is
set to the expected number of a detection's partners divided by the number of detections it competes with, and
SAME and DIFFERENT pairs are weighted to it. A few animals with many photographs make up most SAME pairs, so a
pair weighs less the more photographs its animals have, and the animal with the most photographs counts as if
it had as many as the second.

The answers of a session are about the likeliest pairs, so its DIFFERENT pairs stand only for pairs like
themselves. Pairs drawn at random among those without an answer, nearly all of them different, stand for the
others (`background`).

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from spotted.arrays import BoolArray, Float64Array, IntArray
from spotted.calibration.evidence import PairEvidence
from spotted.errors import InvalidInputError

# with fewer known pairs of either answer, or fewer individuals with a SAME pair, nothing is learned
FEWEST_LABELS = 20
FEWEST_INDIVIDUALS = 5
SHARES = (1e-5, 0.5)
# partners of a detection on other surveys, and the number of photographs that this guess weighs
USUAL_PARTNERS = 8.0
GUESS_PHOTOGRAPHS = 20.0
# fitting to this number of pairs, with its folds, takes about a second
MOST_PAIRS = 20_000
# instead of a mass of nothing
TINY = 1e-12


def describe_shortage(individuals: IntArray) -> str:
    """A message saying which labels are missing for a fit; "" if there are enough.

    individuals: (m, 2), the individual of each end of the labelled pairs.
    """
    same = individuals[:, 0] == individuals[:, 1]
    known = (int(same.sum()), int((~same).sum()), len(np.unique(individuals[same])))
    needed = (FEWEST_LABELS, FEWEST_LABELS, FEWEST_INDIVIDUALS)
    if all(have >= need for have, need in zip(known, needed, strict=True)):
        return ""
    return (
        "too few labels to learn from: {} same and {} different pairs are known, and {} individuals "
        "with two detections; {} and {} pairs and {} individuals are needed".format(*known, *needed)
    )


def thin_pairs(individuals: IntArray, rng: np.random.Generator, *, most: int = MOST_PAIRS) -> IntArray:
    """Rows of at most `most` labelled pairs, in order, drawn at random; at most half of them are SAME ones.

    individuals: (m, 2), the individual of each end.
    """
    same = individuals[:, 0] == individuals[:, 1]
    met, apart = np.flatnonzero(same), np.flatnonzero(~same)
    if len(met) + len(apart) > most:
        met = rng.choice(met, min(len(met), most // 2), replace=False)
        apart = rng.choice(apart, min(len(apart), most - len(met)), replace=False)
    return np.sort(np.concatenate([met, apart]))


def starting_share(candidates: int) -> float:
    """The share of SAME pairs in a survey without labels."""
    return float(np.clip(USUAL_PARTNERS / candidates, *SHARES))


@dataclass(frozen=True, slots=True)
class Labels:
    """Labelled pairs with their weights."""

    pairs: PairEvidence
    """(m,)"""
    rows: IntArray
    """(m, 2) the detection at each end."""
    individuals: IntArray
    """(m, 2) the individual at each end."""
    candidates: int
    """The number of detections that a detection competes with."""
    same: BoolArray
    """(m,) whether both ends are one individual."""
    weights: Float64Array
    """(m,) for SAME pairs, they add up to the number of photographs; for others, to what `share` implies."""
    photographs: dict[int, int]
    """Individual -> number of its labelled detections."""
    share: float
    """Share of SAME pairs in the survey."""
    background: BoolArray
    """(m,) whether a pair was drawn at random instead of labelled; it counts as DIFFERENT."""
    asked: float
    """Share of the survey's DIFFERENT pairs for which labelled ones stand; 1 without a background."""

    @classmethod
    def of(
        cls,
        pairs: PairEvidence,
        rows: IntArray,
        individuals: IntArray,
        candidates: int,
        background: BoolArray | None = None,
        asked: float | None = None,
    ) -> Self:
        """Weigh labelled pairs. Raises InvalidInputError as `fit_calibration` does.

        asked: None if these are all labelled pairs of the survey.
        """
        _check(pairs, rows, individuals, candidates)
        drawn = np.zeros(len(rows), np.bool_) if background is None else background
        same = (individuals[:, 0] == individuals[:, 1]) & ~drawn
        members = np.stack([individuals[~drawn].ravel(), rows[~drawn].ravel()])
        known, count = np.unique(np.unique(members, axis=1)[0], return_counts=True)
        partners = _partners(count.astype(np.float64))
        if drawn.any():
            # answers have not found all photographs of an animal yet
            partners = max(partners, USUAL_PARTNERS)
        share = float(np.clip(partners / candidates, *SHARES))
        mass = np.ones(len(rows))
        ends = count[np.searchsorted(known, individuals[~drawn])].astype(np.float64)
        mass[~drawn] = ends.prod(axis=1) ** -0.25
        labelled_share = _asked(same, drawn, candidates) if asked is None else asked
        mass *= _parts(same, drawn, mass, labelled_share)
        weights = balanced(same, mass, share) * count.sum() / share
        photographs = dict(zip(known.tolist(), count.tolist(), strict=True))
        return cls(
            pairs, rows, individuals, candidates, same, weights, photographs, share, drawn, labelled_share
        )

    def at(self, chosen: BoolArray) -> Labels:
        """Only the pairs that a mask selects, weighed as if there were no others."""
        return Labels.of(
            self.pairs.at(chosen),
            self.rows[chosen],
            self.individuals[chosen],
            self.candidates,
            self.background[chosen],
            self.asked,
        )


def balanced(same: BoolArray, mass: Float64Array, share: float) -> Float64Array:
    """Weights that sum to 1, those of SAME pairs to their share; within each answer in proportion to mass."""
    sums = np.array([mass[~same].sum(), mass[same].sum()])
    # if one answer has no pairs, its weight is spread over nothing
    per_mass = np.divide([1 - share, share], sums, out=np.zeros(2), where=sums > 0)
    return np.asarray(mass * per_mass[same.astype(np.int64)])


def _asked(same: BoolArray, background: BoolArray, candidates: int) -> float:
    """The share of all pairs of the survey that are labelled DIFFERENT."""
    if not background.any():
        return 1.0
    return min(float((~same & ~background).sum()) / (candidates * (candidates + 1) / 2), 1.0)


def _parts(same: BoolArray, background: BoolArray, mass: Float64Array, asked: float) -> Float64Array:
    """Factors of the mass of pairs, (m,).

    Labelled DIFFERENT pairs stand for themselves, pairs of the background for all others of the survey.
    """
    if not background.any():
        return np.ones(len(same))
    own, others = (max(mass[part].sum(), TINY) for part in (~same & ~background, background))
    return np.where(same, 1.0, np.where(background, (1.0 - asked) / others, asked / own))


def _partners(photographs: Float64Array) -> float:
    """Expected number of other detections of a detection's animal; the largest count is cut to the second."""
    count = np.sort(photographs)
    count[-1:] = count[-2:].min(initial=np.inf)
    partners = (count * (count - 1)).sum() + GUESS_PHOTOGRAPHS * USUAL_PARTNERS
    return float(partners / (count.sum() + GUESS_PHOTOGRAPHS))


def _check(pairs: PairEvidence, rows: IntArray, individuals: IntArray, candidates: int) -> None:
    """Raise InvalidInputError if shapes or values of labelled pairs are invalid."""
    count = len(individuals)
    columns = [pairs.visual, pairs.feasibility, pairs.distance_m, pairs.gap_s, pairs.sides]
    columns += [] if pairs.local is None else [pairs.local]
    if {rows.shape, individuals.shape} != {(count, 2)} or any(c.shape != (count,) for c in columns):
        raise InvalidInputError(
            f"pairs have shapes {[column.shape for column in columns]}, rows {rows.shape} and individuals "
            f"{individuals.shape}; send (m,), (m, 2) and (m, 2)",
            field="pairs",
        )
    if not ((pairs.visual >= 0) & (pairs.visual <= 1)).all():
        raise InvalidInputError("a visual similarity is outside [0, 1]; clip it", field="pairs.visual")
    if pairs.local is not None and (pairs.local < 0).any():
        raise InvalidInputError("a local score is below 0; use NaN if it is unknown", field="pairs.local")
    if candidates < 1:
        raise InvalidInputError(f"candidates is {candidates}; use at least 1", field="candidates")
