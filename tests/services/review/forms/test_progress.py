from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from services.review.forms.progress import (
    MOST_POINTS,
    advice,
    certified,
    curve,
    filter_form,
    progress_form,
    session_form,
)
from spotted.client.values import CandidateFilter, Label, Progress, StopGuarantee
from spotted.constraints import Answer
from spotted.testing import fake_services

BASE = Progress(
    detections=9,
    same=1,
    different=2,
    not_comparable=0,
    skipped=0,
    conflicts=0,
    individuals=8,
    same_pairs=1,
    open_pairs=20,
    estimated_remaining_pairs=None,
    answers_per_minute=None,
    summary="",
    position=4,
    merges_left_at_most=5,
    guarantees=(StopGuarantee(0.9, reached=False), StopGuarantee(0.95, reached=False)),
    audit=None,
    trust=None,
    pending=0,
    checks=0,
    annotators=(),
    agreement=None,
    kappa=None,
)


def test_advice_follows_what_is_known() -> None:
    assert advice(BASE) == "Up to 5 merges may still be missing: keep answering."
    with_rate = replace(BASE, estimated_remaining_pairs=42.0, answers_per_minute=6.0)
    assert advice(with_rate).endswith("about 42 questions, 7 min more at your rate.")
    slow = replace(BASE, estimated_remaining_pairs=900.0, answers_per_minute=5.0)
    assert "3.0 h" in advice(slow)
    nine = replace(BASE, guarantees=(StopGuarantee(0.9, reached=True), StopGuarantee(0.95, reached=False)))
    assert "90%" in advice(nine)
    assert not certified(nine)
    enough = replace(BASE, guarantees=(StopGuarantee(0.95, reached=True),))
    assert advice(enough).endswith("you can stop.")
    assert certified(enough)
    assert not certified(replace(enough, open_pairs=None))
    assert advice(replace(BASE, merges_left_at_most=0)) == "Every merge is found; you can stop."
    assert advice(replace(BASE, merges_left_at_most=None)) == ""
    assert "first questions" in advice(replace(BASE, open_pairs=None))
    assert progress_form(BASE)["guarantees"] == [
        {"target": 0.9, "reached": False},
        {"target": 0.95, "reached": False},
    ]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.booleans()), max_size=500))
def test_the_curve_counts_the_groups_that_were_joined(pairs: list[tuple[int, int, bool]]) -> None:
    labels = [
        Label(str(a), str(b), Answer.SAME if same else Answer.DIFFERENT, "anna")
        for a, b, same in pairs
        if a != b
    ]
    groups = [{str(one)} for one in range(10)]
    for label in labels:
        if label.answer is Answer.SAME:
            ends = {label.first_detection_id, label.second_detection_id}
            joined = [group for group in groups if group & ends]
            groups = [group for group in groups if not group & ends] + [set().union(*joined)]
    points = curve(labels)
    assert points[-1] == {"answers": len(labels), "merges": 10 - len(groups)}
    assert points[0] == {"answers": 0, "merges": 0}
    assert len(points) <= MOST_POINTS


def test_a_session_is_shown_as_stored() -> None:
    with fake_services() as spotted:
        import numpy as np  # noqa: PLC0415 - only here

        from spotted import Detection, Survey  # noqa: PLC0415 - only here
        from spotted.client import EmbeddingSpec  # noqa: PLC0415 - only here

        survey = spotted.create_survey(Survey("a", 0.0, 1.0))
        survey.add_detections([Detection("d"), Detection("e")], np.eye(2), EmbeddingSpec("b", "p", 2))
        form = session_form(survey.create_session("main").info(), UTC)
        assert (form["session_id"], form["only"]) == ("main", {})


def test_the_part_of_a_survey_that_is_asked_about_is_what_is_set() -> None:
    only = CandidateFilter(camera_ids=("c1", "c2"), captured_from_s=0.0, known_individuals_only=True)
    expected = {"cameras": ["c1", "c2"], "from": "1970-01-01T03:00:00+03:00", "known": True}
    assert filter_form(only, ZoneInfo("Africa/Nairobi")) == expected
