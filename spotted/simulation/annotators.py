"""Simulated annotators: one who is never wrong, and three models of error.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Protocol

import numpy as np

from spotted.arrays import Float64Array, IntArray
from spotted.constraints.answers import Answer
from spotted.errors import InvalidInputError
from spotted.facts.pair_rows import pair_keys
from spotted.sampling.candidate_graph import CandidateGraph

# how much likelier a pair is mistaken the more alike it is: chance in proportion to likeness ** SHARPNESS
SHARPNESS = 4
# an annotator who errs more often than this on a pair would do better to guess
MOST_CHANCE = 0.5
BISECTIONS = 60


class Annotator(Protocol):
    """An annotator answers pair queries.

    >>> ana = truthful(np.array([0, 0, 1]))
    >>> ana(0, 1).name, ana(1, 2).name
    ('SAME', 'DIFFERENT')
    """

    def __call__(self, first: int, second: int) -> Answer:
        """The answer to one question about an unordered pair of items."""


def truthful(truth: IntArray) -> Annotator:
    """An annotator who is never wrong. truth: (n,) the individual of every item."""
    individuals = truth.tolist()

    def answer(first: int, second: int) -> Answer:
        return _answer(same=individuals[first] == individuals[second])

    return answer


def independent(graph: CandidateGraph, truth: IntArray, rate: float, rng: np.random.Generator) -> Annotator:  # noqa: ARG001 - every model is built alike
    """Wrong at `rate` on each asking, so that asking the same pair again may put it right."""
    _require_rate(rate)
    individuals = truth.tolist()

    def answer(first: int, second: int) -> Answer:
        wrong = rng.random() < rate
        return _answer(same=(individuals[first] == individuals[second]) != wrong)

    return answer


def persistent(graph: CandidateGraph, truth: IntArray, rate: float, rng: np.random.Generator) -> Annotator:
    """Wrong about a share `rate` of the candidate pairs, however often they are asked."""
    _require_rate(rate)
    return _wrong_about(graph, truth, np.full(len(graph), rate), rng)


def look_alike(graph: CandidateGraph, truth: IntArray, rate: float, rng: np.random.Generator) -> Annotator:
    """Takes two individuals for one if their images are alike, however often they are asked.

    Never wrong about two images of one individual. The chance grows with the visual score to the power
    SHARPNESS, up to MOST_CHANCE, and is scaled so that over all pairs of individuals, each by its most alike
    pair of images, it is `rate` on average: about what a session that runs to its end asks.
    Raises InvalidInputError if no scale reaches the rate, as for scores that are nearly all 0.
    """
    _require_rate(rate)
    same = truth[graph.first] == truth[graph.second]
    likeness = np.where(same, 0.0, np.maximum(graph.visual, 0.0).astype(np.float64)) ** SHARPNESS
    scale = _scale(_most_alike(graph, truth, likeness), rate)
    return _wrong_about(graph, truth, np.minimum(scale * likeness, MOST_CHANCE), rng)


Model = Callable[[CandidateGraph, IntArray, float, np.random.Generator], Annotator]
MODELS: Mapping[str, Model] = MappingProxyType(
    {"independent": independent, "persistent": persistent, "look-alike": look_alike}
)


def annotator(model: str, graph: CandidateGraph, truth: IntArray, *, rate: float, seed: int) -> Annotator:
    """An annotator who is wrong at a rate, by the name of the model; at rate 0 one who never is.

    model: "independent", "persistent" or "look-alike". Equal seeds make equal annotators.
    Raises InvalidInputError for an unknown model, naming the known ones, and for a rate out of range.
    """
    if model not in MODELS:
        raise InvalidInputError(f"error model {model!r} is not one of {', '.join(MODELS)}", field="model")
    if rate == 0.0:
        return truthful(truth)
    return MODELS[model](graph, truth, rate, np.random.default_rng(seed))


def _wrong_about(
    graph: CandidateGraph, truth: IntArray, chance: Float64Array, rng: np.random.Generator
) -> Annotator:
    rows = rng.random(len(graph)) < chance
    wrong = set(zip(graph.first[rows].tolist(), graph.second[rows].tolist(), strict=True))
    individuals = truth.tolist()

    def answer(first: int, second: int) -> Answer:
        mistaken = (min(first, second), max(first, second)) in wrong
        return _answer(same=(individuals[first] == individuals[second]) != mistaken)

    return answer


def _most_alike(graph: CandidateGraph, truth: IntArray, likeness: Float64Array) -> Float64Array:
    """The highest likeness between any two individuals that the graph compares."""
    named, individual = np.unique(truth, return_inverse=True)
    apart = np.flatnonzero(individual[graph.first] != individual[graph.second])
    keys = pair_keys(len(named), individual[graph.first[apart]], individual[graph.second[apart]])
    pairs, index = np.unique(keys, return_inverse=True)
    best = np.zeros(len(pairs))
    np.maximum.at(best, index, likeness[apart])
    return best


def _scale(likeness: Float64Array, rate: float) -> float:
    """The factor at which likeness, cut at MOST_CHANCE, is `rate` on average."""
    positive = likeness[likeness > 0]
    if MOST_CHANCE * len(positive) < rate * len(likeness) or not len(positive):
        raise InvalidInputError(
            f"{len(positive)} of {len(likeness)} pairs of individuals look alike at all, too few to be wrong "
            f"about {rate:g} of them; lower the rate",
            field="rate",
        )
    low, high = 0.0, float(MOST_CHANCE / positive.min())
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        reached = np.minimum(middle * likeness, MOST_CHANCE).mean() >= rate
        low, high = (low, middle) if reached else (middle, high)
    return high


def _answer(*, same: bool) -> Answer:
    return Answer.SAME if same else Answer.DIFFERENT


def _require_rate(rate: float) -> None:
    if not 0.0 <= rate <= MOST_CHANCE:
        raise InvalidInputError(f"rate {rate} is not between 0 and {MOST_CHANCE}", field="rate")
