"""Changes of individuals by people: each is one event of the session's journal."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from services.common.store import keys
from services.common.store.folded import Reply
from services.common.store.journal import Change
from services.sampler.individuals.listing import find_item
from services.sampler.individuals.requests import Wish
from services.sampler.individuals.results import change_result
from services.sampler.labels.label_outcomes import Naming
from services.sampler.labels.ledger import event_of
from services.sampler.session.sessions import Sessions
from services.sampler.session.state import SessionState
from spotted.constraints.answers import LabelledPair
from spotted.constraints.interface import Constraints
from spotted.errors import AlreadyExistsError, InvalidInputError, NotFoundError, PreconditionError
from spotted.individuals.contrary_facts import facts_against
from spotted.individuals.decisions import Parts, decide, holds
from spotted.individuals.founders import Founder
from spotted.individuals.register import Registered
from spotted.v1 import individuals_pb2 as pb
from spotted.v1.sampler_pb2 import ANSWER_DIFFERENT, ANSWER_SAME, Label


class IndividualChanges:
    """Changes of the individuals of a store's sessions."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def update(self, wish: Wish) -> pb.ChangeResult:
        """Set attributes. Raises NotFoundError, AlreadyExistsError, PreconditionError."""
        return self._change("UpdateIndividual", wish, _updated)

    def merge(self, wish: Wish) -> pb.ChangeResult:
        """Make individuals one. Raises NotFoundError, PreconditionError, InvalidInputError."""
        return self._change("MergeIndividuals", wish, _merged)

    def split(self, wish: Wish) -> pb.ChangeResult:
        """Split detections off an individual. Raises as `merge`."""
        return self._change("SplitIndividual", wish, _split)

    def move(self, wish: Wish) -> pb.ChangeResult:
        """Move detections to an individual. Raises as `merge`."""
        return self._change("MoveDetections", wish, _moved)

    def undo(self, wish: Wish) -> pb.ChangeResult:
        """Undo a change. Raises NotFoundError, PreconditionError."""
        return self._change("UndoChange", wish, _undone)

    def _change(
        self, scope: str, wish: Wish, event_of: Callable[[SessionState, Wish], pb.IndividualsChanged]
    ) -> pb.ChangeResult:
        def decided(state: SessionState) -> Change:
            event = event_of(state, wish)
            event.annotator_id = wish.annotator_id
            return Change(self._sessions.event(changed=event), str(state.position + 1).encode())

        def look(reply: Reply, state: SessionState, _: int) -> pb.ChangeResult:
            return change_result(state, int(reply.value))

        return self._sessions.current(*wish.key).change_and_view(
            decided, look, scope=keys.session_scope(scope, wish.key[1]), request_id=wish.request_id
        )


def _updated(state: SessionState, wish: Wish) -> pb.IndividualsChanged:
    one = _present(state, wish, wish.individual_id)
    name = wish.values.display_name
    if name and "display_name" in wish.paths:
        for founder, other in state.identity.register.named().items():
            if founder != one.founder and other.casefold() == name.casefold():
                raise AlreadyExistsError(
                    f"individual {_id(state, founder)!r} is named {other!r} already; merge the two if they "
                    "are one animal, or choose another name"
                )
    updated = pb.IndividualUpdated(paths=wish.paths, individual=wish.values)
    updated.individual.individual_id = _id(state, one.founder)
    return pb.IndividualsChanged(updated=updated)


def _merged(state: SessionState, wish: Wish) -> pb.IndividualsChanged:
    ones = [_present(state, wish, i) for i in (wish.individual_id, *wish.others)]
    founders = [one.founder for one in ones]
    if len(set(founders)) < len(founders):
        twice = next(f for f in founders if founders.count(f) > 1)
        raise InvalidInputError(
            f"individual {_id(state, twice)!r} is named twice, by its id or an alias; name different "
            "individuals",
            field="merged_individual_ids",
        )
    items = frozenset(item for one in ones for item in one.members)
    event = pb.IndividualsChanged()
    kept, *merged = (_id(state, founder) for founder in founders)
    event.merged.CopyFrom(pb.IndividualsMerged(individual_id=kept, merged_individual_ids=merged))
    _state_parts(state, event, Parts((items,), (_anchor(state, ones[0]),)))
    return event


