from __future__ import annotations

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from services.sampler.labels.ledger import Ledger, event_of, stated_labels
from spotted.v1 import individuals_pb2
from spotted.v1 import sampler_pb2 as pb

AT = Timestamp(seconds=7)


def label(label_id: str) -> pb.Label:
    return pb.Label(label_id=label_id, first_detection_id="a", second_detection_id="b")


def change(superseded: list[str], **kind: object) -> individuals_pb2.IndividualsChanged:
    pair = individuals_pb2.StatedPair(first_detection_id="a", second_detection_id="b", same=True)
    return individuals_pb2.IndividualsChanged(
        annotator_id="carla",
        pairs=[pair],
        superseded_label_ids=superseded,
        **kind,  # type: ignore[arg-type] # one of the changes
    )


def filled() -> Ledger:
    ledger = Ledger()
    ledger.give([label("2-1"), label("2-2"), label("3-1")])
    merged = individuals_pb2.IndividualsMerged(individual_id="ind-a", merged_individual_ids=["ind-b"])
    ledger.add(4, change(["2-2"], merged=merged), AT)
    return ledger


def test_a_change_supersedes_labels_until_it_is_undone() -> None:
    ledger = filled()
    assert list(ledger.standing()) == ["2-1", "3-1", "4-1"]
    assert list(ledger.standing(without=4)) == ["2-1", "2-2", "3-1"]
    assert ledger.is_certain("4-1")
    assert ledger.standing_change(4) is ledger.changes[4]
    undone = individuals_pb2.IndividualsChanged(undone=individuals_pb2.ChangeUndone(position=4))
    ledger.add(5, undone, AT)
    assert list(ledger.standing()) == ["2-1", "2-2", "3-1"]
    assert ledger.standing_change(4) is None
    assert ledger.standing_change(5) is None
    assert ledger.standing_change(2) is None


def test_a_label_superseded_twice_stands_again_only_without_both() -> None:
    ledger = filled()
    ledger.add(5, change(["2-2", "4-1"], moved=individuals_pb2.DetectionsMoved(individual_id="ind-a")), AT)
    assert "2-2" not in ledger.standing(without=5)
    assert list(ledger.standing()) == ["2-1", "3-1", "5-1"]
    ledger.add(6, individuals_pb2.IndividualsChanged(undone=individuals_pb2.ChangeUndone(position=4)), AT)
    assert list(ledger.standing(without=5)) == ["2-1", "2-2", "3-1"]


def test_retracting_all_labels_of_an_event_leaves_nothing_of_it() -> None:
    ledger = filled()
    assert ledger.retract(["2-1"]) == set()
    assert ledger.retract(["2-2", "3-1"]) == {2, 3}
    assert list(ledger.standing()) == ["4-1"]
    assert ledger.labels_by_people(ledger.standing()) == []


def test_what_a_change_states_are_labels_of_its_author() -> None:
    labels = stated_labels(4, change([]), AT)
    assert labels == {
        "4-1": pb.Label(
            label_id="4-1",
            first_detection_id="a",
            second_detection_id="b",
            answer=pb.ANSWER_SAME,
            annotator_id="carla",
            create_time=AT,
        )
    }


@pytest.mark.parametrize(("label_id", "position"), [("4-1", 4), ("120-33", 120)])
def test_a_label_id_names_its_event(label_id: str, position: int) -> None:
    assert event_of(label_id) == position
