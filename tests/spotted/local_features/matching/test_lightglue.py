from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from spotted.errors import PreconditionError
from spotted.local_features.features import LocalFeatures, no_features
from spotted.local_features.matching.lightglue import NetworkMatcher
from spotted.local_features.matching.matchable import Matchable, in_order
from spotted.local_features.methods import MethodSpec
from tests.spotted.marked_coats import drawn_features

SPEC = MethodSpec("near", "network", "lightglue", 700, 256, 128)


class Similar:
    """Stands for a network: scores fall with the distance of the descriptors."""

    def run(self, outputs: Sequence[str], inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        assert outputs == ["scores"]
        assert np.abs(inputs["points_a"]).max() <= 1.0
        a, b = inputs["descriptors_a"][0], inputs["descriptors_b"][0]
        return [np.maximum((a @ b.T)[None], 0.0)]


def ready(features: LocalFeatures) -> Matchable:
    return MATCHER.prepare(features, "e1")


MATCHER = NetworkMatcher(SPEC, Similar())


def test_matches_are_the_best_of_each_other_as_in_a_plain_loop() -> None:
    a, b = drawn_features(14, 0), drawn_features(11, 1)
    scores = Similar().run(
        ["scores"],
        {
            "points_a": np.zeros((1, 1, 2)),
            "descriptors_a": unit(a.descriptors)[None],
            "descriptors_b": unit(b.descriptors)[None],
        },
    )[0][0]
    expected = {
        (i, j)
        for i in range(14)
        for j in range(11)
        if scores[i, j] > 0.1 and scores[i, j] == scores[i].max() == scores[:, j].max()
    }
    matches = MATCHER.match_pair(ready(a), ready(b))
    assert set(zip(matches.rows_a.tolist(), matches.rows_b.tolist(), strict=True)) == expected != set()


def unit(descriptors: np.ndarray) -> np.ndarray:
    vectors = descriptors.astype(np.float32) - 128
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def test_scores_do_not_depend_on_the_order_of_the_two() -> None:
    a, b = ready(drawn_features(14, 0)), ready(drawn_features(11, 1))
    assert MATCHER.match_pair(a, b).score == MATCHER.match_pair(b, a).score > 0.0
    assert MATCHER.score_shortlist(a, [b, a])[0] == MATCHER.match_pair(b, a).score


def test_a_chip_without_keypoints_scores_nothing() -> None:
    empty = ready(no_features(128, (700, 467)))
    some = [ready(drawn_features(4, seed)) for seed in range(6)]
    # the empty one is the first of some pairs and the second of others
    assert len({in_order(one, empty)[0] is empty for one in some}) == 2
    assert MATCHER.score_shortlist(empty, some).tolist() == [0.0] * 6
    assert [MATCHER.match_pair(one, empty).score for one in some] == [0.0] * 6


def test_descriptors_of_another_network_are_refused() -> None:
    with pytest.raises(PreconditionError, match=r"of 64 elements .* 'near', which has 128; .* --again"):
        ready(no_features(64, (700, 467)))
