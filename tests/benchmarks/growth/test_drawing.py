from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.growth import drawing
from benchmarks.growth.points import Points

SIZES = (100, 300, 1000, 3000)


def grown(by: float) -> Points:
    """Points of every series whose costs grow by a power of the size."""
    panels = [panel for panels in drawing.PICTURES.values() for panel in panels]
    costs = {
        series: {cost for other, _, shown in panels if other == series for cost in shown}
        for series, _, _ in panels
    }
    return Points(of={s: {n: dict.fromkeys(costs[s], 2.0 * n**by) for n in SIZES} for s in costs})


@pytest.mark.parametrize("by", [0.0, 1.0, 2.0])
def test_the_power_of_a_cost_is_that_by_which_it_grows(by: float) -> None:
    points = grown(by)
    assert drawing.power([10, 100, 1000], [5.0, 3.0, 3.0 * 10**by]) == pytest.approx(by)
    judged = list(drawing.bars(points))
    assert len(judged) == sum(map(len, drawing.HELD_LINEAR.values()))
    assert {bar.held for bar in judged} == {by <= drawing.MOST_POWER}


def test_each_service_has_a_picture_once_its_points_are_known(tmp_path: Path) -> None:
    points = grown(1.0)
    drawing.draw(points, tmp_path)
    assert {path.stem for path in tmp_path.iterdir()} == set(drawing.PICTURES)
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in tmp_path.iterdir())
    empty = tmp_path / "empty"
    empty.mkdir()
    drawing.draw(Points(), empty)
    assert list(empty.iterdir()) == []
