from __future__ import annotations

from spotted.client.individuals.messages import (
    individual_message,
    individual_value,
    individual_values,
    individuals_change,
    individuals_event,
    watched_changes,
)
from spotted.client.values import Evidence, Individual
from spotted.facts import Source
from spotted.individuals.attributes import Attributes, Sex, Status
from spotted.v1 import individuals_pb2 as pb
from spotted.v1 import survey_pb2
from spotted.v1.session_facts_pb2 import EVIDENCE_SOURCE_KNOWN
from spotted.v1.session_facts_pb2 import Evidence as Fact


def test_an_individual_in_parts_is_one_value() -> None:
    parts = [
        pb.Individual(individual_id="ind-a", detection_ids=["a"], display_name="Sita"),
        pb.Individual(individual_id="ind-a", detection_ids=["b"]),
        pb.Individual(individual_id="ind-c", detection_ids=["c"]),
    ]
    assert list(individual_values(parts)) == [
        Individual("ind-a", ("a", "b"), display_name="Sita"),
        Individual("ind-c", ("c",)),
    ]


def test_attributes_survive_the_way_there_and_back() -> None:
    attributes = Attributes("Sita", Sex.FEMALE, Status.DEAD, 5.0, "torn ear", ("ear", "left"))
    found = individual_value([individual_message("ind-a", attributes)])
    assert found == Individual("ind-a", (), "Sita", Sex.FEMALE, Status.DEAD, 5.0, "torn ear", ("ear", "left"))


def test_the_parts_of_a_watched_change_are_one_and_a_cut_off_change_is_left_out() -> None:
    parts = [
        pb.WatchIndividualsResponse(reset=True, ended_individual_ids=["x"], position=4),
        pb.WatchIndividualsResponse(
            individuals=[pb.Individual(individual_id="ind-a")], cursor="4-a", position=4
        ),
        pb.WatchIndividualsResponse(ended_individual_ids=["ind-a"], position=5),
    ]
    (change,) = watched_changes(parts)
    assert (change.reset, change.ended, change.cursor, change.position) == (True, ("x",), "4-a", 4)
    assert [one.individual_id for one in change.individuals] == ["ind-a"]


def test_the_labels_of_a_result_say_what_they_said() -> None:
    label = pb.ContraryLabel(label_id="3-1", first_detection_id="a", second_detection_id="b", same=True)
    change = individuals_change(pb.ChangeResult(position=5, superseded_labels=[label], superseded_count=7))
    assert (change.position, change.superseded_count) == (5, 7)
    assert change.superseded[0].answer.name == "SAME"
    assert (change.superseded_facts, change.superseded_fact_count) == ((), 0)


def test_the_facts_of_a_result_have_their_source_and_names() -> None:
    pair = survey_pb2.Pair(first_detection_id="a", second_detection_id="b")
    fact = Fact(source=EVIDENCE_SOURCE_KNOWN, pair=pair, names=["Mvula", "Nandi"])
    change = individuals_change(pb.ChangeResult(superseded_facts=[fact], superseded_fact_count=9))
    assert change.superseded_facts == (Evidence(Source.KNOWN, "a", "b", ("Mvula", "Nandi")),)
    assert change.superseded_fact_count == 9


def test_a_change_of_the_journal_names_who_what_and_which() -> None:
    moved = pb.IndividualsChanged(
        annotator_id="anna", moved=pb.DetectionsMoved(individual_id="ind-a", detection_ids=["b", "c"])
    )
    event = individuals_event(moved)
    assert (event.annotator_id, event.kind) == ("anna", "moved")
    assert (event.individual_ids, event.detection_ids) == (("ind-a",), ("b", "c"))
    undone = individuals_event(pb.IndividualsChanged(undone=pb.ChangeUndone(position=4)))
    assert (undone.kind, undone.undone_position, undone.detection_ids) == ("undone", 4, ())
