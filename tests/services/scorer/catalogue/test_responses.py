from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from services.common.rpc import checks
from services.common.rpc.message_sizes import MAX_MESSAGE_BYTES
from services.scorer.catalogue.gallery import Part
from services.scorer.catalogue.matching import Candidate, Match, Query
from services.scorer.catalogue.responses import match_message, match_responses
from spotted.survey import Detection
from spotted.v1 import survey_pb2

LONGEST = "𐌀" * checks.ID_LENGTH


def matching(*matches: Match) -> Any:  # noqa: ANN401 - stands for a Matching
    """Matches of photographs with the longest ids."""
    gallery = SimpleNamespace(
        members=[("s" * 64, Detection(LONGEST), "cat-0")],
        parts=[Part("s" * 64, None, np.empty(0, np.int64), (), 2, "it has no camera")],
    )
    detections = [Detection(f"{LONGEST[:-4]}{n:04}") for n in range(1000)]
    return SimpleNamespace(
        scored=SimpleNamespace(snapshot=SimpleNamespace(detections=detections)),
        gallery=gallery,
        names={"cat-0": LONGEST},
        known_as={detections[0].detection_id: "cat-0", detections[1].detection_id: "cat-1"},
        matches=lambda: iter(matches),
        spec=survey_pb2.ScoreSpec,
    )


def candidate() -> Candidate:
    return Candidate(0, LONGEST, 0.5, None, 0.5, f"needs 4.1 km/h between {LONGEST} and {LONGEST} of x")


def test_the_largest_match_fits_into_a_message() -> None:
    largest = Match(Query(range(1000), LONGEST), [candidate()] * 100, [candidate()] * 100, 5)
    answers = list(match_responses(matching(largest, largest, largest)))
    assert sum(len(answer.matches) for answer in answers) == 3
    assert all(answer.ByteSize() < MAX_MESSAGE_BYTES for answer in answers)


def test_the_surveys_are_named_also_without_matches() -> None:
    (answer,) = match_responses(matching())
    assert (answer.surveys[0].missing, answer.surveys[0].reason) == (2, "it has no camera")


def test_a_query_is_known_as_the_only_entry_of_its_photographs() -> None:
    for rows, known in (([0], "cat-0"), ([0, 5], "cat-0"), ([0, 1], ""), ([5], "")):
        assert match_message(matching(), Match(Query(rows), (), (), 0)).entry_id == known


def test_a_candidate_has_the_name_of_its_animal_and_no_feasibility_if_unknown() -> None:
    message = match_message(matching(), Match(Query([5]), [candidate()], [], 1))
    assert message.animals[0].display_name == LONGEST
    assert not message.animals[0].best.HasField("feasibility")
