from __future__ import annotations

import numpy as np
import pytest

from services.scorer import responses
from services.scorer.candidates import CandidateList, ScoredCandidate
from spotted import messages
from spotted.errors import InvalidInputError, NotFoundError
from spotted.survey import Detection
from spotted.v1 import scorer_pb2 as pb
from spotted.v1 import survey_pb2
from tests.services.scorer.planted import START_S, Scorer, ask, detections, vectors

COUNT = 45
# of a query's row, a candidate's row, and the scores; as bytes, so that NaN is NaN and a bit is a bit
Row = tuple[int, int, bytes]


def test_lists_are_grouped_by_their_candidates_and_none_is_split() -> None:
    lists = [["candidate"] * count for count in (1000, 1000, 1000, 5000, 0, 0)]
    groups = list(responses.batches(iter(lists), len, 2048))
    assert [one for group in groups for one in group] == lists
    assert [len(group) for group in groups] == [2, 1, 1, 2]
    assert list(responses.batches(iter(()), len, 2048)) == []


def test_lists_without_candidates_fill_a_message_too() -> None:
    assert [len(group) for group in responses.batches(iter([()] * 7), len, 3)] == [3, 3, 1]


def test_unknown_feasibility_stays_unset_on_the_wire() -> None:
    known, unknown = (
        ScoredCandidate("a", "", 0.5, 0.0, 0.0, "far"),
        ScoredCandidate("b", "", 0.5, None, 0.5, "unknown"),
    )
    sent = responses.candidate_list(CandidateList("q", (known, unknown), 2, ())).candidates
    assert [c.HasField("feasibility") for c in sent] == [True, False]


def stream(scorer: Scorer, survey_id: str, top_k: int = 7, **asked: object) -> list[pb.GetCandidatesResponse]:
    request = pb.GetCandidatesRequest(survey_id=survey_id, top_k=top_k, as_columns=True, **asked)  # type: ignore[arg-type] # fields by name
    return list(scorer.stub.GetCandidates(request))


def rows(columns: pb.CandidateColumns) -> list[Row]:
    queries, candidates = (
        np.frombuffer(c, "<i4").tolist() for c in (columns.query_rows, columns.candidate_rows)
    )
    scores = np.stack([messages.array(t) for t in (columns.visual, columns.feasibility, columns.fused)])
    return list(zip(queries, candidates, [s.tobytes() for s in scores.T.copy()], strict=True))


def rows_of_lists(added: list[Detection], lists: list[pb.CandidateList]) -> list[Row]:
    row = {d.detection_id: n for n, d in enumerate(added)}

    def scores(one: pb.Candidate) -> bytes:
        feasibility = one.feasibility if one.HasField("feasibility") else np.nan
        return np.array([one.visual, feasibility, one.fused], np.float32).tobytes()

    return [(row[one.detection_id], row[c.detection_id], scores(c)) for one in lists for c in one.candidates]


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"top_k": COUNT},
        {"fusion": survey_pb2.FUSION_VISUAL},
        {"fusion": survey_pb2.FUSION_CALIBRATED},
        {"filter": pb.CandidateFilter(comparable_sides_only=True, camera_ids=["CAM02", "CAM04"])},
        {"detection_ids": ["d0030", "d0002", "d0017"]},
    ],
)
def test_columns_are_the_lists_bit_for_bit(scorer: Scorer, survey_id: str, asked: dict[str, object]) -> None:
    added, _ = scorer.plant(survey_id, COUNT)
    wanted = {"top_k": 7, **asked}
    (answer,) = stream(scorer, survey_id, **wanted)  # type: ignore[arg-type] # fields by name
    plain = pb.GetCandidatesRequest(survey_id=survey_id, **wanted)  # type: ignore[arg-type] # fields by name
    (listed,) = scorer.stub.GetCandidates(plain)
    found = rows(answer.columns)
    assert found == rows_of_lists(added, list(listed.lists))
    assert len(found) > len(listed.lists)
    assert any(np.isnan(np.frombuffer(scores, np.float32)[1]) for _, _, scores in found)
    assert (answer.score_spec, answer.revision) == (listed.score_spec, listed.revision)
    assert (len(answer.lists), listed.HasField("columns")) == (0, False)


def test_columns_come_in_messages_near_a_mebibyte_and_no_list_is_split(
    scorer: Scorer, survey_id: str
) -> None:
    count = 400
    scorer.create(survey_id)
    added = [Detection(f"d{n:03}", "CAM01", START_S + n) for n in range(count)]
    scorer.add(survey_id, added, vectors(count))
    sent = stream(scorer, survey_id, top_k=count)
    assert len(sent) == 4
    assert all(0.9 < answer.ByteSize() / responses.PAGE_BYTES < 1.1 for answer in sent[:-1])
    asking = [np.frombuffer(answer.columns.query_rows, "<i4") for answer in sent]
    np.testing.assert_array_equal(np.concatenate(asking), np.repeat(np.arange(count), count - 1))
    assert sum(len(np.unique(part)) for part in asking) == count


def test_without_a_candidate_one_answer_states_the_revision(scorer: Scorer, survey_id: str) -> None:
    revision = scorer.create(survey_id).revision
    (empty,) = stream(scorer, survey_id)
    lonely = scorer.add(survey_id, detections(1), vectors(1)).survey.revision
    (alone,) = stream(scorer, survey_id)
    assert (empty.revision, alone.revision) == (revision, lonely)
    for answer in (empty, alone):
        assert answer.HasField("columns")
        assert rows(answer.columns) == []


def test_columns_that_cannot_be_are_refused(scorer: Scorer, survey_id: str) -> None:
    scorer.plant(survey_id, 3)
    with pytest.raises(InvalidInputError, match="group_by_individual"):
        ask(lambda _: stream(scorer, survey_id, group_by_individual=True), None)
    with pytest.raises(InvalidInputError, match="'d0001' twice"):
        ask(lambda _: stream(scorer, survey_id, detection_ids=["d0001", "d0001"]), None)
    with pytest.raises(NotFoundError, match="'ghost' is not in survey"):
        ask(lambda _: stream(scorer, survey_id, detection_ids=["ghost"]), None)
