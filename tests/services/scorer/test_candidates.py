from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from services.scorer.candidates import CandidateQuery, list_candidates, rank_candidates
from services.scorer.list_cache import ListCache
from services.scorer.scored_surveys import ScoredSurvey
from spotted import messages
from spotted.arrays import Float32Array
from spotted.errors import DigestMismatchError, InvalidInputError, NotFoundError
from spotted.scoring.fusion import Fusion
from spotted.survey import Camera, Detection, Side
from spotted.v1 import scorer_pb2 as pb
from spotted.v1 import survey_pb2
from tests.services.scorer.plain import alike, feasible, journey, two_animals
from tests.services.scorer.planted import (
    DIMENSION,
    SPEC,
    START_S,
    Scorer,
    ask,
    detections,
    vectors,
)
from tests.services.scorer.snapshots import planted_snapshot

COUNT = 45
Pair = survey_pb2.Pair


def score(a: Detection, b: Detection, one: Float32Array, other: Float32Array, fusion: int) -> float:
    visual, possible = alike(one, other), feasible(a, b)
    if fusion == survey_pb2.FUSION_VISUAL:
        return visual
    if fusion == survey_pb2.FUSION_LOCATION:
        return possible or 0.0
    return visual if possible is None else visual * possible


def rivals_by_loop(
    query: int,
    added: list[Detection],
    embeddings: Float32Array,
    *,
    fusion: int = survey_pb2.FUSION_PRODUCT,
    passes: Callable[[Detection], bool] = lambda _: True,
) -> dict[str, float]:
    mine = added[query]
    return {
        other.detection_id: score(mine, other, embeddings[query], embeddings[row], fusion)
        for row, other in enumerate(added)
        if row != query and not two_animals(mine, other) and passes(other)
    }


def same(found: pb.CandidateList, rivals: dict[str, float], k: int) -> None:
    """The k best of all rivals, each once and with its own score; ids of equal scores in order."""
    assert found.compared == len(rivals)
    assert [c.fused for c in found.candidates] == pytest.approx(
        sorted(rivals.values(), reverse=True)[:k], abs=1e-6
    )
    order = [(-c.fused, c.detection_id) for c in found.candidates]
    assert order == sorted(set(order))
    for candidate in found.candidates:
        assert candidate.fused == pytest.approx(rivals[candidate.detection_id], abs=1e-6)


def test_lists_with_reasons_are_the_ranked_rows() -> None:
    snapshot = planted_snapshot(COUNT)
    scored = ScoredSurvey(snapshot, snapshot.gallery, "", ListCache)
    ids = [d.detection_id for d in snapshot.detections]
    query = CandidateQuery(5, Fusion.VISUAL)
    lists = list(list_candidates(scored, ids[3:6], query))
    rows = list(rank_candidates(scored, ids[3:6], query))
    assert [one.detection_id for one in lists] == [ids[one.query] for one in rows] == ids[3:6]
    for one, ranked in zip(lists, rows, strict=True):
        assert [c.detection_id for c in one.candidates] == [ids[row] for row in ranked.rows]
        assert [c.fused for c in one.candidates] == ranked.scores.fused.tolist()
        assert one.compared == ranked.compared
        assert all(c.reason for c in one.candidates)


@pytest.mark.parametrize(
    "fusion", [survey_pb2.FUSION_PRODUCT, survey_pb2.FUSION_VISUAL, survey_pb2.FUSION_LOCATION]
)
def test_candidates_are_those_of_a_plain_loop(
    scorer: Scorer, survey_id: str, fusion: survey_pb2.Fusion.ValueType
) -> None:
    added, embeddings = scorer.plant(survey_id, COUNT)
    lists = scorer.candidates(survey_id, top_k=7, fusion=fusion)
    assert [one.detection_id for one in lists] == [d.detection_id for d in added]
    for query, found in enumerate(lists):
        same(found, rivals_by_loop(query, added, embeddings, fusion=fusion), 7)


def test_equal_scores_are_ordered_by_id(scorer: Scorer, survey_id: str) -> None:
    scorer.create(survey_id)
    equal = [Detection(i, "CAM01", START_S) for i in ("q", "c", "a", "b")]
    scorer.add(survey_id, equal, np.ones((4, DIMENSION), np.float32))
    (found,) = scorer.candidates(survey_id, top_k=2, detection_ids=["q"])
    assert [c.detection_id for c in found.candidates] == ["a", "b"]
    assert found.compared == 3


