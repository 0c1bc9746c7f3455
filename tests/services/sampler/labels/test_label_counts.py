from __future__ import annotations

from services.sampler.labels.label_counts import LabelCounts
from spotted import messages
from spotted.v1 import sampler_pb2 as pb


def test_labels_are_counted_by_answer_time_and_annotator() -> None:
    labels = [
        pb.Label(answer=answer, annotator_id=who, create_time=messages.timestamp(at_s))
        for answer, who, at_s in [
            (pb.ANSWER_SAME, "anna", 5.0),
            (pb.ANSWER_DIFFERENT, "ben", 6.0),
            (pb.ANSWER_SAME, "anna", 9.0),
        ]
    ]
    counts = LabelCounts(labels[:2])
    counts.add(labels[2])
    assert counts.answers == {1: 2, 2: 1}
    assert counts.times_s == [5.0, 6.0, 9.0]
    assert counts.times_of == {"anna": [5.0, 9.0], "ben": [6.0]}
