"""A survey as files, from which every process of a batch scores without calling a service again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spotted.arrays import IntArray
from spotted.batch.places import Folder, Place
from spotted.client.survey_handle import SurveyHandle
from spotted.client.values import EmbeddingSpec, LocalFeatureSpec, SurveyInfo
from spotted.errors import ConcurrencyError, PreconditionError
from spotted.matching.shortlists import owner_name
from spotted.ranking.gallery import Gallery
from spotted.scoring.feasibility import FeasibilityParams
from spotted.survey import Camera, Detection, DetectionTable, Extent, Survey, detection_table, id_order

SNAPSHOT = "snapshot"
MANIFEST, IDS, EMBEDDINGS, ORDER, CAMERA = "manifest.json", "ids.txt", "embeddings", "order", "camera"
# known individual and owner of the marks of each row
NAMES = "names.json"
TABLE = tuple(column.name for column in fields(DetectionTable))
# version of the files' layout; part of the digest
LAYOUT = 4
Page = tuple[Sequence[Detection], npt.NDArray[np.floating]]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A survey at one revision, opened from its files; the arrays are shared by a machine's processes.

    >>> import tempfile
    >>> from spotted.testing import fake_services
    >>> with fake_services() as spotted, tempfile.TemporaryDirectory() as folder:
    ...     survey = spotted.create_survey(Survey("kruger", 0.0, 86_400.0))
    ...     spec = EmbeddingSpec("backbone", "preprocessing", dimension=2)
    ...     added = survey.add_detections([Detection("a"), Detection("b")], np.eye(2), spec)
    ...     take_snapshot(survey, Path(folder) / "snapshot")
    ...     snapshot = open_snapshot(Path(folder) / "snapshot")
    ...     len(snapshot.gallery), snapshot.detection_ids()
    (2, ['a', 'b'])
    """

    digest: str
    """SHA-256 (hex) of all its content."""
    stored: SurveyInfo
    """The survey as the scorer stored it."""
    gallery: Gallery
    """Its detections, ready to be ranked."""
    camera: IntArray
    """(n,) index of each detection's camera in `camera_ids`, -1 for a detection without a camera."""
    camera_ids: tuple[str, ...]
    """Ids of its cameras."""
    stations: tuple[str, ...]
    """The station of each camera."""
    directory: Path
    """The folder of its files."""

    def detection_ids(self) -> list[str]:
        """The id of each row."""
        return (self.directory / IDS).read_text(encoding="utf-8").splitlines()

    def individuals(self) -> list[str]:
        """The known individual of each row, "" if unknown."""
        return self._names("individuals")

    def owners(self) -> list[str]:
        """The `owner_name` of each row, for matched marks."""
        return self._names("owners")

    def _names(self, column: str) -> list[str]:
        names: dict[str, list[str]] = json.loads((self.directory / NAMES).read_bytes())
        return names[column]


def take_snapshot(
    survey: SurveyHandle, directory: Path, *, on_progress: Callable[[int], None] = lambda _: None
) -> None:
    """Write a survey into a directory that does not exist; it appears once it is complete.

    on_progress: called with the number of detections read since the last call.
    Raises PreconditionError if the survey has no detections, ConcurrencyError if it changes meanwhile.
    """
    place = Folder(directory.parent)
    store_snapshot(survey, place, directory.name, on_progress=on_progress)


def store_snapshot(
    survey: SurveyHandle,
    place: Place,
    folder: str = SNAPSHOT,
    *,
    on_progress: Callable[[int], None] = lambda _: None,
) -> None:
    """As `take_snapshot`, into a folder of a place."""
    stored = survey.info()
    if not stored.detection_count:
        raise PreconditionError(f"survey {survey.survey_id!r} has no detections; run `spotted embed` first")
    cameras = {c.camera_id: c for c in survey.cameras()}
    with place.new_folder(folder, MANIFEST) as directory:
        write_snapshot(directory, stored, cameras, _pages(survey, stored), on_progress=on_progress)


def write_snapshot(
    directory: Path,
    stored: SurveyInfo,
    cameras: Mapping[str, Camera],
    pages: Iterable[Page],
    *,
    on_progress: Callable[[int], None] = lambda _: None,
) -> None:
    """Write a survey into an empty directory.

    pages: detections with their unit vectors, as many as the survey has.
    """
    dimension = stored.embedding.dimension if stored.embedding else 0
    embeddings = np.lib.format.open_memmap(
        directory / f"{EMBEDDINGS}.npy",
        mode="w+",
        dtype=np.float16,
        shape=(stored.detection_count, dimension),
    )
    rows, camera_index = _Rows(), {camera_id: i for i, camera_id in enumerate(cameras)}
    for detections, vectors in pages:
        start = len(rows.ids)
        rows.add(detections, dict(cameras), camera_index)
        embeddings[start : len(rows.ids)] = vectors
        on_progress(len(detections))
    embeddings.flush()
    rows.write(directory)
    (directory / MANIFEST).write_text(_manifest(stored, dict(cameras), directory), encoding="utf-8")


