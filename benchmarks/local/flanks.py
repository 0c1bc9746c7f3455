"""Photographs of one flank of known animals, with visual and local scores of all pairs, kept in a folder."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.local.methods import Method
from services.embedder.images.decoding import ByteArray
from services.embedder.inference.backbones import Backbone
from spotted.arrays import BoolArray, Float32Array, Float64Array, IntArray
from spotted.local_features.features import LocalFeatures
from spotted.local_features.matching.matchable import Matchable
from spotted.scoring.local_pairs import CountArray
from spotted.scoring.similarity import unit_rows

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
    vectors = vectors_of(flanks, backbone).astype(np.float64)
    return np.asarray(vectors @ vectors.T)


def vectors_of(flanks: Flanks, backbone: Backbone) -> Float32Array:
    """The unit vectors (n, D) of a backbone."""
    vectors = []
    for path in flanks.paths:
        (vector,) = backbone.embed([backbone.preprocessing.apply(path.read_bytes())])
        if isinstance(vector, Exception):
            raise vector
        vectors.append(vector)
    return unit_rows(np.stack(vectors))


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
    count = len(flanks.paths)
    first, second = np.nonzero(np.triu(np.ones((count, count)) if pairs is None else pairs, 1))
    found = np.full((count, count), np.nan)
    np.fill_diagonal(found, 0.0)
    found[first, second] = pair_scores(flanks, method, first, second, cache)[0]
    return np.where(np.isnan(found), found.T, found)


def pair_scores(
    flanks: Flanks, method: Method, first: IntArray, second: IntArray, cache: Path
) -> tuple[Float32Array, CountArray]:
    """Local score and number of matched marks of pairs (m,), the first lower; kept as by `local_scores`."""
    features = extracted(flanks, method, cache)
    matcher = method.matcher(features, flanks.encounters)

    @lru_cache(len(features))
    def ready(row: int) -> Matchable:
        return matcher.prepare(features[row], flanks.encounters[row])

    names = "\n".join(map(str, flanks.paths)).encode()
    parts = hashlib.sha256(names + first.tobytes() + second.tobytes())
    scores, marks = np.zeros(len(first), np.float32), np.zeros(len(first), np.uint16)
    for start in range(0, len(features), ROWS_TOGETHER):
        part = np.flatnonzero((first >= start) & (first < start + ROWS_TOGETHER))
        kept = folder_of(method, cache) / f"{parts.hexdigest()[:16]}-{start}.npz"
        if not kept.exists():
            for row in np.unique(first[part]).tolist():
                own = part[first[part] == row]
                found = matcher.match_shortlist(ready(row), [ready(other) for other in second[own].tolist()])
                scores[own], marks[own] = [one.score for one in found], [len(one) for one in found]
            np.savez(kept, scores=scores[part], marks=marks[part])
        with np.load(kept) as known:
            scores[part], marks[part] = known["scores"], known["marks"]
    return scores, marks


def extracted(flanks: Flanks, method: Method, cache: Path) -> list[LocalFeatures]:
    """The features of all photographs; those that are not in `cache` are extracted."""
    kept = [folder_of(method, cache) / f"{path.stem}.features" for path in flanks.paths]
    for path, file in zip(flanks.paths, kept, strict=True):
        if not file.exists():
            file.write_bytes(method.extractor.extract(read_picture(path)).to_bytes())
    return [LocalFeatures.from_bytes(file.read_bytes()) for file in kept]


def folder_of(method: Method, cache: Path) -> Path:
    """The folder of what is known of photographs by a method."""
    folder = cache / method.spec.digest[:16]
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def read_picture(path: Path) -> ByteArray:
    """The pixels of a photograph, RGB."""
    with Image.open(io.BytesIO(path.read_bytes())) as image:
        return np.asarray(image.convert("RGB"))
