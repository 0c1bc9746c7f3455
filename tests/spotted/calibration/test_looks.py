from __future__ import annotations

import math

import numpy as np
import pytest

from spotted.calibration.looks import count_marks

VISUAL = np.array([0.0, 0.5, 1.0, 0.8], dtype=np.float32)


def test_marks_raise_the_visual_score_and_nothing_lowers_it() -> None:
    local = np.array([math.nan, 0.0, 0.05, 0.1, 5.0, 1e6], dtype=np.float32)
    for visual in VISUAL:
        looks = count_marks(np.full(len(local), visual), local)
        assert looks[:2].tolist() == [visual, visual]
        expected = [1.0 - (1.0 - float(visual)) * math.exp(-10.0 * float(one)) for one in local[2:]]
        assert looks[2:].tolist() == pytest.approx(expected, abs=1e-6)
        assert (np.diff(looks[1:]) >= 0.0).all()
    assert count_marks(VISUAL, np.full(4, np.nan, np.float32)).dtype == np.float32
