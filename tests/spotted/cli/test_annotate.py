from __future__ import annotations

import json

import numpy as np
import pytest

from spotted.cli.annotate import STRATEGIES
from spotted.sampling.strategies.by_name import KINDS
from spotted.survey import Detection
from spotted.v1 import sampler_pb2 as pb
from tests.spotted.cli.conftest import Machine
from tests.spotted.client.surveys import DETECTIONS, SPEC, survey, vectors

# one burst of three frames, then single frames of two animals
FRAMES = [Detection(f"b{n}", "c0", 2.0 * n, individual_id="x" if n < 2 else "y") for n in range(3)]
SINGLES = [Detection(f"s{n}", f"c{n % 3}", 90_000.0 * (n + 1), individual_id="xy"[n % 2]) for n in range(6)]


@pytest.fixture
def asked(machine: Machine, survey_id: str) -> Machine:
    """A survey of twelve detections of four animals."""
    machine.spotted.create_survey(survey(survey_id))
    machine.spotted.add_detections(survey_id, DETECTIONS, vectors(), SPEC)
    return machine


@pytest.fixture
def burst(machine: Machine, survey_id: str) -> Machine:
    """A survey that begins with a burst whose frames look alike."""
    seen = np.random.default_rng(5).normal(size=(9, 8)).astype(np.float32)
    seen[:3] = seen[0]
    machine.spotted.create_survey(survey(survey_id))
    machine.spotted.add_detections(survey_id, [*FRAMES, *SINGLES], seen, SPEC)
    return machine


def test_the_help_lists_every_strategy(machine: Machine) -> None:
    assert set(STRATEGIES) == set(KINDS)
    told = " ".join(machine.run("annotate", "--help").stdout.split())
    for strategy in KINDS:
        assert strategy in told


def test_a_session_is_learned_unless_told_otherwise(asked: Machine, survey_id: str) -> None:
    assert asked.run("annotate", survey_id, answers="q\n").exit_code == 0
    opened = asked.spotted.session(survey_id, "main")
    assert (opened.strategy.strategy_id, opened.trust, opened.seed) == ("learned", 0, 0)
    options = ("--session", "b", "--strategy", "greedy", "--trust", "verified", "--seed", "4")
    assert asked.run("annotate", survey_id, *options, answers="q\n").exit_code == 0
    opened = asked.spotted.session(survey_id, "b")
    assert (opened.strategy.strategy_id, opened.trust, opened.seed) == ("greedy", pb.TRUST_VERIFIED, 4)


def test_a_session_goes_on_as_it_was_opened(asked: Machine, survey_id: str) -> None:
    options = ("--strategy", "greedy", "--trust", "single")
    assert asked.run("annotate", survey_id, *options, "--limit", "1", answers="d\n").exit_code == 0
    again = asked.run("annotate", survey_id, answers="d\nq\n")
    assert again.exit_code == 0, again.stderr
    assert "1 questions answered" in again.stdout
    other = asked.run("annotate", survey_id, "--strategy", "random", answers="q\n")
    assert other.exit_code == 1
    assert "another strategy" in other.stderr


def test_every_answer_to_a_pair_is_stored_as_it_was_given(asked: Machine, survey_id: str) -> None:
    done = asked.run("annotate", survey_id, "--annotator", "anna", answers="s\nwhat\nd\nn\nk\nq\n")
    assert done.exit_code == 0, done.stderr
    assert "4 questions answered" in done.stdout
    labels = asked.spotted.labels(survey_id, "main")
    assert [label.answer for label in labels] == [1, 2, 3, 4]
    assert {label.annotator_id for label in labels} == {"anna"}


def test_the_end_tells_who_answered_and_what_is_guaranteed(asked: Machine, survey_id: str) -> None:
    done = asked.run("annotate", survey_id, "--oracle", "--trust", "verified", "--json")
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["individuals"], told["trust"], told["conflicts"]) == (4, "verified", 0)
    assert set(told["guarantees"]) == {"0.90", "0.95", "0.98"}
    (annotator,) = told["annotators"]
    assert annotator["annotator_id"] == "oracle"
    assert 0.0 <= annotator["false_same_rate"] < 0.5
    assert told["audit"] is None
    text = asked.run("annotate", survey_id, "--oracle").stdout
    assert "0 questions answered" in text
    assert "wrongly same" in text


