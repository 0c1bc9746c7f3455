from __future__ import annotations

import pytest

from services.common.session.changes import check_change, named_detections
from spotted.errors import InvalidInputError
from spotted.v1 import individuals_pb2 as ind

MERGED = ind.IndividualsMerged(individual_id="ind-a", merged_individual_ids=["ind-b"])
PAIR = ind.StatedPair(first_detection_id="a", second_detection_id="b")
WHOLE = ind.IndividualsChanged(annotator_id="carla", merged=MERGED, pairs=[PAIR])


def test_a_complete_change_is_accepted() -> None:
    check_change(WHOLE, {"a", "b"})
    assert named_detections(WHOLE) == ["a", "b"]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (ind.IndividualsChanged(merged=MERGED), "annotator_id"),
        (ind.IndividualsChanged(annotator_id="carla", pairs=[PAIR]), "the change is empty"),
        (
            ind.IndividualsChanged(
                annotator_id="carla",
                merged=MERGED,
                pairs=[ind.StatedPair(first_detection_id="a", second_detection_id="c")],
            ),
            "no earlier round added detection 'c'",
        ),
        (
            ind.IndividualsChanged(annotator_id="carla", undone=ind.ChangeUndone(position=4), pairs=[PAIR]),
            "'undone' states no pairs",
        ),
    ],
)
def test_an_incomplete_change_is_refused(changed: ind.IndividualsChanged, words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        check_change(changed, {"a", "b"})
