from __future__ import annotations

from services.scorer import answers
from services.scorer.candidates import CandidateList, Evidence


def test_lists_are_grouped_by_their_candidates_and_none_is_split() -> None:
    def of(count: int, number: int) -> CandidateList:
        evidence = Evidence("other", "", 1.0, None, 1.0, "")
        return CandidateList(f"d{number}", (evidence,) * count, count, ())

    lists = [of(count, n) for n, count in enumerate((1000, 1000, 1000, 5000, 0, 0))]
    groups = list(answers.batches(iter(lists)))
    assert [one for group in groups for one in group] == lists
    assert [len(group) for group in groups] == [2, 1, 1, 2]
    assert list(answers.batches(iter(()))) == []


def test_unknown_feasibility_stays_unset_on_the_wire() -> None:
    known, unknown = Evidence("a", "", 0.5, 0.0, 0.0, "far"), Evidence("b", "", 0.5, None, 0.5, "unknown")
    sent = answers.candidate_list(CandidateList("q", (known, unknown), 2, ())).candidates
    assert [c.HasField("feasibility") for c in sent] == [True, False]