def test_each_candidate_shows_its_evidence(scorer: Scorer, survey_id: str) -> None:
    added, embeddings = scorer.plant(survey_id, COUNT)
    row = {d.detection_id: r for r, d in enumerate(added)}
    for found in scorer.candidates(survey_id, top_k=COUNT):
        for candidate in found.candidates:
            a, b = (added[row[i]] for i in (found.detection_id, candidate.detection_id))
            assert candidate.visual == pytest.approx(
                alike(embeddings[row[a.detection_id]], embeddings[row[b.detection_id]]), abs=1e-6
            )
            possible = feasible(a, b)
            assert candidate.HasField("feasibility") == (possible is not None)
            if possible is None:
                assert candidate.reason.startswith("unknown: a detection has no ")
            else:
                assert candidate.feasibility == pytest.approx(possible, abs=1e-6)
                assert a.camera_id in candidate.reason
                assert b.camera_id in candidate.reason


def test_the_detections_asked_about_come_in_the_order_asked(scorer: Scorer, survey_id: str) -> None:
    scorer.plant(survey_id, COUNT)
    everyone = {one.detection_id: one for one in scorer.candidates(survey_id)}
    asked = ["d0030", "d0002", "d0017"]
    assert scorer.candidates(survey_id, detection_ids=asked) == [everyone[i] for i in asked]


FILTERS: dict[str, tuple[pb.CandidateFilter, Callable[[Detection, Detection], bool]]] = {
    "comparable sides": (
        pb.CandidateFilter(comparable_sides_only=True),
        lambda a, b: {a.side, b.side} != {Side.LEFT, Side.RIGHT},
    ),
    "other encounters": (
        pb.CandidateFilter(exclude_same_encounter=True),
        lambda a, b: not a.encounter_id or a.encounter_id != b.encounter_id,
    ),
    "cameras": (
        pb.CandidateFilter(camera_ids=["CAM02", "CAM04"]),
        lambda _, b: b.camera_id in {"CAM02", "CAM04"},
    ),
    "from an instant": (
        pb.CandidateFilter(captured_from=messages.timestamp(START_S + 500_000.0)),
        lambda _, b: b.captured_at_s is not None and b.captured_at_s >= START_S + 500_000.0,
    ),
    "before an instant": (
        pb.CandidateFilter(captured_before=messages.timestamp(START_S + 500_000.0)),
        lambda _, b: b.captured_at_s is not None and b.captured_at_s < START_S + 500_000.0,
    ),
    "known individuals": (
        pb.CandidateFilter(known_individuals_only=True),
        lambda _, b: bool(b.individual_id),
    ),
    "not some individuals": (
        pb.CandidateFilter(exclude_individual_ids=["leopard-1", "leopard-3"]),
        lambda _, b: b.individual_id not in {"leopard-1", "leopard-3"},
    ),
    "several at once": (
        pb.CandidateFilter(known_individuals_only=True, comparable_sides_only=True),
        lambda a, b: bool(b.individual_id) and {a.side, b.side} != {Side.LEFT, Side.RIGHT},
    ),
}


@pytest.mark.parametrize("rule", FILTERS)
def test_a_filter_leaves_those_of_a_plain_loop(scorer: Scorer, survey_id: str, rule: str) -> None:
    asked, passes = FILTERS[rule]
    added, embeddings = scorer.plant(survey_id, COUNT)
    lists = scorer.candidates(survey_id, top_k=COUNT, filter=asked)
    for query, found in enumerate(lists):
        allowed = partial(passes, added[query])
        same(found, rivals_by_loop(query, added, embeddings, passes=allowed), COUNT)
        excluded = {one.rule: one.detections for one in found.excluded}
        itself = added[query]
        others = [b for b in added if b is not itself]
        assert excluded.pop(pb.CANDIDATE_RULE_SAME_IMAGE, 0) == sum(two_animals(itself, b) for b in others)
        if rule != "several at once":
            assert sum(excluded.values()) == sum(not passes(itself, b) for b in others)
    assert sum(one.compared for one in lists) < COUNT * (COUNT - 1) - sum(
        two_animals(a, b) for a in added for b in added if a is not b
    )


