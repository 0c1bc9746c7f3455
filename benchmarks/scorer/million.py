"""A million detections in one process: `python -m benchmarks.scorer.million` (minutes, 6 GiB of memory).

Single queries are ranked with the float16 vectors, and with a copy of them in eight bits; the
answers of both must be equal. Results go to out/benchmarks/scorer_million.json; exits 1 if a bar is missed.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median

import numpy as np
import psutil
from threadpoolctl import threadpool_limits

from benchmarks.common import report
from benchmarks.common.report import Bar
from benchmarks.scorer.ranking import SMALLEST_DIMENSION, survey
from spotted.arrays import IntArray
from spotted.ranking.defaults import TOP_K
from spotted.ranking.products import IntegerProducts, Products, SingleProducts
from spotted.ranking.ranker import Ranked, Ranker

COUNT, MANY = 1_000_000, 1000


def resident_gib() -> float:
    """Memory that this process takes, GiB."""
    gc.collect()
    return psutil.Process().memory_info().rss / 2**30


def timed(work: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def answers(ranker: Ranker, queries: IntArray, threads: int) -> list[Ranked]:
    """The candidates of each query, each asked for by itself."""
    return [one for query in queries for one in ranker.top_k(np.array([query]), TOP_K, threads=threads)]


def equal(first: Sequence[Ranked], second: Sequence[Ranked]) -> bool:
    """Whether rows and scores of all answers are the same, bit for bit."""
    return all(
        np.array_equal(one.rows, other.rows) and np.array_equal(one.scores.fused, other.scores.fused)
        for one, other in zip(first, second, strict=True)
    )


@dataclass(frozen=True, slots=True)
class Way:
    """The cost of single queries by one kind of product."""

    answers: list[Ranked]
    one_s: list[float]
    memory_gib: float
    """Beside the float16 vectors."""


def measured(ranker: Ranker, queries: IntArray, held_gib: float) -> Way:
    """Each query once to compare, and once more by itself to time it."""
    threads = report.cores()
    found = answers(ranker, queries, threads)
    seconds = [timed(partial(answers, ranker, queries[i : i + 1], threads)) for i in range(len(queries))]
    return Way(found, seconds, resident_gib() - held_gib)


def main() -> int:
    """Measure, write and print; 1 if a bar is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scorer.million", description=__doc__)
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--dimension", type=int, default=SMALLEST_DIMENSION)
    parser.add_argument("--calls", type=int, default=9, help="single queries by each way")
    parser.add_argument("--many", type=int, default=MANY, help="queries of one call; 0: leave it out")
    asked = parser.parse_args()
    gallery = survey(asked.count, asked.dimension)
    vectors, rng = gallery.embeddings, np.random.default_rng(3)
    queries = rng.integers(0, asked.count, asked.calls)
    together = rng.choice(asked.count, asked.many, replace=False)
    held, made = resident_gib(), list[Products | None]()
    with threadpool_limits(1):
        ranker = Ranker(gallery, SingleProducts(vectors))
        halves = measured(ranker, queries, held)
        rounding_s = timed(lambda: made.append(IntegerProducts.if_possible(vectors)))
        if made[0] is None:
            print("eight bits were not measured: install numkong")
            return 1
        codes = measured(Ranker(gallery, made[0]), queries, held)
        many_s = timed(lambda: list(ranker.top_k(together, TOP_K, threads=report.cores())))
    print(f"{rounding_s:.1f} s to round all rows, {many_s:.1f} s for {asked.many} queries in one call")
    return judge(
        asked, vectors.nbytes / 2**30, {"float16": halves, "eight bits": codes}, (rounding_s, many_s)
    )


def judge(
    asked: argparse.Namespace, vectors_gib: float, ways: dict[str, Way], further_s: tuple[float, float]
) -> int:
    """Print, write and judge."""
    size = f"among {asked.count} x {asked.dimension}"
    halves, codes = ways.values()
    p50 = {name: median(way.one_s) for name, way in ways.items()}
    bars = [
        Bar(
            f"one query {size} by eight bits over float16, p50,",
            median(codes.one_s) / median(halves.one_s),
            most=0.5,
        ),
        Bar("memory beside the float16 vectors over theirs", codes.memory_gib / vectors_gib, most=0.75),
        Bar("answers that are equal, share,", float(equal(halves.answers, codes.answers)), least=1.0),
    ]
    rows = [(name, 1e3 * p50[name], 1e3 * max(way.one_s), way.memory_gib) for name, way in ways.items()]
    report.show(f"top {TOP_K} of one {size}", ("way", "p50 ms", "most ms", "GiB beside vectors"), rows)
    results = {
        "detections": asked.count,
        "dimension": asked.dimension,
        "vectors_gib": vectors_gib,
        "memory_gib": {name: way.memory_gib for name, way in ways.items()},
        "one_s": {name: way.one_s for name, way in ways.items()},
        "rounding_s": further_s[0],
        "many": asked.many,
        "many_s": further_s[1],
    }
    report.write("scorer_million", results, bars)
    return report.judge(bars)


if __name__ == "__main__":
    sys.exit(main())
