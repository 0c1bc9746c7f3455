from __future__ import annotations

import pytest

from services.common.session.changes import check_change, named_detections
from spotted.errors import InvalidInputError
from spotted.v1 import individuals_pb2 as ind
from spotted.v1 import survey_pb2
from spotted.v1.session_facts_pb2 import (
    EVIDENCE_SOURCE_ENCOUNTER,
    EVIDENCE_SOURCE_IMAGE,
    EVIDENCE_SOURCE_KNOWN,
    Evidence,
    EvidenceSource,
)

MERGED = ind.IndividualsMerged(individual_id="ind-a", merged_individual_ids=["ind-b"])
PAIR = ind.StatedPair(first_detection_id="a", second_detection_id="b")
WHOLE = ind.IndividualsChanged(annotator_id="carla", merged=MERGED, pairs=[PAIR])


def with_fact(
    source: EvidenceSource.ValueType, first: str, second: str, *names: str
) -> ind.IndividualsChanged:
    pair = survey_pb2.Pair(first_detection_id=first, second_detection_id=second)
    fact = Evidence(source=source, pair=pair, names=names)
    return ind.IndividualsChanged(annotator_id="carla", merged=MERGED, superseded_facts=[fact])


def test_a_complete_change_is_accepted() -> None:
    check_change(WHOLE, {"a", "b"})
    check_change(with_fact(EVIDENCE_SOURCE_KNOWN, "a", "b", "Mvula", "Nandi"), {"a", "b"})
    check_change(with_fact(EVIDENCE_SOURCE_ENCOUNTER, "a", "b", "e"), {"a", "b"})
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
        (with_fact(EVIDENCE_SOURCE_IMAGE, "a", "b"), "neither a name nor an encounter"),
        (with_fact(EVIDENCE_SOURCE_KNOWN, "a", "b"), "neither a name nor an encounter"),
        (with_fact(EVIDENCE_SOURCE_ENCOUNTER, "a", "b", "e", "f"), "neither a name nor an encounter"),
        (with_fact(EVIDENCE_SOURCE_KNOWN, "a", "a", "Mvula"), "neither a name nor an encounter"),
        (with_fact(EVIDENCE_SOURCE_KNOWN, "a", "c", "Mvula"), "no earlier round added detection 'c'"),
        (with_fact(EVIDENCE_SOURCE_KNOWN, "a", "b", "M" * 5000), "use at most"),
    ],
)
def test_an_incomplete_change_is_refused(changed: ind.IndividualsChanged, words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        check_change(changed, {"a", "b"})
