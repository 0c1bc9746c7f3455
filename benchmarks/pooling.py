"""Pooling and image size of the default backbone, on one flank of nyala and on the composites.

    python -m benchmarks.pooling --data ../shared/data

The last feature map is read from the exported backbone, so that one pass over the photographs serves every
pooling; `spotted export-backbone --pooling --image-size` makes a backbone. Intervals are of 95 %, by drawing
animals; gains are over the mean at 224 pixels, drawn together. Vectors are kept in --cache.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import click
import numpy as np
import onnx
import onnxruntime

from benchmarks.common import report
from benchmarks.common.known_surveys import COMPOSITES
from benchmarks.common.options import cache_option, data_option, models_option
from benchmarks.common.tables import grid, shown
from benchmarks.grouping.surveys import flank_survey
from benchmarks.local.flanks import read_flanks
from benchmarks.retrieval.scores import named
from services.embedder.export.pooling import regions
from services.embedder.inference.backbones import MODEL_FILE, preprocessing, read_manifest
from spotted.arrays import Float32Array
from spotted.demo.composite import read_composite
from spotted.evaluation.bootstrap import Bootstrap, Interval
from spotted.evaluation.outcomes import QueryMetrics, find_relevant_pairs, measure_queries
from spotted.evaluation.ranks import rank_pairs
from spotted.ranking.gallery import Gallery
from spotted.scoring.fusion import Fusion
from spotted.scoring.similarity import unit_rows
from spotted.training.networks import GEM_LEAST, GEM_POWER

SIZES = (224, 256, 320, 384)
BASE = (224, "mean")
TOP = (1, 5)
MEASURES = ("top-1", "top-5", "mAP")
TOGETHER = 4
SEED = 0


@dataclass(frozen=True, slots=True)
class Subject:
    """A survey whose vectors are replaced. paths: photographs of its rows; encounters: "" if all compete."""

    name: str
    gallery: Gallery
    names: list[str]
    encounters: tuple[str, ...]
    paths: tuple[Path, ...]
    scores: Mapping[str, Fusion]


@dataclass(frozen=True, slots=True)
class Line:
    """A pooling and size on a survey, by one score: values and gains at TOP and in mean average precision."""

    survey: str
    score: str
    size_px: int
    pooling: str
    values: list[Interval]
    gains: list[Interval]


def pool(maps: Float32Array) -> dict[str, Float32Array]:
    """Vectors (n, channels) of feature maps (n, channels, edge, edge) by each pooling."""
    regional = np.zeros(maps.shape[:2], np.float32)
    for size, top, left in regions(maps.shape[2]):
        maxima = maps[:, :, top : top + size, left : left + size].max(axis=(2, 3))
        regional += maxima / np.maximum(np.linalg.norm(maxima, axis=1, keepdims=True), GEM_LEAST)
    powers = np.maximum(maps, GEM_LEAST) ** GEM_POWER
    return {
        "mean": maps.mean(axis=(2, 3)),
        "max": maps.max(axis=(2, 3)),
        "gem": powers.mean(axis=(2, 3)) ** (1.0 / GEM_POWER),
        "rmac": regional,
    }


def map_session(model: Path, size_px: int) -> onnxruntime.InferenceSession:
    """A session of an exported backbone for images of another size that returns its last feature map."""
    network = onnx.load(model)
    del network.graph.value_info[:], network.graph.output[:]
    for axis in (1, 2):
        network.graph.input[0].type.tensor_type.shape.dim[axis].dim_value = size_px
    (averaged,) = network.graph.node[-1].input[:1]
    network.graph.output.append(onnx.helper.make_tensor_value_info(averaged, onnx.TensorProto.FLOAT, None))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(
        network.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def pooled_vectors(
    paths: Sequence[Path], directory: Path, size_px: int, cache: Path
) -> tuple[dict[str, Float32Array], float]:
    """Unit vectors of photographs by each pooling, and processor time of one; kept in `cache`."""
    manifest = read_manifest(directory)
    names = hashlib.sha256("\n".join(map(str, [manifest.sha256, *paths])).encode()).hexdigest()
    kept = cache / f"pooled-{size_px}-{names[:16]}.npz"
    if not kept.exists():
        prepare = preprocessing(replace(manifest, input_size=size_px))
        session, parts = map_session(directory / MODEL_FILE, size_px), []
        started = time.process_time()
        for start in range(0, len(paths), TOGETHER):
            images = [prepare.apply(path.read_bytes()) for path in paths[start : start + TOGETHER]]
            parts.append(pool(session.run(None, {"pixels": np.stack(images)})[0]))
        cost_s = (time.process_time() - started) / len(paths)
        cache.mkdir(parents=True, exist_ok=True)
        together = {pooling: np.concatenate([part[pooling] for part in parts]) for pooling in parts[0]}
        np.savez(kept, cost_s=cost_s, **together)  # type: ignore[arg-type] # keywords are names of arrays
    with np.load(kept) as known:
        vectors = {name: unit_rows(known[name]) for name in known.files if name != "cost_s"}
        return vectors, float(known["cost_s"])


def subjects(data: Path) -> Iterator[Subject]:
    """The left flanks of nyala, and the composites; their galleries have no vectors yet."""
    flanks = read_flanks(data / "nyala", "left")
    flank = flank_survey(flanks, np.zeros((len(flanks.paths), 1), np.float32))
    yield Subject(
        flank.name, flank.gallery, named(flank), flanks.encounters, flanks.paths, {"visual": Fusion.VISUAL}
    )
    for captures in COMPOSITES:
        made = read_composite(data / "captures" / captures, data / "nyala", survey_id=captures)
        detections = [picture.detection for picture in made.pictures]
        paths = tuple(picture.path for picture in made.pictures if picture.path is not None)
        gallery = Gallery.of(made.survey, detections, np.zeros((len(detections), 1), np.float32))
        names = [one.individual_id for one in detections]
        scores = {"visual": Fusion.VISUAL, "fused": Fusion.PRODUCT}
        yield Subject(captures, gallery, names, ("",) * len(names), paths, scores)


def measure(subject: Subject, vectors: Float32Array) -> dict[str, QueryMetrics]:
    """The metrics of each query by each score, without candidates of its own encounter."""
    pairs = find_relevant_pairs(subject.names, subject.encounters, subject.gallery.table.image)
    gallery = replace(subject.gallery, embeddings=vectors)
    ranked = rank_pairs(gallery, (pairs.query, pairs.candidate), list(subject.scores.values()))
    right = pairs.same & ~pairs.together
    return {
        score: measure_queries(ranked[fusion], right, pairs.together)
        for score, fusion in subject.scores.items()
    }


def compare(subject: Subject, vectors: Mapping[tuple[int, str], Float32Array]) -> Iterator[Line]:
    """The lines of a survey. vectors: (n, D) by size and pooling, those of BASE among them."""
    base = measure(subject, vectors[BASE])
    animal = np.unique(subject.names, return_inverse=True)[1]
    for (size_px, pooling), own in vectors.items():
        for score, one in measure(subject, own).items():
            bootstrap = Bootstrap.of(animal, one.query, np.random.default_rng(SEED))
            values = one.at(TOP)
            yield Line(
                subject.name,
                score,
                size_px,
                pooling,
                bootstrap.intervals(one.query, values),
                bootstrap.intervals(one.query, values - base[score].at(TOP)),
            )


@click.command(help=__doc__)
@data_option
@models_option
@click.option(
    "--model", default="efficientnet-lite0", show_default=True, help="Backbone that ends in a mean."
)
@cache_option
def main(*, data: Path, models: Path, model: str, cache: Path) -> None:
    """Measure, print, and write the table."""
    found = list(subjects(data))
    paths = sorted({path for subject in found for path in subject.paths})
    rows = {path: row for row, path in enumerate(paths)}
    vectors: dict[tuple[int, str], Float32Array] = {}
    costs = {}
    for size_px in SIZES:
        by_pooling, costs[size_px] = pooled_vectors(paths, models / model / "1", size_px, cache)
        vectors |= {(size_px, pooling): own for pooling, own in by_pooling.items()}
    lines = [
        line
        for subject in found
        for line in compare(
            subject, {key: own[[rows[path] for path in subject.paths]] for key, own in vectors.items()}
        )
    ]
    text = table_of(lines)
    click.echo(f"{text}\nprocessor time of a photograph, s: {costs}")
    results = {"backbone": model, "cost_s": costs, "lines": [asdict(line) for line in lines]}
    written = report.write("pooling", results, [])
    written.with_suffix(".md").write_text(text)
    click.echo(f"written: {written}")


def table_of(lines: Sequence[Line]) -> str:
    """The lines as Markdown."""
    columns = ("survey", "score", "pixels", "pooling", *MEASURES, *(f"gain of {one}" for one in MEASURES))
    return grid(
        columns,
        [
            (
                one.survey,
                one.score,
                str(one.size_px),
                one.pooling,
                *(f"{x.value:.3f}" for x in one.values),
                *(shown(x.value, x.low, x.high, sign="+") for x in one.gains),
            )
            for one in lines
        ],
    )


if __name__ == "__main__":
    main()
