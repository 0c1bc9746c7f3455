from __future__ import annotations

import math

import numpy as np
import pytest

from spotted.scoring.fusion import Fusion, count_marks, fuse
from spotted.v1 import survey_pb2 as pb

VISUAL = np.array([0.0, 0.5, 1.0, 0.8, 0.0], dtype=np.float32)
POSSIBLE = np.array([1.0, 0.5, 0.0, math.nan, math.nan], dtype=np.float32)


def test_the_product_falls_back_to_the_visual_score_if_feasibility_is_unknown() -> None:
    assert fuse(VISUAL, POSSIBLE).tolist() == pytest.approx([0.0, 0.25, 0.0, 0.8, 0.0])


def test_visual_fusion_is_the_visual_score() -> None:
    np.testing.assert_array_equal(fuse(VISUAL, POSSIBLE, Fusion.VISUAL), VISUAL)


def test_location_fusion_puts_the_unknown_last() -> None:
    assert fuse(VISUAL, POSSIBLE, Fusion.LOCATION).tolist() == [1.0, 0.5, 0.0, 0.0, 0.0]


def test_every_fusion_of_the_contract_is_one_of_the_library() -> None:
    assert {int(value) for value in pb.Fusion.values()} - {0} == {int(fusion) for fusion in Fusion}


def test_marks_raise_the_visual_score_and_nothing_lowers_it() -> None:
    local = np.array([math.nan, 0.0, 0.05, 0.1, 5.0, 1e6], dtype=np.float32)
    for visual in VISUAL:
        looks = count_marks(np.full(len(local), visual), local)
        assert looks[:2].tolist() == [visual, visual]
        expected = [1.0 - (1.0 - float(visual)) * math.exp(-10.0 * float(one)) for one in local[2:]]
        assert looks[2:].tolist() == pytest.approx(expected, abs=1e-6)
        assert (np.diff(looks[1:]) >= 0.0).all()
    assert count_marks(VISUAL, np.full(5, np.nan, np.float32)).dtype == np.float32


def test_with_marks_counted_local_fusion_is_the_product() -> None:
    np.testing.assert_array_equal(fuse(VISUAL, POSSIBLE, Fusion.LOCAL), fuse(VISUAL, POSSIBLE))
