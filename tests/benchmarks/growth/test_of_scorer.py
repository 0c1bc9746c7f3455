from __future__ import annotations

import pytest

from benchmarks.growth import of_scorer
from benchmarks.growth.points import Points


@pytest.mark.slow
def test_new_detections_are_added_and_ranked_by_a_fresh_scorer() -> None:
    points = Points()
    of_scorer.measure(points, [60], new=50, calls=3)
    assert points.has(of_scorer.DETECTIONS, 60)
    assert all(cost > 0 for cost in points.of[of_scorer.DETECTIONS][60].values())
    # nothing is started if all is known
    of_scorer.measure(points, [60], new=50, calls=0)
