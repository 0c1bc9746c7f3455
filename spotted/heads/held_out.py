"""How much a head of known individuals gains on individuals that it was not made from.

The individuals are divided into folds; the photographs of each fold are queries through the head of the other
folds, against the photographs of all. A head is trusted only if it finds the right animal first more often
than the backbone does, by more than chance among the individuals, and does not lose at top-5: the rule by
which calibrations are judged.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from spotted.arrays import BoolArray, Float32Array, Float64Array, IntArray
from spotted.errors import PreconditionError
from spotted.heads.named import FEWEST_ANIMALS, NamedRecipe, fit_named_head

FOLDS = 5
TOP = (1, 5)
# part of its standard error that the gain at top-1 must exceed
MARGIN = 0.5
# a query or two may change by a tie
FEWEST_GAINED = 3
# standard errors to each side of a mean that hold it with 95 % confidence
NORMAL_95 = 1.96
# photographs whose pairs are all compared; their table of pairs takes 64 MiB
MOST_JUDGED = 4000
# of the individuals that are drawn if there are more
SEED = 0

# takes rows (m,) and returns the (m, m) feasibility, NaN if unknown, and which pairs are never compared
Journeys = Callable[[IntArray], tuple[Float32Array, BoolArray]]


@dataclass(frozen=True, slots=True)
class HeldOutGain:
    """Shares of queries that find their animal, with the backbone and through a head, and the difference.

    >>> HeldOutGain(90, 30, (0.40, 0.71), (0.44, 0.75), low=0.01, high=0.07, helps=True).gain
    0.04
    """

    queries: int
    individuals: int
    """Individuals of the queries."""
    backbone: tuple[float, ...]
    """Share of queries that find their animal among the best k without a head, for each k of TOP."""
    head: tuple[float, ...]
    """The same through heads of other animals."""
    low: float
    """Lower end of the 95 % interval of the gain at top-1, over individuals."""
    high: float
    """Upper end."""
    helps: bool
    """Whether the head finds animals first more often, by more than chance, and loses nothing at top-5."""

    @property
    def gain(self) -> float:
        """Gain at top-1."""
        return round(self.head[0] - self.backbone[0], 12)


def judge_named_head(
    embeddings: Float32Array,
    individuals: IntArray,
    coats: IntArray,
    recipe: NamedRecipe,
    journeys: Journeys,
    *,
    on_progress: Callable[[float], None] = lambda _: None,
) -> HeldOutGain:
    """The gain of a recipe on individuals that were left out, by max(0, cosine) times feasibility.

    embeddings: (n, D) unit rows. individuals, coats: (n,), negative if unknown; see `fit_named_head`.
    on_progress: called with the share that is done after each fold.
    Raises PreconditionError for fewer than FEWEST_ANIMALS animals with two photographs.
    """
    rows = _judged(individuals, np.random.default_rng(SEED))
    animals, of, counts = np.unique(individuals[rows], return_inverse=True, return_counts=True)
    if (counts > 1).sum() < FEWEST_ANIMALS:
        raise PreconditionError(
            f"{int((counts > 1).sum())} animals are known from two photographs; a head needs at least "
            f"{FEWEST_ANIMALS}, so that it can be measured on animals that it was not made from: answer or "
            "name more"
        )
    feasibility, never = journeys(rows)
    never = never | np.eye(len(rows), dtype=np.bool_)
    feasibility = np.where(np.isnan(feasibility), np.float32(1.0), feasibility)
    fold = _folds(counts)[of]
    hits = np.zeros((2, len(rows), len(TOP)), dtype=np.bool_)
    for held in range(FOLDS):
        others = np.isin(individuals, animals[_folds(counts) != held])
        head = fit_named_head(embeddings[others], coats[others], recipe)
        queries = np.flatnonzero(fold == held)
        for way, vectors in enumerate((embeddings[rows], head.apply(embeddings[rows]))):
            scores = np.maximum(vectors[queries] @ vectors.T, 0.0) * feasibility[queries]
            scores[never[queries]] = -1.0
            hits[way, queries] = _hits(scores, of[queries][:, None] == of)
        on_progress((held + 1) / FOLDS)
    asks = ((of[:, None] == of) & ~never).any(axis=1)
    return _gain(hits[:, asks].astype(np.float64), of[asks])


def _judged(individuals: IntArray, rng: np.random.Generator) -> IntArray:
    """Rows of known individuals, all of an individual or none, at most about MOST_JUDGED."""
    known, counts = np.unique(individuals[individuals >= 0], return_counts=True)
    order = rng.permutation(len(known))
    drawn = known[order[: max(1, int((np.cumsum(counts[order]) <= MOST_JUDGED).sum()))]]
    return np.flatnonzero(np.isin(individuals, drawn))


def _folds(counts: IntArray) -> IntArray:
    """The fold of each individual, (c,); folds have about equally many photographs."""
    fold = np.empty(len(counts), dtype=np.int64)
    fold[np.argsort(-counts, kind="stable")] = np.arange(len(counts)) % FOLDS
    return fold


def _hits(scores: Float32Array, same: BoolArray) -> BoolArray:
    """Whether each query has its animal among the best k, (q, len(TOP)); ties go to others."""
    best = np.where(same, scores, -1.0).max(axis=1, keepdims=True)
    ahead = (~same & (scores >= best)).sum(axis=1)
    return np.asarray((ahead[:, None] < np.array(TOP)) & (best >= 0.0))


def _gain(hits: Float64Array, of: IntArray) -> HeldOutGain:
    """The result of hits (2, q, len(TOP)) of queries of these individuals."""
    backbone, head = (tuple(way.mean(axis=0).tolist()) if len(of) else (0.0, 0.0) for way in hits)
    gained = hits[1, :, 0] - hits[0, :, 0]
    _, group = np.unique(of, return_inverse=True)
    first, five = (after - before for before, after in zip(backbone, head, strict=True))
    # queries of one individual are alike, so the individuals are the sample
    off = np.bincount(group, gained - first) if len(of) else np.zeros(1)
    error = math.sqrt(float(np.square(off).sum())) / max(len(of), 1)
    enough = len(off) >= FEWEST_ANIMALS and gained.sum() >= FEWEST_GAINED
    helps = bool(enough and first > MARGIN * error and five >= 0.0)
    spread = NORMAL_95 * error
    return HeldOutGain(len(of), len(off), backbone, head, first - spread, first + spread, helps)
