"""A session and the requests that people make about its individuals."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from services.sampler.individuals import requests
from services.sampler.individuals.changes import IndividualChanges
from services.sampler.individuals.listing import get_individual, list_individuals
from services.sampler.session.progress import quick_progress
from services.sampler.session.state import SessionState
from spotted.v1 import individuals_pb2 as pb
from spotted.v1 import sampler_pb2
from tests.services.sampler.surveys import Sampler

ViewT = TypeVar("ViewT")
SESSION = "main"


@dataclass
class OpenSession:
    """One session on a sampler."""

    sampler: Sampler
    survey_id: str

    @property
    def changes(self) -> IndividualChanges:
        return IndividualChanges(self.sampler.sessions)

    def view(self, look: Callable[[SessionState], ViewT]) -> ViewT:
        folded = self.sampler.sessions.folded(self.survey_id, SESSION)
        return folded.view(lambda state, _: look(state))

    @property
    def position(self) -> int:
        return self.view(lambda state: state.position)

    def label(self, first: str, second: str, answer: str, annotator: str = "anna") -> str:
        """The id of a label SAME or DIFFERENT."""
        value = sampler_pb2.Answer.Value(f"ANSWER_{answer}")
        return self.sampler.answer(self.survey_id, (first, second), value, annotator).label.label_id

    def join(self, *detection_ids: str) -> None:
        """Labels that make detections one individual under either trust."""
        for first, second in itertools.pairwise(detection_ids):
            for annotator in ("anna", "ben"):
                self.label(first, second, "SAME", annotator)

    def part(self, first: str, second: str) -> None:
        """Labels that make two detections two animals under either trust."""
        for annotator in ("anna", "ben"):
            self.label(first, second, "DIFFERENT", annotator)

    def retract(self, *label_ids: str) -> None:
        taken = sampler_pb2.LabelsRetracted(label_ids=label_ids, annotator_id="anna")
        self.sampler.sessions.retract(self.survey_id, SESSION, taken, "", quick_progress)

    def merge(self, one: str, *others: str, as_of: int = 0, request_id: str = "") -> pb.ChangeResult:
        request = pb.MergeIndividualsRequest(
            survey_id=self.survey_id,
            session_id=SESSION,
            individual_id=one,
            merged_individual_ids=others,
            annotator_id="carla",
            as_of_position=as_of,
            request_id=request_id,
        )
        return self.changes.merge(requests.merge(request))

    def split(self, one: str, *detection_ids: str) -> pb.ChangeResult:
        request = pb.SplitIndividualRequest(
            survey_id=self.survey_id,
            session_id=SESSION,
            individual_id=one,
            detection_ids=detection_ids,
            annotator_id="carla",
        )
        return self.changes.split(requests.split(request))

    def move(self, detection_ids: Sequence[str], one: str) -> pb.ChangeResult:
        request = pb.MoveDetectionsRequest(
            survey_id=self.survey_id,
            session_id=SESSION,
            individual_id=one,
            detection_ids=detection_ids,
            annotator_id="carla",
        )
        return self.changes.move(requests.move(request))

    def update(self, one: str, paths: Sequence[str] = (), **values: object) -> pb.ChangeResult:
        request = pb.UpdateIndividualRequest(
            survey_id=self.survey_id,
            session_id=SESSION,
            individual=pb.Individual(individual_id=one, **values),  # type: ignore[arg-type] # any of its fields
            annotator_id="carla",
        )
        request.update_mask.paths.extend(paths)
        return self.changes.update(requests.update(request))

    def undo(self, position: int) -> pb.ChangeResult:
        request = pb.UndoChangeRequest(
            survey_id=self.survey_id, session_id=SESSION, position=position, annotator_id="carla"
        )
        return self.changes.undo(requests.undo(request))

    def get(self, individual_id: str) -> pb.Individual:
        return self.view(lambda state: get_individual(state, individual_id))

    def listed(self, **wanted: object) -> list[pb.Individual]:
        request = pb.ListIndividualsRequest(
            survey_id=self.survey_id,
            session_id=SESSION,
            **wanted,  # type: ignore[arg-type] # any of its fields
        )
        return self.view(lambda state: list_individuals(state, request))[0]

    def partition(self) -> set[frozenset[str]]:
        return {frozenset(one.detection_ids) for one in self.listed()}

    def id_of(self, detection_id: str) -> str:
        (one,) = self.listed(detection_id=detection_id)
        return one.individual_id


def numbered(*numbers: int) -> frozenset[str]:
    """Ids of detections.

    >>> sorted(numbered(3, 4))
    ['d03', 'd04']
    """
    return frozenset(f"d{number:02}" for number in numbers)
