"""Surveys whose individuals are known, as galleries: from files, simulated ones, and generated embeddings."""

from __future__ import annotations

import importlib.util
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt

from services.embedder.images.decoding import ByteArray
from services.embedder.images.photograph import CropPart
from services.embedder.inference.backbones import Backbone
from spotted.arrays import Float32Array, IntArray
from spotted.boxes.cropping import FractionBox
from spotted.demo.__main__ import composites
from spotted.demo.composite import read_composite
from spotted.demo.pictures import draw
from spotted.errors import UnreadableImageError
from spotted.formats.camtrapdp import read_camtrapdp
from spotted.formats.catalogue import CATALOGUE_FILE, read_catalogue
from spotted.formats.imported_survey import ImportedSurvey
from spotted.formats.published_sets import PUBLISHED, read_published
from spotted.outliers import largest_distance_m, outlying_places
from spotted.ranking.gallery import Gallery
from spotted.scoring.feasibility import FeasibilityParams
from spotted.scoring.similarity import unit_rows
from spotted.simulation.survey import Shot, SimulationParams, simulate_survey
from spotted.survey import Detection, DetectionTable, Extent, Side, Survey

COMPOSITES = ("nagarahole_tigers", "belize_jaguars")
SHAPES = ("leopard102", "hyena109", "hyena415")
BATCH = 16
# edge of the generator's unit square, for distances in metres
WIDTH_M = 30_000.0
SPAN_S = 60 * 86_400.0


@dataclass(frozen=True, slots=True)
class KnownSurvey:
    """A gallery and the true individual of each row, (n,) as numbers, -1 if unknown.

    kind: composite, published, catalogue, camtrap-dp, simulated or generated.
    notes: remarks on its figures.
    """

    name: str
    kind: str
    gallery: Gallery
    individuals: IntArray
    notes: tuple[str, ...] = ()


def composite(data: Path, captures: str, backbone: Backbone) -> KnownSurvey:
    """Real places and times joined to real photographs of nyala; the join is not real."""
    survey = read_composite(data / "captures" / captures, data / "nyala", survey_id=captures)
    return embedded(survey, "composite", backbone)


def on_disk(data: Path, *, timezone: str | None = None) -> Iterator[tuple[ImportedSurvey, str]]:
    """Every survey of files within a directory, with its kind.

    Composites of captures/* and the directories with an index.csv; the published sets, by their folders'
    names; catalogues, by catalogue.csv; Camtrap DP directories, by datapackage.json.
    """
    if any(data.glob("captures/*/detections.csv")) and any(data.glob("*/index.csv")):
        yield from composites(data)
    for folder in _within(data, *PUBLISHED):
        # an unpacked archive may hold the folder in one of its own name, and is read as one
        if folder.parent.name not in PUBLISHED:
            yield read_published(folder, timezone=timezone), "published"
    for catalogue in _within(data, CATALOGUE_FILE):
        yield read_catalogue(catalogue, timezone=timezone), "catalogue"
    for package in _within(data, "datapackage.json"):
        yield read_camtrapdp(package.parent, timezone=timezone), "camtrap-dp"


def _within(data: Path, *names: str) -> list[Path]:
    """Paths of these names in a directory or in one of its own directories."""
    return sorted(path for name in names for path in (*data.glob(name), *data.glob(f"*/{name}")))


def embedded(imported: ImportedSurvey, kind: str, backbone: Backbone) -> KnownSurvey:
    """A survey of files with the vectors of its photographs; those that cannot be used are left out, noted.

    Raises click.ClickException if no photograph can be used.
    """
    detections: list[Detection] = []
    pixels: list[ByteArray] = []
    failed: list[str] = []
    for picture in imported.pictures:
        try:
            box = FractionBox(*picture.box) if picture.box else None
            content = picture.path.read_bytes() if picture.path else b""
            pixels.append(backbone.preprocessing.apply(content, CropPart(box)))
            detections.append(picture.detection)
        except (OSError, UnreadableImageError):
            failed.append(picture.detection.detection_id)
    survey = imported.survey
    title = survey.display_name if kind == "published" else survey.survey_id
    if not pixels:
        raise click.ClickException(f"no photograph of {title} can be used")
    left_out = [f"{len(failed)} photographs left out, such as {failed[0]}: unreadable"] if failed else []
    known = _embedded(title, kind, survey, detections, pixels, backbone)
    return replace(known, notes=(*imported.notes, *left_out))


