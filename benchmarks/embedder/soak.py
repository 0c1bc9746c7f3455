"""Ten thousand good and bad files through one stream: right answers in order, and no memory leak.

    python -m benchmarks.embedder.soak [--quick] [--count 10000]

Results go to out/benchmarks/soak.json (soak-quick.json); exits 1 if a bar is missed.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import psutil

from benchmarks.common import report
from benchmarks.common.crops import jpeg_crops, mixed_files
from benchmarks.common.models import VIT_TINY
from benchmarks.common.report import Bar
from benchmarks.common.servers import Serving, embedder
from services.common.memory import MIB
from spotted.arrays import Float32Array
from spotted.client import Crop, Embedded, Spotted
from spotted.training.networks import LITE0

QUICK, FULL = 120, 10_000
DIFFERENT = 32
# memory grows while pools fill; what follows this share of the files counts
WARM_UP = 0.1
MEMORY_EVERY = 50
MOST_GROWTH_MIB = 50.0
# a vector may differ in its last digits with the batch that its crop was in
LEAST_COSINE = 0.9999


@dataclass(slots=True)
class Soak:
    """Counts of answers of each kind, and faults by crop id."""

    good: int = 0
    bad: int = 0
    out_of_order: list[str] = field(default_factory=list)
    wrong_vector: list[str] = field(default_factory=list)
    wrong_error: list[str] = field(default_factory=list)
    # MiB of the server and of this process, as the files went through
    server_mib: list[float] = field(default_factory=list)
    client_mib: list[float] = field(default_factory=list)

    def check(self, crop_id: str, expected: Float32Array | str, got: Embedded) -> None:
        """Compare one answer with the vector, or the text of the error, that its crop must get."""
        if got.crop_id != crop_id:
            self.out_of_order.append(f"{got.crop_id} instead of {crop_id}")
        if isinstance(expected, str):
            self.bad += 1
            if got.vector is not None or expected not in got.error:
                self.wrong_error.append(f"{crop_id}: {got.error!r} for {expected!r}")
            return
        self.good += 1
        if got.vector is None or float(got.vector @ expected) < LEAST_COSINE:
            self.wrong_vector.append(f"{crop_id}: {got.error}")

    def weigh(self, serving: Serving) -> None:
        """Note the memory of both processes."""
        self.server_mib.append(serving.resident_mib)
        self.client_mib.append(psutil.Process().memory_info().rss / MIB)

    def growth_mib(self) -> float:
        """The server's memory in the last tenth of the files over that in the tenth after the warm-up.

        Medians: gRPC and the allocator take and give back tens of MiB all the time.
        """
        warm_up = round(WARM_UP * len(self.server_mib))
        warm, tenth = self.server_mib[warm_up:], max(1, warm_up)
        return median(warm[-tenth:]) - median(warm[:tenth])


def soak(serving: Serving, count: int) -> Soak:
    """Send `count` files, two in three of them good, through one stream."""
    good = jpeg_crops(DIFFERENT)
    files = mixed_files(count, good)
    done = Soak()
    with Spotted(embedder=serving.address, scorer=serving.address, sampler=serving.address) as spotted:
        expected = [_vector(answer) for answer in spotted.embed(Crop(str(i), f) for i, f in enumerate(good))]
        crops = (Crop(f"crop-{i:05d}", content) for i, (content, _) in enumerate(files))
        answers = spotted.embed(crops)
        for i, answer in enumerate(answers):
            if i % MEMORY_EVERY == 0:
                done.weigh(serving)
            words = files[i][1]
            done.check(f"crop-{i:05d}", words or expected[i % DIFFERENT], answer)
    done.weigh(serving)
    return done


def run(model_id: str, count: int, results_as: str) -> int:
    """Measure, print and write everything; returns the exit status."""
    started_s = time.perf_counter()
    with embedder(model_id, workers=report.cores()) as serving:
        done = soak(serving, count)
    bars = _bars(done, count)
    found: dict[str, Any] = {
        "model_id": model_id,
        "count": count,
        "seconds": time.perf_counter() - started_s,
        "good": done.good,
        "bad": done.bad,
        "server_mib": done.server_mib,
        "client_mib": done.client_mib,
    }
    shown = ("count", "good", "bad", "seconds")
    rows = [(name, found[name]) for name in shown]
    rows += [
        (side, f"{found[side][0]:.0f} at first, {found[side][-1]:.0f} at the end")
        for side in ("server_mib", "client_mib")
    ]
    report.show(f"{model_id}: one stream", ("measure", "value"), rows)
    for wrong in [*done.out_of_order, *done.wrong_vector, *done.wrong_error][:10]:
        print(wrong)
    print(f"written: {report.write(results_as, found, bars)}")
    return report.judge(bars)


def _bars(done: Soak, count: int) -> list[Bar]:
    return [
        Bar("files answered", done.good + done.bad, least=count, most=count),
        Bar("answers out of order", len(done.out_of_order), most=0),
        Bar("good files without their vector", len(done.wrong_vector), most=0),
        Bar("bad files without their own error", len(done.wrong_error), most=0),
        Bar("growth of the server's memory, MiB", done.growth_mib(), most=MOST_GROWTH_MIB),
    ]


def _vector(answer: Embedded) -> Float32Array:
    if answer.vector is None:
        raise RuntimeError(f"a good crop was refused: {answer.error}")
    return answer.vector


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.embedder.soak", description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} files")
    parser.add_argument("--count", type=int, default=FULL, help="number of files")
    parser.add_argument("--model", choices=(VIT_TINY, LITE0), default=LITE0)
    chosen = parser.parse_args()
    if chosen.quick:
        sys.exit(run(chosen.model, QUICK, "soak-quick"))
    sys.exit(run(chosen.model, chosen.count, "soak"))


if __name__ == "__main__":
    main()
