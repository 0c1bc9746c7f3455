"""Calibrated fusion against the product, on animals that it was not fitted to.

    python -m benchmarks.calibration --data ../shared/data

Half of a survey's animals are held out, at random. All pairs of detections of the other half, or of a few of
its animals, are the labels. Measured only on the held-out half: every detection with another one of its
animal is a query, and all other detections of that half are its candidates, except those of its own image.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import numpy as np

from benchmarks.common import known_surveys
from benchmarks.common.known_surveys import KnownSurvey
from benchmarks.common.options import data_option, generator_option, models_option
from services.embedder.inference.backbones import load_backbone
from spotted.arrays import BoolArray, Float32Array, FloatArray, IntArray
from spotted.calibration.evidence import PairEvidence, compare_sides
from spotted.calibration.fit import describe_shortage, fit_calibration, thin_pairs
from spotted.calibration.model import expected_calibration_error, probability
from spotted.ranking.gallery import Gallery
from spotted.scoring import geometry
from spotted.scoring.feasibility import pair_feasibility
from spotted.scoring.fusion import fuse
from spotted.scoring.similarity import pair_similarity

TOP = (1, 5, 20)
LISTED = 20
SPLITS = 6
# numbers of labelled animals; None for the whole half
LABELLED = (2, 5, 10, 20, None)
# development used seeds 0 to 3
SEEDS = (20, 21)
LEAST_GAIN, MOST_LOSS, MOST_ERROR = 0.04, 0.01, 0.05


@dataclass(frozen=True, slots=True)
class Outcome:
    """One split. product, calibrated: share of queries with their animal among the best of TOP.

    error: expected calibration error over all open pairs of the held-out half; listed_error: over the LISTED
    best candidates of each query; expected_error: as the calibration reports it. NaN without one.
    """

    same_pairs: int
    product: tuple[float, ...]
    calibrated: tuple[float, ...]
    error: float
    listed_error: float
    expected_error: float


@dataclass(frozen=True, slots=True)
class Line:
    """Means over the splits of one survey with one number of labelled animals.

    fallbacks: splits with too few labels, which use the product; worst: least top-5 gain of a split.
    """

    survey: str
    kind: str
    labelled: str
    same_pairs: float
    fallbacks: int
    product: tuple[float, ...]
    calibrated: tuple[float, ...]
    gain: tuple[float, ...]
    worst: float
    error: float | None
    listed_error: float | None
    expected_error: float | None


@click.command()
@data_option
@generator_option
@models_option
@click.option("--output", type=click.Path(path_type=Path), default=Path("out/benchmarks/calibration.json"))
@click.option("--quick", is_flag=True, help="One survey of each kind and two splits, to check that it runs.")
def main(*, data: Path, generator: Path, models: Path, output: Path, quick: bool) -> None:
    """Measure calibrated fusion against the product on held-out animals."""
    lines: list[Line] = []
    for survey in _surveys(data, generator, models, quick=quick):
        everyone = np.arange(len(survey.gallery))
        pairs = pairs_of(survey.gallery, *np.meshgrid(everyone, everyone, indexing="ij"))
        for labelled in (5, None) if quick else LABELLED:
            lines.append(measured(survey, pairs, labelled, splits=2 if quick else SPLITS))
            click.echo(_row(lines[-1]))
    found = bars(lines)
    click.echo(json.dumps(found, indent=2))
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps({"bars": found, "lines": [asdict(line) for line in lines]}, indent=2) + "\n")


def measured(survey: KnownSurvey, pairs: PairEvidence, labelled: int | None, *, splits: int = SPLITS) -> Line:
    """The means over splits of one survey.

    pairs: all against all, (n, n). labelled: number of labelled animals, None for half of all.
    """
    outcomes = [_outcome(survey, pairs, labelled, split) for split in range(splits)]
    gains = np.array([np.subtract(o.calibrated, o.product) for o in outcomes])
    errors = np.array([(o.error, o.listed_error, o.expected_error) for o in outcomes])
    fitted = ~np.isnan(errors[:, 0])
    means = errors[fitted].mean(axis=0).tolist() if fitted.any() else [None] * 3
    return Line(
        survey=survey.name,
        kind=survey.kind,
        labelled=str(labelled or "half"),
        same_pairs=float(np.mean([o.same_pairs for o in outcomes])),
        fallbacks=int((~fitted).sum()),
        product=tuple(np.mean([o.product for o in outcomes], axis=0).tolist()),
        calibrated=tuple(np.mean([o.calibrated for o in outcomes], axis=0).tolist()),
        gain=tuple(gains.mean(axis=0).tolist()),
        worst=float(gains[:, TOP.index(5)].min()),
        error=means[0],
        listed_error=means[1],
        expected_error=means[2],
    )


def bars(lines: Sequence[Line]) -> dict[str, float | bool]:
    """The bars: top-5 gain on the composites, largest loss anywhere, calibration error with half labelled."""
    half = [line for line in lines if line.labelled == "half"]
    gain = float(np.mean([line.gain[TOP.index(5)] for line in half if line.kind == "composite"]))
    least = {k: min(line.gain[i] for line in lines) for i, k in enumerate(TOP)}
    error = max(line.error for line in half if line.error is not None)
    return {
        "composites_top5_gain": gain,
        **{f"least_top{k}_gain": value for k, value in least.items()},
        "largest_error_half": error,
        "largest_listed_error_half": max(line.listed_error for line in half if line.listed_error is not None),
        "held": gain >= LEAST_GAIN and min(least.values()) >= -MOST_LOSS and error <= MOST_ERROR,
    }


def _surveys(data: Path, generator: Path, models: Path, *, quick: bool) -> Iterator[KnownSurvey]:
    backbone = load_backbone(models, "efficientnet-lite0")
    for captures in known_surveys.COMPOSITES[: 1 if quick else None]:
        yield known_surveys.composite(data, captures, backbone)
    for seed in SEEDS[: 1 if quick else None]:
        yield known_surveys.simulated(seed, backbone)
        for shape in known_surveys.SHAPES[: 1 if quick else None]:
            yield known_surveys.generated(generator, shape, seed)


@dataclass(frozen=True, slots=True)
class _Half:
    """The held-out half as a table of its detections against one another, (q, q).

    open_pairs: pairs of different images. order: (q,) rank of ids.
    """

    pairs: PairEvidence
    same: BoolArray
    open_pairs: BoolArray
    order: IntArray

    def listed(self, score: Float32Array) -> IntArray:
        """Columns (q, LISTED) of the best candidates of each query."""
        ranked = np.where(self.open_pairs, score, -1.0)
        return np.array([np.lexsort((self.order, -row))[:LISTED] for row in ranked])

    def top(self, listed: IntArray) -> tuple[float, ...]:
        """Identification accuracy at TOP, of detections with another one of their animal."""
        found = self.same & self.open_pairs
        hit = np.take_along_axis(found, listed, axis=1)[found.any(axis=1)]
        return tuple(float(hit[:, :k].any(axis=1).mean()) for k in TOP)


def _outcome(survey: KnownSurvey, pairs: PairEvidence, labelled: int | None, split: int) -> Outcome:
    animals = np.random.default_rng((split, 0)).permutation(np.unique(survey.individuals))
    half = len(animals) // 2
    held = _held_out(survey, pairs, np.flatnonzero(np.isin(survey.individuals, animals[half:])))
    known = np.flatnonzero(np.isin(survey.individuals, animals[: min(labelled or half, half)]))
    labels, ends = _labels(survey, pairs, known, split)
    same_pairs = int((ends[:, 0] == ends[:, 1]).sum())
    fused = fuse(_float32(held.pairs.visual), _float32(held.pairs.feasibility))
    product = held.top(held.listed(fused))
    if describe_shortage(ends):
        return Outcome(same_pairs, product, product, np.nan, np.nan, np.nan)
    calibration = fit_calibration(labels, ends, candidates=len(held.order) - 1)
    likely = probability(calibration, held.pairs)
    listed = held.listed(likely)
    once = held.open_pairs & np.triu(np.ones_like(held.same), 1)
    best = np.take_along_axis(likely, listed, axis=1).ravel()
    truth = np.take_along_axis(held.same, listed, axis=1).ravel()
    return Outcome(
        same_pairs,
        product,
        held.top(listed),
        expected_calibration_error(likely[once], held.same[once]),
        expected_calibration_error(best, truth),
        calibration.held_out_ece,
    )


def _held_out(survey: KnownSurvey, pairs: PairEvidence, rows: IntArray) -> _Half:
    below, left = rows[:, None], rows[None, :]
    table = survey.gallery.table
    return _Half(
        pairs=pairs.at((below, left)),
        same=survey.individuals[below] == survey.individuals[left],
        open_pairs=~geometry.same_image(table, below, left),
        order=survey.gallery.order[rows],
    )


def pairs_of(gallery: Gallery, first: IntArray, second: IntArray) -> PairEvidence:
    """The evidence of pairs of a gallery's rows, any shape, in float64."""
    visual = pair_similarity(gallery.embeddings, first.ravel(), second.ravel()).reshape(first.shape)
    return PairEvidence(
        visual=visual.astype(np.float64),
        feasibility=pair_feasibility(gallery.table, first, second, gallery.extent, gallery.params),
        distance_m=geometry.distance_m(gallery.table, first, second),
        gap_s=geometry.gap_s(gallery.table, first, second),
        sides=compare_sides(gallery.table.side[first], gallery.table.side[second]),
    )


