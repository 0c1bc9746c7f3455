"""Checks of a backup's ids and events by the functions of the services, before anything is stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

import numpy as np
from google.protobuf.message import DecodeError

from services.common.rpc import checks
from services.common.session.events import SessionEvents
from services.common.survey.periods import Period, outside_period
from services.common.survey.places import check_places
from services.upkeep.backup import file
from services.upkeep.backup.contents import Contents, pages
from services.upkeep.backup.local_parts import check_part, named_parts
from spotted import messages
from spotted.errors import InvalidInputError, OutsidePeriodError, SpottedError
from spotted.survey import Camera
from spotted.v1 import sampler_pb2, store_pb2, survey_pb2

# errors of an event that no service writes
INVALID = (SpottedError, DecodeError, ValueError)


def check_events(whole: Contents) -> None:
    """Check every session id and event of a file.

    Raises InvalidInputError that names the journal and the event.
    """
    for session_id, count in whole.events.items():
        if not count:
            raise InvalidInputError(
                f"{whole.path} has no event of {_named(session_id)}; nothing was restored, use another "
                "backup of the survey"
            )
    journals = JournalEvents(whole.header.survey_id)
    for page in pages(whole.path):
        for entry in page.entries:
            try:
                journals.take(page.session_id, entry)
            except INVALID as error:
                number = journals.events[page.session_id] + 1
                raise InvalidInputError(
                    f"{whole.path} has an invalid event {number} of {_named(page.session_id)} "
                    f"({error}); nothing was restored, use another backup of the survey"
                ) from error
    _check_parts(whole, journals)


def _check_parts(whole: Contents, journals: JournalEvents) -> None:
    for record in file.read(whole.path):
        if record.HasField("local_part"):
            try:
                check_part(record.local_part, journals.parts)
            except InvalidInputError as error:
                raise InvalidInputError(
                    f"{whole.path} has invalid local features ({error}); nothing was restored, use another "
                    "backup of the survey"
                ) from error


class JournalEvents:
    """The events of a survey's journals, the survey's own first."""

    def __init__(self, survey_id: str) -> None:
        self.events: Counter[str] = Counter()
        self._survey_id = survey_id
        self._survey = SurveyEvents()
        self._sessions: dict[str, SessionEvents] = {}

    @property
    def parts(self) -> Mapping[str, str]:
        """Name of local features that were stored -> their detection."""
        return self._survey.parts

    def take(self, session_id: str, entry: bytes) -> None:
        """Check the next event of a journal; session_id: "" for the survey's own.

        Raises INVALID errors.
        """
        if session_id:
            self._take_of_session(session_id, entry)
        else:
            self._survey.take(entry)
        self.events[session_id] += 1

    def _take_of_session(self, session_id: str, entry: bytes) -> None:
        checks.slug(session_id, "its session")
        if session_id not in self._sessions:
            # rounds may have added detections that were deleted since
            self._sessions[session_id] = SessionEvents(self._survey_id, self._survey.added)
        self._sessions[session_id].take(sampler_pb2.SessionEvent.FromString(entry))


def _named(session_id: str) -> str:
    return f"session {session_id[:64]!r}" if session_id else "the survey"


class SurveyEvents:
    """The events of a survey's journal, in order."""

    def __init__(self) -> None:
        self.events = 0
        self.added: set[str] = set()
        """Every detection that was ever added."""
        self.parts: dict[str, str] = {}
        self._period = Period("", 0.0, 0.0)
        self._cameras: dict[str, Camera] = {}
        self._detections: set[str] = set()
        self._dimension = 0
        self._checks: Mapping[str, Callable[[store_pb2.SurveyEvent], None]] = {
            "survey": self._check_survey,
            "cameras": self._check_cameras,
            "detections": self._check_detections,
            "deleted": self._check_deleted,
            "updated": self._check_updated,
            "cameras_deleted": self._check_cameras_deleted,
            "local_features": self._check_local_features,
            "local_scores": lambda event: self.parts.update(named_parts(event)),
        }

    def take(self, entry: bytes) -> None:
        """Check the next event. Raises InvalidInputError, DecodeError."""
        event = store_pb2.SurveyEvent.FromString(entry)
        kind = event.WhichOneof("event")
        if kind is None:
            raise InvalidInputError("its kind is unknown to this release")
        if not self.events and kind != "survey":
            raise InvalidInputError(f"it is {kind!r}; a survey begins with its creation")
        checks.instant(event.create_time, "create_time")
        self._checks[kind](event)
        self.events += 1

    def _check_survey(self, event: store_pb2.SurveyEvent) -> None:
        survey = event.survey
        checks.words(survey.display_name, "display_name", most=checks.NAME_LENGTH)
        checks.period(survey)
        checks.time_zone(survey.time_zone, "time_zone")
        messages.feasibility(survey.feasibility)
        self._period = Period.of(survey)
        self._fix(survey.embedding.dimension)

    def _check_cameras(self, event: store_pb2.SurveyEvent) -> None:
        for number, camera in enumerate(event.cameras.cameras):
            self._cameras[camera.camera_id] = checks.camera(camera, f"cameras[{number}]")
        check_places(self._cameras)

    def _check_detections(self, event: store_pb2.SurveyEvent) -> None:
        block = event.detections
        self._fix(block.spec.dimension)
        self._check_vectors(block.embeddings, len(block.detections), len(block.detections))
        for number, detection in enumerate(block.detections):
            self._check_detection(detection, number)
            if detection.detection_id in self._detections:
                raise InvalidInputError(f"detection {detection.detection_id!r} is added twice")
            self._detections.add(detection.detection_id)
            self.added.add(detection.detection_id)

    def _check_deleted(self, event: store_pb2.SurveyEvent) -> None:
        self._detections.difference_update(event.deleted.detection_ids)

    def _check_cameras_deleted(self, event: store_pb2.SurveyEvent) -> None:
        for camera_id in event.cameras_deleted.camera_ids:
            self._cameras.pop(camera_id, None)

    def _check_local_features(self, event: store_pb2.SurveyEvent) -> None:
        unknown = set(event.local_features.detection_ids) - self._detections
        if unknown:
            raise InvalidInputError(f"detection {min(unknown)!r} was not added before")
        self.parts.update(named_parts(event))

    def _check_updated(self, event: store_pb2.SurveyEvent) -> None:
        block = event.updated
        checks.unique((detection.detection_id for detection in block.detections), "detections")
        if block.HasField("embeddings"):
            self._check_vectors(block.embeddings, 1, len(block.detections))
        for number, detection in enumerate(block.detections):
            self._check_detection(detection, number)
            if detection.detection_id not in self._detections:
                raise InvalidInputError(f"detection {detection.detection_id!r} was not added before")

    def _check_detection(self, detection: survey_pb2.Detection, number: int) -> None:
        checked = checks.detection(detection, f"detections[{number}]")
        if checked.camera_id and checked.camera_id not in self._cameras:
            raise InvalidInputError(f"no earlier event added camera {checked.camera_id!r}")
        if fault := outside_period(checked, self._cameras.get(checked.camera_id), self._period):
            raise OutsidePeriodError(fault)

    def _check_vectors(self, embeddings: survey_pb2.Tensor, least: int, most: int) -> None:
        """Raise InvalidInputError unless these are the vectors of `least` to `most` detections."""
        vectors = messages.array(embeddings)
        fits = vectors.ndim == 2 and least <= len(vectors) <= most  # noqa: PLR2004 - rows and columns
        if not fits or vectors.shape[1] != self._dimension or not np.isfinite(vectors).all():
            raise InvalidInputError(
                f"its vectors have shape {vectors.shape} or are not finite; {most} detections of this survey "
                f"need {self._dimension} numbers each"
            )

    def _fix(self, dimension: int) -> None:
        """The number of elements of the vectors is stated once."""
        if dimension and self._dimension not in {0, dimension}:
            raise InvalidInputError(f"its vectors have {dimension} elements, earlier ones {self._dimension}")
        self._dimension = dimension or self._dimension
