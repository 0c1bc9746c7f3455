"""Measure what is not known yet, draw it, and judge how fast it grows: `python -m benchmarks.growth`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.common import report
from benchmarks.growth import drawing, of_embedder, of_sampler, of_scorer
from benchmarks.growth.points import Points


def main() -> int:
    """Measure, draw, write and print; 1 if a cost grows too fast."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes; always exits with 0")
    parser.add_argument("--again", action="store_true", help="measure all points again")
    parser.add_argument(
        "--figures", type=Path, default=report.RESULTS, help="folder for the pictures (default: %(default)s)"
    )
    given = parser.parse_args()
    file = report.RESULTS / "growth" / "points.json"
    if given.again:
        file.unlink(missing_ok=True)
    points = Points() if given.quick else Points.kept(file)
    if given.quick:
        of_embedder.measure(points, [1, 4], [1, 2], crops=8)
        of_scorer.measure(points, [60, 600], new=50, calls=3)
        of_sampler.measure(points, [100, 300], [50, 150], fixed_labels=100, fixed_size=200)
    else:
        of_embedder.measure(points, [1, 2, 4, 8, 16, 32, 64], [1, 2, 4, 8, 16], crops=300)
        of_scorer.measure(points, [2000, 5000, 10_000, 20_000, 50_000], new=1000, calls=120)
        # full rounds of questions: the last one is old, so that it is planned again
        of_sampler.measure(
            points,
            [1000, 3000, 10_000, 30_000],
            [750, 3000, 9000, 30_000],
            fixed_labels=3000,
            fixed_size=3000,
        )
    folder = report.RESULTS / "growth-quick" if given.quick else given.figures
    folder.mkdir(parents=True, exist_ok=True)
    drawing.draw(points, folder)
    judged = list(drawing.bars(points))
    print(report.write("growth-quick" if given.quick else "growth", {"points": points.of}, judged))
    missed = report.judge(judged)
    return 0 if given.quick else missed


if __name__ == "__main__":
    sys.exit(main())
