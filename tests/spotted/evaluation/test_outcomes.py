from __future__ import annotations

import numpy as np
import pytest

from spotted.evaluation.outcomes import find_relevant_pairs, measure_queries
from spotted.evaluation.ranks import rank_pairs
from spotted.scoring.fusion import Fusion
from tests.spotted.plain_ranking import exact_gallery, expected


def test_kin_are_the_pairs_of_a_plain_loop() -> None:
    rng = np.random.default_rng(0)
    individuals = [str(rng.choice(["a", "b", "", "c"])) for _ in range(30)]
    encounters = [str(rng.choice(["1", "2", ""])) for _ in range(30)]
    image = np.where(rng.random(30) < 0.5, rng.integers(0, 4, 30), -1)
    found = find_relevant_pairs(individuals, encounters, image)
    plain = []
    for i in range(30):
        row = []
        for j in range(30):
            same = bool(individuals[i]) and individuals[i] == individuals[j]
            together = bool(encounters[i]) and encounters[i] == encounters[j]
            if i != j and (same or together) and not (image[i] >= 0 and image[i] == image[j]):
                row.append((i, j, same, together))
        plain += row if any(same for *_, same, _ in row) else []
    columns = (found.query, found.candidate, found.same, found.together)
    assert list(zip(*(c.tolist() for c in columns), strict=True)) == plain


@pytest.mark.parametrize("fusion", [Fusion.LOCATION, Fusion.PRODUCT])
def test_candidates_left_out_are_as_if_they_had_never_been_there(fusion: Fusion) -> None:
    rng = np.random.default_rng(1)
    gallery = exact_gallery(40, 1)
    individuals = [str(rng.integers(0, 6)) for _ in range(40)]
    pairs = find_relevant_pairs(individuals, [""] * 40, gallery.table.image)
    ranked = rank_pairs(gallery, (pairs.query, pairs.candidate), [fusion])[fusion]
    left_out = rng.random(len(pairs.query)) < 0.4
    found = measure_queries(ranked, pairs.same & ~left_out, left_out, depth=5)
    gone = set(zip(pairs.query[left_out].tolist(), pairs.candidate[left_out].tolist(), strict=True))
    image = gallery.table.image
    asked = []
    for i in range(40):
        rivals = [
            j
            for j in range(40)
            if i != j and not (image[i] >= 0 and image[i] == image[j]) and (i, j) not in gone
        ]
        right = [individuals[i] == individuals[j] for j in rivals]
        if not any(right):
            continue
        scores = gallery.score_pairs(np.full(len(rivals), i), np.array(rivals), fusion).fused.tolist()
        hit, precision = expected(scores, right, 5)
        place = found.query.tolist().index(i)
        assert found.hits[place, 4] == pytest.approx(hit, abs=1e-9)
        assert found.precision[place] == pytest.approx(precision, abs=1e-9)
        asked.append(i)
    assert found.query.tolist() == asked


def test_without_a_known_individual_nobody_asks() -> None:
    pairs = find_relevant_pairs(["", "a", ""], ["1", "", "1"], np.array([-1, -1, -1]))
    assert len(pairs.query) == 0
    nothing = pairs.same
    gallery = exact_gallery(3, 0)
    ranked = rank_pairs(gallery, (pairs.query, pairs.candidate), [Fusion.VISUAL])[Fusion.VISUAL]
    assert measure_queries(ranked, nothing, nothing).at((1, 5)).shape == (0, 3)
