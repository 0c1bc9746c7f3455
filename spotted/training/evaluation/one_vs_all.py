"""Identification of known animals by vectors, by species: one against all (MiewID 3.4).

Each photograph is compared with all others of its species. One with no other photograph of its animal is no
query, but stays a candidate of the others.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spotted.arrays import Float32Array
from spotted.evaluation.retrieval import TOP, measure_retrieval
from spotted.ranking.gallery import Gallery
from spotted.scoring.fusion import Fusion
from spotted.survey import Detection, Survey
from spotted.training.photographs.labels import Labels
from spotted.training.runs.manifest import SpeciesMetrics


def measure_by_species(
    vectors: Float32Array,
    labels: Labels,
    rows: Sequence[int],
    *,
    encounters: Sequence[str] | None = None,
) -> tuple[SpeciesMetrics, ...]:
    """Measures of each species with a query, in the order of their names.

    vectors: (n, d) unit rows, one for each of `rows`. rows: photographs, as indices of the labels.
    encounters: of each of `rows`; if given, photographs of the query's own encounter are no candidates.
    """
    classes = labels.of[np.asarray(rows, dtype=np.int64)]
    species = np.array([labels.species[label] if label >= 0 else "" for label in classes], dtype=object)
    found = []
    for one in sorted(set(species[classes >= 0])):
        chosen = np.flatnonzero((species == one) & (classes >= 0))
        together = None if encounters is None else [encounters[index] for index in chosen.tolist()]
        found.append(_measure(vectors[chosen], [str(label) for label in classes[chosen]], one, together))
    return tuple(metrics for metrics in found if metrics.queries)


def _measure(
    vectors: Float32Array, names: Sequence[str], species: str, encounters: Sequence[str] | None
) -> SpeciesMetrics:
    detections = [Detection(f"{index:06d}") for index in range(len(names))]
    gallery = Gallery.of(Survey("test", 0.0, 1.0), detections, vectors)
    found = measure_retrieval(gallery, names, fusion=Fusion.VISUAL, encounters=encounters)
    return SpeciesMetrics(
        species=species,
        photographs=len(names),
        individuals=len(set(names)),
        queries=found.queries,
        top={str(k): found.top[k] for k in TOP},
        mean_average_precision=found.mean_average_precision,
    )
