"""One individual of a session: what is known of it, and what people decide about it."""

from __future__ import annotations

from collections.abc import Sequence

from spotted.client.connection import Connection
from spotted.client.connection import request_id as new_request_id
from spotted.client.individuals.messages import individual_message, individual_value, individuals_change
from spotted.client.values.individuals import Individual, IndividualsChange
from spotted.individuals.attributes import Attributes, Sex, Status
from spotted.v1 import individuals_pb2 as pb

ChangeRequest = (
    pb.UpdateIndividualRequest
    | pb.MergeIndividualsRequest
    | pb.SplitIndividualRequest
    | pb.MoveDetectionsRequest
)


class IndividualHandle:
    """An individual on the sampler; its id may be an alias, which stands for the individual that has it.

    Every method raises NotFoundError if the session has no such individual. Changes are events of the
    session's journal and can be undone. `as_of`: position in the journal that the caller has seen; a change
    is refused with PreconditionError if an individual that it concerns changed after it. `request_id`: as in
    `SessionHandle.submit_labels`.
    """

    def __init__(self, connection: Connection, survey_id: str, session_id: str, individual_id: str) -> None:
        self.survey_id = survey_id
        self.session_id = session_id
        self.individual_id = individual_id
        self._sampler = connection.sampler

    def __repr__(self) -> str:
        return f"IndividualHandle({self.survey_id!r}, {self.session_id!r}, {self.individual_id!r})"

    def get(self) -> Individual:
        """The individual as it is now."""
        request = pb.GetIndividualRequest(
            survey_id=self.survey_id, session_id=self.session_id, individual_id=self.individual_id
        )
        found = self._sampler.call(self._sampler.stub.GetIndividual, request).individual
        return individual_value([found])

    def rename(
        self, display_name: str, annotator_id: str, *, as_of: int = 0, request_id: str = ""
    ) -> IndividualsChange:
        """Give it a name; "" for none. Raises AlreadyExistsError if another one has this name."""
        return self._update(("display_name",), Attributes(display_name), annotator_id, as_of, request_id)

    def update(
        self,
        annotator_id: str,
        *,
        display_name: str | None = None,
        sex: Sex | None = None,
        status: Status | None = None,
        dead_since_s: float | None = None,
        notes: str | None = None,
        tags: Sequence[str] | None = None,
        as_of: int = 0,
        request_id: str = "",
    ) -> IndividualsChange:
        """Set the attributes that are given; None leaves one as it is.

        dead_since_s: UTC seconds since 1970, together with the status DEAD.
        """
        given = {
            "display_name": display_name,
            "sex": sex,
            "status": status,
            "dead_since": dead_since_s,
            "notes": notes,
            "tags": tags,
        }
        paths = tuple(path for path, value in given.items() if value is not None)
        values = Attributes(
            display_name=display_name or "",
            sex=sex or Sex.UNKNOWN,
            status=status or Status.UNKNOWN,
            dead_since_s=dead_since_s,
            notes=notes or "",
            tags=tuple(tags or ()),
        )
        return self._update(paths, values, annotator_id, as_of, request_id)

    def merge(
        self, others: Sequence[str], annotator_id: str, *, as_of: int = 0, request_id: str = ""
    ) -> IndividualsChange:
        """Make other individuals part of this one, which keeps its id unless only they have attributes."""
        request = pb.MergeIndividualsRequest(individual_id=self.individual_id, merged_individual_ids=others)
        self._state(request, annotator_id, as_of, request_id)
        return individuals_change(self._sampler.call(self._sampler.stub.MergeIndividuals, request).result)

    def split(
        self, detection_ids: Sequence[str], annotator_id: str, *, as_of: int = 0, request_id: str = ""
    ) -> IndividualsChange:
        """Make some of its detections another individual."""
        request = pb.SplitIndividualRequest(individual_id=self.individual_id, detection_ids=detection_ids)
        self._state(request, annotator_id, as_of, request_id)
        return individuals_change(self._sampler.call(self._sampler.stub.SplitIndividual, request).result)

    def move_here(
        self, detection_ids: Sequence[str], annotator_id: str, *, as_of: int = 0, request_id: str = ""
    ) -> IndividualsChange:
        """Move detections from their individuals to this one."""
        request = pb.MoveDetectionsRequest(individual_id=self.individual_id, detection_ids=detection_ids)
        self._state(request, annotator_id, as_of, request_id)
        return individuals_change(self._sampler.call(self._sampler.stub.MoveDetections, request).result)

    def _update(
        self, paths: Sequence[str], values: Attributes, annotator_id: str, as_of: int, request_id: str
    ) -> IndividualsChange:
        request = pb.UpdateIndividualRequest(individual=individual_message(self.individual_id, values))
        request.update_mask.paths.extend(paths)
        self._state(request, annotator_id, as_of, request_id)
        return individuals_change(self._sampler.call(self._sampler.stub.UpdateIndividual, request).result)

    def _state(self, request: ChangeRequest, annotator_id: str, as_of: int, request_id: str) -> None:
        """Set the fields of every change: the session, who states it, and what they have seen."""
        request.survey_id, request.session_id = self.survey_id, self.session_id
        request.annotator_id, request.as_of_position = annotator_id, as_of
        request.request_id = request_id or new_request_id()
