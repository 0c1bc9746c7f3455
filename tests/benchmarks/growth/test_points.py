from __future__ import annotations

from pathlib import Path

from benchmarks.growth.points import Point, Points


def test_a_stopped_run_measures_only_what_is_unknown(tmp_path: Path) -> None:
    file, measured = tmp_path / "growth" / "points.json", []

    def cost(size: int) -> Point:
        measured.append(size)
        return {"s": size / 10}

    first = Points.kept(file)
    first.measure("queries", 20, lambda: cost(20))
    resumed = Points.kept(file)
    for size in (20, 10):
        resumed.measure("queries", size, lambda size=size: cost(size))  # type: ignore[misc] # the size of now
    assert measured == [20, 10]
    assert resumed.has("queries", 10)
    assert not resumed.has("labels", 10)
    assert Points.kept(file).line("queries", "s") == ([10, 20], [1.0, 2.0])
