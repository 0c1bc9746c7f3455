"""The cost of exact ranking compared with the bare matrix product: `python -m benchmarks.scorer`.

Rivals run in turns in one process; peak memory is measured in a separate process for each.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import itertools
import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import quantiles

import numpy as np
from matplotlib.figure import Figure
from threadpoolctl import threadpool_limits

from benchmarks.common import report
from benchmarks.common.timing import Turns, in_turns, interleaved
from spotted.arrays import Float32Array, IntArray
from spotted.ranking.defaults import TOP_K
from spotted.ranking.gallery import Gallery
from spotted.ranking.products.choice import QUERIES
from spotted.ranking.ranker import BLOCK, Ranker
from spotted.scoring.feasibility import FeasibilityParams
from spotted.survey import DetectionTable, Extent

SMALLEST_DIMENSION, LARGEST_DIMENSION = 1280, 2152
EVERYONE_AT, ONE_AT = 20_000, 50_000
CAMERAS, SIDE_M, DAYS, DAY_S = 60, 14_142.0, 60, 86_400.0
SHARED_IMAGE = 0.05
DETECTIONS_AN_ANIMAL = 25
NEW = 1000
# the full table of a larger gallery takes too long
NAIVE_MOST = 5000
Case = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Measured:
    """The cost of ranking at one size: all, 1,000 new ones and one among all, in seconds; memory."""

    count: int
    dimension: int
    everyone: Turns
    new: Turns
    one: Turns
    embeddings_mib: float
    memory_mib: float | None
    """None if not everyone was ranked."""


def survey(count: int, dimension: int, seed: int = 0) -> Gallery:
    """A generated survey: 60 cameras over 20 km and 60 days, about 25 detections an animal."""
    rng = np.random.default_rng(seed)
    animals = rng.normal(size=(max(1, count // DETECTIONS_AN_ANIMAL), dimension)).astype(np.float32)
    common = rng.normal(size=dimension).astype(np.float32)
    animal = rng.integers(0, len(animals), count)
    embeddings = np.empty((count, dimension), np.float16)
    for start in range(0, count, BLOCK):
        part = animal[start : start + BLOCK]
        noise = rng.standard_normal((len(part), dimension), dtype=np.float32)
        looks = 0.8 * animals[part] + 0.6 * common + 0.6 * noise
        embeddings[start : start + BLOCK] = looks / np.linalg.norm(looks, axis=1, keepdims=True)
    table = DetectionTable(
        position_m=rng.uniform(0, SIDE_M, (CAMERAS, 2))[rng.integers(0, CAMERAS, count)],
        time_s=np.floor(rng.uniform(0, DAYS * DAY_S, count)),
        image=np.where(rng.random(count) < SHARED_IMAGE, rng.integers(0, max(1, count // 20), count), -1),
        side=np.zeros(count, np.int64),
        location_uncertainty_m=np.zeros(count),
        clock_suspect=np.zeros(count, np.bool_),
    )
    return Gallery(
        embeddings, table, rng.permutation(count), Extent(20_000.0, DAYS * DAY_S), FeasibilityParams()
    )


def bare_symmetric(vectors: Float32Array) -> None:
    """Only the products of all blocks on and above the diagonal."""
    for i in range(0, len(vectors), BLOCK):
        for j in range(i, len(vectors), BLOCK):
            product(vectors, i, j)


def bare_at_once(vectors: Float32Array) -> None:
    """The same products, as many at once as there are cores, each on one thread."""
    starts = range(0, len(vectors), BLOCK)
    blocks = [(i, j) for i in starts for j in starts if i <= j]
    with threadpool_limits(1), ThreadPoolExecutor(report.cores()) as pool:
        products = (pool.submit(product, vectors, *block) for block in blocks)
        for done in list(products):
            done.result()


def product(vectors: Float32Array, i: int, j: int) -> None:
    """One block of the product, dropped."""
    vectors[i : i + BLOCK] @ vectors[j : j + BLOCK].T


def bare_rows(rows: Float32Array, vectors: Float32Array) -> None:
    """The products of some rows with all, in blocks."""
    for j in range(0, len(vectors), 2 * BLOCK):
        rows @ vectors[j : j + 2 * BLOCK].T


def naive(ranker: Ranker) -> None:
    """The fused table a strip at a time and a partition of each row: inexact, without filters."""
    everyone = np.arange(len(ranker))
    for start in range(0, len(ranker), 256):
        scores = ranker.score_block(everyone[start : start + 256], everyone)
        np.argpartition(-scores, min(TOP_K, len(ranker) - 1), axis=1)[:, :TOP_K]


def ranked(ranker: Ranker, queries: IntArray, *, threads: int) -> None:
    """Exact ranking; with more than one thread, each product is limited to one."""
    with threadpool_limits(1 if threads > 1 else None):
        for _ in ranker.top_k(queries, TOP_K, threads=threads):
            pass


def all_pairs(ranker: Ranker, vectors: Float32Array) -> dict[str, Case]:
    """Top 20 of all detections, by each rival."""
    everyone, cores = np.arange(len(ranker)), report.cores()
    cases: dict[str, Case] = {
        "bare": lambda: bare_symmetric(vectors),
        "bare_at_once": lambda: bare_at_once(vectors),
        "spotted": lambda: ranked(ranker, everyone, threads=cores),
        "spotted_blas_threads": lambda: ranked(ranker, everyone, threads=1),
    }
    if len(ranker) <= NAIVE_MOST:
        cases["naive"] = lambda: naive(ranker)
    if importlib.util.find_spec("faiss"):
        index = importlib.import_module("faiss").IndexFlatIP(vectors.shape[1])
        index.add(vectors)
        # only visual, without feasibility or filters, and both halves of the table
        cases["faiss_visual"] = lambda: index.search(vectors, TOP_K)
    return cases


def new_arrivals(ranker: Ranker, vectors: Float32Array) -> dict[str, Case]:
    """Top 20 of 1,000 detections among all."""
    queries = np.random.default_rng(1).choice(len(ranker), min(NEW, len(ranker)), replace=False)
    rows, cores = vectors[queries], report.cores()
    return {
        "bare": lambda: bare_rows(rows, vectors),
        "spotted": lambda: ranked(ranker, queries, threads=cores),
        "spotted_blas_threads": lambda: ranked(ranker, queries, threads=1),
    }


def single(ranker: Ranker, vectors: Float32Array, calls: int) -> Turns:
    """Top 20 of one detection among all, each call beside one bare matrix-vector product."""
    rows = itertools.cycle(np.random.default_rng(2).integers(0, len(ranker), 997).tolist())
    return interleaved(
        pairs=calls,
        # until the rows are in eight bits
        warm_up=QUERIES,
        bare=lambda: vectors @ vectors[next(rows)],
        spotted=lambda: ranked(ranker, np.array([next(rows)]), threads=1),
    )


def p99_s(turns: Turns, case: str) -> float:
    """The 99th percentile of a case's seconds."""
    return quantiles(turns.seconds[case], n=100, method="inclusive")[98]


