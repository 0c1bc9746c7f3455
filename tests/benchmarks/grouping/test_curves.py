from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.common.known_surveys import KnownSurvey
from benchmarks.grouping.curves import (
    HOTSPOTTER,
    LOCATION,
    LOOKS,
    SPOTTED,
    SPOTTED_MARKS,
    measure_curves,
    rank_by_table,
)
from benchmarks.grouping.surveys import MatchedSurvey, flank_survey
from benchmarks.local.flanks import Flanks
from spotted.evaluation.outcomes import find_relevant_pairs
from spotted.evaluation.retrieval import measure_retrieval
from spotted.scoring.fusion import Fusion
from spotted.scoring.local_pairs import LocalPairs
from spotted.scoring.similarity import unit_rows
from tests.benchmarks.retrieval.test_scores import survey


def matched(known: KnownSurvey, encounters: list[str]) -> MatchedSurvey:
    """A survey whose marks of all pairs are drawn at random, higher between photographs of one animal."""
    count, rng = len(known.gallery), np.random.default_rng(0)
    first, second = np.triu_indices(count, 1)
    same = known.individuals[first] == known.individuals[second]
    scores = (rng.random(len(first)) * (0.1 + 0.2 * same)).astype(np.float32)
    pairs = LocalPairs.of(first, second, scores, np.full(len(first), 4, np.uint16))
    flanks = Flanks(tuple(map(Path, map(str, range(count)))), tuple(map(str, known.individuals)), ())
    return MatchedSurvey(known, flanks, tuple(encounters), pairs)


def test_ranks_are_those_of_a_loop_over_the_candidates() -> None:
    rng = np.random.default_rng(0)
    scores = np.triu(rng.integers(0, 4, (9, 9)), 1).astype(np.float32)
    first, second = np.triu_indices(9, 1)
    table = LocalPairs.of(first, second, scores[first, second], np.ones(len(first), np.uint16))
    scores += scores.T
    image = np.array([0, 0, 1, 2, -1, -1, 3, 4, 5])
    pairs = find_relevant_pairs([*"aabbaabbc"], [""] * 9, image)
    found = rank_by_table(table, pairs, image)
    for index, (query, candidate) in enumerate(zip(pairs.query, pairs.candidate, strict=True)):
        others = [i for i in range(9) if i != query and not (image[i] == image[query] >= 0)]
        own = [scores[query, i] for i in others]
        assert found.above[index] == sum(s > scores[query, candidate] for s in own)
        assert found.tied[index] == sum(s == scores[query, candidate] for s in own)


def test_scores_without_marks_are_those_of_the_evaluation_and_gains_their_differences() -> None:
    one = matched(survey(1), [""] * 60)
    vectors = one.gallery.embeddings
    found = measure_curves(one, {"backbone": vectors}, [(SPOTTED, LOCATION)], np.random.default_rng(0))
    assert set(found.of) == {"backbone", HOTSPOTTER, LOOKS, LOCATION, SPOTTED, SPOTTED_MARKS}
    for score, fusion in (
        ("backbone", Fusion.VISUAL),
        (LOCATION, Fusion.LOCATION),
        (SPOTTED, Fusion.PRODUCT),
    ):
        whole = measure_retrieval(one.gallery, one.names, fusion=fusion)
        assert {k: x.value for k, x in found.of[score].top.items()} == pytest.approx(whole.top)
        assert found.of[score].precision.value == pytest.approx(whole.mean_average_precision)
        assert found.of[score].shares[[0, 4]] == pytest.approx([whole.top[1], whole.top[5]])
    (gain, *_) = found.gains[SPOTTED, LOCATION]
    assert gain.value == pytest.approx(found.of[SPOTTED].top[1].value - found.of[LOCATION].top[1].value)
    # drawn marks tell the animals apart
    assert found.of[SPOTTED_MARKS].top[1].value > found.of[SPOTTED].top[1].value


def test_without_places_there_are_no_scores_of_them_and_own_encounters_do_not_count() -> None:
    vectors = unit_rows(np.array([[1.0, 0.0], [1.0, 0.01], [0.0, 1.0], [0.6, 0.8]]))
    flanks = Flanks(tuple(map(Path, "wxyz")), ("a", "a", "b", "a"), ("1", "1", "2", "3"))
    one = matched(flank_survey(flanks, vectors), [*flanks.encounters])
    found = measure_curves(one, {"backbone": vectors}, [], np.random.default_rng(0))
    assert set(found.of) == {"backbone", HOTSPOTTER, LOOKS}
    assert found.queries == 3
    # w finds z before y, x too, and z finds y before either
    assert found.of["backbone"].top[1].value == pytest.approx(2 / 3)


def test_only_the_best_candidates_are_matched() -> None:
    one = matched(survey(1), [""] * 60)
    gallery = one.matched(1)
    assert gallery.local is not None
    assert 30 <= len(gallery.local) <= 60
    everything = one.matched(59).local
    assert everything is not None
    assert everything.scores.tolist() == one.pairs.scores.tolist()
