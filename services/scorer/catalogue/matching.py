"""Which animals of the catalogue photographs may show: exact, by animal and by photograph.

A query is one photograph, or several of one animal; its score with a candidate is that of the best pair.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from services.common.survey.state import Snapshot
from services.common.telemetry import metrics
from services.scorer.catalogue.gallery import CatalogueGallery
from services.scorer.catalogue.requests import MOST_PHOTOGRAPHS, MatchWish
from services.scorer.filters import opposite_flanks
from services.scorer.scored_surveys import ScoredSurvey
from spotted.arrays import BoolArray, IntArray
from spotted.errors import InvalidInputError, NotFoundError
from spotted.ranking.by_individual import rank_individuals
from spotted.ranking.ranker import Ranked, Ranker
from spotted.scoring import geometry
from spotted.scoring.feasibility import describe_journey, softened_journey

# photographs compared at once
BLOCK = 1024


@dataclass(frozen=True, slots=True)
class Query:
    """Photographs of one animal."""

    rows: Sequence[int]
    """Their rows in the survey."""
    encounter_id: str = ""
    """"" unless an encounter was asked about."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A member that a query may show."""

    member: int
    """Its number in the gallery."""
    query_detection_id: str
    """The photograph of the query that it was compared with."""
    visual: float
    feasibility: float | None
    """None if unknown."""
    fused: float
    reason: str


@dataclass(frozen=True, slots=True)
class Match:
    """The candidates of a query, best first."""

    query: Query
    animals: Sequence[Candidate]
    """The best photograph of each animal."""
    photographs: Sequence[Candidate]
    compared: int
    """Number of members that competed."""


def queries_of(snapshot: Snapshot, wish: MatchWish) -> list[Query]:
    """The queries that are asked about. Raises NotFoundError, InvalidInputError for too many photographs."""
    rows = [snapshot.row(detection_id) for detection_id in wish.detection_ids]
    found = [Query(rows)] if wish.as_one else [Query([row]) for row in rows]
    if wish.encounter_ids or wish.each_encounter:
        encounters: dict[str, list[int]] = {}
        for row, detection in enumerate(snapshot.detections):
            if detection.encounter_id:
                encounters.setdefault(detection.encounter_id, []).append(row)
        for encounter_id in wish.encounter_ids or encounters:
            if encounter_id not in encounters:
                raise NotFoundError(
                    f"encounter {encounter_id!r} is not in survey {snapshot.survey.survey_id!r}; set it as "
                    "encounter_id of its detections"
                )
            found.append(Query(encounters[encounter_id], encounter_id))
    elif not rows:
        found = [Query([row]) for row in range(len(snapshot.detections))]
    for query in found:
        if len(query.rows) > MOST_PHOTOGRAPHS:
            raise InvalidInputError(
                f"encounter {query.encounter_id!r} has {len(query.rows)} photographs; ask with at most "
                f"{MOST_PHOTOGRAPHS} of them as detection_ids with as_one",
                field="encounter_ids",
            )
    return found


def photograph_rows(queries: Sequence[Query]) -> IntArray:
    """The rows of the photographs of queries, (n,), each once."""
    return np.array(list(dict.fromkeys(row for query in queries for row in query.rows)), dtype=np.int64)


def match_all(
    scored: ScoredSurvey, gallery: CatalogueGallery, queries: Sequence[Query], wish: MatchWish
) -> Iterator[Match]:
    """The candidates of each query, in their order. gallery: with `photograph_rows` of all queries."""
    numbers = {row: number for number, row in enumerate(photograph_rows(queries).tolist())}
    if not gallery.members:
        yield from (Match(query, (), (), 0) for query in queries)
        return
    for block in _blocks(queries):
        with metrics.RANKING_SECONDS.time():
            ranked = _RankedBlock(scored, gallery, photograph_rows(block), numbers, wish)
            matches = [ranked.match(query) for query in block]
        metrics.DETECTIONS_SCORED.inc(len(ranked.rows))
        yield from matches


def _blocks(queries: Sequence[Query]) -> Iterator[Sequence[Query]]:
    """The queries in blocks of up to BLOCK photographs."""
    block: list[Query] = []
    count = 0
    for query in queries:
        if block and count + len(query.rows) > BLOCK:
            yield block
            block, count = [], 0
        block.append(query)
        count += len(query.rows)
    if block:
        yield block


