"""Waits of a person at the review page: `python -m benchmarks.review`.

Store, services and page as processes of their own, photographs of 12 megapixels, and Chromium. A person
answers pairs at a steady pace; the page's own clock measures from each key to the next pair on the screen.
Then the processor time of one picture. Results go to out/benchmarks/review.json; exits 1 if a bar is missed.
Figures of a busy machine say little: close everything else first.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median, quantiles

from benchmarks.common import report
from benchmarks.common.report import Bar
from benchmarks.review.browser import Person, answer
from benchmarks.review.site import running
from services.review.images import rendering

MS = 1e3
PICTURES = 20
LONGEST = 1600
KEY_MS, FIRST_S, PICTURE_MS = 100.0, 2.0, 60.0


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.review",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--detections", type=int, default=120)
    parser.add_argument("--keys", type=int, default=60, help="answers (default 60)")
    parser.add_argument("--pace", type=float, default=1.5, help="seconds from one answer to the next (1.5)")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="spotted-benchmark-") as root,
        running(Path(root), detections=options.detections) as site,
    ):
        person = answer(site.entrance(), keys=options.keys, pace_s=options.pace)
        picture_ms = pictures_ms(site.photograph)
        size_mb = len(site.photograph) / 1e6
    bars = judged(person, picture_ms)
    report.show(
        f"Review page: {options.keys} keys, {options.pace:g} s apart, photographs of {size_mb:.1f} MB",
        ("", "median", "95 %", "longest"),
        [
            ("key to next pair, ms", *spread(person.waits_ms)),
            ("picture of 1,600 px, processor ms", *spread(picture_ms)),
        ],
    )
    print(f"first pair after {person.first_s:.2f} s; pictures asked for: {person.requested}")
    results = {
        "options": vars(options),
        "person": asdict(person),
        "picture_ms": picture_ms,
        "photograph_mb": size_mb,
    }
    print(f"written to {report.write('review', results, bars)}")
    sys.exit(report.judge(bars))


def pictures_ms(photograph: bytes) -> list[float]:
    """Processor time of pictures of 1,600 pixels, each made from the file, ms."""
    taken = []
    for _ in range(PICTURES):
        began = time.process_time()
        rendering.rendered(photograph, longest=LONGEST)
        taken.append((time.process_time() - began) * MS)
    return taken


def spread(values: Sequence[float]) -> tuple[float, float, float]:
    """Median, 95th percentile and maximum."""
    return median(values), quantiles(values, n=20, method="inclusive")[-1], max(values)


def judged(person: Person, picture_ms: Sequence[float]) -> list[Bar]:
    """The bars of the page."""
    return [
        Bar("95 % of the waits from key to next pair, ms,", spread(person.waits_ms)[1], most=KEY_MS),
        Bar("the first pair of a planned round, s,", person.first_s, most=FIRST_S),
        Bar("processor time of a picture of 1,600 px, ms,", median(picture_ms), most=PICTURE_MS),
    ]
