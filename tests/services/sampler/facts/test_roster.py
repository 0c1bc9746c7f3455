from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sampler.facts.roster import Differences, NotInSessionError, Roster
from services.sampler.survey_values import Version
from spotted.errors import PreconditionError
from spotted.individuals.founders import Founder
from spotted.v1.session_facts_pb2 import DetectionVersion, SurveyRead
from tests.services.sampler.versions import roster

UID = "u"


def read_of(found: Differences, versions: Mapping[str, int], uid: str = UID) -> SurveyRead:
    return SurveyRead(
        added_detection_ids=found.added,
        gone_detection_ids=found.gone,
        returned_detection_ids=found.returned,
        survey_uid=uid,
        versions=[DetectionVersion(detection_id=i, version=version) for i, version in versions.items()],
    )


def follow(one: Roster, versions: Mapping[str, int]) -> None:
    """Take in a survey that has these detections."""
    found = one.differences(versions, one.item_of.keys() | versions.keys())
    one.take_in(read_of(found, versions), Version(UID, 1))


def test_an_id_names_a_founding_detection() -> None:
    one = roster(*"abcd")
    assert one.founder("ind-b") == Founder(1)
    assert one.founder("ind3-b") == Founder(1, 2)
    for wrong in ("b", "ind-x", "ind1-b", "ind0-b"):
        with pytest.raises(KeyError):
            one.founder(wrong)


def test_a_detection_with_another_vector_is_another_item_founded_on_the_first() -> None:
    one = roster("a", "b")
    follow(one, {"b": 0})
    assert (one.gone, one.living()) == ({0}, {"b": 1})
    follow(one, {"a": 1, "b": 0})
    assert (one.detection_ids, one.gone) == (["a", "b", "a"], {0})
    assert one.living() == {"a": 2, "b": 1}
    assert one.founder("ind2-a") == Founder(0, 1)
    follow(one, {"a": 0, "b": 0})
    assert (one.gone, one.living()) == ({2}, {"a": 0, "b": 1})


@given(
    st.lists(st.dictionaries(st.sampled_from("abc"), st.integers(0, 2)), min_size=1, max_size=8),
)
def test_after_any_history_the_items_there_are_the_detections_of_the_survey(
    history: list[dict[str, int]],
) -> None:
    one = Roster()
    item_of: dict[tuple[str, int], int] = {}
    for versions in history:
        copied = one.copy()
        follow(one, versions)
        assert one.living().keys() == versions.keys()
        # one item for each image and vector that was ever seen
        for detection_id, version in versions.items():
            item = item_of.setdefault((detection_id, version), one.item_of[detection_id])
            assert one.item_of[detection_id] == item
        assert len(one.detection_ids) == len(item_of)
        assert one.gone == set(range(len(item_of))) - set(one.living().values())
        follow(copied, versions)
        assert (copied.living(), copied.gone) == (one.living(), one.gone)
        # nothing is left to take in
        found = one.differences(versions, one.item_of)
        assert (found.added, found.gone, found.returned) == ([], [], [])
        assert found.kept == sorted(versions)


def test_versions_of_another_survey_are_taken_over_where_they_differ() -> None:
    one = roster("a", "b")
    follow(one, {"a": 1, "b": 0})
    versions = {"a": 0, "b": 0}
    found = one.differences(versions, "ab", comparable=False)
    # it has the same detections, whatever it calls their versions
    assert (found.added, found.gone, found.returned, found.kept) == ([], [], [], ["a", "b"])
    one.take_in(read_of(found, {}, uid="other"), Version(UID, 1))
    assert one.living() == {"a": 2, "b": 1}
    # what was called 0 in the other survey is not what is called so here
    found = one.differences({"a": 0, "b": 0}, "ab")
    assert found.kept == ["a", "b"]
    found = one.differences({"a": 1, "b": 0}, "ab")
    assert (found.added, found.gone) == (["a"], ["a"])


def test_a_detection_that_never_was_there_is_named() -> None:
    one = roster("a", "b")
    one.require(["a", "b"])
    with pytest.raises(NotInSessionError, match="no detection 'x'"):
        one.require(["a", "x"])
    assert one.items(("a", "b")) == one.items(("b", "a")) == (0, 1)


def test_an_answer_is_about_the_item_with_the_version_that_was_asked_about() -> None:
    one = roster("a", "b")
    follow(one, {"a": 1, "b": 0})
    assert one.asked_items([("a", 0), ("a", 1), ("a", None), ("b", 0)]) == [0, 2, 2, 1]
    one.require_asked([("a", 0), ("a", 1), ("b", None)])
    with pytest.raises(PreconditionError, match=r"version 1 of detection 'b'.*ask for the question again"):
        one.require_asked([("a", 1), ("b", 1)])