def simulated(seed: int, backbone: Backbone) -> KnownSurvey:
    """Simulated journeys with drawn animals."""
    survey = simulate_survey(SimulationParams(), np.random.default_rng(seed), survey_id=f"simulated-{seed}")
    by_image: defaultdict[str, list[Shot]] = defaultdict(list)
    for shot in survey.shots:
        by_image[shot.detection.image_id].append(shot)
    pixels: dict[str, ByteArray] = {}
    for shots in by_image.values():
        drawn = draw(shots, seed=seed)
        for shot, box in zip(shots, drawn.boxes, strict=True):
            cut = backbone.preprocessing.apply(drawn.content, CropPart(FractionBox(*box)))
            pixels[shot.detection.detection_id] = cut
    detections = [shot.detection for shot in survey.shots]
    cuts = [pixels[d.detection_id] for d in detections]
    return _embedded(f"simulated-{seed}", "simulated", survey.survey, detections, cuts, backbone)


def generated(generator: Path, shape: str, seed: int, *, share: float = 1.0) -> KnownSurvey:
    """Embeddings without photographs in the shape of a published survey, by a fixed generator's `make`.

    share: part of the shape's animals and images to use, for a smaller survey.
    Raises click.ClickException if the generator is missing.
    """
    spec = importlib.util.spec_from_file_location("generator", generator)
    if not generator.exists() or spec is None or spec.loader is None:
        raise click.ClickException(f"no generator of surveys at {generator}; pass --generator")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for key in ("animals", "images"):
        module.SHAPES[shape][key] = round(module.SHAPES[shape][key] * share)
    return made_survey(f"{shape}-{seed}", "generated", module.make(shape, seed=seed))


def made_survey(name: str, kind: str, made: Mapping[str, npt.NDArray[Any]]) -> KnownSurvey:
    """The gallery of a generator's survey; a place or time that is NaN is unknown."""
    count = len(made["X"])
    position_m = made["position"] * WIDTH_M
    table = DetectionTable(
        position_m,
        made["time"],
        image=np.full(count, -1),
        side=np.where(made["side"] == 0, int(Side.LEFT), int(Side.RIGHT)),
        location_uncertainty_m=np.zeros(count),
        clock_suspect=np.zeros(count, np.bool_),
    )
    places_m = np.unique(position_m[~np.isnan(position_m).any(axis=1)], axis=0)
    extent = Extent(largest_distance_m(places_m[~outlying_places(places_m)]), SPAN_S)
    gallery = Gallery(unit_rows(made["X"]), table, np.arange(count), extent, FeasibilityParams())
    return KnownSurvey(name, kind, gallery, made["identity"])


def _embedded(
    name: str,
    kind: str,
    survey: Survey,
    detections: Sequence[Detection],
    pixels: Sequence[ByteArray],
    backbone: Backbone,
) -> KnownSurvey:
    gallery = Gallery.of(survey, detections, unit_rows(np.stack([*embed_pixels(pixels, backbone)])))
    known = sorted({d.individual_id for d in detections} - {""})
    numbers = {"": -1, **{individual_id: i for i, individual_id in enumerate(known)}}
    individuals = np.array([numbers[d.individual_id] for d in detections])
    return KnownSurvey(name, kind, gallery, individuals)


def embed_pixels(pixels: Sequence[ByteArray], backbone: Backbone) -> Iterator[Float32Array]:
    """The vector of each crop."""
    for start in range(0, len(pixels), BATCH):
        for vector in backbone.embed(pixels[start : start + BATCH]):
            if isinstance(vector, Exception):
                raise vector
            yield vector
