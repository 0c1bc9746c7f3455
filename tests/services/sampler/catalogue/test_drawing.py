from __future__ import annotations

from collections.abc import Sequence

from services.sampler.catalogue.drawing import Drawing
from services.sampler.catalogue.members import MemberCandidates, Members
from spotted.v1 import sampler_pb2 as pb
from tests.services.sampler.catalogue.test_members import FOUND, MEMBERS
from tests.services.sampler.surveys import ToyScorer

PLAIN = pb.Session(survey_id="survey-1", session_id="main")
DRAWING = pb.Session(survey_id="survey-1", session_id="main", catalogue_survey_ids=["s"])


class Source:
    """Members that are always the same; notes whether sides have to be comparable."""

    def __init__(self) -> None:
        self.comparable: list[bool] = []

    def members(self, survey_id: str, survey_ids: Sequence[str], *, with_embeddings: bool = False) -> Members:
        assert (survey_id, list(survey_ids), with_embeddings) == ("survey-1", ["s"], False)
        return MEMBERS

    def candidates(
        self, survey_id: str, survey_ids: Sequence[str], *, comparable_sides_only: bool
    ) -> MemberCandidates:
        assert (survey_id, list(survey_ids)) == ("survey-1", ["s"])
        self.comparable.append(comparable_sides_only)
        return FOUND


def test_a_session_that_draws_on_nothing_reads_only_its_survey() -> None:
    scorer = ToyScorer({"d1": "a", "d2": "b"})
    for drawing, session in ((Drawing(scorer, Source()), PLAIN), (Drawing(scorer), DRAWING)):
        assert drawing.members(session) is None
        assert drawing.facts(session) == scorer.facts("survey-1")
        read = scorer.read("survey-1", 1, with_embeddings=False)
        assert drawing.scored(session, read, None) is read


def test_members_and_their_scores_stand_beside_those_of_the_survey() -> None:
    scorer, source = ToyScorer({"d1": "a", "d2": "b"}), Source()
    drawing = Drawing(scorer, source)
    assert list(drawing.facts(DRAWING).detections) == ["d1", "d2", "~s/d1", "~s/d9"]
    read = scorer.read("survey-1", 1, with_embeddings=False)
    scored = drawing.scored(DRAWING, read, drawing.members(DRAWING))
    assert scored.drawn is not None
    assert len(scored.drawn.query) == 2
    any_side = pb.Session()
    any_side.CopyFrom(DRAWING)
    any_side.ask_opposite_flanks = True
    drawing.scored(any_side, read, MEMBERS)
    assert source.comparable == [True, False]
