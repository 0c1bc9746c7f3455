from __future__ import annotations

from dataclasses import replace

from spotted.client.answers import burst_answer, gallery_labels, pair_label, shown_ids, skip_labels
from spotted.client.values import GroupQuery, PairQuery, QuestionKind
from spotted.constraints.answers import Answer
from spotted.survey import Detection


def group(kind: QuestionKind, anchor: str, *ids: str) -> GroupQuery:
    shown = tuple(Detection(i) for i in ids)
    return GroupQuery(kind, Detection(anchor) if anchor else None, shown, "", (), None)


BURST = group(QuestionKind.BURST, "", "a", "b", "c")
GALLERY = group(QuestionKind.GALLERY, "q", "c", "a", "b")


def test_a_gallery_is_answered_by_one_label_for_each_candidate_with_the_anchor() -> None:
    labels = gallery_labels(GALLERY, {"a"}, "anna")
    assert [(one.first_detection_id, one.second_detection_id, one.answer) for one in labels] == [
        ("q", "c", Answer.DIFFERENT),
        ("q", "a", Answer.SAME),
        ("q", "b", Answer.DIFFERENT),
    ]
    assert {(one.annotator_id, one.note) for one in labels} == {("anna", "")}
    noted = gallery_labels(GALLERY, {"a"}, "anna", "torn ear")
    assert {one.note for one in noted} == {"torn ear"}


def test_a_burst_is_answered_as_a_whole_in_the_order_of_its_frames() -> None:
    answer = burst_answer(BURST, "anna", one_animal=True)
    assert (answer.detection_ids, answer.one_animal) == (("a", "b", "c"), True)
    assert not burst_answer(BURST, "anna", one_animal=False).one_animal
    assert burst_answer(BURST, "anna", one_animal=True, note="calf").note == "calf"


def test_a_group_that_is_skipped_is_skipped_with_its_first() -> None:
    for shown, first, others in ((BURST, "a", ["b", "c"]), (GALLERY, "q", ["c", "a", "b"])):
        labels = skip_labels(shown, "anna")
        assert [one.second_detection_id for one in labels] == others
        assert {(one.first_detection_id, one.answer) for one in labels} == {(first, Answer.SKIP)}


def test_the_anchor_is_shown_first() -> None:
    assert shown_ids(GALLERY) == ("q", "c", "a", "b")


def test_answers_say_which_images_they_are_about() -> None:
    pair = PairQuery(Detection("a"), Detection("b"), "", 0.5, None, None, None, None, versions=(0, 3))
    label = pair_label(pair, Answer.SAME, "anna", "torn ear")
    assert (label.versions, label.note) == ((0, 3), "torn ear")
    gallery, burst = replace(GALLERY, versions=(4, 0, 1, 2)), replace(BURST, versions=(1, 0, 2))
    assert [one.versions for one in gallery_labels(gallery, set(), "anna")] == [(4, 0), (4, 1), (4, 2)]
    assert [one.versions for one in skip_labels(burst, "anna")] == [(1, 0), (1, 2)]
    assert burst_answer(burst, "anna", one_animal=True).versions == (1, 0, 2)
    assert {one.versions for one in gallery_labels(GALLERY, set(), "anna")} == {(None, None)}