def test_each_individual_comes_once_by_its_best_detection(scorer: Scorer, survey_id: str) -> None:
    added, _ = scorer.plant(survey_id, COUNT)
    individual = {d.detection_id: d.individual_id for d in added}
    whole = scorer.candidates(survey_id, top_k=COUNT)
    grouped = scorer.candidates(survey_id, top_k=3, group_by_individual=True)
    for every, found in zip(whole, grouped, strict=True):
        seen: set[str] = set()
        expected = []
        for candidate in every.candidates:
            assert candidate.individual_id == individual[candidate.detection_id]
            if candidate.individual_id not in seen:
                expected.append(candidate)
            seen |= {candidate.individual_id} - {""}
        assert list(found.candidates) == expected[:3]
        assert found.compared == every.compared


def test_a_query_that_is_not_stored_may_be_grouped_too(scorer: Scorer, survey_id: str) -> None:
    added, embeddings = scorer.plant(survey_id, COUNT)
    visitor = replace(added[7], detection_id="new", image_id="")
    request = query(survey_id, visitor, embeddings[7], top_k=4, group_by_individual=True)
    found = [c.individual_id for c in scorer.stub.QueryCandidates(request).list.candidates]
    known = [one for one in found if one]
    assert len(found) == 4
    assert len(known) == len(set(known))


def test_a_filter_of_an_unknown_camera_is_refused(scorer: Scorer, survey_id: str) -> None:
    scorer.plant(survey_id, 3)
    only = pb.CandidateFilter(camera_ids=["CAM01", "CAM99"])
    with pytest.raises(NotFoundError, match="CAM99"):
        ask(lambda _: scorer.candidates(survey_id, filter=only), None)


def test_top_k_of_zero_is_refused(scorer: Scorer, survey_id: str) -> None:
    scorer.create(survey_id)
    for _ in range(2):
        with pytest.raises(InvalidInputError, match="top_k is 0; use 1 to 10000") as refused:
            ask(lambda _: scorer.candidates(survey_id, top_k=0), None)
        assert refused.value.field == "top_k"
        scorer.add(survey_id, detections(3), vectors(3))


def test_an_empty_survey_and_a_lonely_detection_have_no_candidates(scorer: Scorer, survey_id: str) -> None:
    scorer.create(survey_id)
    assert scorer.candidates(survey_id) == []
    scorer.add(survey_id, detections(1), vectors(1))
    assert scorer.candidates(survey_id) == [pb.CandidateList(detection_id="d0000")]


def test_an_unknown_detection_is_named(scorer: Scorer, survey_id: str) -> None:
    scorer.plant(survey_id, 3)
    with pytest.raises(NotFoundError, match="'ghost' is not in survey"):
        ask(lambda _: scorer.candidates(survey_id, detection_ids=["ghost"]), None)


def query(
    survey_id: str, detection: Detection, vector: Float32Array, **asked: object
) -> pb.QueryCandidatesRequest:
    fields: dict[str, object] = {"spec": SPEC, "top_k": 6, **asked}
    return pb.QueryCandidatesRequest(
        survey_id=survey_id,
        detection=messages.detection_message(detection),
        embedding=messages.tensor(vector),
        **fields,  # type: ignore[arg-type] # fields by name
    )


def test_a_query_finds_what_it_would_find_once_stored(scorer: Scorer, survey_id: str) -> None:
    added, embeddings = detections(COUNT), vectors(COUNT)
    scorer.create(survey_id)
    for row in range(COUNT - 5, COUNT):
        scorer.add(survey_id, added[:row], embeddings[:row])
        asked = scorer.stub.QueryCandidates(query(survey_id, added[row], embeddings[row]))
        scorer.add(survey_id, added[row : row + 1], embeddings[row : row + 1])
        (stored,) = scorer.candidates(survey_id, top_k=6, detection_ids=[added[row].detection_id])
        assert asked.list.candidates == stored.candidates
        assert (asked.list.compared, asked.list.excluded) == (stored.compared, stored.excluded)
        assert asked.score_spec.embedding == SPEC


