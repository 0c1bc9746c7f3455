"""The surveys of the benchmark: composites, small parts of them, generated, drawn and stress surveys."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.common import known_surveys
from benchmarks.common.drawn_survey import drawn
from benchmarks.common.known_surveys import KnownSurvey
from benchmarks.common.stress_surveys import stressed
from services.embedder.inference.backbones import Backbone, load_backbone
from spotted.ranking.gallery import Gallery
from spotted.simulation.survey import SimulationParams

KINDS = ("composite", "part", "generated", "simulated", "drawn", "stress")
# animals of a small part of a composite
PART = 31
STRESS_SHAPES = ("leopard102", "hyena109")
SMALL = SimulationParams(animals=31, cameras=12, detections=122, days=60, width_km=6.0)
DIMENSION = 64


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the surveys come from."""

    data: Path
    generator: Path
    models: Path

    def surveys(self, kinds: Sequence[str], seeds: Sequence[int]) -> Iterator[KnownSurvey]:
        """All surveys of some kinds; composites do not depend on the seeds."""
        composites = list(self._composites()) if {"composite", "part"} & {*kinds} else []
        if "composite" in kinds:
            yield from composites
        for seed in seeds:
            if "part" in kinds:
                yield from (part(survey, seed) for survey in composites)
            if "simulated" in kinds:
                yield known_surveys.simulated(seed, self._backbone())
            if "generated" in kinds:
                for shape in known_surveys.SHAPES:
                    yield known_surveys.generated(self.generator, shape, seed)
            if "drawn" in kinds:
                yield small_drawn(seed)
            if "stress" in kinds:
                for shape in STRESS_SHAPES:
                    yield from stressed(self.generator, shape, seed)

    def _composites(self) -> Iterator[KnownSurvey]:
        for captures in known_surveys.COMPOSITES:
            yield known_surveys.composite(self.data, captures, self._backbone())

    def _backbone(self) -> Backbone:
        return load_backbone(self.models, "efficientnet-lite0")


def part(survey: KnownSurvey, seed: int) -> KnownSurvey:
    """PART animals of a survey, drawn at random, or half of them if it has few."""
    animals = np.unique(survey.individuals)
    count = min(PART, len(animals) // 2)
    chosen = np.random.default_rng(seed).choice(animals, count, replace=False)
    rows = np.flatnonzero(np.isin(survey.individuals, chosen))
    name = f"{survey.name}, {count} animals-{seed}"
    return replace(
        survey, name=name, kind="part", gallery=survey.gallery.at(rows), individuals=survey.individuals[rows]
    )


def small_drawn(seed: int) -> KnownSurvey:
    """Simulated journeys of 31 animals on a small grid, with drawn embeddings."""
    made = drawn(SMALL, DIMENSION, seed=seed)
    gallery = Gallery.of(made.survey, made.detections, made.embeddings)
    return KnownSurvey(f"drawn-{seed}", "drawn", gallery, np.asarray(made.animals))
