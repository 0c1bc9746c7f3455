"""Photographs of one flank of known animals, with visual and local scores of all pairs, kept in a folder."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache as cached
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.local.methods import Method
from services.embedder.images.decoding import ByteArray
from services.embedder.inference.backbones import Backbone
from spotted.arrays import BoolArray, Float64Array
from spotted.local_features.features import LocalFeatures

ROWS_TOGETHER = 16


@dataclass(frozen=True, slots=True)
class Flanks:
    """Photographs of one flank: paths, animals and encounters."""

    paths: tuple[Path, ...]
    animals: tuple[str, ...]
    encounters: tuple[str, ...]


def read_flanks(folder: Path, side: str, *, share: float = 1.0, drawn: int = 0) -> Flanks:
    """The photographs of a side in a folder with an index.csv.

    share: part of the animals, the first by name. drawn: number of animals drawn at random instead; 0: none.
    """
    with (folder / "index.csv").open(encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["side"] == side]
    animals = sorted({row["identity"] for row in rows})
    order = np.random.default_rng(0).permutation(len(animals)) if drawn else np.arange(len(animals))
    kept = {animals[i] for i in order[: drawn or round(len(animals) * share)]}
    rows = [row for row in rows if row["identity"] in kept]
    return Flanks(
        tuple(folder / row["path"] for row in rows),
        tuple(row["identity"] for row in rows),
        tuple(row["encounter"] for row in rows),
    )


def visual_scores(flanks: Flanks, backbone: Backbone) -> Float64Array:
    """Cosines (n, n) of the vectors of a backbone."""
    vectors = []
    for path in flanks.paths:
        (vector,) = backbone.embed([backbone.preprocessing.apply(path.read_bytes())])
        if isinstance(vector, Exception):
            raise vector
        vectors.append(vector)
    stacked = np.stack(vectors).astype(np.float64)
    return np.asarray(stacked @ stacked.T)


def shortlists(visual: Float64Array, encounters: Sequence[str], count: int) -> BoolArray:
    """Which pairs (n, n) are matched: each photograph with its `count` best of other encounters."""
    groups = np.array(encounters)
    chosen = np.zeros(visual.shape, dtype=np.bool_)
    for i, row in enumerate(np.where(groups[:, None] == groups, -np.inf, visual)):
        best = np.argsort(-row, kind="stable")[:count]
        chosen[i, best[np.isfinite(row[best])]] = True
    return np.asarray(chosen | chosen.T)


def local_scores(
    flanks: Flanks, method: Method, cache: Path, *, pairs: BoolArray | None = None
) -> Float64Array:
    """Local scores (n, n) of pairs, not a number for others; what is computed is kept in `cache`.

    pairs: None for all.
    """
    folder = cache / method.spec.digest[:16]
    folder.mkdir(parents=True, exist_ok=True)
    features = extracted_all(flanks, method, cache)
    matcher = method.matcher(features, flanks.encounters)
    count = len(features)
    wanted = np.triu(np.ones((count, count), dtype=np.bool_) if pairs is None else pairs, 1)
    kept_under = hashlib.sha256(wanted.tobytes() + "".join(map(str, flanks.paths)).encode()).hexdigest()[:16]
    prepared = cached(lambda i: matcher.prepare(features[i], flanks.encounters[i]))
    scores = np.full((count, count), np.nan)
    for start in range(0, count, ROWS_TOGETHER):
        kept = folder / f"{kept_under}-{start}.npy"
        rows = range(start, min(start + ROWS_TOGETHER, count))
        if not kept.exists():
            found = np.full((len(rows), count), np.nan)
            for i in rows:
                others = np.flatnonzero(wanted[i]).tolist()
                found[i - start, others] = matcher.score_shortlist(prepared(i), [prepared(j) for j in others])
            np.save(kept, found)
        scores[rows] = np.load(kept)
    return np.where(np.isnan(scores), scores.T, scores)


def extracted_all(flanks: Flanks, method: Method, cache: Path) -> list[LocalFeatures]:
    """The features of all photographs; those that are not in `cache` are extracted."""
    folder = cache / method.spec.digest[:16]
    folder.mkdir(parents=True, exist_ok=True)
    kept = [folder / f"{path.stem}.features" for path in flanks.paths]
    for path, file in zip(flanks.paths, kept, strict=True):
        if not file.exists():
            file.write_bytes(method.extractor.extract(read_picture(path)).to_bytes())
    return [LocalFeatures.from_bytes(file.read_bytes()) for file in kept]


def read_picture(path: Path) -> ByteArray:
    """The pixels of a photograph, RGB."""
    with Image.open(io.BytesIO(path.read_bytes())) as image:
        return np.asarray(image.convert("RGB"))
