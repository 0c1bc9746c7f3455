from __future__ import annotations

from services.sampler.individuals.results import change_result, contrary_label
from spotted import messages
from spotted.v1 import individuals_pb2 as pb
from spotted.v1 import sampler_pb2
from tests.services.sampler.individuals.session import OpenSession


def test_a_result_names_the_individuals_concerned_as_they_are_now(session: OpenSession) -> None:
    result = session.merge("ind-d02", "ind-d03")
    session.update("ind-d02", display_name="Sita")
    later = session.view(lambda state: change_result(state, result.position))
    assert [one.display_name for one in later.individuals] == ["Sita"]
    assert list(later.individuals[0].detection_ids) == ["d02", "d03"]


def test_a_label_against_a_decision_is_shown_with_who_and_when() -> None:
    label = sampler_pb2.Label(
        label_id="4-1",
        first_detection_id="a",
        second_detection_id="b",
        answer=sampler_pb2.ANSWER_SAME,
        annotator_id="anna",
        create_time=messages.timestamp(5.0),
    )
    assert contrary_label(label) == pb.ContraryLabel(
        label_id="4-1",
        first_detection_id="a",
        second_detection_id="b",
        same=True,
        annotator_id="anna",
        create_time=messages.timestamp(5.0),
    )
