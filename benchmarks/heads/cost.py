"""What training a head costs: against its bare matrix products, and on a large survey in its own process."""

from __future__ import annotations

import multiprocessing
import resource
import time
from dataclasses import dataclass

import numpy as np
import torch

from benchmarks.common.report import Bar
from benchmarks.common.timing import interleaved
from spotted.arrays import BoolArray, Float32Array, IntArray
from spotted.heads.head import FEWEST_DETECTIONS, HeadRecipe
from spotted.heads.training import train_head
from spotted.scoring import geometry
from spotted.scoring.feasibility import FeasibilityParams, pair_feasibility
from spotted.scoring.similarity import unit_rows
from spotted.survey import DetectionTable, Extent

DETECTIONS, DIMENSION = 1871, 1280
LARGE = 50_000
CAMERAS = 200
EPOCHS = 30
LARGE_EPOCHS = 20
EXTENT = Extent(30_000.0, 60 * 86_400.0)
MOST_RATIO, MOST_GIB, MOST_MINUTES = 3.0, 2.0, 20.0


@dataclass(frozen=True, slots=True)
class Cost:
    """ratio, ratio_low, ratio_high: time of a training over that of its matrix products, and quartiles.

    epoch_s: seconds of an epoch of these trainings. large_minutes: of all epochs of a survey of `large`
    detections, from `large_epochs` of them and the time before the first. large_gib: most memory of that
    process.
    """

    ratio: float
    ratio_low: float
    ratio_high: float
    epoch_s: float
    large: int
    large_epochs: int
    large_minutes: float
    large_gib: float

    def bars(self) -> list[Bar]:
        """What training may cost."""
        return [
            Bar("training over its bare matrix products", self.ratio, most=MOST_RATIO),
            Bar(f"memory of {self.large} detections in GiB", self.large_gib, most=MOST_GIB),
            Bar(f"minutes of {self.large} detections", self.large_minutes, most=MOST_MINUTES),
        ]


def cost(*, quick: bool = False) -> Cost:
    """Measure; quick: a small survey, few epochs."""
    count, epochs = (200, 3) if quick else (DETECTIONS, EPOCHS)
    embeddings, table = made(count, DIMENSION)
    recipe = HeadRecipe(epochs=epochs)
    turns = interleaved(
        pairs=1 if quick else 5,
        training=lambda: trained(embeddings, table, recipe),
        products=lambda: products(embeddings, recipe),
    )
    ratio = turns.ratio("training", "products")
    size, steps = (5000, 2) if quick else (LARGE, LARGE_EPOCHS)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        before_s, step_s, gib = pool.apply(large, (size, steps))
    minutes = (before_s + HeadRecipe().epochs * step_s) / 60
    return Cost(
        ratio.median, ratio.low, ratio.high, turns.median_s("training") / epochs, size, steps, minutes, gib
    )


def trained(embeddings: Float32Array, table: DetectionTable, recipe: HeadRecipe) -> None:
    """Train a head, feasibility and pseudo-labels included."""

    def journeys(rows: IntArray) -> tuple[Float32Array, BoolArray]:
        below, left = rows[:, None], rows[None, :]
        scores = pair_feasibility(table, below, left, EXTENT, FeasibilityParams())
        return scores, geometry.same_image(table, below, left) & (below != left)

    train_head(embeddings, journeys, recipe)


def products(embeddings: Float32Array, recipe: HeadRecipe) -> None:
    """The matrix products of a training and nothing else: all pairs, their gradient and the two layers."""
    rows = torch.from_numpy(embeddings)
    down = torch.randn(recipe.rank, rows.shape[1])
    pairs, hidden = torch.empty(len(rows), len(rows)), torch.empty(len(rows), recipe.rank)
    wide = torch.empty_like(rows)
    for _ in range(recipe.epochs):
        torch.mm(rows, down.T, out=hidden)
        torch.mm(hidden, down, out=wide)
        torch.mm(rows, rows.T, out=pairs)
        torch.mm(pairs, rows, out=wide)
        # back through both layers: to the hidden row, and to each layer's weights
        torch.mm(wide, down.T, out=hidden)
        _ = wide.T @ hidden
        _ = hidden.T @ rows


def large(count: int, epochs: int) -> tuple[float, float, float]:
    """Seconds before the first epoch, seconds of an epoch, and most memory in GiB of this process."""
    # what torch imports at its first step is no part of an epoch
    trained(*made(FEWEST_DETECTIONS, DIMENSION), HeadRecipe(epochs=1))
    started = time.perf_counter()
    embeddings, table = made(count, DIMENSION)
    before = time.perf_counter()
    trained(embeddings, table, HeadRecipe(epochs=epochs))
    ended = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return before - started, (ended - before) / epochs, peak


def made(count: int, dimension: int) -> tuple[Float32Array, DetectionTable]:
    """Random vectors and detections at random times and cameras."""
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((count, dimension), dtype=np.float32)
    vectors += 0.5
    cameras = rng.uniform(0, EXTENT.distance_m / 2, (CAMERAS, 2))
    table = DetectionTable(
        cameras[rng.integers(0, CAMERAS, count)],
        rng.uniform(0, EXTENT.span_s, count),
        image=np.full(count, -1),
        side=np.zeros(count, np.int64),
        location_uncertainty_m=np.zeros(count),
        clock_suspect=np.zeros(count, np.bool_),
    )
    return unit_rows(vectors), table
