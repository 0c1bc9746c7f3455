from __future__ import annotations

import pytest

from services.common.session.changes import named_detections
from services.sampler.session.identity import (
    ATTRIBUTES,
    Identity,
    attributes,
    named_individuals,
)
from spotted import messages
from spotted.constraints.closure import Closure
from spotted.individuals.attributes import Attributes, Sex, Status
from spotted.v1 import individuals_pb2 as ind
from spotted.v1 import sampler_pb2 as pb
from tests.services.sampler.versions import roster

ROSTER = roster(*"abcd")


def event(change: ind.IndividualsChanged) -> pb.SessionEvent:
    return pb.SessionEvent(create_time=messages.timestamp(3.0), changed=change)


def test_marks_tell_journals_apart_from_the_first_event_that_differs() -> None:
    one, other = Identity(), Identity()
    for identity, entries in ((one, [b"a", b"b", b"c"]), (other, [b"a", b"x", b"c"])):
        for position, entry in enumerate(entries, start=1):
            identity.settle(entry, position, Closure(0))
    assert one.mark(1) == other.mark(1)
    assert one.mark(2) != other.mark(2)
    assert one.mark(3) != other.mark(3)
    assert (one.mark(0), one.mark(4)) == ("", "")


def test_a_change_says_whether_other_labels_stand() -> None:
    identity = Identity()
    updated = ind.IndividualUpdated(
        paths=["notes"], individual=ind.Individual(individual_id="ind-a", notes="x")
    )
    assert not identity.change(2, event(ind.IndividualsChanged(updated=updated)), ROSTER)
    merged = ind.IndividualsMerged(individual_id="ind-a", merged_individual_ids=["ind-b"])
    change = ind.IndividualsChanged(
        merged=merged, pairs=[ind.StatedPair(first_detection_id="a", second_detection_id="b")]
    )
    assert identity.change(3, event(change), ROSTER)
    for undone, affects in ((2, False), (3, True)):
        change = ind.IndividualsChanged(undone=ind.ChangeUndone(position=undone))
        assert identity.change(undone + 2, event(change), ROSTER) is affects


def test_attributes_are_read_from_the_fields_of_the_contract() -> None:
    fields = set(ind.Individual.DESCRIPTOR.fields_by_name)
    assert fields.issuperset(ATTRIBUTES)
    message = ind.Individual(
        display_name="Sita",
        sex=ind.SEX_FEMALE,
        status=ind.INDIVIDUAL_STATUS_DEAD,
        dead_since=messages.timestamp(5.0),
        notes="n",
        tags=["t"],
    )
    assert attributes(message) == Attributes("Sita", Sex.FEMALE, Status.DEAD, 5.0, "n", ("t",))
    assert attributes(ind.Individual()) == Attributes()


CHANGES = {
    "updated": ind.IndividualUpdated(individual=ind.Individual(individual_id="ind-a")),
    "merged": ind.IndividualsMerged(individual_id="ind-a", merged_individual_ids=["ind-b"]),
    "split": ind.IndividualSplit(individual_id="ind-a", detection_ids=["d"]),
    "moved": ind.DetectionsMoved(individual_id="ind-a", detection_ids=["d"]),
    "undone": ind.ChangeUndone(position=3),
}


@pytest.mark.parametrize(
    ("kind", "individuals", "detections"),
    [
        ("updated", ["ind-a"], []),
        ("merged", ["ind-a", "ind-b"], []),
        ("split", ["ind-a"], ["d"]),
        ("moved", ["ind-a"], ["d"]),
        ("undone", [], []),
    ],
)
def test_a_change_names_individuals_and_detections(
    kind: str, individuals: list[str], detections: list[str]
) -> None:
    change = ind.IndividualsChanged(**{kind: CHANGES[kind]})  # type: ignore[arg-type] # by its name
    assert named_individuals(change) == individuals
    assert named_detections(change) == detections
