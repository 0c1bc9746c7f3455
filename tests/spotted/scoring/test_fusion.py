from __future__ import annotations

import math

import numpy as np
import pytest

from spotted.scoring.fusion import Fusion, fuse
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


def test_with_marks_counted_local_fusion_is_the_product() -> None:
    np.testing.assert_array_equal(fuse(VISUAL, POSSIBLE, Fusion.LOCAL), fuse(VISUAL, POSSIBLE))
