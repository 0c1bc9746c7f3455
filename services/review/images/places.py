"""Where the photograph of a detection lies, and where it may lie.

No request holds a path. A detection names the file that it was imported from, and that file is opened only if
it lies in the folder that was imported: whoever may write detections could name any other file.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from services.review.forms.errors import ImageMissingError
from services.review.forms.photos import file_name
from services.review.images import remote
from spotted.client.values import SurveyInfo
from spotted.errors import InvalidInputError, NotFoundError
from spotted.formats.sources import recall
from spotted.survey import Detection

MOVED = Path("review", "moved")
# photographs that are looked for before a folder is taken for the new one
TRIED = 20


@dataclass(frozen=True, slots=True)
class File:
    """The content of a photograph and what distinguishes it from other versions."""

    name: str
    """Its name, without the folder."""
    version: str
    """Changes with the content."""
    path: Path | None = None
    """Where it lies on this machine; None for one of another host."""
    url: str = ""
    """Its address on another host; "" for one on this machine."""

    def read(self) -> bytes:
        """The content. Raises ImageMissingError."""
        if self.path is None:
            return remote.fetch(self.url, self.name)
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise missing(self.name) from error


@dataclass(frozen=True, slots=True)
class Places:
    """The folders of photographs of one data directory."""

    directory: Path
    """The data directory."""
    by_uid: bool = False
    """Whether records of imports are named by the survey's uid: ids of several organisations may be equal."""
    hosts: tuple[str, ...] = ()
    """Hosts from which photographs may be fetched."""

    def file(self, survey: SurveyInfo, detection: Detection) -> File:
        """The photograph of a detection. Raises ImageMissingError."""
        name = file_name(detection.image_uri)
        if urlsplit(detection.image_uri).scheme in {"http", "https"}:
            return File(name, "", url=remote.allowed(detection.image_uri, name, self.hosts))
        path = self._path(survey, detection) if detection.image_uri else None
        try:
            if path is None or not path.is_file():
                raise missing(name)
            state = path.stat()
        except OSError as error:
            raise missing(name) from error
        return File(name, f"{state.st_mtime_ns}-{state.st_size}", path)

    def move(self, survey: SurveyInfo, folder: str, detections: list[Detection]) -> tuple[int, int]:
        """Take a folder as the new place of a survey's photographs; how many lie there, and how many do not.

        Raises InvalidInputError if none of them does.
        """
        root, target = self._root(survey), Path(folder)
        if root is None or not target.is_absolute() or not target.is_dir():
            raise InvalidInputError(
                f"{folder!r} is no folder of this machine; write its whole path, e.g. /media/disk/photos",
                field="folder",
            )
        inside = [part for d in detections if (part := _inside(root, d.image_uri)) is not None]
        found = sum((target / part).is_file() for part in inside)
        if not found:
            example = inside[0].name if inside else "a photograph"
            raise InvalidInputError(
                f"{folder} has none of the photographs, e.g. not {example}; choose the folder that was "
                "imported, at its new place",
                field="folder",
            )
        file = self.directory / MOVED / f"{self._record(survey)}.json"
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.write_text(json.dumps({"folder": str(target)}))
        return found, len(inside) - found

    def _path(self, survey: SurveyInfo, detection: Detection) -> Path | None:
        """The file of a detection if it lies in the folder that was imported."""
        root = self._root(survey)
        inside = None if root is None else _inside(root, detection.image_uri)
        return None if root is None or inside is None else (self._moved(survey) or root) / inside

    def _root(self, survey: SurveyInfo) -> Path | None:
        try:
            return Path(os.path.normpath(recall(self.directory, self._record(survey)).folder()))
        except NotFoundError:
            return None

    def _moved(self, survey: SurveyInfo) -> Path | None:
        try:
            return Path(
                json.loads((self.directory / MOVED / f"{self._record(survey)}.json").read_text())["folder"]
            )
        except FileNotFoundError:
            return None

    def _record(self, survey: SurveyInfo) -> str:
        return survey.uid if self.by_uid else survey.survey_id


def missing(name: str) -> ImageMissingError:
    """The error for a photograph that is not there."""
    shown = repr(name) if name else "of this detection"
    return ImageMissingError(
        f"the photograph {shown} is not where it was imported from; if the photographs were moved, choose "
        "their new folder",
        file=name,
    )


def _inside(root: Path, path: str) -> PurePosixPath | None:
    """The path below the folder; None for one outside. Links in the folder are followed, as at the import."""
    whole = Path(os.path.normpath(path))
    return PurePosixPath(whole.relative_to(root)) if whole.is_relative_to(root) and whole != root else None