def _labels(
    survey: KnownSurvey, pairs: PairEvidence, known: IntArray, split: int
) -> tuple[PairEvidence, IntArray]:
    """All pairs of the known rows, thinned if they are many, and their individuals (m, 2)."""
    upper = np.triu_indices(len(known), 1)
    first, second = known[upper[0]], known[upper[1]]
    apart = np.flatnonzero(~geometry.same_image(survey.gallery.table, first, second))
    ends = np.stack([survey.individuals[first], survey.individuals[second]], axis=1)[apart]
    kept = thin_pairs(ends, np.random.default_rng((split, 1)))
    return pairs.at((first[apart][kept], second[apart][kept])), ends[kept]


def _float32(values: FloatArray) -> Float32Array:
    return np.asarray(values, dtype=np.float32)


def _row(line: Line) -> str:
    def shares(values: Sequence[float]) -> str:
        return " ".join(f"{value:.3f}" for value in values)

    error = "-" if line.error is None else shares([line.error, line.listed_error or 0.0])
    gain = " ".join(f"{100 * value:+5.1f}" for value in line.gain)
    return (
        f"{line.survey:18} {line.labelled:>4} {line.same_pairs:6.0f} {line.fallbacks} | "
        f"{shares(line.product)} | {shares(line.calibrated)} | {gain} | {error}"
    )


if __name__ == "__main__":
    main()
