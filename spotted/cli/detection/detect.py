"""`spotted detect`: boxes of the animals in the photographs of an imported survey."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click

from spotted.cli.detection.examination import examine
from spotted.console import data_option, err, json_option, progress, show, with_unit
from spotted.errors import InvalidInputError
from spotted.formats.detectors import (
    DetectionResults,
    FoundAnimals,
    Photograph,
    read_detector_manifest,
    write_megadetector,
)
from spotted.formats.photographs.megadetector import CONFIDENCE
from spotted.formats.picture import Picture
from spotted.formats.sources import detected_boxes, detection_lock, progress_file, recall, remember
from spotted.local.run_lock import exclusive

DEVICES = ("cpu", "cuda")
FAILURES_SHOWN = 10


@click.command()
@click.argument("survey")
@click.option(
    "--detector",
    "detector",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    envvar="SPOTTED_DETECTOR",
    help="Folder of the detector: model.onnx and manifest.json.",
)
@click.option(
    "--confidence",
    type=click.FloatRange(0.0, 1.0),
    default=CONFIDENCE,
    show_default=True,
    help="Least confidence of a box; another one needs no new detection.",
)
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    help="JSON in the format of MegaDetector to write; default: a file in the data directory.",
)
@click.option(
    "--device", type=click.Choice(DEVICES), default="cpu", show_default=True, help="Device of the detector."
)
@data_option
@json_option
def detect(
    *,
    survey: str,
    directory: Path,
    as_json: bool,
    detector: Path,
    confidence: float,
    output: Path | None,
    device: str,
) -> None:
    """Find the animals in the photographs of an imported survey with a detector.

    A photograph with several animals becomes several detections; `spotted embed` then embeds each animal by
    its box. You can stop it at any time; the next run continues from there. Photographs that cannot be read
    are listed with the reason, the others are examined. Rows of tables that have a box keep it.
    """
    manifest = read_detector_manifest(detector)
    source = recall(directory, survey)
    with exclusive(detection_lock(directory, survey), f"`spotted detect {survey}`"):
        with err.status("reading files"):
            imported = replace(source, boxes="").read(survey)
        boxes = (output or detected_boxes(directory, survey)).resolve()
        photographs = {path: Photograph.of(path, source.folder()) for path in _whole(imported.pictures)}
        results = DetectionResults(progress_file(boxes), manifest.digest)
        known = sum(results.get(photograph) is not None for photograph in photographs.values())
        _examine(detector, photographs, results, device=device)
        found = {one.file: results.get(one) or FoundAnimals() for one in photographs.values()}
        write_megadetector(boxes, manifest, found, finished_at=f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}")
        boxed = replace(source, boxes=str(boxes), confidence=confidence)
        detected = boxed.boxed(imported)
        remember(directory, survey, boxed)
    failures = {file: animals.failure for file, animals in found.items() if animals.failure}
    document: dict[str, object] = {
        "survey_id": survey,
        "boxes": str(boxes),
        "examined": len(photographs) - known - len(failures),
        "known": known,
        "failed": [{"file": file, "message": message} for file, message in failures.items()],
        "detections": len(detected.pictures),
    }
    notes = detected.notes[len(imported.notes) :]
    show(document, as_json=as_json, text=lambda: _print(document, failures, notes))
    if failures and len(failures) == len(photographs):
        raise InvalidInputError(
            f"none of the {len(failures)} photographs of {survey!r} could be read; see the reasons above"
        )


def _examine(
    detector: Path, photographs: Mapping[Path, Photograph], results: DetectionResults, *, device: str
) -> None:
    """Examine the photographs without a result, and keep each result as soon as it is known."""
    waiting = [path for path, photograph in photographs.items() if results.get(photograph) is None]
    with (
        progress("photographs", len(photographs)) as advance,
        closing(examine(detector, waiting, device=device)) as found,
    ):
        advance(len(photographs) - len(waiting))
        for path, animals in found:
            results.add(photographs[path], animals)
            advance(1)


def _whole(pictures: Sequence[Picture]) -> list[Path]:
    """The photographs with a detection that has no box yet, each once."""
    return list(dict.fromkeys(one.path for one in pictures if one.path is not None and one.box is None))


def _print(document: Mapping[str, object], failures: Mapping[str, str], notes: Sequence[str]) -> None:
    for file, message in list(failures.items())[:FAILURES_SHOWN]:
        err.print(f"not examined: {file}: {message}", markup=False, soft_wrap=True)
    if len(failures) > FAILURES_SHOWN:
        err.print(f"... and {len(failures) - FAILURES_SHOWN} more; --json lists them all")
    for note in notes:
        err.print(f"note: {note}", markup=False, soft_wrap=True)
    examined = with_unit(int(str(document["examined"])), "photograph")
    click.echo(f"{examined} examined, {document['known']} already examined, {len(failures)} failed")
    click.echo(f"{document['detections']} detections; boxes: {document['boxes']}")
    click.echo(f"next: spotted embed {document['survey_id']}")
