from __future__ import annotations

import numpy as np
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from services.common.session.facts import ITEM, NAMED, OUTSIDE
from services.sampler.facts.session_facts import SessionFacts
from services.sampler.facts.survey_read import has_names, read_survey, uses_names
from spotted.facts.scope import LEFT, RIGHT
from spotted.survey import Detection, Side
from spotted.v1 import sampler_pb2 as pb
from spotted.v1.scorer_pb2 import CandidateFilter
from spotted.v1.session_facts_pb2 import KNOWN_INDIVIDUALS_IGNORED
from tests.services.sampler.versions import VERSION, content, roster

SEEN = {
    "b": Detection("b", image_id="i", side=Side.LEFT, individual_id="Mvula", encounter_id="e"),
    "a": Detection("a", image_id="i", side=Side.RIGHT, individual_id="Unknown"),
    "c": Detection("c", encounter_id="e"),
    "d": Detection("d", encounter_id="alone"),
}


def test_detections_are_added_in_the_order_of_their_ids_with_pairs_of_one_image() -> None:
    read = read_survey(pb.Session(), roster(), content(SEEN.values()))
    assert list(read.added_detection_ids) == ["a", "b", "c", "d"]
    assert [(p.first_detection_id, p.second_detection_id) for p in read.image_pairs] == [("a", "b")]
    assert (read.survey_uid, read.survey_revision) == (VERSION.uid, VERSION.revision)
    assert list(read.facts.names) == ["Mvula"]
    assert list(read.facts.encounters) == ["e"]
    assert list(read.facts.flags) == [RIGHT, LEFT + NAMED, 0, 0]


def test_only_what_is_new_is_read_unless_it_is_complete() -> None:
    later = SEEN | {"e": Detection("e", encounter_id="alone", individual_id="Nandi")}
    read = read_survey(pb.Session(), roster(*"abcd"), content(later.values()))
    assert list(read.added_detection_ids) == ["e"]
    assert list(read.image_pairs) == []
    # the earlier one whose encounter it joins is described too, without its name
    assert np.frombuffer(read.facts.detections, ITEM).tolist() == [3, 4]
    assert list(read.facts.names) == ["Nandi"]
    complete = read_survey(pb.Session(), roster(*"abcd"), content(later.values()), complete=True)
    assert list(complete.facts.names) == ["Mvula", "Nandi"]
    assert list(complete.facts.encounters) == ["alone", "e"]


def test_a_deleted_detection_has_no_facts() -> None:
    read = read_survey(pb.Session(), roster("gone"), content(SEEN.values()), complete=True)
    facts = SessionFacts()
    facts.take(read.facts, complete=True)
    assert list(read.gone_detection_ids) == ["gone"]
    assert facts.names == {2: "Mvula"}


def test_a_survey_without_names_sides_and_encounters_has_no_facts() -> None:
    read = read_survey(pb.Session(), roster(), content([Detection("a"), Detection("b")]))
    assert read.facts.ByteSize() == 0


@pytest.mark.parametrize(
    ("only", "passes"),
    [
        (CandidateFilter(), "abc"),
        (CandidateFilter(camera_ids=["x"]), "ab"),
        (CandidateFilter(captured_from=Timestamp(seconds=10)), "bc"),
        (CandidateFilter(captured_before=Timestamp(seconds=10)), ""),
        (CandidateFilter(exclude_individual_ids=["Mvula", ""]), "ac"),
        (CandidateFilter(species=["Panthera pardus"]), "c"),
    ],
)
def test_a_detection_outside_the_filter_is_marked(only: CandidateFilter, passes: str) -> None:
    seen = {
        "a": Detection("a", "x"),
        "b": Detection("b", "x", 10.0, individual_id="Mvula"),
        "c": Detection("c", "y", 11.0, species="Panthera pardus"),
    }
    read = read_survey(pb.Session(filter=only), roster(), content(seen.values()))
    flags = list(read.facts.flags) or [0, 0, 0]
    assert "".join(i for i, flag in zip("abc", flags, strict=True) if not flag & OUTSIDE) == passes


def test_names_that_are_ignored_are_not_read() -> None:
    ignoring = pb.Session(known_individuals=KNOWN_INDIVIDUALS_IGNORED)
    assert not uses_names(ignoring)
    assert uses_names(pb.Session())
    assert list(read_survey(ignoring, roster(), content(SEEN.values())).facts.names) == []
    assert has_names(SEEN.values())
    assert not has_names([SEEN["a"], SEEN["c"]])
