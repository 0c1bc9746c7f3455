"""Probes of a backbone: how its frozen vectors tell known individuals apart, and find unseen ones.

A probe learns nothing of the backbone: it classifies photographs of known individuals by their neighbours, or
by a linear layer. The open-world figures are about individuals that the backbone never saw in training: each
of their photographs queries all others, those of other individuals among them.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spotted.arrays import BoolArray, Float32Array, Float64Array, IntArray
from spotted.errors import PreconditionError
from spotted.evaluation.retrieval import Retrieval, measure_retrieval
from spotted.ranking.gallery import Gallery
from spotted.scoring.fusion import Fusion
from spotted.survey import Detection, Survey

NEIGHBOURS = 20
TEMPERATURE = 0.07
# steps of the solver; vectors of unit length converge within some dozens
MOST_STEPS = 1000
STRENGTH = 100.0
STRIP = 1024


@dataclass(frozen=True, slots=True)
class Probes:
    """The figures of one backbone.

    >>> Probes(40, 0.8, 0.85, Retrieval(60, {1: 0.5}, 0.4)).unseen.mean_average_precision
    0.4
    """

    judged: int
    """Photographs of known individuals that the probes classify."""
    neighbours: float
    """Share of them that the nearest neighbours classify right."""
    linear: float
    """Share of them that a linear layer classifies right."""
    unseen: Retrieval
    """Retrieval of individuals that training did not see, among the photographs of all."""


def run_probes(
    vectors: Float32Array,
    individuals: Sequence[str],
    seen: BoolArray,
    rng: np.random.Generator,
    *,
    encounters: Sequence[str] | None = None,
) -> Probes:
    """The probes of a backbone on photographs whose individuals are known.

    vectors: (n, D) unit rows. individuals: (n,), "" if unknown; those photographs are only candidates.
    seen: (n,) whether training saw the photograph's individual. Half of the photographs of each seen
    individual, drawn at random, teach the two classifiers, and the other half are judged.
    encounters: if given, candidates of the query's own encounter are left out of the retrieval.
    Raises PreconditionError if no seen individual has two photographs.
    """
    teaching, judged = _halves(individuals, seen, rng)
    if not len(judged):
        raise PreconditionError(
            "no individual that training saw has two photographs, so the probes cannot be run; give "
            "photographs of known individuals"
        )
    labels = np.unique(np.array(individuals, dtype=object), return_inverse=True)[1]
    known, asked = (vectors[teaching], labels[teaching]), vectors[judged]
    return Probes(
        judged=len(judged),
        neighbours=float((classify_by_neighbours(*known, asked) == labels[judged]).mean()),
        linear=float((classify_linearly(*known, asked) == labels[judged]).mean()),
        unseen=measure_unseen(vectors, individuals, seen, encounters=encounters),
    )


def classify_by_neighbours(
    vectors: Float32Array,
    labels: IntArray,
    queries: Float32Array,
    *,
    neighbours: int = NEIGHBOURS,
    temperature: float = TEMPERATURE,
) -> IntArray:
    """The label of each query, (q,): the one whose nearest vectors weigh most.

    vectors: (n, D), queries: (q, D) unit rows. A neighbour weighs exp(cosine / temperature); of equal labels
    the smaller wins.

    >>> corners = np.eye(2, dtype=np.float32)
    >>> classify_by_neighbours(corners, np.array([7, 4]), corners[::-1]).tolist()
    [4, 7]
    """
    kinds, of = np.unique(labels, return_inverse=True)
    count = min(neighbours, len(vectors))
    found = []
    for start in range(0, len(queries), STRIP):
        cosines = (queries[start : start + STRIP] @ vectors.T).astype(np.float64)
        nearest = np.argpartition(-cosines, count - 1, axis=1)[:, :count]
        weights = np.exp((np.take_along_axis(cosines, nearest, axis=1) - 1.0) / temperature)
        votes: Float64Array = np.zeros((len(cosines), len(kinds)))
        np.add.at(votes, (np.arange(len(cosines))[:, None], of[nearest]), weights)
        found.append(kinds[votes.argmax(axis=1)])
    return np.concatenate(found) if found else labels[:0]


def classify_linearly(
    vectors: Float32Array, labels: IntArray, queries: Float32Array, *, strength: float = STRENGTH
) -> IntArray:
    """The label of each query, (q,), by multinomial logistic regression on the vectors.

    vectors: (n, D), queries: (q, D) unit rows. strength: inverse of the penalty on the weights.
    """
    # sklearn takes a second to import, which only probes should pay for
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    kinds = np.unique(labels)
    if len(kinds) == 1:
        return np.full(len(queries), kinds[0])
    layer = LogisticRegression(C=strength, max_iter=MOST_STEPS).fit(vectors.astype(np.float64), labels)
    return np.asarray(layer.predict(queries.astype(np.float64)), dtype=np.int64)


def measure_unseen(
    vectors: Float32Array,
    individuals: Sequence[str],
    seen: BoolArray,
    *,
    encounters: Sequence[str] | None = None,
) -> Retrieval:
    """Retrieval of the individuals that training did not see, by visual similarity, among all photographs.

    vectors: (n, D) unit rows. individuals, seen, encounters: as in `run_probes`.
    """
    detections = [Detection(f"{row:09}") for row in range(len(vectors))]
    gallery = Gallery.of(Survey("probe", 0.0, 1.0), detections, vectors)
    asked = ["" if known else name for name, known in zip(individuals, seen.tolist(), strict=True)]
    return measure_retrieval(gallery, asked, fusion=Fusion.VISUAL, encounters=encounters)


def _halves(
    individuals: Sequence[str], seen: BoolArray, rng: np.random.Generator
) -> tuple[IntArray, IntArray]:
    """Rows that teach, and rows that are judged; the larger half of each individual teaches."""
    names = np.array(individuals, dtype=object)
    teaching, judged = [], []
    for name in sorted({*names[seen].tolist()} - {""}):
        rows = rng.permutation(np.flatnonzero(seen & (names == name)))
        if len(rows) > 1:
            half = len(rows) // 2
            judged.append(rows[:half])
            teaching.append(rows[half:])
    nothing = np.zeros(0, dtype=np.int64)
    return np.sort(np.concatenate([nothing, *teaching])), np.sort(np.concatenate([nothing, *judged]))