def _split(state: SessionState, wish: Wish) -> pb.IndividualsChanged:
    one = _present(state, wish, wish.individual_id)
    leaving = _items(state, wish.detection_ids)
    outside = leaving - {*one.members}
    if outside:
        raise InvalidInputError(
            f"detection {state.detection_ids[min(outside)]!r} does not belong to individual "
            f"{wish.individual_id!r}; name detections of the individual",
            field="detection_ids",
        )
    staying = frozenset(one.members) - leaving
    if staying <= state.roster.foreign:
        raise InvalidInputError(
            f"these are all detections of individual {wish.individual_id!r}; leave at least one out",
            field="detection_ids",
        )
    event = pb.IndividualsChanged()
    split = pb.IndividualSplit(individual_id=_id(state, one.founder), detection_ids=wish.detection_ids)
    event.split.CopyFrom(split)
    _stay(state, event, one, staying)
    parts = Parts((staying, leaving), (min(staying), min(leaving)), ((0, 1),))
    _state_parts(state, event, parts, leaving)
    return event


def _moved(state: SessionState, wish: Wish) -> pb.IndividualsChanged:
    target = _present(state, wish, wish.individual_id)
    moving = _items(state, wish.detection_ids)
    there = moving & {*target.members}
    if there:
        raise InvalidInputError(
            f"detection {state.detection_ids[min(there)]!r} belongs to individual {wish.individual_id!r} "
            "already; leave it out",
            field="detection_ids",
        )
    sources = {_checked(state, wish, _of(state, item)) for item in moving}
    event = pb.IndividualsChanged()
    moved = pb.DetectionsMoved(individual_id=_id(state, target.founder), detection_ids=wish.detection_ids)
    event.moved.CopyFrom(moved)
    left: list[frozenset[int]] = []
    for one in sorted(sources, key=lambda one: one.founder):
        rest = frozenset(one.members) - moving
        if rest:
            left.append(rest)
            _stay(state, event, one, rest)
    parts = (moving | {*target.members}, *left)
    anchors = (_anchor(state, target), *map(min, left))
    _state_parts(state, event, Parts(parts, anchors, tuple((0, n) for n in range(1, len(parts)))), moving)
    return event


def _undone(state: SessionState, wish: Wish) -> pb.IndividualsChanged:
    ledger = state.identity.ledger
    change = ledger.standing_change(wish.position)
    if change is None:
        raise NotFoundError(
            f"session {wish.key[1]!r} has no change of individuals at position {wish.position}, or it was "
            "undone; the session's events list all changes"
        )
    labels = ledger.standing(without=wish.position)
    if labels.keys() != state.labels.keys() or change.event.superseded_facts:
        constraints = state.rebuilt(labels.values(), (), state.identity.overrides(without=wish.position))
        # a detection that came back, and its image, may contradict a decision already
        held = (one for one in _labelled(state, labels.values()) if _may_hold(state, one))
        broken = holds(constraints, held)
        if broken is not None:
            later = _contradicting(state, constraints, broken, wish.position)
            raise PreconditionError(
                f"change {later} would not hold without change {wish.position}; undo change {later} first"
            )
    return pb.IndividualsChanged(undone=pb.ChangeUndone(position=wish.position))


def _may_hold(state: SessionState, label: LabelledPair) -> bool:
    """False for a label that stands now and does not hold."""
    return (
        label.label_id not in state.labels
        or state.constraints.implied(label.first, label.second) is label.answer
    )


def _contradicting(state: SessionState, constraints: Constraints, broken: LabelledPair, position: int) -> int:
    """The last change after this position that contradicts a statement, or that it belongs to."""
    ledger = state.identity.ledger
    ids = [broken.label_id]
    if constraints.implied(broken.first, broken.second) is not None:
        ids += constraints.explain(broken.first, broken.second, broken.answer).label_ids
    after = [event_of(i) for i in ids if ledger.is_certain(i) and event_of(i) > position]
    return max(after, default=max(p for p in ledger.changes if ledger.standing_change(p)))