def test_a_query_stores_nothing_and_needs_no_id(scorer: Scorer, survey_id: str) -> None:
    added, embeddings = scorer.plant(survey_id, 8)
    nameless = replace(added[3], detection_id="", image_id="")
    found = scorer.stub.QueryCandidates(query(survey_id, nameless, embeddings[3], top_k=8)).list
    assert found.compared == 8
    assert found.candidates[0].fused == pytest.approx(1.0, abs=1e-3)
    assert scorer.stub.GetSurvey(pb.GetSurveyRequest(survey_id=survey_id)).survey.detection_count == 8


def test_a_query_of_an_empty_survey_has_no_candidates(scorer: Scorer, survey_id: str) -> None:
    scorer.create(survey_id)
    lonely = query(survey_id, Detection("q"), vectors(1)[0])
    assert scorer.stub.QueryCandidates(lonely).list == pb.CandidateList(detection_id="q")
    scorer.add(survey_id, detections(1), vectors(1))
    scorer.stub.DeleteDetections(pb.DeleteDetectionsRequest(survey_id=survey_id, detection_ids=["d0000"]))
    assert scorer.stub.QueryCandidates(lonely).list == pb.CandidateList(detection_id="q")


@pytest.mark.parametrize("emptied", [False, True])
def test_a_query_with_another_backbone_is_refused(scorer: Scorer, survey_id: str, emptied: bool) -> None:  # noqa: FBT001 - a parameter of the test
    scorer.plant(survey_id, 1)
    if emptied:
        scorer.stub.DeleteDetections(pb.DeleteDetectionsRequest(survey_id=survey_id, detection_ids=["d0000"]))
    other = survey_pb2.EmbeddingSpec(backbone_digest="e", preprocessing_digest="c", dimension=4)
    with pytest.raises(DigestMismatchError, match="embed the query with the same"):
        ask(
            scorer.stub.QueryCandidates,
            query(survey_id, Detection("q"), vectors(1)[0, :4], spec=other),
        )


@pytest.mark.parametrize(
    ("detection", "vector", "kind", "message"),
    [
        (Detection("q", "CAM99"), np.ones(DIMENSION), NotFoundError, "CAM99"),
        (Detection("q", "CAM01", START_S - 60), np.ones(DIMENSION), InvalidInputError, "before camera"),
        (Detection("q"), np.zeros(DIMENSION), InvalidInputError, "all zeros"),
        (Detection("q"), np.full(DIMENSION, np.nan), InvalidInputError, "NaN"),
        (Detection("q"), np.ones(3), InvalidInputError, r"the spec needs \(8,\)"),
    ],
)
def test_a_query_that_cannot_be_is_refused(
    scorer: Scorer,
    survey_id: str,
    detection: Detection,
    vector: Float32Array,
    kind: type[Exception],
    message: str,
) -> None:
    scorer.plant(survey_id, 3)
    with pytest.raises(kind, match=message):
        ask(scorer.stub.QueryCandidates, query(survey_id, detection, vector.astype(np.float32)))


def test_an_explanation_equals_that_of_a_plain_loop(scorer: Scorer, survey_id: str) -> None:
    added, embeddings = scorer.plant(survey_id, COUNT)
    for first, second in ((0, 1), (3, 9), (20, 4), (7, 31), (12, 40)):
        ids = added[first].detection_id, added[second].detection_id
        explained = scorer.stub.ExplainPair(
            pb.ExplainPairRequest(
                survey_id=survey_id, pair=Pair(first_detection_id=ids[0], second_detection_id=ids[1])
            )
        )
        distance, gap = journey(added[first], added[second])
        assert (explained.distance_m if explained.HasField("distance_m") else None) == distance
        assert (explained.gap_s if explained.HasField("gap_s") else None) == gap
        assert explained.HasField("needed_speed_kmh") == (distance is not None and gap is not None)
        if distance and gap:
            assert explained.needed_speed_kmh == pytest.approx(distance / gap * 3.6)
        assert explained.visual == pytest.approx(alike(embeddings[first], embeddings[second]), abs=1e-6)
        rivals = rivals_by_loop(first, added, embeddings).values()
        if not two_animals(added[first], added[second]):
            below = [s for s in rivals if s < explained.fused - 1e-6]
            ties = [s for s in rivals if abs(s - explained.fused) <= 1e-6]
            share = 100.0 / len(rivals)
            assert share * len(below) - 1e-4 <= explained.percentile < share * (len(below) + len(ties))


