from __future__ import annotations

import pytest

from services.common.session.labels import check_label
from spotted.errors import InvalidInputError
from spotted.v1 import sampler_pb2 as pb


def label(**changed: object) -> pb.Label:
    made = pb.Label(
        first_detection_id="a", second_detection_id="b", answer=pb.ANSWER_SKIP, annotator_id="anna"
    )
    for field, value in changed.items():
        setattr(made, field, value)
    return made


def test_every_answer_to_two_detections_is_one() -> None:
    for answer in pb.Answer.values():
        if answer != pb.ANSWER_UNSPECIFIED:
            check_label(label(answer=answer), "labels[0]")


def test_a_note_is_text_with_lines_and_tabs() -> None:
    for note in ("", "left ear torn\n\tsee d07", "\u00e9" * 1000):
        check_label(label(note=note), "labels[0]")


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"annotator_id": ""}, "annotator_id"),
        ({"annotator_id": "a b"}, "annotator_id"),
        ({"second_detection_id": "a"}, "second_detection_id"),
        ({"answer": 0}, "answer"),
        ({"answer": 9}, "answer"),
        ({"confidence": 4}, "confidence"),
        ({"note": "n" * 1001}, "note"),
        ({"note": "\x1b[2J"}, "note"),
        ({"note": "a\r"}, "note"),
    ],
)
def test_an_invalid_answer_is_named(changed: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        check_label(label(**changed), "labels[3]")
    assert caught.value.field == f"labels[3].{field}"
