from __future__ import annotations

import numpy as np

from benchmarks.local.flanks import shortlists
from benchmarks.local.matching import SPLITS, behind, halves, isotonic_mean, logistic, measure, relevant

ANIMALS = [f"a{i % 12}" for i in range(60)]
ENCOUNTERS = [f"e{i // 2}" for i in range(60)]
ASKED, SAME = relevant(ANIMALS, ENCOUNTERS)
EVERYONE = np.ones(60, dtype=np.bool_)


def drawn(seed: int, signal: float) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=(60, 60))
    return np.asarray(np.abs(signal * SAME + noise + noise.T))


def test_measures_are_those_of_a_plain_loop() -> None:
    scores = drawn(0, 2.0)
    expected = []
    for i in range(60):
        others = [j for j in range(60) if ENCOUNTERS[j] != ENCOUNTERS[i]]
        ranked = sorted(others, key=lambda j: -scores[i, j])
        hits = [ANIMALS[j] == ANIMALS[i] for j in ranked]
        precisions = [sum(hits[: k + 1]) / (k + 1) for k, hit in enumerate(hits) if hit]
        expected.append((hits[0], any(hits[:5]), np.mean(precisions)))
    found = measure(scores, ASKED, SAME, EVERYONE)
    assert np.abs(found - np.array(expected, dtype=np.float64)).max() < 1e-12


def test_scores_without_evidence_rank_by_chance() -> None:
    found = measure(np.zeros((60, 60)), ASKED, SAME, EVERYONE)[:, 0].mean()
    assert found < 0.25


def test_two_joined_scores_rank_better_than_either() -> None:
    pair = (drawn(1, 2.0), drawn(2, 2.0))
    alone = max(measure(score, ASKED, SAME, EVERYONE)[:, 2].mean() for score in pair)
    for join in (isotonic_mean, logistic):
        for known in halves(ANIMALS)[:2]:
            assert measure(join(pair, ASKED, SAME, known), ASKED, SAME, ~known)[:, 2].mean() > alone


def test_each_split_knows_half_of_the_animals() -> None:
    splits = halves(ANIMALS)
    assert len({tuple(known) for known in splits}) == SPLITS
    assert all(len({a for a, k in zip(ANIMALS, known, strict=True) if k}) == 6 for known in splits)


def test_pairs_beyond_a_shortlist_come_after_it_by_the_visual_score() -> None:
    visual, local = drawn(1, 1.0), drawn(2, 2.0)
    pairs = shortlists(visual, ENCOUNTERS, 7)
    assert (pairs == pairs.T).all()
    assert not (pairs & ~ASKED).any()
    for i in range(60):
        best = sorted(np.flatnonzero(ASKED[i]), key=lambda j: -visual[i, j])[:7]
        assert pairs[i, best].all()
    short = np.where(pairs, local, np.nan)
    for score in (short, isotonic_mean((visual, short), ASKED, SAME, EVERYONE)):
        assert (np.isnan(score) == ~pairs).all()
        order = np.argsort(-behind(score, visual)[0])
        count = pairs[0].sum()
        assert pairs[0][order[:count]].all()
        assert (np.diff(visual[0][order[count:]]) <= 0).all()
