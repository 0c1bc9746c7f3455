"""How well the individuals of a survey are found without any answer: AnimalCLEF's measures.

Grouping: all detections are grouped by the probabilities of a survey without labels, and compared with the
known individuals. New animals: half of the individuals are known from half of their encounters; the other
detections are given the individual of their likeliest match, or none if that is unlikely.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from spotted.arrays import BoolArray, FloatArray, IntArray
from spotted.calibration.fit import fit_calibration
from spotted.calibration.known_pairs import find_known_pairs
from spotted.calibration.labels import thin_pairs
from spotted.calibration.starting import starting_calibration
from spotted.evaluation.partition import PartitionMetrics, measure_partition
from spotted.ranking.gallery import Gallery
from spotted.ranking.ranker import Ranker
from spotted.ranking.unreviewed_groups import THRESHOLD, group_unreviewed
from spotted.scoring.fusion import Fusion
from spotted.survey import Detection

# candidates of each detection whose probabilities count
CANDIDATES = 50
SPLITS = 6


@dataclass(frozen=True, slots=True)
class NewAnimals:
    """How often known animals are named and new ones are said to be new.

    >>> round(NewAnimals(queries=80, known=0.6, new=0.9).score, 3)
    0.735
    """

    queries: int
    """Number of detections that were judged, over all splits."""
    known: float
    """Balanced accuracy on known individuals: the mean over individuals of the share that got its name."""
    new: float
    """Balanced accuracy on new individuals: the mean over individuals of the share that was called new."""

    @property
    def score(self) -> float:
        """The geometric mean of both, AnimalCLEF's score."""
        return math.sqrt(self.known * self.new)


@dataclass(frozen=True, slots=True)
class WithoutAnswers:
    """Both measures of a survey.

    >>> groups = measure_partition(["x", "x", "y"], ["Asha", "Asha", "Tau"])
    >>> measured = WithoutAnswers(groups, NewAnimals(queries=80, known=0.6, new=0.9))
    >>> measured.grouping.adjusted_rand, measured.new_animals.known
    (1.0, 0.6)
    """

    grouping: PartitionMetrics
    """Agreement of the groups with the known individuals."""
    new_animals: NewAnimals | None
    """None if it could not be measured."""


def measure_without_answers(
    gallery: Gallery, detections: Sequence[Detection], rng: np.random.Generator, *, threads: int = 1
) -> WithoutAnswers:
    """Both measures; at least one detection has a known individual."""
    individuals = [one.individual_id for one in detections]
    encounters = [one.encounter_id for one in detections]
    return WithoutAnswers(
        measure_grouping(gallery, individuals, threads=threads),
        measure_new_animals(gallery, individuals, encounters, rng, threads=threads),
    )


def measure_grouping(
    gallery: Gallery, individuals: Sequence[str], *, threshold: float = THRESHOLD, threads: int = 1
) -> PartitionMetrics:
    """Group a survey without any label, and compare the groups with its known individuals.

    individuals: known individual of each row, "" if unknown. threshold: see `group_unreviewed`.
    """
    calibration = starting_calibration(max(len(gallery) - 1, 1))
    ranker = Ranker(replace(gallery, calibration=calibration))
    lists = list(ranker.top_k(np.arange(len(gallery)), CANDIDATES, fusion=Fusion.CALIBRATED, threads=threads))
    first = np.repeat([one.query for one in lists], [len(one.rows) for one in lists])
    second = np.concatenate([one.rows for one in lists])
    probability = np.concatenate([one.scores.fused for one in lists])
    found = group_unreviewed(
        len(gallery), first, second, probability, image=gallery.table.image, threshold=threshold
    )
    return measure_partition([str(group) for group in found.group.tolist()], individuals)


def measure_new_animals(
    gallery: Gallery,
    individuals: Sequence[str],
    encounters: Sequence[str],
    rng: np.random.Generator,
    *,
    threads: int = 1,
) -> NewAnimals | None:
    """Name detections by a catalogue of half of the individuals, in several random splits.

    individuals, encounters: of each row, "" if unknown. Half of the encounters of a known individual are in
    the catalogue, to which the calibration is fitted; detections without an individual are left out.
    None if no split has both known and new individuals to be judged.
    """
    rows = np.flatnonzero([bool(one) for one in individuals])
    animal = np.unique(np.array(individuals, dtype=object)[rows], return_inverse=True)[1]
    moment = np.unique([encounters[row] or f"\0{row}" for row in rows.tolist()], return_inverse=True)[1]
    known_shares, new_shares, queries = [], [], 0
    for _ in range(SPLITS):
        catalogue, known = _split(animal, moment, rng)
        asked = np.flatnonzero(~catalogue)
        judged = known[animal[asked]]
        if not catalogue.any() or not judged.any() or judged.all():
            continue
        named = _named(gallery.at(rows), animal, catalogue, asked, rng, threads)
        known_shares.append(_balanced(named == animal[asked], animal[asked], judged))
        new_shares.append(_balanced(named < 0, animal[asked], ~judged))
        queries += len(asked)
    if not queries:
        return None
    return NewAnimals(queries, float(np.mean(known_shares)), float(np.mean(new_shares)))


def _split(animal: IntArray, moment: IntArray, rng: np.random.Generator) -> tuple[BoolArray, BoolArray]:
    """Which rows (n,) are in the catalogue, and which individuals are known."""
    count = int(animal.max(initial=-1)) + 1
    seen = np.array([len(np.unique(moment[animal == one])) for one in range(count)])
    often = rng.permutation(np.flatnonzero(seen > 1))
    known = np.zeros(count, dtype=np.bool_)
    known[often[: len(often) // 2]] = True
    catalogue = np.zeros(len(animal), dtype=np.bool_)
    for one in np.flatnonzero(known).tolist():
        moments = rng.permutation(np.unique(moment[animal == one]))
        catalogue |= (animal == one) & np.isin(moment, moments[: len(moments) // 2])
    return catalogue, known


def _named(
    gallery: Gallery,
    animal: IntArray,
    catalogue: BoolArray,
    asked: IntArray,
    rng: np.random.Generator,
    threads: int,
) -> IntArray:
    """The individual that each row gets, -1 for a new one."""
    names = [str(one) if inside else "" for one, inside in zip(animal.tolist(), catalogue, strict=True)]
    pairs, ends = find_known_pairs((), (), names, rng)
    kept = thin_pairs(ends, rng)
    evidence = gallery.evidence(pairs[kept, 0], pairs[kept, 1])
    size = int(catalogue.sum())
    calibration = fit_calibration(evidence, pairs[kept], ends[kept], candidates=size)

    def allowed(rows: IntArray, columns: IntArray) -> BoolArray:
        return np.broadcast_to(catalogue[columns], np.broadcast_shapes(rows.shape, columns.shape))

    ranker = Ranker(replace(gallery, calibration=calibration))
    lists = ranker.top_k(asked, 1, fusion=Fusion.CALIBRATED, allowed=allowed, threads=threads)
    return np.array([_name(animal, one.rows, one.scores.fused) for one in lists])


def _name(animal: IntArray, rows: IntArray, probability: FloatArray) -> int:
    return int(animal[rows[0]]) if len(rows) and probability[0] >= THRESHOLD else -1


def _balanced(right: BoolArray, animal: IntArray, judged: BoolArray) -> float:
    """The mean over individuals of the share that is right, of those that are judged."""
    index = np.unique(animal[judged], return_inverse=True)[1]
    return float((np.bincount(index, right[judged]) / np.bincount(index)).mean())
