"""Benefit of heads trained from places and times, by recipe, and the cost of training.

    python -m benchmarks.heads --data ../shared/data --generator ../shared/tools/annotation_surveys.py

Every detection with another one of its animal is a query against all others. A seed determines the weights
of the head and the survey: how a generated survey is drawn, or how a composite is joined (animals with equal
numbers of photographs trade them). Intervals are 95 % bootstrap intervals over the animals of a survey; a
gain is the difference of a head to the plain product with feasibility in the same draw.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import click
import numpy as np

from benchmarks.common import known_surveys, report
from benchmarks.common.known_surveys import COMPOSITES, SHAPES, KnownSurvey
from benchmarks.common.options import data_option, generator_option, models_option
from benchmarks.common.report import Bar
from benchmarks.heads.cost import cost
from services.embedder.inference.backbones import load_backbone
from spotted.arrays import BoolArray, Float32Array, Float64Array, IntArray
from spotted.heads.head import PAPER, HeadRecipe
from spotted.heads.training import train_head
from spotted.ranking.gallery import Gallery
from spotted.scoring import geometry
from spotted.scoring.feasibility import pair_feasibility

# seeds not used in development, which used 0 to 9 and the composites without trading
SEEDS = (20, 21, 22, 23, 24)
QUICK_SHARE = 0.25
TOP = (1, 5)
DEFAULT = "default"
RECIPES = {
    "paper": PAPER,
    "anchor": replace(PAPER, learning_rate=3e-4, anchor_weight=3.0),
    DEFAULT: HeadRecipe(),
    # every pair counts as a negative, so the head learns nothing from places; shows what places add
    "without places": replace(HeadRecipe(), negative_to=1.0),
}
PLAIN = ("visual", "location", "product")
DRAWS = 1000
INTERVAL = (0.025, 0.975)
MOST_LOSS = 0.01


@dataclass(frozen=True, slots=True)
class Row:
    """Results of one score of one recipe on one survey, means over the seeds."""

    survey: str
    recipe: str
    """Name of the recipe; "-": no head."""
    score: str
    seeds: int
    """Number of seeds."""
    top: tuple[float, ...]
    """Share of queries with their animal among the best k, for each k of TOP."""
    gain: tuple[tuple[float, float, float], ...]
    """Gain over the product without a head, with the ends of its interval, for each k of TOP."""


@click.command()
@data_option
@generator_option
@models_option
@click.option("--quick", is_flag=True, help="Small generated surveys and few epochs, to check that it runs.")
def main(*, data: Path, generator: Path, models: Path, quick: bool) -> None:
    """Compare recipes of heads on surveys with known individuals."""
    rows: list[Row] = []
    for name, surveys in _surveys(data, generator, models, quick=quick):
        rows += measured(name, surveys, epochs=5 if quick else None)
        report.show(name, ("head", "score", "top-1", "top-5", "gain top-1", "gain top-5"), _shown(rows, name))
    costs = cost(quick=quick)
    bars = [*bars_of(rows), *costs.bars()]
    results = {"rows": [asdict(row) for row in rows], "cost": asdict(costs)}
    print(f"written: {report.write('heads-quick' if quick else 'heads', results, bars)}")
    missed = report.judge(bars)
    # bars do not apply to small surveys and few epochs
    raise SystemExit(0 if quick else missed)


def measured(name: str, surveys: Sequence[KnownSurvey], *, epochs: int | None = None) -> list[Row]:
    """Every score of every recipe on the seeds of a survey. epochs: overrides the epochs of the recipes."""
    hits_by_score: dict[tuple[str, str], list[BoolArray]] = {}
    asking: list[IntArray] = []
    for seed, survey in enumerate(surveys):
        asks = np.bincount(survey.individuals)[survey.individuals] > 1
        asking.append(survey.individuals[asks])
        for key, scores in _scores(survey, seed, epochs):
            hit = hits(scores, survey.individuals, survey.gallery.order)[asks]
            hits_by_score.setdefault(key, []).append(hit)
    plain = hits_by_score["-", "product"]
    return [
        Row(
            name,
            recipe,
            score,
            len(surveys),
            tuple(np.mean([hit.mean(axis=0) for hit in hit_of_seeds], axis=0).tolist()),
            gains(hit_of_seeds, plain, asking),
        )
        for (recipe, score), hit_of_seeds in hits_by_score.items()
    ]


def hits(scores: Float32Array, individuals: IntArray, order: IntArray) -> BoolArray:
    """Whether the animal of each row is among its k best others, (n, len(TOP)); ties break by `order`.

    scores: (n, n), at least 0.
    """
    others = scores.copy()
    np.fill_diagonal(others, -1.0)
    by_id = np.argsort(order)
    best = by_id[np.argsort(-others[:, by_id], axis=1, kind="stable")[:, : max(TOP)]]
    same = individuals[best] == individuals[:, None]
    return np.stack([same[:, :k].any(axis=1) for k in TOP], axis=1)


def gains(
    with_head: Sequence[BoolArray], plain: Sequence[BoolArray], asking: Sequence[IntArray]
) -> tuple[tuple[float, float, float], ...]:
    """Mean difference over seeds for each k of TOP, with its interval over draws of animals."""
    rng = np.random.default_rng(0)
    draws = np.zeros((DRAWS, len(TOP)))
    means = np.zeros(len(TOP))
    for hit, base, individuals in zip(with_head, plain, asking, strict=True):
        gain = hit.astype(np.float64) - base
        means += gain.mean(axis=0) / len(with_head)
        draws += _drawn(gain, individuals, rng) / len(with_head)
    low, high = np.quantile(draws, INTERVAL, axis=0)
    return tuple(zip(means.tolist(), low.tolist(), high.tolist(), strict=True))


def _drawn(gain: Float64Array, individuals: IntArray, rng: np.random.Generator) -> Float64Array:
    animals, animal_of = np.unique(individuals, return_inverse=True)
    count = len(animals)
    sums = np.stack([np.bincount(animal_of, column, count) for column in gain.T], axis=1)
    times = rng.multinomial(count, np.full(count, 1.0 / count), size=DRAWS)
    return np.asarray((times @ sums) / (times @ np.bincount(animal_of))[:, None])


def bars_of(rows: Sequence[Row]) -> list[Bar]:
    """Least gains of the default recipe, adapted similarity x feasibility, over the plain product."""
    default = [row for row in rows if (row.recipe, row.score) == (DEFAULT, "adapted product")]
    bars = []
    for i, k in enumerate(TOP):
        mean = float(np.mean([row.gain[i][0] for row in default]))
        bars.append(Bar(f"mean gain in top-{k} over the product", mean, least=0.0))
        bars += [
            Bar(f"gain in top-{k} over the product on {row.survey}", row.gain[i][0], least=-MOST_LOSS)
            for row in default
        ]
    return bars


def rejoined(survey: KnownSurvey, seed: int) -> KnownSurvey:
    """A composite whose animals with equal numbers of photographs trade them, each rotated at random.

    Photographs keep their cyclic order, so that both flanks of an encounter stay neighbours.
    """
    rng = np.random.default_rng(seed)
    source = np.arange(len(survey.gallery))
    counts = np.bincount(survey.individuals)
    for count in np.unique(counts):
        albums = [np.flatnonzero(survey.individuals == a) for a in np.flatnonzero(counts == count)]
        for rows, lender in zip(albums, rng.permutation(len(albums)), strict=True):
            source[rows] = np.roll(albums[lender], rng.integers(max(count, 1)))
    gallery = survey.gallery
    table = replace(gallery.table, side=gallery.table.side[source])
    local = gallery.local.at(source, len(gallery)) if gallery.local else None
    lent = replace(gallery, embeddings=gallery.embeddings[source], table=table, local=local)
    return replace(survey, gallery=lent)


def _scores(
    survey: KnownSurvey, seed: int, epochs: int | None
) -> Iterator[tuple[tuple[str, str], Float32Array]]:
    gallery = survey.gallery
    base = np.asarray(gallery.embeddings, dtype=np.float32)
    possible, _ = journeys(gallery, np.arange(len(base)))
    visual = np.maximum(base @ base.T, 0)
    yield from zip((("-", score) for score in PLAIN), (visual, possible, visual * possible), strict=True)
    for name, recipe in RECIPES.items():
        chosen = replace(recipe, seed=seed, epochs=epochs or recipe.epochs)
        head = train_head(base, partial(journeys, gallery), chosen)
        adapted = head.apply(base)
        similarity = np.maximum(adapted @ adapted.T, 0)
        yield (name, "adapted"), similarity
        yield (name, "adapted product"), similarity * possible


def journeys(gallery: Gallery, rows: IntArray) -> tuple[Float32Array, BoolArray]:
    """Feasibility of the pairs of rows, and which are two animals in one image."""
    below, left = rows[:, None], rows[None, :]
    scores = pair_feasibility(gallery.table, below, left, gallery.extent, gallery.params)
    return scores, geometry.same_image(gallery.table, below, left) & (below != left)


def _surveys(
    data: Path, generator: Path, models: Path, *, quick: bool
) -> Iterator[tuple[str, list[KnownSurvey]]]:
    if not quick:
        backbone = load_backbone(models, "efficientnet-lite0")
        for captures in COMPOSITES:
            survey = known_surveys.composite(data, captures, backbone)
            yield captures, [rejoined(survey, seed) for seed in SEEDS]
    seeds, share = (SEEDS[:2], QUICK_SHARE) if quick else (SEEDS, 1.0)
    for shape in SHAPES:
        yield shape, [known_surveys.generated(generator, shape, seed, share=share) for seed in seeds]


def _shown(rows: Sequence[Row], survey: str) -> list[tuple[str, ...]]:
    return [
        (row.recipe, row.score, *(f"{top:.3f}" for top in row.top), *map(_points, row.gain))
        for row in rows
        if row.survey == survey
    ]


def _points(gain: tuple[float, float, float]) -> str:
    """A gain and its interval in percentage points."""
    value, low, high = (f"{100 * number:+.1f}" for number in gain)
    return f"{value} ({low} to {high})"
