from __future__ import annotations

import math

import numpy as np

from services.sampler.catalogue.members import MemberCandidates, Members, with_candidates, with_members
from services.sampler.survey_values import CandidateColumns, SurveyFacts, SurveyScores, Version
from spotted.survey import Camera, Detection

OWN = {i: Detection(i, "c") for i in ("d1", "d2")}
CAMERAS = {"c": Camera("c", 0.0, 0.0)}
MEMBERS = Members(
    detections={i: Detection(i, "~s/c", individual_id="cat-a") for i in ("~s/d1", "~s/d9")},
    cameras={"~s/c": Camera("~s/c", 5.0, 5.0)},
    versions={"~s/d1": 11, "~s/d9": 12},
    entry_of={"d2": "cat-b", "deleted": "cat-b"},
    entry_names={"cat-a": "Sita", "cat-b": ""},
    digest="x",
    embeddings=np.full((2, 3), 2.0),
)
FOUND = MemberCandidates(
    ["d2", "d1", "gone"], ["~s/d9", "~s/d1", "~s/d1"], [0.5, 0.4, 0.1], [math.nan, 0.3, 0.1], [0.5, 0.12, 0.1]
)


def scores() -> SurveyScores:
    pair = np.array([0], np.int32), np.array([1], np.int32)
    columns = CandidateColumns(*pair, *(np.full(1, 0.5, np.float32) for _ in range(3)))
    return SurveyScores(
        Version("u", 3), 1, dict(OWN), CAMERAS, columns, np.ones((2, 3), np.float32), {"d1": 1}
    )


def test_members_stand_beside_the_detections_of_the_survey() -> None:
    joined = with_members(SurveyFacts(Version("u", 3), dict(OWN), CAMERAS, {"d1": 1}), MEMBERS)
    assert list(joined.detections) == ["d1", "d2", "~s/d1", "~s/d9"]
    assert [one.individual_id for one in joined.detections.values()] == ["", "cat-b", "cat-a", "cat-a"]
    assert joined.versions == {"d1": 1, "~s/d1": 11, "~s/d9": 12}
    assert joined.cameras.keys() == {"c", "~s/c"}
    assert joined.version == Version("u", 3)


def test_members_are_candidates_of_the_detections_and_those_that_are_gone_are_left_out() -> None:
    joined = with_candidates(scores(), MEMBERS, FOUND)
    drawn = joined.drawn
    assert drawn is not None
    assert list(zip(drawn.query.tolist(), drawn.candidate.tolist(), strict=True)) == [(1, 3), (0, 2)]
    np.testing.assert_allclose(drawn.feasibility, [math.nan, 0.3], rtol=1e-6)
    assert joined.embeddings is not None
    assert joined.embeddings[:, 0].tolist() == [1.0, 1.0, 2.0, 2.0]
    # own candidates are complete as they were
    assert joined.complete is scores().complete is True
    assert joined.members_digest == "x"


def test_a_graph_leaves_members_out_that_the_session_has_not_taken_in() -> None:
    joined = with_candidates(scores(), MEMBERS, FOUND)
    whole = joined.graph({i: n for n, i in enumerate(joined.detections)}, 4)
    pairs = set(zip(whole.first.tolist(), whole.second.tolist(), strict=True))
    assert pairs == {(0, 1), (1, 3), (0, 2)}
    part = joined.graph({"d1": 0, "d2": 1, "~s/d9": 2}, 3)
    assert set(zip(part.first.tolist(), part.second.tolist(), strict=True)) == {(0, 1), (1, 2)}
