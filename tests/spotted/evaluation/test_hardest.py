from __future__ import annotations

import numpy as np

from spotted.evaluation.comparison import rank_survey
from spotted.evaluation.hardest import find_hardest
from tests.spotted.compared_surveys import surveyed


def test_the_hardest_are_those_of_a_plain_loop() -> None:
    gallery, detections = surveyed()
    individuals = [d.individual_id for d in detections]
    image, count = gallery.table.image, len(detections)
    worst: dict[str, tuple[int, int, int]] = {}
    for i in sorted(range(count), key=lambda row: gallery.order[row]):
        rivals = [j for j in range(count) if j != i and not (image[i] >= 0 and image[i] == image[j])]
        right = [j for j in rivals if individuals[i] and individuals[i] == individuals[j]]
        if not right:
            continue
        scores = dict(
            zip(rivals, gallery.score_pairs(np.full(len(rivals), i), np.array(rivals)).fused, strict=True)
        )
        best = min(right, key=lambda j: (-scores[j], gallery.order[j]))
        above = sum(scores[j] > scores[best] for j in rivals)
        if individuals[i] not in worst or above > worst[individuals[i]][2]:
            worst[individuals[i]] = (i, best, above)
    found = find_hardest(rank_survey(gallery, detections), most=4)
    assert [one.above for one in found] == sorted((w[2] for w in worst.values()), reverse=True)[:4]
    assert len({individuals[one.query] for one in found}) == 4
    for one in found:
        assert worst[individuals[one.query]] == (one.query, one.right, one.above)
        assert len(one.wrong) == 3
        assert all(individuals[row] not in {"", individuals[one.query]} for row in one.wrong)


def test_fewer_animals_than_asked_for_are_all_shown() -> None:
    ranked = rank_survey(*surveyed())
    asked = {ranked.individuals[row] for row in ranked.pairs.query[ranked.pairs.same].tolist()}
    assert {ranked.individuals[one.query] for one in find_hardest(ranked, most=100)} == asked
