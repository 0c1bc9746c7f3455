"""Changes of individuals in memory, as events: what a person asked for, or why it cannot be."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from spotted.constraints.answers import LabelledPair
from spotted.constraints.interface import Constraints
from spotted.errors import AlreadyExistsError, InvalidInputError, NotFoundError, PreconditionError
from spotted.facts.kinds import Fact
from spotted.individuals.contrary_facts import facts_against
from spotted.individuals.decisions import Parts, decide, holds
from spotted.individuals.register import Registered
from spotted.testing.fake_session import FoldedSession
from spotted.v1 import individuals_pb2 as pb
from spotted.v1 import session_facts_pb2, survey_pb2


def updated(session: FoldedSession, request: pb.UpdateIndividualRequest) -> pb.IndividualsChanged:
    """Set attributes. Raises NotFoundError, AlreadyExistsError, PreconditionError, InvalidInputError."""
    sent = request.individual
    paths = [*request.update_mask.paths] or [
        descriptor.name for descriptor, _ in sent.ListFields() if descriptor.name != "individual_id"
    ]
    if not paths:
        raise InvalidInputError("no attribute is named; name those to set", field="update_mask")
    one = _present(session, sent.individual_id, request.as_of_position)
    if sent.display_name and "display_name" in paths:
        for founder, other in session.register.named().items():
            if founder != one.founder and other.casefold() == sent.display_name.casefold():
                raise AlreadyExistsError(
                    f"individual {session.id_of(founder)!r} is named {other!r} already; merge the two, or "
                    "choose another name"
                )
    updated = pb.IndividualUpdated(paths=paths, individual=sent)
    updated.individual.individual_id = session.id_of(one.founder)
    return pb.IndividualsChanged(updated=updated)


def merged(session: FoldedSession, request: pb.MergeIndividualsRequest) -> pb.IndividualsChanged:
    """Make individuals one. Raises NotFoundError, PreconditionError, InvalidInputError."""
    _some(request.merged_individual_ids, "merged_individual_ids")
    named = (request.individual_id, *request.merged_individual_ids)
    ones = [_present(session, one, request.as_of_position) for one in named]
    kept, *others = (session.id_of(one.founder) for one in ones)
    if len({kept, *others}) < len(ones):
        raise InvalidInputError(
            "an individual is named twice, by its id or an alias; name different individuals",
            field="merged_individual_ids",
        )
    merged = pb.IndividualsMerged(individual_id=kept, merged_individual_ids=others)
    items = frozenset(item for one in ones for item in one.members)
    parts = Parts((items,), (session.register.founders.anchor(ones[0].founder),))
    return _decided(session, pb.IndividualsChanged(merged=merged), parts, frozenset())


def split(session: FoldedSession, request: pb.SplitIndividualRequest) -> pb.IndividualsChanged:
    """Make detections of an individual another one. Raises as `merged`."""
    _some(request.detection_ids, "detection_ids")
    one = _present(session, request.individual_id, request.as_of_position)
    leaving = session.items(request.detection_ids)
    staying = frozenset(one.members) - leaving
    if leaving - {*one.members}:
        raise InvalidInputError(
            f"a detection does not belong to individual {request.individual_id!r}; name detections of the "
            "individual",
            field="detection_ids",
        )
    if not staying:
        raise InvalidInputError(
            f"these are all detections of individual {request.individual_id!r}; leave at least one out",
            field="detection_ids",
        )
    split = pb.IndividualSplit(individual_id=session.id_of(one.founder), detection_ids=request.detection_ids)
    event = pb.IndividualsChanged(split=split, anchors=_anchors(session, one, staying))
    parts = Parts((staying, leaving), (min(staying), min(leaving)), ((0, 1),))
    return _decided(session, event, parts, leaving)


def moved(session: FoldedSession, request: pb.MoveDetectionsRequest) -> pb.IndividualsChanged:
    """Move detections to an individual. Raises as `merged`."""
    _some(request.detection_ids, "detection_ids")
    target = _present(session, request.individual_id, request.as_of_position)
    moving = session.items(request.detection_ids)
    if moving & {*target.members}:
        raise InvalidInputError(
            f"a detection belongs to individual {request.individual_id!r} already; leave it out",
            field="detection_ids",
        )
    sources = sorted({session.individual(item) for item in moving}, key=lambda one: one.founder)
    rests = [frozenset(_seen(session, one, request.as_of_position).members) - moving for one in sources]
    moved = pb.DetectionsMoved(
        individual_id=session.id_of(target.founder), detection_ids=request.detection_ids
    )
    anchors = [a for each in zip(sources, rests, strict=True) for a in _anchors(session, *each)]
    left = [rest for rest in rests if rest]
    parts = Parts(
        (moving | {*target.members}, *left),
        (session.register.founders.anchor(target.founder), *map(min, left)),
        tuple((0, number) for number in range(1, len(left) + 1)),
    )
    return _decided(session, pb.IndividualsChanged(moved=moved, anchors=anchors), parts, moving)


def undone(session: FoldedSession, request: pb.UndoChangeRequest) -> pb.IndividualsChanged:
    """Undo a change. Raises NotFoundError, PreconditionError."""
    position = request.position
    change = session.changes.get(position)
    if change is None or change.HasField("undone") or position in session.undone:
        raise NotFoundError(
            f"the session has no change of individuals at position {position}, or it was undone; the "
            "session's events list all changes"
        )
    labels = session.labels(without=position).values()
    constraints, _ = session.rebuilt(labels, (), session.overrides(without=position))
    if holds(constraints, map(session.labelled_pair, labels)) is not None:
        raise PreconditionError(
            f"a later change would not hold without change {position}; undo the later one first"
        )
    return pb.IndividualsChanged(undone=pb.ChangeUndone(position=position))


def _decided(
    session: FoldedSession, event: pb.IndividualsChanged, parts: Parts, leaving: frozenset[int]
) -> pb.IndividualsChanged:
    """The event with what makes each part one individual. Raises PreconditionError if that cannot be."""
    contrary = facts_against(parts, leaving, session.names(session.overrides()), {})
    overrides = session.overrides()
    overrides.add(contrary, merged=event.HasField("merged"))
    standing = session.labels()

    def replay(without: Collection[str], certain: Sequence[LabelledPair]) -> Constraints:
        return session.rebuilt([standing[i] for i in standing if i not in without], certain, overrides)[0]

    pairs = map(session.labelled_pair, standing.values())
    decision = decide(parts, pairs, session.constraints, replay, against_facts=bool(contrary))
    if decision.unmet is not None:
        first, second = (session.detections[item].detection_id for item in decision.unmet)
        raise PreconditionError(f"one image shows both {first!r} and {second!r}, so they are two animals")
    for stated, same in ((decision.same, True), (decision.different, False)):
        for pair in stated:
            first, second = (session.detections[item].detection_id for item in pair)
            event.pairs.add(first_detection_id=first, second_detection_id=second, same=same)
    event.superseded_label_ids.extend(decision.superseded)
    event.superseded_facts.extend(_evidence(session, fact) for fact in contrary)
    return event


def _evidence(session: FoldedSession, fact: Fact) -> session_facts_pb2.Evidence:
    first, second = (session.detections[item].detection_id for item in (fact.first, fact.second))
    pair = survey_pb2.Pair(first_detection_id=first, second_detection_id=second)
    source = session_facts_pb2.EvidenceSource.ValueType(fact.source)
    return session_facts_pb2.Evidence(source=source, pair=pair, names=fact.names)


def _present(session: FoldedSession, individual_id: str, as_of: int) -> Registered:
    """An individual that did not change since the caller saw it. Raises NotFoundError, PreconditionError."""
    return _seen(session, session.find(individual_id), as_of)


def _seen(session: FoldedSession, one: Registered, as_of: int) -> Registered:
    if as_of and one.position > as_of:
        raise PreconditionError(
            f"individual {session.id_of(one.founder)!r} changed at position {one.position}, after {as_of}; "
            "read it again and decide again"
        )
    return one


def _some(named: Sequence[str], field: str) -> None:
    if not named or len(set(named)) < len(named):
        raise InvalidInputError(f"{field} names nothing, or something twice; correct it", field=field)


def _anchors(session: FoldedSession, one: Registered, staying: frozenset[int]) -> list[pb.Anchor]:
    """Where the id of an individual stays, if the detection that it belongs to leaves."""
    if not staying or session.register.founders.anchor(one.founder) in staying:
        return []
    detection_id = session.detections[min(staying)].detection_id
    return [pb.Anchor(individual_id=session.id_of(one.founder), detection_id=detection_id)]
