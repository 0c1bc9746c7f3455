"""Gain of heads from known individuals on individuals that they were not made from.

    python -m benchmarks.heads.named --data ../shared/data

Half of the individuals, drawn by a seed, make the head; the photographs of the others are queries among
themselves. Intervals are 95 % bootstrap intervals over individuals of the mean over the splits. With wrong
names, a share of the photographs that make the head has the name of another individual.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import click
import numpy as np

from benchmarks.common import known_surveys, report
from benchmarks.common.known_surveys import COMPOSITES
from benchmarks.common.options import data_option, models_option
from benchmarks.heads.recipes import gains, hits, journeys
from services.embedder.images.photograph import CropPart
from services.embedder.inference.backbones import Backbone, load_backbone
from spotted.arrays import BoolArray, Float32Array, IntArray
from spotted.heads.named import NamedRecipe, fit_named_head
from spotted.scoring.similarity import unit_rows
from spotted.survey import Side

SPLITS = 6
WRONG = (0.0, 0.05, 0.2)


@dataclass(frozen=True, slots=True)
class NamedPhotographs:
    """Vectors of photographs of known individuals."""

    name: str
    vectors: Float32Array
    """(n, D) unit rows."""
    individuals: IntArray
    """(n,)"""
    coats: IntArray
    """(n,), the flank or part of an individual that a photograph shows."""
    weights: Float32Array | None = None
    """(n, n) factor of the similarities: feasibility, or 0 for pairs that are not compared; None: 1."""
    has_places: bool = False
    """Whether the factor is feasibility, so that heads keep the spread of similarities."""


@dataclass(frozen=True, slots=True)
class Row:
    """Results on one set at one share of wrong names, means over the splits."""

    name: str
    wrong: float
    queries: float
    """Mean number of queries of a split."""
    backbone: tuple[float, ...]
    """Share of queries that find their individual among the best k, for each k of TOP."""
    head: tuple[float, ...]
    gain: tuple[tuple[float, float, float], ...]
    """The difference, with the ends of its interval, for each k."""


@click.command()
@data_option
@models_option
def main(*, data: Path, models: Path) -> None:
    """Measure heads from known individuals on other individuals."""
    rows = []
    for one in _sets(data, load_backbone(models, "efficientnet-lite0")):
        for wrong in WRONG:
            rows.append(measured(one, wrong))
            print(rows[-1], flush=True)
    print(f"written: {report.write('heads-named', {'rows': [asdict(row) for row in rows]}, [])}")


def measured(one: NamedPhotographs, wrong: float, *, splits: int = SPLITS) -> Row:
    """The gain on a set. wrong: share of the photographs that make the head under another name."""
    plain, adapted = list[BoolArray](), list[BoolArray]()
    asking: list[IntArray] = []
    for seed in range(splits):
        rng = np.random.default_rng(seed)
        animals = rng.permutation(np.unique(one.individuals))
        made = np.isin(one.individuals, animals[: len(animals) // 2])
        recipe = NamedRecipe(keep_spread=one.has_places)
        head = fit_named_head(one.vectors[made], renamed(one.coats[made], wrong, rng), recipe)
        test = np.flatnonzero(~made)
        weights = None if one.weights is None else one.weights[np.ix_(test, test)]
        individuals = one.individuals[test]
        asks = _asks(individuals, weights)
        for found, vectors in ((plain, one.vectors[test]), (adapted, head.apply(one.vectors[test]))):
            similarity = np.maximum(vectors @ vectors.T, 0.0)
            scores = similarity if weights is None else similarity * weights
            found.append(hits(scores, individuals, np.arange(len(test)))[asks])
        asking.append(individuals[asks])
    backbone, head_top = (
        tuple(np.mean([hit.mean(axis=0) for hit in way], axis=0).tolist()) for way in (plain, adapted)
    )
    queries = float(np.mean([len(hit) for hit in plain]))
    return Row(one.name, wrong, queries, backbone, head_top, gains(adapted, plain, asking))


def renamed(coats: IntArray, share: float, rng: np.random.Generator) -> IntArray:
    """Names of which a share is replaced by those of other photographs."""
    wrong = rng.random(len(coats)) < share
    return np.where(wrong, rng.permutation(coats), coats)


def _asks(individuals: IntArray, weights: Float32Array | None) -> BoolArray:
    """Whether another photograph of the individual may be found."""
    same = individuals[:, None] == individuals
    np.fill_diagonal(same, val=False)
    return np.asarray((same if weights is None else same & (weights > 0.0)).any(axis=1))


def _sets(data: Path, backbone: Backbone) -> Iterator[NamedPhotographs]:
    nyala = _rows(data / "nyala" / "index.csv")
    yield _photographs("nyala", data / "nyala", nyala, [r["side"] for r in nyala], backbone)
    lions = _rows(data / "lions" / "photographs.csv")
    parts = [r["part"] for r in lions]
    found = _photographs("lions", data / "lions", lions, parts, backbone)
    part = np.array(parts)
    same_part = (part[:, None] == part).astype(np.float32)
    yield NamedPhotographs("lions, same part", found.vectors, found.individuals, found.coats, same_part)
    for captures in COMPOSITES:
        survey = known_surveys.composite(data, captures, backbone)
        gallery = survey.gallery
        sides = np.where(np.isin(gallery.table.side, (Side.LEFT, Side.RIGHT)), gallery.table.side, 0)
        possible, never = journeys(gallery, np.arange(len(gallery)))
        possible = np.where(never, 0.0, np.nan_to_num(possible, nan=1.0)).astype(np.float32)
        base = np.asarray(gallery.embeddings, dtype=np.float32)
        named = partial(NamedPhotographs, vectors=base, individuals=survey.individuals)
        coats = survey.individuals * len(Side) + sides
        yield named(f"nyala x {captures}, visual", coats=coats)
        yield named(f"nyala x {captures}, product", coats=coats, weights=possible, has_places=True)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def _photographs(
    name: str, folder: Path, rows: Sequence[dict[str, str]], shown: Sequence[str], backbone: Backbone
) -> NamedPhotographs:
    pixels = [backbone.preprocessing.apply((folder / r["path"]).read_bytes(), CropPart(None)) for r in rows]
    individuals = np.unique([r["identity"] for r in rows], return_inverse=True)[1]
    coats = np.unique(
        [f"{r['identity']}|{one}" for r, one in zip(rows, shown, strict=True)], return_inverse=True
    )[1]
    return NamedPhotographs(
        name, unit_rows(np.stack([*known_surveys.embed_pixels(pixels, backbone)])), individuals, coats
    )


if __name__ == "__main__":
    main()
