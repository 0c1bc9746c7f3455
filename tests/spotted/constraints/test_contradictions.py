from __future__ import annotations

from spotted.constraints.answers import Answer, LabelledPair
from spotted.constraints.assumptions import Assumptions, assume
from spotted.constraints.contradictions import Contradictions
from spotted.constraints.verified import Verified
from spotted.facts.kinds import Source


def weighed(*given: tuple[int, int, Answer]) -> Verified:
    constraints = Verified(6)
    assume(constraints, Assumptions(names={0: "Mvula", 1: "Mvula", 2: "Nandi"}))
    for number, (first, second, answer) in enumerate(given):
        constraints.apply(LabelledPair(str(number), first, second, answer), "ana", 0.97)
    return constraints


def test_answers_against_facts_and_against_answers_are_found_with_what_they_contradict() -> None:
    constraints = weighed(
        (0, 1, Answer.DIFFERENT),
        (1, 2, Answer.SAME),
        (3, 4, Answer.SAME),
        (4, 5, Answer.SAME),
        (3, 5, Answer.DIFFERENT),
    )
    found = {one.label.label_id: one.explanation for one in Contradictions(constraints.partition).found()}
    assert found.keys() == {"0", "1", "4"}
    assert {fact.source for fact in found["0"].facts + found["1"].facts} == {Source.KNOWN}
    assert set(found["4"].label_ids) == {"2", "3"}
    assert constraints.contradictions == tuple(Contradictions(constraints.partition).found())


def test_without_contradictions_nothing_is_found() -> None:
    assert list(Contradictions(weighed((3, 4, Answer.SAME)).partition).found()) == []
