from __future__ import annotations

from dataclasses import replace

import pytest

from spotted.evaluation.retrieval import ANSWERS_PER_MINUTE
from spotted.reports.survey.facts import SessionState
from spotted.reports.survey.wording import certainty, finding, next_steps
from tests.spotted.reports.survey.ridge import INDIVIDUALS, STATE, ridge

FINISHED = replace(STATE, finished=True, certain_share=0.95)


def test_the_finding_is_a_range_until_the_session_is_finished() -> None:
    seen = "were seen in 6 photographs from 4 cameras; 2 more than once, 1 from both flanks."
    assert finding(ridge()) == f"Between 2 and 3 individuals {seen}"
    assert finding(ridge(FINISHED)) == f"3 individuals {seen}"


@pytest.mark.parametrize("state", [None, SessionState("main", answers=0)])
def test_without_answers_nobody_is_called_an_individual(state: SessionState | None) -> None:
    facts = replace(ridge(state), individuals=())
    assert finding(facts) == (
        "There are 6 photographs of animals from 4 cameras, and nobody has compared them yet."
    )
    assert certainty(facts) == []
    assert [step.command for step in next_steps(facts)] == ["spotted review ridge"]


def test_names_that_a_session_believes_count_without_an_answer() -> None:
    facts = ridge(replace(STATE, answers=0))
    assert finding(facts).startswith("Between 2 and 3 individuals")
    nothing = [replace(one, detections=one.detections[:1]) for one in INDIVIDUALS]
    assert "nobody has compared them" in finding(replace(facts, individuals=nothing))


def test_certainty_says_merges_questions_and_minutes() -> None:
    reached, merges, questions, flanks = certainty(ridge())
    assert reached == "The number of individuals is not certain yet."
    assert merges == (
        "Up to 1 of the 3 individuals may be an animal that is counted already, with 95 % confidence if "
        "every answer is right."
    )
    assert questions == "About 12 more questions, 2 minutes at 6.0 answers a minute (an estimate)."
    assert flanks.startswith(
        "1 individual showed only the left flank and 1 only the right: up to 1 animal may be counted once"
    )
    assert certainty(ridge(FINISHED))[0] == "At least 95 % of all merges are known, with 95 % confidence."
    assert len(certainty(ridge(FINISHED))) == 2


def test_without_a_rate_the_published_one_is_used_and_hours_are_hours() -> None:
    said = " ".join(certainty(ridge(replace(STATE, questions_left=1000.0, answers_per_minute=None))))
    hours = 1000 / ANSWERS_PER_MINUTE / 60
    assert f"About 1000 more questions, {hours:.1f} hours at {ANSWERS_PER_MINUTE:.1f}" in said
    assert "more question" not in " ".join(certainty(ridge(replace(STATE, questions_left=None))))


def test_what_is_left_to_decide_is_said() -> None:
    said = certainty(ridge(replace(STATE, pending=2, certain_share=0.9)))
    assert (
        said[0]
        == "At least 90 % of all merges are known, with 95 % confidence: not enough to count the animals."
    )
    assert "2 decisions wait for another answer." in said
    every = certainty(ridge(replace(STATE, finished=True)))
    assert every[0] == "Every question was answered: the individuals can be counted."


def test_the_next_step_names_the_command_and_the_session() -> None:
    other = replace(STATE, session_id="two", conflicts=["one", "two"])
    assert [step.command for step in next_steps(ridge(other))] == ["spotted review ridge --session two"] * 2
    assert [step.command for step in next_steps(ridge(FINISHED))] == ["spotted export ridge -o OUT"]
    empty = replace(ridge(None), detections=[])
    assert finding(empty) == "No photograph of an animal is stored yet."
    assert [step.command for step in next_steps(empty)] == ["spotted embed ridge"]
    elsewhere = replace(ridge(None), other_sessions=["two"])
    assert next_steps(elsewhere)[1].command == "spotted report ridge --session two"
