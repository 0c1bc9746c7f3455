"""Surveys to annotate, each as a complete graph with its truth: generated ones and composites."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

import numpy as np

from benchmarks.calibration.marks import matched
from benchmarks.common import known_surveys
from benchmarks.common.known_surveys import COMPOSITES, SHAPES, KnownSurvey
from benchmarks.heads.recipes import journeys, rejoined
from services.embedder.inference.backbones import load_backbone
from services.sampler.survey_values import CandidateColumns
from spotted.arrays import Float32Array, IntArray
from spotted.calibration.looks import count_marks
from spotted.counting import pairs_within
from spotted.ranking.gallery import Gallery
from spotted.sampling.candidate_graph import CandidateGraph
from spotted.sampling.rounds import Pair
from spotted.scoring.similarity import single_precision
from spotted.survey import Extent, Side

BACKBONE = "efficientnet-lite0"
# questions after which a session with wrong answers is compared, as in the design study
QUESTIONS = {"leopard102": 4_000, "hyena109": 5_500, "hyena415": 30_000}
# a session without wrong answers ends at this recall: the rest is asked in nearly random order
RECALL = {"hyena415": 0.99}
# questions per detection on any other survey, as on the small shapes
QUESTIONS_EACH = 6


@dataclass(frozen=True, slots=True)
class Task:
    """A survey to annotate.

    graph: all pairs, with embeddings and table. truth: (n,) the individual of every item.
    same_image: pairs of animals in one image. local: (m,) local score of the graph's pairs, NaN of those that
    share no marks; None of a survey without local features.
    """

    name: str
    kind: str
    graph: CandidateGraph
    truth: IntArray
    same_image: tuple[Pair, ...] = ()
    local: Float32Array | None = None

    def known(self, *, sides: bool, marks: bool) -> CandidateGraph:
        """The graph with the sides that the images show, or with the scores that matched marks raise.

        Raises ValueError if the survey has no local features.
        """
        graph = self._marked() if marks else self.graph
        if sides or graph.table is None:
            return graph
        return replace(graph, table=replace(graph.table, side=np.full_like(graph.table.side, Side.UNKNOWN)))

    def _marked(self) -> CandidateGraph:
        """The graph with the scores that a sampler receives of a survey with local scores."""
        graph = self.graph
        if self.local is None:
            raise ValueError(f"{self.name} has no local features; measure it without marks")
        looks = count_marks(graph.visual, self.local)
        fused = np.where(np.isnan(graph.feasibility), looks, looks * graph.feasibility)
        rows = graph.first.astype(np.int32), graph.second.astype(np.int32)
        columns = CandidateColumns(*rows, graph.visual, graph.feasibility, fused).with_marks()
        return replace(graph, visual=columns.visual, fused=columns.fused)

    def questions(self, *, wrong: bool) -> int | None:
        """Most questions of a session whose answers may be wrong; None if it continues to its recall."""
        return QUESTIONS.get(self.name, QUESTIONS_EACH * self.graph.n) if wrong else None

    @property
    def recall(self) -> float:
        """The share of the positives at which a session ends."""
        return RECALL.get(self.name, 1.0)


@dataclass(frozen=True, slots=True)
class Sources:
    """Sources of surveys.

    share: part of a generated shape's animals and images to use. cache: the folder of features and local
    scores of composites; None leaves them without.
    """

    generator: Path
    data: Path
    models: Path
    share: float = 1.0
    cache: Path | None = None

    def names(self) -> list[str]:
        """Every available survey: the shapes with the generator, the composites with their files."""
        shapes = SHAPES if self.generator.is_file() else ()
        composites = [c for c in COMPOSITES if (self.data / "captures" / c).is_dir()]
        return [*shapes, *(composites if (self.data / "nyala").is_dir() else ())]

    def has_marks(self, name: str) -> bool:
        """Whether a survey has photographs whose marks are matched."""
        return name in COMPOSITES and self.cache is not None

    def tasks(self, name: str, seeds: Sequence[int]) -> Iterator[tuple[int, Callable[[], Task]]]:
        """One survey for each seed, made when called.

        A composite's seed is that of its join: animals of equal numbers of photographs trade them.
        """
        make = cache(partial(self._composite, name)) if name in COMPOSITES else None
        for seed in seeds:
            yield seed, partial(self._task, name, seed, make)

    def _task(self, name: str, seed: int, composite: Callable[[], KnownSurvey] | None) -> Task:
        if composite:
            return task(name, rejoined(composite(), seed))
        survey = known_surveys.generated(self.generator, name, seed, share=self.share)
        return task(name, replace(survey, gallery=normalised_by_what_is_seen(survey.gallery)))

    def _composite(self, name: str) -> KnownSurvey:
        survey = known_surveys.composite(self.data, name, load_backbone(self.models, BACKBONE))
        if self.cache is None:
            return survey
        return matched(self.data, survey, self.cache)


def normalised_by_what_is_seen(gallery: Gallery) -> Gallery:
    """A gallery whose gaps are normalised by the largest one seen, as the generator's own feasibility is."""
    known_s = gallery.table.time_s[~np.isnan(gallery.table.time_s)]
    span_s = float(np.ptp(known_s)) if len(known_s) else gallery.extent.span_s
    return replace(gallery, extent=Extent(gallery.extent.distance_m, span_s))


def task(name: str, survey: KnownSurvey) -> Task:
    """The complete graph of a survey: fused = clip(cos) x feasibility, visual if that is unknown."""
    gallery = survey.gallery
    embeddings = single_precision(gallery.embeddings)
    count = len(embeddings)
    first, second = (side.astype(np.int64) for side in np.triu_indices(count, 1))
    possible, together = journeys(gallery, np.arange(count))
    feasibility = possible[first, second]
    visual = np.clip(embeddings @ embeddings.T, 0.0, 1.0)[first, second]
    fused = np.where(np.isnan(feasibility), visual, visual * feasibility)
    graph = CandidateGraph(count, first, second, visual, feasibility, fused, embeddings, gallery.table)
    same_image = [(a, b) for a, b in np.argwhere(together).tolist() if a < b]
    local = gallery.local.shared_of(first, second) if gallery.local else None
    return Task(name, survey.kind, graph, survey.individuals, tuple(same_image), local)


def fewest_questions(truth: IntArray, positives: int) -> int:
    """The fewest true answers that can make this many positives known: the largest individuals first.

    The k-th question of an individual adds k pairs, so that all together are n less the individuals.
    """
    sizes = np.sort(np.unique(truth, return_counts=True)[1])[::-1]
    gains = np.concatenate([np.arange(1, size) for size in sizes.tolist()])
    if positives > pairs_within(sizes):
        raise ValueError(f"{positives} positives of {pairs_within(sizes)}; ask for fewer")
    return int(np.searchsorted(np.cumsum(gains), positives)) + 1 if positives > 0 else 0
