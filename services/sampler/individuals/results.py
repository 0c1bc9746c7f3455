"""The result of a change of individuals as a message."""

from __future__ import annotations

from services.common.rpc import checks
from services.sampler.session.state import SessionState
from spotted.v1 import individuals_pb2 as pb
from spotted.v1 import sampler_pb2

# detections of the individuals, labels and facts of one answer
DETECTION_BYTES, LABEL_BYTES, FACT_BYTES = 3 << 20, 512 * 1024, 64 * 1024


def change_result(state: SessionState, position: int) -> pb.ChangeResult:
    """The result of the change at this position."""
    ledger = state.identity.ledger
    event = ledger.changes[position].event
    if event.HasField("undone"):
        event = ledger.changes[event.undone.position].event
    superseded = [ledger.given[i] for i in event.superseded_label_ids if i in ledger.given]
    shown = [contrary_label(label) for label in superseded]
    result = pb.ChangeResult(position=position, superseded_count=len(superseded))
    if shown:
        fitting = checks.fitting([label.ByteSize() for label in shown], LABEL_BYTES)
        result.superseded_labels.extend(shown[:fitting])
    facts = event.superseded_facts
    result.superseded_fact_count = len(facts)
    result.superseded_facts.extend(facts[: checks.fitting([one.ByteSize() for one in facts], FACT_BYTES)])
    _add_individuals(result, state, event)
    return result


def contrary_label(label: sampler_pb2.Label) -> pb.ContraryLabel:
    """A label SAME or DIFFERENT that stands against a decision."""
    return pb.ContraryLabel(
        label_id=label.label_id,
        first_detection_id=label.first_detection_id,
        second_detection_id=label.second_detection_id,
        same=label.answer == sampler_pb2.ANSWER_SAME,
        annotator_id=label.annotator_id,
        create_time=label.create_time,
        note=label.note,
    )


def _add_individuals(result: pb.ChangeResult, state: SessionState, event: pb.IndividualsChanged) -> None:
    individuals, register = state.named_individuals, state.identity.register
    items = filter(state.constraints.is_there, state.identity.concerned(event, state.roster))
    ones = {register.individual(state.constraints, item) for item in items}
    ones = {one for one in ones if register.is_present(one.founder)}
    size = 0
    for one in sorted(ones, key=lambda one: individuals.id_of(one.founder)):
        message = individuals.message(individuals.of(one.members[0]))
        size += message.ByteSize()
        if size > DETECTION_BYTES:
            message.ClearField("detection_ids")
        result.individuals.append(message)
