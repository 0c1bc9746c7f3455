"""The surveys of a directory, each a folder in a layout that `spotted import` recognises, read once."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

from spotted.batch.files import PlacedJob
from spotted.batch.places import Folder, Place, open_place
from spotted.client.ingest import by_file
from spotted.errors import InvalidInputError, NotFoundError, PreconditionError
from spotted.formats.image_kinds import PHOTOGRAPHS as PHOTOGRAPH_SUFFIXES
from spotted.formats.imported_survey import ImportedSurvey
from spotted.formats.layouts.recognition import (
    CAMERAS_FILE,
    DETECTIONS_FILE,
    PHOTOGRAPHS,
    PUBLISHED_SET,
    TABLES,
    Recognised,
    recognise,
)
from spotted.formats.picture import Picture
from spotted.formats.sources import Source
from spotted.formats.sources.source import MAPS
from spotted.survey import Camera, Detection, ImageBox, Side, Survey

SURVEY = "survey.json"
# layouts that are recognised by photographs, not by tables
OF_PHOTOGRAPHS = {PHOTOGRAPHS, PUBLISHED_SET, *MAPS}


@dataclass(frozen=True, slots=True)
class ReadJob(PlacedJob):
    """The reading of one survey's files.

    >>> ReadJob("/results/ridge", "/surveys/ridge", "ridge").digest == ReadJob("a", "b", "ridge").digest
    True
    """

    PLACES: ClassVar[tuple[str, ...]] = ("url", "source")

    source: str
    """Folder or URL of the survey's files."""
    survey_id: str
    """Name of the folder."""
    species: str = ""
    """Species to read, if the files contain several."""
    timezone: str = ""
    """IANA time zone of times without offset."""


@dataclass(frozen=True, slots=True)
class FiledSurvey:
    """A survey as it was read.

    >>> FiledSurvey(Survey("ridge", 0.0, 1.0), (), "").digest == ""
    True
    """

    survey: Survey
    """The survey and its cameras."""
    pictures: tuple[Picture, ...]
    """Its detections, those of one file together; paths are relative to the survey's folder."""
    digest: str
    """SHA-256 (hex) of what was read."""


def read_survey(job: ReadJob) -> None:
    """Read the files of a survey, and write what they say as one file.

    Raises InvalidInputError for files that cannot be read as a survey.
    """
    source = open_place(job.source)
    with _readable(source) as (root, found):
        imported = _imported(found, job)
        pictures = [_filed(picture, root) for _, group in by_file(imported.pictures) for picture in group]
    if not pictures:
        raise InvalidInputError(f"the files of {job.source} contain no detection to embed")
    survey = asdict(imported.survey) | {"cameras": [asdict(c) for c in imported.survey.cameras.values()]}
    document = {"job": job.digest, "files": files_digest(source), "survey": survey, "pictures": pictures}
    job.place.write(SURVEY, json.dumps(document, sort_keys=True).encode())


def stored_survey(job: ReadJob) -> FiledSurvey | None:
    """A survey that was read before; None if it was not.

    Raises PreconditionError if its files have changed since, or it was read with other options.
    """
    try:
        document = json.loads(job.place.read(SURVEY))
    except (NotFoundError, ValueError):
        return None
    if document["job"] != job.digest:
        raise PreconditionError(
            f"{job.url} was started with other options or another version of Spotted; give the same options, "
            "another -o, or --fresh to start again"
        )
    if document["files"] != files_digest(open_place(job.source)):
        raise PreconditionError(
            f"the files of {job.source} have changed since they were read; give --fresh to start again, or "
            "another -o"
        )
    return read_back(job)


def read_back(job: ReadJob) -> FiledSurvey:
    """A survey that was read before, whether or not its files have changed since."""
    return _parsed(job.place.read(SURVEY))


def files_digest(source: Place) -> str:
    """Digest of the names, sizes and versions of a survey's files."""
    return hashlib.sha256(repr(sorted(source.files())).encode()).hexdigest()


@contextmanager
def _readable(source: Place) -> Iterator[tuple[Path, Recognised]]:
    """The survey's files on this machine, and their layout; of a bucket only the tables, if they say all."""
    if isinstance(source, Folder):
        yield source.root, recognise(source.root)
        return
    with tempfile.TemporaryDirectory(prefix="spotted-") as directory:
        root = Path(directory).resolve()
        photographs = [file.name for file in source.files() if not _is_table(file.name)]
        _copy(source, (file.name for file in source.files() if _is_table(file.name)), root)
        try:
            found = recognise(root)
        except InvalidInputError:
            found = None
        if found is None or found.layout in OF_PHOTOGRAPHS:
            _copy(source, iter(photographs), root)
            found = recognise(root)
        yield root, found


def _is_table(name: str) -> bool:
    return Path(name).suffix.lower() not in PHOTOGRAPH_SUFFIXES


def _copy(source: Place, names: Iterator[str], root: Path) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(source.read(name))


def _imported(found: Recognised, job: ReadJob) -> ImportedSurvey:
    if found.layout in MAPS:
        raise InvalidInputError(
            f"the table of {job.source} has titles of its own, which need a map; give it the columns of "
            "docs/import.md, or import and embed this survey with `spotted import` and `spotted embed`"
        )
    source = Source(package=str(found.path), layout=found.layout, species=job.species, timezone=job.timezone)
    if found.layout == TABLES:
        cameras, detections = found.path / CAMERAS_FILE, found.path / DETECTIONS_FILE
        source = replace(source, package="", cameras=str(cameras), detections=str(detections))
    boxes = str(found.boxes) if found.boxes else ""
    return replace(source, boxes=boxes).read(job.survey_id)


# a process that works on many blocks of one survey parses it once
@lru_cache(1)
def _parsed(content: bytes) -> FiledSurvey:
    document = json.loads(content)
    survey = document["survey"]
    cameras = {fields["camera_id"]: Camera(**fields) for fields in survey["cameras"]}
    pictures = tuple(_picture(fields) for fields in document["pictures"])
    digest = hashlib.sha256(content).hexdigest()
    return FiledSurvey(Survey(**survey | {"cameras": cameras}), pictures, digest)


def _filed(picture: Picture, root: Path) -> Mapping[str, Any]:
    path = picture.path
    if path is not None and path.is_relative_to(root):
        path = path.relative_to(root)
    return {
        "detection": asdict(picture.detection),
        "path": None if path is None else path.as_posix(),
        "box": picture.box,
    }


def _picture(fields: dict[str, Any]) -> Picture:
    values = fields["detection"]
    box = ImageBox(**values["box"]) if values["box"] else None
    detection = Detection(**values | {"side": Side(values["side"]), "box": box})
    path = Path(fields["path"]) if fields["path"] else None
    return Picture(detection, path, tuple(fields["box"]) if fields["box"] else None)
