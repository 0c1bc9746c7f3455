"""Photographs of one flank of known animals, with visual and local scores of all pairs, kept in a folder."""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from services.embedder.images.decoding import ByteArray
from services.embedder.inference.backbones import Backbone
from spotted.arrays import Float32Array, Float64Array, IntArray
from spotted.local_features.extraction.by_name import open_extractor
from spotted.local_features.features import LocalFeatures
from spotted.local_features.matching.lnbnn import Lnbnn
from spotted.local_features.matching.matchable import Matchable
from spotted.local_features.matching.normalisers import Normalisers
from spotted.local_features.methods import method_by_name
from spotted.scoring.local_pairs import CountArray
from spotted.scoring.similarity import unit_rows

METHOD = "hotspotter"
ROWS_TOGETHER = 16


@dataclass(frozen=True, slots=True)
class Flanks:
    """Photographs of one flank: paths, animals and encounters."""

    paths: tuple[Path, ...]
    animals: tuple[str, ...]
    encounters: tuple[str, ...]


def read_flanks(folder: Path, side: str, *, share: float = 1.0) -> Flanks:
    """The photographs of a side in a folder with an index.csv; share: part of the animals, by their names."""
    with (folder / "index.csv").open(encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["side"] == side]
    animals = sorted({row["identity"] for row in rows})
    kept = set(animals[: round(len(animals) * share)])
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


def local_scores(flanks: Flanks, cache: Path) -> Float64Array:
    """Local scores (n, n) of all pairs; what is computed is kept in `cache`, where a later run continues."""
    first, second = np.triu_indices(len(flanks.paths), 1)
    found = np.zeros((len(flanks.paths), len(flanks.paths)))
    found[first, second] = pair_scores(flanks, first, second, cache)[0]
    return np.asarray(found + found.T)


def pair_scores(
    flanks: Flanks, first: IntArray, second: IntArray, cache: Path
) -> tuple[Float32Array, CountArray]:
    """Local score and number of matched marks of pairs (m,), the first lower; kept as by `local_scores`."""
    spec = method_by_name(METHOD)
    folder = cache / spec.digest[:16]
    folder.mkdir(parents=True, exist_ok=True)
    features = [extracted(path, folder / f"{path.stem}.features") for path in flanks.paths]
    rng = np.random.default_rng(0)
    lnbnn = Lnbnn(spec, Normalisers.sample(features, flanks.encounters, rng=rng))

    @lru_cache(len(features))
    def ready(row: int) -> Matchable:
        return lnbnn.prepare(features[row], flanks.encounters[row])

    parts = hashlib.sha256(lnbnn.normalisers.digest.encode() + first.tobytes() + second.tobytes())
    scores, marks = np.zeros(len(first), np.float32), np.zeros(len(first), np.uint16)
    for start in range(0, len(features), ROWS_TOGETHER):
        part = np.flatnonzero((first >= start) & (first < start + ROWS_TOGETHER))
        kept = folder / f"{parts.hexdigest()[:16]}-{start}.npz"
        if not kept.exists():
            for row in np.unique(first[part]).tolist():
                own = part[first[part] == row]
                found = lnbnn.match_shortlist(ready(row), [ready(other) for other in second[own].tolist()])
                scores[own], marks[own] = [one.score for one in found], [len(one) for one in found]
            np.savez(kept, scores=scores[part], marks=marks[part])
        with np.load(kept) as known:
            scores[part], marks[part] = known["scores"], known["marks"]
    return scores, marks


def extracted(path: Path, kept: Path) -> LocalFeatures:
    """The features of a photograph, from `kept` if it is there."""
    if not kept.exists():
        kept.write_bytes(open_extractor(METHOD).extract(read_picture(path)).to_bytes())
    return LocalFeatures.from_bytes(kept.read_bytes())


def read_picture(path: Path) -> ByteArray:
    """The pixels of a photograph, RGB."""
    with Image.open(io.BytesIO(path.read_bytes())) as image:
        return np.asarray(image.convert("RGB"))
