"""A survey as files: what every process of a batch scores from, without asking a service again."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from google.protobuf import json_format

from spotted import messages
from spotted.arrays import IntArray
from spotted.client import Spotted
from spotted.client.calls import our_errors
from spotted.errors import ConcurrencyError, PreconditionError
from spotted.ranking.gallery import Gallery
from spotted.scoring.feasibility import FeasibilityParams
from spotted.survey import Camera, Detection, DetectionTable, Extent, Survey, detection_table, id_order
from spotted.v1 import scorer_pb2

MANIFEST, IDS, EMBEDDINGS, ORDER, CAMERA = "manifest.json", "ids.txt", "embeddings", "order", "camera"
TABLE = tuple(column.name for column in fields(DetectionTable))
# of the files' layout; another one is another digest
LAYOUT = 1
CALL_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A survey at one revision, opened from its files; the arrays are shared by a machine's processes.

    digest: SHA-256 of all its content. stored: the survey and its score spec, as the scorer described them.
    camera: (n,) place of each detection's camera in `camera_ids`, -1 where it has none.
    """

    digest: str
    stored: scorer_pb2.GetSurveyResponse
    gallery: Gallery
    camera: IntArray
    camera_ids: tuple[str, ...]
    directory: Path

    def detection_ids(self) -> list[str]:
        """The id of each row."""
        return (self.directory / IDS).read_text(encoding="utf-8").splitlines()


def described(spotted: Spotted, survey_id: str) -> scorer_pb2.GetSurveyResponse:
    """A survey as it stands, and what its scores are made from. Raises NotFoundError."""
    with our_errors("scorer"):
        return spotted.scorer.GetSurvey(
            scorer_pb2.GetSurveyRequest(survey_id=survey_id), timeout=CALL_TIMEOUT_S
        )


def take_snapshot(
    spotted: Spotted, survey_id: str, directory: Path, *, told: Callable[[int], None] = lambda _: None
) -> None:
    """Write a survey into a directory that does not exist; it appears once it is whole.

    told: called with the number of detections read since the last call.
    Raises PreconditionError where the survey has no detections, ConcurrencyError where it changes meanwhile.
    """
    stored = described(spotted, survey_id)
    if not stored.survey.detection_count:
        raise PreconditionError(f"survey {survey_id!r} has no detections; run `spotted embed` first")
    cameras = {c.camera_id: c for c in spotted.cameras(survey_id)}
    # what a run that was broken off left behind is begun again
    partial = directory.with_name(f"{directory.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    _write_rows(spotted, stored, cameras, partial, told)
    (partial / MANIFEST).write_text(_manifest(stored, cameras, partial), encoding="utf-8")
    partial.replace(directory)


def open_snapshot(directory: Path) -> Snapshot:
    """A snapshot whose arrays are read from disk as they are needed. Raises PreconditionError."""
    try:
        text = (directory / MANIFEST).read_bytes()
    except OSError as error:
        raise PreconditionError(
            f"{directory} holds no snapshot that can be read ({error}); share the folder with this machine"
        ) from error
    manifest = json.loads(text)
    columns = {column: _column(directory, column) for column in (*TABLE, ORDER, CAMERA)}
    gallery = Gallery(
        _column(directory, EMBEDDINGS),
        DetectionTable(**{column: columns[column] for column in TABLE}),
        columns[ORDER],
        Extent(**manifest["extent"]),
        FeasibilityParams(**manifest["params"]),
    )
    stored = json_format.ParseDict(manifest["stored"], scorer_pb2.GetSurveyResponse())
    digest = hashlib.sha256(text).hexdigest()
    return Snapshot(digest, stored, gallery, columns[CAMERA], tuple(manifest["camera_ids"]), directory)


@dataclass(slots=True)
class _Rows:
    """What is gathered page by page, some 60 bytes and an id for each detection."""

    ids: list[str] = field(default_factory=list)
    tables: list[DetectionTable] = field(default_factory=list)
    cameras: list[int] = field(default_factory=list)
    images: dict[str, int] = field(default_factory=dict)

    def add(self, detections: list[Detection], cameras: dict[str, Camera], places: dict[str, int]) -> None:
        self.ids += [d.detection_id for d in detections]
        self.tables.append(detection_table(detections, cameras, self.images))
        self.cameras += [places.get(d.camera_id, -1) for d in detections]

    def write(self, directory: Path) -> None:
        for column in TABLE:
            np.save(directory / f"{column}.npy", np.concatenate([getattr(t, column) for t in self.tables]))
        np.save(directory / f"{ORDER}.npy", id_order(self.ids))
        np.save(directory / f"{CAMERA}.npy", np.array(self.cameras, dtype=np.int64))
        # an id is printable, so it has no line break
        (directory / IDS).write_text("".join(f"{i}\n" for i in self.ids), encoding="utf-8")


def _write_rows(
    spotted: Spotted,
    stored: scorer_pb2.GetSurveyResponse,
    cameras: dict[str, Camera],
    directory: Path,
    told: Callable[[int], None],
) -> None:
    survey = stored.survey
    shape = survey.detection_count, survey.embedding.dimension
    path = directory / f"{EMBEDDINGS}.npy"
    embeddings = np.lib.format.open_memmap(path, mode="w+", dtype=np.float16, shape=shape)
    rows, places = _Rows(), {camera_id: i for i, camera_id in enumerate(cameras)}
    for page in _pages(spotted, survey.survey_id):
        if page.revision != survey.revision:
            raise ConcurrencyError(
                f"survey {survey.survey_id!r} changed while it was read; run the command again once nothing "
                "is being added"
            )
        start = len(rows.ids)
        rows.add([messages.detection(d) for d in page.detections], cameras, places)
        embeddings[start : len(rows.ids)] = messages.array(page.embeddings)
        told(len(page.detections))
    embeddings.flush()
    rows.write(directory)


def _pages(spotted: Spotted, survey_id: str) -> Iterator[scorer_pb2.ListDetectionsResponse]:
    request = scorer_pb2.ListDetectionsRequest(survey_id=survey_id, include_embeddings=True)
    while True:
        with our_errors("scorer"):
            page = spotted.scorer.ListDetections(request, timeout=CALL_TIMEOUT_S)
        yield page
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token


def _manifest(stored: scorer_pb2.GetSurveyResponse, cameras: dict[str, Camera], directory: Path) -> str:
    """Everything that is no column, and the digest of each file, as JSON."""
    survey = stored.survey
    start_s, end_s = messages.seconds(survey.start_time), messages.seconds(survey.end_time)
    content = {
        "layout": LAYOUT,
        "stored": json_format.MessageToDict(stored),
        "camera_ids": list(cameras),
        "extent": asdict(Survey(survey.survey_id, start_s, end_s, cameras=cameras).extent()),
        "params": asdict(messages.feasibility(survey.feasibility)),
        "files": {path.name: _digest(path) for path in sorted(directory.iterdir())},
    }
    return json.dumps(content, indent=1, sort_keys=True)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _column(directory: Path, column: str) -> npt.NDArray[Any]:
    # a plain view of the map: the pages stay shared, the arithmetic is that of any array
    return np.asarray(np.load(directory / f"{column}.npy", mmap_mode="r"))