def manifest_digest(place: Place, folder: str = SNAPSHOT) -> str:
    """The digest of a snapshot in a place, without opening it. Raises NotFoundError if there is none."""
    return hashlib.sha256(place.read(f"{folder}/{MANIFEST}")).hexdigest()


def open_snapshot(directory: Path) -> Snapshot:
    """A snapshot whose arrays are read from disk when they are needed. Raises PreconditionError."""
    try:
        text = (directory / MANIFEST).read_bytes()
    except OSError as error:
        raise PreconditionError(
            f"cannot read a snapshot in {directory} ({error}); share the folder with this machine"
        ) from error
    manifest = json.loads(text)
    if manifest.get("layout") != LAYOUT:
        raise PreconditionError(
            f"{directory} was written by another version of Spotted; delete the folder and run the command "
            "again"
        )
    stored = _stored(manifest["stored"])
    columns = {column: _column(directory, column) for column in (*TABLE, ORDER, CAMERA)}
    gallery = Gallery(
        _column(directory, EMBEDDINGS),
        DetectionTable(**{column: columns[column] for column in TABLE}),
        columns[ORDER],
        Extent(**manifest["extent"]),
        stored.feasibility,
    )
    digest = hashlib.sha256(text).hexdigest()
    cameras = tuple(manifest["camera_ids"]), tuple(manifest["stations"])
    return Snapshot(digest, stored, gallery, columns[CAMERA], *cameras, directory)


@dataclass(slots=True)
class _Rows:
    """Rows collected page by page: about 60 bytes and an id per detection."""

    ids: list[str] = field(default_factory=list)
    tables: list[DetectionTable] = field(default_factory=list)
    cameras: list[int] = field(default_factory=list)
    images: dict[str, int] = field(default_factory=dict)
    individuals: list[str] = field(default_factory=list)
    owners: list[str] = field(default_factory=list)

    def add(
        self, detections: Sequence[Detection], cameras: dict[str, Camera], camera_index: dict[str, int]
    ) -> None:
        self.ids += [d.detection_id for d in detections]
        self.tables.append(detection_table(detections, cameras, self.images))
        self.cameras += [camera_index.get(d.camera_id, -1) for d in detections]
        self.individuals += [d.individual_id for d in detections]
        self.owners += [owner_name(d.detection_id, d.encounter_id) for d in detections]

    def write(self, directory: Path) -> None:
        for column in TABLE:
            np.save(directory / f"{column}.npy", np.concatenate([getattr(t, column) for t in self.tables]))
        np.save(directory / f"{ORDER}.npy", id_order(self.ids))
        np.save(directory / f"{CAMERA}.npy", np.array(self.cameras, dtype=np.int64))
        names = {"individuals": self.individuals, "owners": self.owners}
        (directory / NAMES).write_text(json.dumps(names), encoding="utf-8")
        # an id is printable, so it has no line break
        (directory / IDS).write_text("".join(f"{i}\n" for i in self.ids), encoding="utf-8")


def _pages(survey: SurveyHandle, stored: SurveyInfo) -> Iterator[Page]:
    for page in survey.detection_pages():
        if page.revision != stored.revision:
            raise ConcurrencyError(
                f"survey {survey.survey_id!r} changed while it was read; run the command again once nothing "
                "is being added"
            )
        yield page.detections, page.embeddings


def _manifest(stored: SurveyInfo, cameras: dict[str, Camera], directory: Path) -> str:
    """Everything that is not a column, and the digest of each file, as JSON."""
    content = {
        "layout": LAYOUT,
        "stored": asdict(stored),
        "camera_ids": list(cameras),
        "stations": [camera.station_id for camera in cameras.values()],
        "extent": asdict(Survey(stored.survey_id, stored.start_s, stored.end_s, cameras=cameras).extent()),
        "files": {path.name: _digest(path) for path in sorted(directory.iterdir())},
    }
    return json.dumps(content, indent=1, sort_keys=True)


def _stored(content: dict[str, Any]) -> SurveyInfo:
    """The survey of a manifest."""
    values = {
        "feasibility": FeasibilityParams(**content["feasibility"]),
        "embedding": EmbeddingSpec(**content["embedding"]) if content["embedding"] else None,
        "local_features": LocalFeatureSpec(**local) if (local := content["local_features"]) else None,
    }
    return SurveyInfo(**content | values)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _column(directory: Path, column: str) -> npt.NDArray[Any]:
    # a plain view of the map: the pages stay shared, the arithmetic is that of any array
    return np.asarray(np.load(directory / f"{column}.npy", mmap_mode="r"))
