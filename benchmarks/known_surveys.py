"""Surveys whose individuals are known, as galleries: composites, simulated ones, and generated embeddings."""

from __future__ import annotations

import importlib.util
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from services.embedder.backbones import Backbone
from services.embedder.cropping import FractionBox
from services.embedder.decoding import ByteArray
from services.embedder.preprocessing import ImageCrop
from spotted.composite import read_composite
from spotted.drawing import draw
from spotted.feasibility import FeasibilityParams
from spotted.ranking import Gallery
from spotted.similarity import unit_rows
from spotted.simulation import Shot, SimulationParams, simulate
from spotted.survey import (
    Detection,
    DetectionTable,
    Extent,
    Float32Array,
    IntArray,
    Side,
    Survey,
    detection_table,
    id_order,
)

COMPOSITES = ("nagarahole_tigers", "belize_jaguars")
SHAPES = ("leopard102", "hyena109", "hyena415")
BATCH = 16
# edge of the generator's unit square, for distances in metres
WIDTH_M = 30_000.0
SPAN_S = 60 * 86_400.0


@dataclass(frozen=True, slots=True)
class KnownSurvey:
    """A gallery and the true individual of each row, (n,) as numbers.

    kind: composite, simulated or generated.
    """

    name: str
    kind: str
    gallery: Gallery
    individuals: IntArray


def composite(data: Path, captures: str, backbone: Backbone) -> KnownSurvey:
    """Real places and times joined to real photographs of nyala; the join is not real."""
    survey = read_composite(data / "captures" / captures, data / "nyala", survey_id=captures)
    pixels = [backbone.preprocessing.apply(ImageCrop(p.path.read_bytes())) for p in survey.pictures if p.path]
    return _embedded(captures, "composite", survey.survey, survey.detections, pixels, backbone)


def simulated(seed: int, backbone: Backbone) -> KnownSurvey:
    """Simulated journeys with drawn animals."""
    survey = simulate(SimulationParams(), np.random.default_rng(seed), survey_id=f"simulated-{seed}")
    by_image: defaultdict[str, list[Shot]] = defaultdict(list)
    for shot in survey.shots:
        by_image[shot.detection.image_id].append(shot)
    pixels: dict[str, ByteArray] = {}
    for shots in by_image.values():
        drawn = draw(shots, seed=seed)
        for shot, box in zip(shots, drawn.boxes, strict=True):
            cut = backbone.preprocessing.apply(ImageCrop(drawn.content, FractionBox(*box)))
            pixels[shot.detection.detection_id] = cut
    detections = [shot.detection for shot in survey.shots]
    cuts = [pixels[d.detection_id] for d in detections]
    return _embedded(f"simulated-{seed}", "simulated", survey.survey, detections, cuts, backbone)


def generated(generator: Path, shape: str, seed: int) -> KnownSurvey:
    """Embeddings without photographs in the shape of a published survey, by a fixed generator's `make`.

    Raises click.ClickException where the generator is not there.
    """
    spec = importlib.util.spec_from_file_location("generator", generator)
    if not generator.exists() or spec is None or spec.loader is None:
        raise click.ClickException(f"no generator of surveys at {generator}; pass --generator")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made = module.make(shape, seed=seed)
    count = len(made["X"])
    position_m = made["position"] * WIDTH_M
    apart = position_m[:, None, :] - position_m[None, :, :]
    table = DetectionTable(
        position_m,
        made["time"],
        image=np.full(count, -1),
        side=np.where(made["side"] == 0, int(Side.LEFT), int(Side.RIGHT)),
        location_uncertainty_m=np.zeros(count),
        clock_suspect=np.zeros(count, np.bool_),
    )
    extent = Extent(float(np.hypot(apart[..., 0], apart[..., 1]).max()), SPAN_S)
    gallery = Gallery(unit_rows(made["X"]), table, np.arange(count), extent, FeasibilityParams())
    return KnownSurvey(f"{shape}-{seed}", "generated", gallery, made["identity"])


def _embedded(
    name: str,
    kind: str,
    survey: Survey,
    detections: Sequence[Detection],
    pixels: Sequence[ByteArray],
    backbone: Backbone,
) -> KnownSurvey:
    gallery = Gallery(
        unit_rows(np.stack([*_vectors(pixels, backbone)])),
        detection_table(detections, survey.cameras),
        id_order([d.detection_id for d in detections]),
        survey.extent(),
        FeasibilityParams(),
    )
    individuals = np.unique([d.individual_id for d in detections], return_inverse=True)[1]
    return KnownSurvey(name, kind, gallery, individuals)


def _vectors(pixels: Sequence[ByteArray], backbone: Backbone) -> Iterator[Float32Array]:
    for start in range(0, len(pixels), BATCH):
        for vector in backbone.embed(pixels[start : start + BATCH]):
            if isinstance(vector, Exception):
                raise vector
            yield vector
