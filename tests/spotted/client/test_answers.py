from __future__ import annotations

from spotted.client.answers import burst_answer, gallery_labels, shown_ids, skip_labels
from spotted.v1 import sampler_pb2 as pb
from spotted.v1 import survey_pb2


def shown(*ids: str) -> list[survey_pb2.Detection]:
    return [survey_pb2.Detection(detection_id=i) for i in ids]


BURST = pb.GroupQuery(kind=pb.QUESTION_KIND_BURST, detections=shown("a", "b", "c"))
GALLERY = pb.GroupQuery(kind=pb.QUESTION_KIND_GALLERY, anchor=shown("q")[0], detections=shown("c", "a", "b"))


def test_a_gallery_is_answered_by_one_label_for_each_candidate_with_the_anchor() -> None:
    labels = gallery_labels(GALLERY, {"a"}, "anna")
    assert [(one.first_detection_id, one.second_detection_id, one.answer) for one in labels] == [
        ("q", "c", pb.ANSWER_DIFFERENT),
        ("q", "a", pb.ANSWER_SAME),
        ("q", "b", pb.ANSWER_DIFFERENT),
    ]
    assert {one.annotator_id for one in labels} == {"anna"}


def test_a_burst_is_answered_as_a_whole_in_the_order_of_its_frames() -> None:
    answer = burst_answer(BURST, "anna", one_animal=True)
    assert (list(answer.detection_ids), answer.one_animal) == (["a", "b", "c"], True)
    assert not burst_answer(BURST, "anna", one_animal=False).one_animal


def test_a_group_that_is_skipped_is_skipped_with_its_first() -> None:
    for group, first, others in ((BURST, "a", ["b", "c"]), (GALLERY, "q", ["c", "a", "b"])):
        labels = skip_labels(group, "anna")
        assert [one.second_detection_id for one in labels] == others
        assert {(one.first_detection_id, one.answer) for one in labels} == {(first, pb.ANSWER_SKIP)}


def test_the_anchor_is_shown_first() -> None:
    assert shown_ids(GALLERY) == ["q", "c", "a", "b"]
