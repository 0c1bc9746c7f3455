"""Cost of training a head: compared with its matrix products, and on a large survey in its own process."""

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
    """Measured cost of training."""

    ratio: float
    """Time of a training over the time of its matrix products, median."""
    ratio_low: float
    """Lower quartile of the ratio."""
    ratio_high: float
    """Upper quartile of the ratio."""
    epoch_s: float
    """Seconds of an epoch of these trainings."""
    large: int
    """Detections of the large survey."""
    large_epochs: int
    """Epochs measured on it."""
    large_minutes: float
    """Minutes of all epochs on it, extrapolated from the measured ones and the time before the first."""
    large_gib: float
    """Peak memory of its process, GiB."""

    def bars(self) -> list[Bar]:
        """Limits of the cost."""
        return [
            Bar("training over its bare matrix products", self.ratio, most=MOST_RATIO),
            Bar(f"memory of {self.large} detections in GiB", self.large_gib, most=MOST_GIB),
            Bar(f"minutes of {self.large} detections", self.large_minutes, most=MOST_MINUTES),
        ]


def cost(*, quick: bool = False) -> Cost:
    """Measure the cost; quick: with a small survey and few epochs."""
    count, epochs = (200, 3) if quick else (DETECTIONS, EPOCHS)
    embeddings, table = random_survey(count, DIMENSION)
    recipe = HeadRecipe(epochs=epochs)
    turns = interleaved(
        pairs=1 if quick else 5,
        training=lambda: train(embeddings, table, recipe),
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


def train(embeddings: Float32Array, table: DetectionTable, recipe: HeadRecipe) -> None:
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
        # backward through both layers: to the hidden row, and to the weights of each layer
        torch.mm(wide, down.T, out=hidden)
        _ = wide.T @ hidden
        _ = hidden.T @ rows


def large(count: int, epochs: int) -> tuple[float, float, float]:
    """Seconds before the first epoch, seconds of an epoch, and peak memory of this process in GiB."""
    # torch imports modules in its first step, which is not part of an epoch
    train(*random_survey(FEWEST_DETECTIONS, DIMENSION), HeadRecipe(epochs=1))
    started = time.perf_counter()
    embeddings, table = random_survey(count, DIMENSION)
    before = time.perf_counter()
    train(embeddings, table, HeadRecipe(epochs=epochs))
    ended = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return before - started, (ended - before) / epochs, peak


def random_survey(count: int, dimension: int) -> tuple[Float32Array, DetectionTable]:
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
