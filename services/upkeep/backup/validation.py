"""Checks of a backup's ids and events by the functions of the services, before anything is stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from google.protobuf.message import DecodeError

from services.common.rpc import checks
from services.upkeep.backup.contents import Contents, pages
from spotted import messages
from spotted.errors import InvalidInputError, SpottedError
from spotted.v1 import sampler_pb2, store_pb2, survey_pb2


def check_events(whole: Contents) -> None:
    """Check every session id and event of a file.

    Raises InvalidInputError that names the journal and the event.
    """
    journals: dict[str, SurveyEvents | SessionEvents] = {}
    for page in pages(whole.path):
        if page.session_id not in journals:
            journals[page.session_id] = SessionEvents() if page.session_id else SurveyEvents()
        journal = journals[page.session_id]
        try:
            if page.session_id:
                checks.slug(page.session_id, "its session")
            for entry in page.entries:
                journal.take(entry)
        except (SpottedError, DecodeError, ValueError) as error:
            named = f"session {page.session_id[:64]!r}" if page.session_id else "the survey"
            raise InvalidInputError(
                f"{whole.path} has an invalid event {journal.events + 1} of {named} ({error}); nothing was "
                "restored, use another backup of the survey"
            ) from error


class SurveyEvents:
    """The events of a survey's journal, in order."""

    def __init__(self) -> None:
        self.events = 0
        self._cameras: set[str] = set()
        self._detections: set[str] = set()
        self._dimension = 0
        self._checks: Mapping[str, Callable[[store_pb2.SurveyEvent], None]] = {
            "survey": self._check_survey,
            "cameras": self._check_cameras,
            "detections": self._check_detections,
            "deleted": self._check_deleted,
            "updated": self._check_updated,
            "cameras_deleted": self._check_cameras_deleted,
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
        messages.feasibility(survey.feasibility)
        self._fix(survey.embedding.dimension)

    def _check_cameras(self, event: store_pb2.SurveyEvent) -> None:
        for number, camera in enumerate(event.cameras.cameras):
            checks.camera(camera, f"cameras[{number}]")
            self._cameras.add(camera.camera_id)

    def _check_detections(self, event: store_pb2.SurveyEvent) -> None:
        block = event.detections
        self._fix(block.spec.dimension)
        self._check_vectors(block.embeddings, len(block.detections), len(block.detections))
        for number, detection in enumerate(block.detections):
            self._check_detection(detection, number)
            if detection.detection_id in self._detections:
                raise InvalidInputError(f"detection {detection.detection_id!r} is added twice")
            self._detections.add(detection.detection_id)

    def _check_deleted(self, event: store_pb2.SurveyEvent) -> None:
        self._detections.difference_update(event.deleted.detection_ids)

    def _check_cameras_deleted(self, event: store_pb2.SurveyEvent) -> None:
        self._cameras.difference_update(event.cameras_deleted.camera_ids)

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
        checks.detection(detection, f"detections[{number}]")
        if detection.camera_id and detection.camera_id not in self._cameras:
            raise InvalidInputError(f"no earlier event added camera {detection.camera_id!r}")

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


class SessionEvents:
    """The events of a session's journal, in order."""

    def __init__(self) -> None:
        self.events = 0

    def take(self, entry: bytes) -> None:
        """Check the next event. Raises InvalidInputError, DecodeError."""
        event = sampler_pb2.SessionEvent.FromString(entry)
        kind = event.WhichOneof("event")
        if kind is None:
            raise InvalidInputError("its kind is unknown to this release")
        if (kind == "created") is bool(self.events):
            raise InvalidInputError(f"it is {kind!r}; a session has one `created`, its first event")
        checks.instant(event.create_time, "create_time")
        for label in event.labelled.labels:
            checks.identifier(label.first_detection_id, "first_detection_id")
            checks.identifier(label.second_detection_id, "second_detection_id")
            checks.slug(label.annotator_id, "annotator_id")
        self.events += 1