def test_two_animals_in_one_image_are_explained_so(scorer: Scorer, survey_id: str) -> None:
    scorer.create(survey_id)
    both = [Detection(i, "CAM01", START_S, image_id="photo") for i in ("a", "b")]
    scorer.add(survey_id, both, np.ones((2, DIMENSION), np.float32))
    pair = Pair(first_detection_id="a", second_detection_id="b")
    explained = scorer.stub.ExplainPair(pb.ExplainPairRequest(survey_id=survey_id, pair=pair))
    assert (explained.fused, explained.reason) == (0.0, "two animals in one image")


def test_a_camera_without_position_leaves_feasibility_unknown(scorer: Scorer, survey_id: str) -> None:
    scorer.create(survey_id, cameras=(Camera("CAM01", 0.0, 0.0), Camera("CAM04")))
    both = [Detection("a", "CAM01", START_S), Detection("b", "CAM04", START_S)]
    scorer.add(survey_id, both, np.ones((2, DIMENSION), np.float32))
    pair = Pair(first_detection_id="a", second_detection_id="b")
    explained = scorer.stub.ExplainPair(pb.ExplainPairRequest(survey_id=survey_id, pair=pair))
    assert not explained.HasField("feasibility")
    assert (explained.fused, explained.reason) == (explained.visual, "unknown: a detection has no position")


def test_a_pair_of_one_detection_is_refused(scorer: Scorer, survey_id: str) -> None:
    scorer.plant(survey_id, 2)
    pair = Pair(first_detection_id="d0000", second_detection_id="d0000")
    with pytest.raises(InvalidInputError, match="'d0000' twice"):
        ask(scorer.stub.ExplainPair, pb.ExplainPairRequest(survey_id=survey_id, pair=pair))
    with pytest.raises(InvalidInputError, match=r"pairs\[0\] names 'd0000' twice"):
        ask(scorer.stub.ScorePairs, pb.ScorePairsRequest(survey_id=survey_id, pairs=[pair]))


def test_pairs_are_scored_as_a_plain_loop_does_whatever_their_order(scorer: Scorer, survey_id: str) -> None:
    added, embeddings = scorer.plant(survey_id, COUNT)
    chosen = [(a, b) for a in range(0, COUNT, 4) for b in range(1, COUNT, 7) if a != b]
    pairs = [
        Pair(first_detection_id=added[a].detection_id, second_detection_id=added[b].detection_id)
        for a, b in chosen
    ]
    answer = scorer.stub.ScorePairs(pb.ScorePairsRequest(survey_id=survey_id, pairs=pairs))
    visual, possible, fused = (messages.array(t) for t in (answer.visual, answer.feasibility, answer.fused))
    for place, (a, b) in enumerate(chosen):
        one, other = added[a], added[b]
        assert visual[place] == pytest.approx(alike(embeddings[a], embeddings[b]), abs=1e-6)
        known = feasible(one, other)
        assert possible[place] == pytest.approx(math.nan if known is None else known, abs=1e-6, nan_ok=True)
        wanted = score(one, other, embeddings[a], embeddings[b], survey_pb2.FUSION_PRODUCT)
        assert fused[place] == pytest.approx(0.0 if two_animals(one, other) else wanted, abs=1e-6)
    turned = [
        Pair(first_detection_id=p.second_detection_id, second_detection_id=p.first_detection_id)
        for p in reversed(pairs)
    ]
    back = scorer.stub.ScorePairs(pb.ScorePairsRequest(survey_id=survey_id, pairs=turned))
    np.testing.assert_array_equal(messages.array(back.fused), fused[::-1])


def test_long_lists_stay_within_a_message(scorer: Scorer, survey_id: str) -> None:
    count = 500
    scorer.create(survey_id)
    long = [Detection(f"{'leopard' * 35}-{n:04}", "CAM01", START_S) for n in range(count)]
    scorer.add(survey_id, long, vectors(count))
    lists = scorer.candidates(survey_id, top_k=count)
    assert [len(one.candidates) for one in lists] == [count - 1] * count
