"""The labels of a session, and the changes by which people decided about individuals: which of them stand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from google.protobuf.timestamp_pb2 import Timestamp

from spotted.v1 import sampler_pb2 as pb
from spotted.v1.individuals_pb2 import IndividualsChanged


@dataclass(frozen=True, slots=True)
class PersonsChange:
    """A change of individuals by a person."""

    position: int
    """Position of its event in the journal."""
    event: IndividualsChanged
    """The event."""
    labels: Mapping[str, pb.Label]
    """Its statements, as labels by id that nothing outweighs."""

    @property
    def only_joins(self) -> bool:
        """True if it joins individuals that no label keeps apart, and does nothing else."""
        parts = any(label.answer == pb.ANSWER_DIFFERENT for label in self.labels.values())
        supersedes = self.event.superseded_label_ids or self.event.superseded_facts
        return bool(self.labels) and not parts and not supersedes


class Ledger:
    """All labels that were not retracted, and all changes; a change that was undone has no effect.

    A label stands unless a change that stands superseded it.
    """

    def __init__(self) -> None:
        self.changes: dict[int, PersonsChange] = {}
        """Every change by position, undone ones and those that undid them too."""
        self._undone: set[int] = set()
        self.given: dict[str, pb.Label] = {}
        """The labels that were not retracted, superseded ones included, in the order of the journal."""
        self._certain: set[str] = set()

    def give(self, labels: Iterable[pb.Label]) -> None:
        """Add labels of annotators."""
        self.given |= {label.label_id: label for label in labels}

    def retract(self, label_ids: Sequence[str]) -> set[int]:
        """Remove labels; returns the positions of the events of which no label is left."""
        for label_id in label_ids:
            self.given.pop(label_id, None)
        left = {event_of(label_id) for label_id in self.given}
        return {event_of(label_id) for label_id in label_ids} - left

    def add(self, position: int, event: IndividualsChanged, create_time: Timestamp) -> None:
        """Add a change, or undo one."""
        labels = stated_labels(position, event, create_time)
        self.changes[position] = PersonsChange(position, event, labels)
        self.given |= labels
        self._certain |= labels.keys()
        if event.HasField("undone"):
            self._undone.add(event.undone.position)
            for label_id in self.changes[event.undone.position].labels:
                self.given.pop(label_id, None)

    def standing_change(self, position: int) -> PersonsChange | None:
        """The change at this position; None if there is none that stands, or it undid another."""
        change = self.changes.get(position)
        if change is None or change.event.HasField("undone") or position in self._undone:
            return None
        return change

    def standing(self, *, without: int | None = None) -> dict[str, pb.Label]:
        """The labels that stand by id, in the order of the journal. without: as if it were undone."""
        left_out = {
            label_id
            for change in self.changes.values()
            if change.position not in self._undone and change.position != without
            for label_id in change.event.superseded_label_ids
        }
        if without is not None:
            left_out |= self.changes[without].labels.keys()
        return {label_id: label for label_id, label in self.given.items() if label_id not in left_out}

    def is_certain(self, label_id: str) -> bool:
        """True if a label is what a change states."""
        return label_id in self._certain

    def labels_by_people(self, labels: Mapping[str, pb.Label]) -> list[pb.Label]:
        """Those of some labels that annotators gave as answers."""
        return [label for label_id, label in labels.items() if label_id not in self._certain]


def stated_labels(position: int, event: IndividualsChanged, create_time: Timestamp) -> dict[str, pb.Label]:
    """The statements of a change, as labels by id."""
    labels = {}
    for number, pair in enumerate(event.pairs, start=1):
        label = pb.Label(
            label_id=f"{position}-{number}",
            first_detection_id=pair.first_detection_id,
            second_detection_id=pair.second_detection_id,
            answer=pb.ANSWER_SAME if pair.same else pb.ANSWER_DIFFERENT,
            annotator_id=event.annotator_id,
            create_time=create_time,
        )
        labels[label.label_id] = label
    return labels


def event_of(label_id: str) -> int:
    """Position of the event that a label came with.

    >>> event_of("12-3")
    12
    """
    return int(label_id.partition("-")[0])