def memory_mib(count: int, dimension: int, threads: int) -> float:
    """Peak memory of ranking everyone above that of holding the survey, MiB; run it in a separate process."""
    gallery = survey(count, dimension)
    held = peak_mib()
    ranked(Ranker(gallery), np.arange(count), threads=threads)
    return peak_mib() - held


def peak_mib() -> float:
    """Peak memory of this process; `getrusage` would include its parent's."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def in_a_process(count: int, dimension: int) -> float:
    """`memory_mib`, in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        return process.submit(memory_mib, count, dimension, report.cores()).result()


def measured(count: int, dimension: int, pairs: int, calls: int) -> Measured:
    """All measurements of one size."""
    gallery = survey(count, dimension)
    vectors = gallery.embeddings.astype(np.float32)
    ranker = Ranker(gallery)
    # ranking everyone of a larger gallery in turns takes an hour
    small = count <= EVERYONE_AT
    everyone = in_turns(all_pairs(ranker, vectors), pairs=pairs) if small else Turns({})
    new = in_turns(new_arrivals(ranker, vectors), pairs=pairs)
    one = single(ranker, vectors, calls)
    memory = in_a_process(count, dimension) if small else None
    return Measured(count, dimension, everyone, new, one, gallery.embeddings.nbytes / 2**20, memory)