class _RankedBlock:
    """Photographs compared with all members."""

    def __init__(
        self,
        scored: ScoredSurvey,
        gallery: CatalogueGallery,
        rows: IntArray,
        numbers: Mapping[int, int],
        wish: MatchWish,
    ) -> None:
        """Compare. rows: of the photographs. numbers: of each row among the gallery's photographs."""
        self.rows = rows.tolist()
        self._members = gallery.members
        self._k, self._sides = wish.k, wish.comparable_sides_only
        chosen = np.array([numbers[row] for row in self.rows], dtype=np.int64)
        self._gallery = gallery.beside(scored.gallery, chosen)
        # photographs follow the members
        self._at = {row: len(self._members) + number for number, row in enumerate(self.rows)}
        self._photographs = {self._at[row]: gallery.photographs[numbers[row]] for row in self.rows}
        beside = [*range(len(self._members)), *(len(self._members) + chosen).tolist()]
        self._stations = [gallery.stations[at] for at in beside]
        self._cameras = [f"{d.camera_id} of {survey_id}" for survey_id, d, _ in self._members]
        entries: dict[str, int] = {}
        self._animal = np.array([entries.setdefault(each, len(entries)) for *_, each in self._members])
        ranker, fusion = Ranker(self._gallery), scored.fusion(wish.fusion)

        def top_k(queries: IntArray, k: int) -> Iterable[Ranked]:
            return ranker.top_k(queries, k, fusion=fusion, allowed=self._allowed, threads=scored.threads)

        own = np.array(list(self._at.values()), dtype=np.int64)
        self._by_photograph = {one.query: one for one in top_k(own, self._k)}
        self._by_animal = {one.query: one for one in rank_individuals(top_k, own, self._k, self._animal)}

    def match(self, query: Query) -> Match:
        """The candidates of a query of the block."""
        own = [self._at[row] for row in query.rows]
        every = np.arange(len(self._members))
        competing = self._allowed(np.array(own)[:, None], every).any(axis=0)
        return Match(
            query,
            self._best([self._by_animal[at] for at in own], self._animal),
            self._best([self._by_photograph[at] for at in own], every),
            int(competing.sum()),
        )

    def _allowed(self, rows: IntArray, others: IntArray) -> BoolArray:
        """Whether pairs may be candidates: photographs with members, within the rule on sides."""
        shape = np.broadcast_shapes(rows.shape, others.shape)
        mask = np.broadcast_to(others < len(self._members), shape)
        side = self._gallery.table.side
        return mask & ~opposite_flanks(side[rows], side[others]) if self._sides else mask

    def _best(self, lists: Sequence[Ranked], group: IntArray) -> list[Candidate]:
        """The best pair of each group, best first. group: (m,) equal for members that count once."""
        member = np.concatenate([one.rows for one in lists])
        source = np.repeat(np.arange(len(lists)), [len(one.rows) for one in lists])
        fused = np.concatenate([one.scores.fused for one in lists])
        order = np.lexsort((source, member, -fused))
        first = np.sort(np.unique(group[member[order]], return_index=True)[1])[: self._k]
        visual = np.concatenate([one.scores.visual for one in lists])
        feasibility = np.concatenate([one.scores.feasibility for one in lists])
        return [
            Candidate(
                int(member[at]),
                self._photographs[lists[source[at]].query].detection_id,
                float(visual[at]),
                None if np.isnan(feasibility[at]) else float(feasibility[at]),
                float(fused[at]),
                self._reason(lists[source[at]].query, int(member[at])),
            )
            for at in order[first].tolist()
        ]

    def _reason(self, photograph: int, member: int) -> str:
        table, params = self._gallery.table, self._gallery.params
        pair = np.array([photograph]), np.array([member])
        distance, gap = softened_journey(table, *pair, params)
        cameras = self._photographs[photograph].camera_id, self._cameras[member]
        station = self._stations[member] if self._stations[member] == self._stations[photograph] else ""
        return describe_journey(
            float(distance[0]),
            float(gap[0]),
            cameras,
            params,
            station,
            doubted=bool(geometry.gap_doubted(table, *pair, self._gallery.extent)[0]),
        )