def _state_parts(
    state: SessionState, event: pb.IndividualsChanged, parts: Parts, leaving: frozenset[int] = frozenset()
) -> None:
    """Add to an event what makes each part one individual. Raises PreconditionError if that cannot be.

    leaving: the items that a split or a move takes from their individual.
    """
    for first, second in state.same_image:
        if any(first in part and second in part for part in parts.items):
            a, b = state.detection_ids[first], state.detection_ids[second]
            raise PreconditionError(
                f"one image shows both {a!r} and {b!r}, so they are two animals; if that is wrong, correct "
                "the image ids of the detections"
            )

    assumed = state.assumptions()
    found = facts_against(parts, leaving, assumed.names, assumed.encounters)
    contrary = [one for one in found if one.same or assumed.only_joining.isdisjoint(one.names)]
    overrides = state.identity.overrides()
    overrides.add(contrary, merged=event.HasField("merged"))

    def replay(without: Collection[str], certain: Sequence[LabelledPair]) -> Constraints:
        kept = (label for label_id, label in state.labels.items() if label_id not in without)
        return state.rebuilt(kept, certain, overrides)

    labels = _labelled(state, state.labels.values())
    decision = decide(parts, labels, state.constraints, replay, against_facts=bool(contrary))
    if decision.unmet is not None:
        a, b = (state.detection_ids[item] for item in decision.unmet)
        raise PreconditionError(
            f"what is known of {a!r} and {b!r} contradicts this change: an image shows that they are two "
            "animals; correct the image ids, or see the conflicts of the session"
        )
    for pairs, same in ((decision.same, True), (decision.different, False)):
        for first, second in pairs:
            event.pairs.add(
                first_detection_id=state.detection_ids[first],
                second_detection_id=state.detection_ids[second],
                same=same,
            )
    event.superseded_label_ids.extend(decision.superseded)
    naming = Naming(state.labels, state.detection_ids)
    event.superseded_facts.extend(map(naming.evidence, contrary))


def _labelled(state: SessionState, labels: Iterable[Label]) -> list[LabelledPair]:
    return [state.labelled_pair(label) for label in labels if label.answer in (ANSWER_SAME, ANSWER_DIFFERENT)]


def _present(state: SessionState, wish: Wish, wanted: str) -> Registered:
    """An individual that did not change since the caller saw it. Raises NotFoundError, PreconditionError."""
    return _checked(state, wish, _of(state, find_item(state, wanted)))


def _checked(state: SessionState, wish: Wish, one: Registered) -> Registered:
    if wish.as_of and one.position > wish.as_of:
        raise PreconditionError(
            f"individual {_id(state, one.founder)!r} changed at position {one.position}, after "
            f"{wish.as_of}; read it again and decide again"
        )
    return one


def _of(state: SessionState, item: int) -> Registered:
    return state.identity.register.individual(state.constraints, item)


def _items(state: SessionState, detection_ids: Sequence[str]) -> frozenset[int]:
    """The items of detections. Raises NotFoundError for an unknown one."""
    state.roster.require(detection_ids)
    items = {i: state.roster.item_of[i] for i in detection_ids}
    gone = [i for i, item in items.items() if item in state.roster.gone]
    if gone:
        raise NotFoundError(
            f"detection {gone[0]!r} was deleted from the survey; leave it out, or add it again"
        )
    return frozenset(items.values())


def _stay(
    state: SessionState, event: pb.IndividualsChanged, one: Registered, staying: frozenset[int]
) -> None:
    """Let the id of an individual stay with what stays of it, if the detection that anchors it leaves."""
    if state.identity.register.founders.anchor(one.founder) not in staying:
        detection_id = state.detection_ids[min(staying)]
        event.anchors.add(individual_id=_id(state, one.founder), detection_id=detection_id)


def _anchor(state: SessionState, one: Registered) -> int:
    """The item that an individual's id belongs to; if that is gone, the lowest of those that are there."""
    anchor = state.identity.register.founders.anchor(one.founder)
    return min(one.members) if anchor in state.roster.gone else anchor


def _id(state: SessionState, founder: Founder) -> str:
    return state.named_individuals.id_of(founder)
