from __future__ import annotations

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from services.common.survey.filters import (
    FilterColumns,
    Numbered,
    Rules,
    exclusions,
    filter_rules,
    passing,
)
from spotted.errors import InvalidInputError
from spotted.ranking.rules import CandidateRule
from spotted.survey import Detection
from spotted.v1.scorer_pb2 import CandidateFilter

detections = st.builds(
    Detection,
    st.just("d"),
    camera_id=st.sampled_from(["", "c", "d"]),
    captured_at_s=st.sampled_from([None, 5.0, 10.0, 15.0]),
    individual_id=st.sampled_from(["", "Mvula", "Nandi", "unknown"]),
    species=st.sampled_from(["", "Panthera pardus"]),
)
rules = st.builds(
    Rules,
    camera_ids=st.frozensets(st.sampled_from(["c", "x"])),
    captured_from_s=st.sampled_from([None, 10.0]),
    captured_before_s=st.sampled_from([None, 15.0]),
    known_individuals_only=st.booleans(),
    exclude_individual_ids=st.frozensets(st.sampled_from(["", "Mvula", "unknown"])),
    species=st.frozensets(st.just("Panthera pardus")),
)


def passes(one: Detection, only: Rules) -> bool:
    """The rules said once more, plainly."""
    at_s = one.captured_at_s
    times = [bound for bound in (only.captured_from_s, only.captured_before_s) if bound is not None]
    return not (
        (only.camera_ids and one.camera_id not in only.camera_ids)
        or (only.species and one.species not in only.species)
        or (times and at_s is None)
        or (at_s is not None and only.captured_from_s is not None and at_s < only.captured_from_s)
        or (at_s is not None and only.captured_before_s is not None and at_s >= only.captured_before_s)
        or (one.individual_id and one.individual_id in only.exclude_individual_ids)
    )


@given(st.lists(detections, max_size=8), rules)
def test_a_detection_passes_if_it_meets_every_rule(seen: list[Detection], only: Rules) -> None:
    assert passing(only, seen).tolist() == [passes(one, only) for one in seen]
    excluded = dict(exclusions(only, FilterColumns(seen)))
    if only.known_individuals_only:
        named = [one.individual_id in {"Mvula", "Nandi"} for one in seen]
        assert (~excluded[CandidateRule.UNKNOWN_INDIVIDUAL]).tolist() == named


def test_a_text_that_means_unknown_is_no_animal() -> None:
    columns = FilterColumns([Detection(i, individual_id=i) for i in ("Mvula", "unknown", "Nandi", "UNKNOWN")])
    assert columns.named.tolist() == [True, False, True, False]
    assert columns.animal.tolist() == [0, -1, 2, -1]
    # it can be excluded as it is written
    assert columns.individual.among(["unknown"]).tolist() == [False, True, False, False]


def test_rules_are_read_from_their_message() -> None:
    assert filter_rules(CandidateFilter()) == Rules()
    message = CandidateFilter(
        comparable_sides_only=True,
        camera_ids=["c"],
        captured_from=Timestamp(seconds=0),
        species=["Panthera pardus"],
    )
    assert filter_rules(message) == Rules(
        comparable_sides_only=True,
        camera_ids=frozenset({"c"}),
        captured_from_s=0.0,
        species=frozenset({"Panthera pardus"}),
    )
    with pytest.raises(InvalidInputError) as caught:
        filter_rules(CandidateFilter(captured_before=Timestamp(seconds=1 << 60)), "session.filter")
    assert caught.value.field == "session.filter.captured_before"


def test_empty_texts_are_shared_by_nobody() -> None:
    numbered = Numbered.by(["a", "", "b", "a", ""])
    assert numbered.number.tolist() == [0, -1, 1, 0, -1]
    assert [numbered.sharing(text) for text in ("a", "b", "c", "")] == [2, 1, 0, 0]
    assert numbered.among(["a", "c", ""]).tolist() == [True, False, False, True, False]