def test_a_burst_is_answered_at_once(burst: Machine, survey_id: str) -> None:
    done = burst.run("annotate", survey_id, "--bursts", "--limit", "1", answers="y\n")
    assert done.exit_code == 0, done.stderr
    for line in ("frames of one burst", "[1] b0: no image", "[3] b2: no image"):
        assert line in done.stdout
    labels = burst.spotted.labels(survey_id, "main")
    pairs = [(label.first_detection_id, label.second_detection_id, label.answer) for label in labels]
    assert pairs == [("b0", "b1", pb.ANSWER_SAME), ("b0", "b2", pb.ANSWER_SAME)]


def test_a_burst_of_several_animals_is_asked_as_pairs(burst: Machine, survey_id: str) -> None:
    done = burst.run("annotate", survey_id, "--bursts", answers="n\nq\n")
    assert "asked as pairs" in done.stderr
    assert "1 questions answered" in done.stdout
    assert burst.spotted.labels(survey_id, "main") == []
    assert "same (s)" in done.stderr


def test_a_burst_that_is_skipped_is_not_asked_again(burst: Machine, survey_id: str) -> None:
    done = burst.run("annotate", survey_id, "--bursts", answers="k\nq\n")
    assert "1 questions answered" in done.stdout
    assert {label.answer for label in burst.spotted.labels(survey_id, "main")} == {pb.ANSWER_SKIP}
    again = burst.run("annotate", survey_id, "--bursts", answers="q\n")
    assert "are they one animal?" in done.stdout
    assert "are they one animal?" not in again.stdout


@pytest.mark.parametrize(
    ("words", "places"), [("1 3", {0, 2}), ("2,1", {0, 1}), ("", set()), ("0 99\n2", {1}), ("x\n1", {0})]
)
def test_a_gallery_is_answered_by_the_numbers_of_the_same_animal(
    asked: Machine, survey_id: str, words: str, places: set[int]
) -> None:
    asked.spotted.create_session(survey_id, "main", strategy="greedy")
    done = asked.run("annotate", survey_id, "--galleries", "--limit", "1", answers=f"{words}\n")
    assert done.exit_code == 0, done.stderr
    assert "[3]" in done.stdout
    labels = asked.spotted.labels(survey_id, "main")
    said = {place for place, label in enumerate(labels) if label.answer == pb.ANSWER_SAME}
    assert said == places
    assert len({label.first_detection_id for label in labels}) == 1
    assert ("are not numbers" in done.stderr) == ("\n" in words)


def test_a_gallery_may_be_skipped_or_left(asked: Machine, survey_id: str) -> None:
    asked.spotted.create_session(survey_id, "main", strategy="greedy")
    done = asked.run("annotate", survey_id, "--galleries", answers="k\nq\n")
    assert "1 questions answered" in done.stdout
    assert {label.answer for label in asked.spotted.labels(survey_id, "main")} == {pb.ANSWER_SKIP}


def test_random_pairs_are_asked_and_certify(asked: Machine, survey_id: str) -> None:
    assert asked.run("annotate", survey_id, answers="q\n").exit_code == 0
    done = asked.run("annotate", survey_id, "--audit", "--oracle", "--limit", "5")
    assert done.exit_code == 0, done.stderr
    assert "a random audit of" in done.stdout
    both = asked.run("annotate", survey_id, "--audit", "--bursts")
    assert both.exit_code == 2
    assert "leave out" in both.stderr


def test_a_conflict_and_a_pending_decision_are_told_in_words(asked: Machine, survey_id: str) -> None:
    asked.spotted.create_session(survey_id, "sure", trust=pb.TRUST_VERIFIED)
    done = asked.run("annotate", survey_id, "--session", "sure", "--limit", "1", answers="s\n")
    assert "does not suffice" in done.stderr
    assert "wait for another answer" in done.stdout
    asked.spotted.create_session(survey_id, "main", strategy="greedy", trust=pb.TRUST_SINGLE)
    asked.spotted.next_pairs(survey_id, "main", "anna")
    said = [("d00", "d01", pb.ANSWER_SAME), ("d00", "d01", pb.ANSWER_DIFFERENT)]
    for first, second, answer in said:
        label = pb.Label(
            first_detection_id=first, second_detection_id=second, answer=answer, annotator_id="anna"
        )
        asked.spotted.submit_labels(survey_id, "main", [label])
    shown = asked.run("session", "show", survey_id)
    assert "1 conflicts to look at" in shown.stdout
    assert "conflict: " in shown.stdout
    document = json.loads(asked.run("session", "show", survey_id, "--json").stdout)
    assert document["conflicts"] == len(document["conflict_messages"]) == 1
