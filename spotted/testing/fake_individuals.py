"""Individuals of sessions in memory: named, merged, split, moved, undone and watched.

Values of attributes are not checked, and a watch ends when it has sent what changed until then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar

from spotted.client.individuals.messages import individual_message
from spotted.individuals.founders import Founder
from spotted.testing import fake_changes
from spotted.testing.fake_session import FoldedSession, StoredSession
from spotted.testing.server import Replies
from spotted.v1 import individuals_pb2 as pb
from spotted.v1 import sampler_pb2

AskedT = TypeVar("AskedT", bound="ChangeRequest")


class SessionRequest(Protocol):
    """A request about a session."""

    survey_id: str
    session_id: str


class ChangeRequest(SessionRequest, Protocol):
    """A request to change individuals."""

    annotator_id: str


class FakeIndividuals:
    """The individuals of the sessions of a fake sampler.

    >>> from spotted import Detection
    >>> from spotted.testing.fake_survey import StoredSurvey
    >>> from spotted.v1 import survey_pb2
    >>> session = StoredSession(StoredSurvey(survey_pb2.Survey(), detections={"a": Detection("a")}))
    >>> folded = session.append(sampler_pb2.SessionEvent(created=sampler_pb2.Session()))
    >>> replies = FakeIndividuals(lambda _: session).replies()
    >>> replies["GetIndividual"](pb.GetIndividualRequest(individual_id="ind-a")).individual.detection_count
    1
    """

    def __init__(self, session: Callable[[SessionRequest], StoredSession]) -> None:
        """Begin. session: the session of a request; raises NotFoundError."""
        self._session = session

    def replies(self) -> Replies:
        """The rpcs that it answers, by name."""
        return {
            "ListIndividuals": self._list,
            "GetIndividual": self._get,
            "WatchIndividuals": self._watch,
            "UpdateIndividual": lambda asked: pb.UpdateIndividualResponse(
                result=self._do(asked, fake_changes.updated)
            ),
            "MergeIndividuals": lambda asked: pb.MergeIndividualsResponse(
                result=self._do(asked, fake_changes.merged)
            ),
            "SplitIndividual": lambda asked: pb.SplitIndividualResponse(
                result=self._do(asked, fake_changes.split)
            ),
            "MoveDetections": lambda asked: pb.MoveDetectionsResponse(
                result=self._do(asked, fake_changes.moved)
            ),
            "UndoChange": lambda asked: pb.UndoChangeResponse(result=self._do(asked, fake_changes.undone)),
        }

    def _list(self, request: pb.ListIndividualsRequest) -> pb.ListIndividualsResponse:
        session = self._session(request).folded()
        since = request.changed_since_position
        found = set(session.register.changed_since(since) if since else session.register.present())
        if request.detection_id:
            (item,) = session.items([request.detection_id])
            found &= {session.individual(item).founder}
        listed = [_message(session, founder) for founder in found]
        if name := request.display_name.casefold():
            listed = [one for one in listed if name in map(str.casefold, _names(one))]
        listed.sort(key=lambda one: (-one.detection_count, one.individual_id))
        return pb.ListIndividualsResponse(individuals=listed)

    def _get(self, request: pb.GetIndividualRequest) -> pb.GetIndividualResponse:
        session = self._session(request).folded()
        found = session.find(request.individual_id)
        return pb.GetIndividualResponse(individual=_message(session, found.founder))

    def _watch(self, request: pb.WatchIndividualsRequest) -> Iterator[pb.WatchIndividualsResponse]:
        stored = self._session(request)
        session = stored.folded()
        position, _, mark = request.cursor.partition("-")
        reset = mark != str(id(stored))
        since = -1 if reset else int(position)
        ended = [] if reset else session.register.ended_since(since)
        listed = [_message(session, founder) for founder in session.register.changed_since(since)]
        yield pb.WatchIndividualsResponse(
            reset=reset,
            ended_individual_ids=map(session.id_of, ended),
            individuals=sorted(listed, key=lambda one: one.individual_id),
            cursor=f"{session.position}-{id(stored)}",
            position=session.position,
        )

    def _do(
        self, request: AskedT, event_of: Callable[[FoldedSession, AskedT], pb.IndividualsChanged]
    ) -> pb.ChangeResult:
        stored = self._session(request)
        event = event_of(stored.folded(), request)
        event.annotator_id = request.annotator_id
        return _result(stored.append(sampler_pb2.SessionEvent(changed=event)), event)


def _result(session: FoldedSession, event: pb.IndividualsChanged) -> pb.ChangeResult:
    """The result of the last event of a session."""
    items = session.concerned(event)
    if event.HasField("undone"):
        event = session.changes[event.undone.position]
    listed = [_message(session, founder) for founder in {session.individual(item).founder for item in items}]
    result = pb.ChangeResult(position=session.position, superseded_facts=event.superseded_facts)
    result.individuals.extend(sorted(listed, key=lambda one: one.individual_id))
    for label in session.given(event.superseded_label_ids):
        result.superseded_labels.add(
            label_id=label.label_id,
            first_detection_id=label.first_detection_id,
            second_detection_id=label.second_detection_id,
            same=label.answer == sampler_pb2.ANSWER_SAME,
            annotator_id=label.annotator_id,
            note=label.note,
        )
    result.superseded_count = len(result.superseded_labels)
    result.superseded_fact_count = len(result.superseded_facts)
    return result


def _message(session: FoldedSession, founder: Founder) -> pb.Individual:
    register = session.register
    one = session.individual(register.founders.anchor(founder))
    message = individual_message(session.id_of(one.founder), register.attributes(one.founder))
    message.detection_ids.extend(sorted(session.detections[item].detection_id for item in one.members))
    message.detection_count, message.position = len(one.members), one.position
    for alias in one.aliases:
        name = register.attributes(alias).display_name
        message.aliases.add(individual_id=session.id_of(alias), display_name=name)
    return message


def _names(one: pb.Individual) -> list[str]:
    return [one.display_name, *(alias.display_name for alias in one.aliases)]