def lines(size: Measured) -> Iterator[tuple[object, ...]]:
    """The rows of the printed table."""
    for task, turns in (("all", size.everyone), ("1,000 new", size.new), ("one", size.one)):
        for case in turns.seconds:
            milliseconds = 1e3 * turns.median_s(case), 1e3 * p99_s(turns, case)
            yield (f"{size.count} x {size.dimension}", task, case, *milliseconds, turns.ratio(case, "bare"))


def bars(size: Measured) -> Iterator[report.Bar]:
    """The bars for this size."""
    words = f"of {size.count} x {size.dimension}, against the bare product"
    if size.dimension == LARGEST_DIMENSION and size.count == EVERYONE_AT:
        for bare, name in (("bare", "BLAS on all threads"), ("bare_at_once", "one thread a block")):
            ratio = size.everyone.ratio("spotted", bare).median
            yield report.Bar(f"top {TOP_K} of all detections {words}, {name},", ratio, most=1.15)
        yield report.Bar(f"p50 of one {words}", size.one.ratio("spotted", "bare").median, most=1.3)
        if size.memory_mib is not None:
            yield report.Bar("memory above the embeddings, MiB,", size.memory_mib, most=512)
    if size.dimension == SMALLEST_DIMENSION and size.count == ONE_AT:
        ratio = size.new.ratio("spotted", "bare").median
        yield report.Bar(f"top {TOP_K} of 1,000 new {words}", ratio, most=1.5)
        yield report.Bar(
            f"p99 of one {words}", p99_s(size.one, "spotted") / p99_s(size.one, "bare"), most=2.0
        )


def written(size: Measured) -> dict[str, object]:
    """A size's measurements as they are written to JSON."""
    tasks = {"all": size.everyone, "new": size.new, "one": size.one}
    medians = {t: {case: turns.median_s(case) for case in turns.seconds} for t, turns in tasks.items()}
    ratios = {
        t: {case: asdict(turns.ratio(case, "bare")) for case in turns.seconds} for t, turns in tasks.items()
    }
    p99 = {case: p99_s(size.one, case) for case in size.one.seconds}
    facts = {"detections": size.count, "dimension": size.dimension, "one_p99_s": p99}
    memory = {"embeddings_mib": size.embeddings_mib, "memory_mib": size.memory_mib}
    return {**facts, **memory, "median_s": medians, "ratio_to_bare": ratios}


def picture(sizes: list[Measured]) -> Figure:
    """Cost and memory against the number of detections."""
    figure = Figure(figsize=(9, 3.5), layout="constrained")
    cost, memory = figure.subplots(1, 2)
    for dimension in sorted({size.dimension for size in sizes}):
        chosen = [size for size in sizes if size.dimension == dimension and size.everyone.seconds]
        counts = [size.count for size in chosen]
        for case, style in (("bare", "--"), ("spotted", "-")):
            seconds = [size.everyone.median_s(case) for size in chosen]
            cost.plot(counts, seconds, style, marker="o", label=f"{case}, D = {dimension}")
        memory.plot(counts, [size.memory_mib for size in chosen], marker="o", label=f"D = {dimension}")
    cost.set(xlabel="detections", ylabel=f"top {TOP_K} of all, s", xscale="log", yscale="log")
    memory.set(xlabel="detections", ylabel="memory above embeddings, MiB", xscale="log")
    cost.legend()
    memory.legend()
    return figure


def main() -> int:
    """Measure, print, write JSON and a plot; 1 if a bar is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scorer", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, a few seconds")
    parser.add_argument("--count", type=int, nargs="+", default=[5000, EVERYONE_AT, ONE_AT])
    parser.add_argument("--dimension", type=int, nargs="+", default=[SMALLEST_DIMENSION, LARGEST_DIMENSION])
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--calls", type=int, default=300)
    asked = parser.parse_args()
    if asked.quick:
        asked.count, asked.dimension, asked.pairs, asked.calls = [500, 1500], [128], 2, 20
    sizes = [measured(n, d, asked.pairs, asked.calls) for d in asked.dimension for n in asked.count]
    columns = ("size", "task", "way", "median ms", "p99 ms", "to bare")
    report.show(f"top {TOP_K}", columns, [line for size in sizes for line in lines(size)])
    kept = [bar for size in sizes for bar in bars(size)]
    path = report.write("scorer", {"sizes": [written(size) for size in sizes]}, kept)
    picture(sizes).savefig(path.with_suffix(".png"))
    return report.judge(kept)
