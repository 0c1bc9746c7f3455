"""Small surveys whose answers are known, for the tests of calibrations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spotted.arrays import BoolArray, IntArray
from spotted.calibration.evidence import PairEvidence

Known = tuple[PairEvidence, IntArray, IntArray]


def small_survey(animals: int, photographs: int, seed: int, *, spread: float = 0.7) -> Known:
    """All pairs of a survey whose animals look alike and stay near their homes: pairs, rows, individuals."""
    rng = np.random.default_rng(seed)
    animal = np.repeat(np.arange(animals), photographs)
    count = len(animal)
    look = rng.normal(size=(animals, 6))[animal] + spread * rng.normal(size=(count, 6))
    look /= np.linalg.norm(look, axis=1, keepdims=True)
    place = rng.uniform(0, 20_000, (animals, 2))[animal] + rng.normal(0, 2000, (count, 2))
    time = rng.uniform(0, 5e6, count)
    first, second = np.triu_indices(count, 1)
    distance = np.hypot(*(place[first] - place[second]).T)
    gap = np.abs(time[first] - time[second])
    pairs = PairEvidence(
        np.clip((look[first] * look[second]).sum(axis=1), 0, 1),
        np.exp(-(distance / 28_000) / (gap / 5e6)),
        distance,
        gap,
        np.full(len(first), 2, dtype=np.int8),
    )
    return pairs, np.stack([first, second], axis=1), np.stack([animal[first], animal[second]], axis=1)


def with_marks(known: Known, seed: int, *, share: float = 0.5, telling: bool = True) -> Known:
    """The same survey with matched marks: many between photographs of one animal, if they are telling."""
    pairs, rows, individuals = known
    rng = np.random.default_rng(seed)
    same = individuals[:, 0] == individuals[:, 1]
    marks = rng.poisson(np.where(same & telling, 20.0, 2.0)) / 100.0
    marks[rng.random(len(marks)) > share] = np.nan
    return replace(pairs, local=marks), rows, individuals


def without_places(known: Known) -> Known:
    """The same survey without positions and times: no other evidence than looks."""
    pairs, rows, individuals = known
    nowhere = np.full(len(rows), np.nan)
    return replace(pairs, feasibility=nowhere, distance_m=nowhere, gap_s=nowhere), rows, individuals


def at(known: Known, index: IntArray) -> Known:
    """The pairs at an index."""
    pairs, rows, individuals = known
    return pairs.at((index,)), rows[index], individuals[index]


def among(known: Known, ends: BoolArray) -> Known:
    """The pairs of which both ends are chosen. ends: (m, 2)."""
    return at(known, np.flatnonzero(ends.all(axis=1)))
