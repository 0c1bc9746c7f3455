"""Messages about individuals as values of the client, and back."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence

from spotted import messages
from spotted.client.values.individuals import Alias, Individual, IndividualsChange, WatchedChange
from spotted.client.values.sessions import Evidence, IndividualsEvent, Label
from spotted.constraints.answers import Answer
from spotted.facts.kinds import Source
from spotted.individuals.attributes import Attributes, Sex, Status
from spotted.v1 import individuals_pb2 as pb
from spotted.v1 import session_facts_pb2


def individual_values(listed: Iterable[pb.Individual]) -> Iterator[Individual]:
    """Individuals from their messages, of which one that is too large for a message has several."""
    for _, parts in itertools.groupby(listed, lambda individual: individual.individual_id):
        yield individual_value(list(parts))


def individual_value(parts: Sequence[pb.Individual]) -> Individual:
    """An individual from its message, or from several if one does not hold its detections."""
    first = parts[0]
    return Individual(
        individual_id=first.individual_id,
        detection_ids=tuple(i for part in parts for i in part.detection_ids),
        display_name=first.display_name,
        sex=Sex(first.sex),
        status=Status(first.status),
        dead_since_s=messages.optional_seconds(first, "dead_since"),
        notes=first.notes,
        tags=tuple(first.tags),
        aliases=tuple(Alias(alias.individual_id, alias.display_name) for alias in first.aliases),
        position=first.position,
        catalogue_entry_ids=tuple(first.catalogue_entry_ids),
        catalogue_name=first.catalogue_name,
    )


def individual_message(individual_id: str, attributes: Attributes) -> pb.Individual:
    """An individual with these attributes as a message."""
    return pb.Individual(
        individual_id=individual_id,
        display_name=attributes.display_name,
        sex=pb.Sex.ValueType(attributes.sex),
        status=pb.IndividualStatus.ValueType(attributes.status),
        dead_since=messages.timestamp(attributes.dead_since_s),
        notes=attributes.notes,
        tags=attributes.tags,
    )


def individuals_change(message: pb.ChangeResult) -> IndividualsChange:
    """The result of a change from its message."""
    return IndividualsChange(
        position=message.position,
        individuals=tuple(individual_value([one]) for one in message.individuals),
        superseded=tuple(_label(label) for label in message.superseded_labels),
        superseded_count=message.superseded_count,
        superseded_facts=tuple(map(evidence_value, message.superseded_facts)),
        superseded_fact_count=message.superseded_fact_count,
    )


def _label(message: pb.ContraryLabel) -> Label:
    return Label(
        message.first_detection_id,
        message.second_detection_id,
        Answer.SAME if message.same else Answer.DIFFERENT,
        message.annotator_id,
        message.label_id,
        messages.optional_seconds(message, "create_time"),
        message.note,
    )


def watched_changes(responses: Iterable[pb.WatchIndividualsResponse]) -> Iterator[WatchedChange]:
    """Watched changes from their parts; a change that was cut off is left out."""
    parts: list[pb.WatchIndividualsResponse] = []
    for response in responses:
        parts.append(response)
        if response.cursor:
            yield WatchedChange(
                reset=parts[0].reset,
                ended=tuple(i for part in parts for i in part.ended_individual_ids),
                individuals=tuple(individual_values(one for part in parts for one in part.individuals)),
                cursor=response.cursor,
                position=response.position,
            )
            parts.clear()


def individuals_event(message: pb.IndividualsChanged) -> IndividualsEvent:
    """A change of individuals from the journal."""
    named: dict[str, Sequence[str]] = {
        "updated": [message.updated.individual.individual_id],
        "merged": [message.merged.individual_id, *message.merged.merged_individual_ids],
        "split": [message.split.individual_id],
        "moved": [message.moved.individual_id],
    }
    kind = message.WhichOneof("change") or ""
    return IndividualsEvent(
        annotator_id=message.annotator_id,
        kind=kind,
        individual_ids=tuple(named.get(kind, ())),
        detection_ids=(*message.split.detection_ids, *message.moved.detection_ids),
        paths=tuple(message.updated.paths),
        display_name=message.updated.individual.display_name,
        undone_position=message.undone.position,
    )


def evidence_value(message: session_facts_pb2.Evidence) -> Evidence:
    """A fact from its message."""
    pair = message.pair
    ids = pair.first_detection_id, pair.second_detection_id
    return Evidence(Source(message.source), *ids, tuple(message.names))
