from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from spotted.cli.annotate import Selection
from spotted.cli.sessions.settings import STRATEGIES
from spotted.client import Label
from spotted.constraints.answers import Answer
from spotted.constraints.trust import Trust
from spotted.sampling.strategies.by_name import DEFAULT_STRATEGY, KINDS
from spotted.survey import Detection
from tests.spotted.cli.conftest import Machine
from tests.spotted.client.surveys import DETECTIONS, SPEC, survey, vectors

# one burst of three frames, then single frames
FRAMES = [Detection(f"b{n}", "c0", 2.0 * n) for n in range(3)]
SINGLES = [Detection(f"s{n}", f"c{n % 3}", 15_000.0 * (n + 1)) for n in range(6)]


@pytest.fixture
def asked(machine: Machine, survey_id: str) -> Machine:
    """A survey of twelve detections of four animals, none of them known."""
    unknown = [replace(one, individual_id="") for one in DETECTIONS]
    machine.spotted.create_survey(survey(survey_id)).add_detections(unknown, vectors(), SPEC)
    return machine


@pytest.fixture
def named(machine: Machine, survey_id: str) -> Machine:
    """The same survey with the name of every animal."""
    machine.spotted.create_survey(survey(survey_id)).add_detections(DETECTIONS, vectors(), SPEC)
    return machine


@pytest.fixture
def burst(machine: Machine, survey_id: str) -> Machine:
    """A survey that begins with a burst whose frames look alike."""
    seen = np.random.default_rng(5).normal(size=(9, 8)).astype(np.float32)
    seen[:3] = seen[0]
    machine.spotted.create_survey(survey(survey_id)).add_detections([*FRAMES, *SINGLES], seen, SPEC)
    return machine


def test_a_run_asks_pairs_without_a_limit_unless_it_is_told_otherwise() -> None:
    assert Selection("anna", (), audit=False, limit=None).shows == ()


def test_the_help_lists_every_strategy(machine: Machine) -> None:
    assert set(STRATEGIES) == set(KINDS)
    assert STRATEGIES[0] == DEFAULT_STRATEGY
    shown = "".join(machine.run("annotate", "--help").stdout.split())
    for strategy in KINDS:
        assert strategy in shown


def test_a_session_uses_the_first_strategy_by_default(asked: Machine, survey_id: str) -> None:
    assert asked.run("annotate", survey_id, answers="q\n").exit_code == 0
    opened = asked.spotted.survey(survey_id).session("main").info()
    assert (opened.strategy, opened.trust, opened.seed) == (STRATEGIES[0], Trust.SINGLE, 0)
    options = ("--session", "b", "--strategy", "greedy", "--trust", "verified", "--seed", "4")
    assert asked.run("annotate", survey_id, *options, answers="q\n").exit_code == 0
    opened = asked.spotted.survey(survey_id).session("b").info()
    assert (opened.strategy, opened.trust, opened.seed) == ("greedy", Trust.VERIFIED, 4)
    unknown = asked.run("annotate", survey_id, "--strategy", "best")
    assert unknown.exit_code == 2
    assert "mean-linkage" in unknown.stderr


def test_a_session_goes_on_as_it_was_opened(asked: Machine, survey_id: str) -> None:
    options = ("--strategy", "greedy", "--trust", "single")
    assert asked.run("annotate", survey_id, *options, "--limit", "1", answers="d\n").exit_code == 0
    again = asked.run("annotate", survey_id, answers="d\nq\n")
    assert again.exit_code == 0, again.stderr
    assert "1 question answered" in again.stdout
    other = asked.run("annotate", survey_id, "--strategy", "random", answers="q\n")
    assert other.exit_code == 1
    assert "another strategy" in other.stderr


def test_every_answer_to_a_pair_is_stored_as_it_was_given(asked: Machine, survey_id: str) -> None:
    done = asked.run("annotate", survey_id, "--annotator", "anna", answers="s\nwhat\nd\nx\nk\nq\n")
    assert done.exit_code == 0, done.stderr
    assert "4 questions answered" in done.stdout
    labels = asked.spotted.survey(survey_id).session("main").labels()
    assert [label.answer for label in labels] == [1, 2, 3, 4]
    assert {label.annotator_id for label in labels} == {"anna"}


def test_a_note_follows_an_answer_and_is_kept_with_it(asked: Machine, survey_id: str, tmp_path: Path) -> None:
    answers = "z\nd torn left ear\nx\nq\n"
    done = asked.run("annotate", survey_id, answers=answers)
    assert done.exit_code == 0, done.stderr
    assert "'z' does not begin with one of s, d, x, k, u, q" in done.stderr
    session = asked.spotted.survey(survey_id).session("main")
    assert [label.note for label in session.labels()] == ["torn left ear", ""]
    shown = ("--session", "shown", "--strategy", "greedy", "--galleries", "--limit", "1")
    assert asked.run("annotate", survey_id, *shown, answers="1 3: same scar\n").exit_code == 0
    labels = asked.spotted.survey(survey_id).session("shown").labels()
    assert {label.note for label in labels} == {"same scar"}
    file = tmp_path / "main.jsonl"
    assert asked.run("session", "export", survey_id, "-o", str(file)).exit_code == 0
    assert "torn left ear" in file.read_text()
    assert asked.run("session", "import", survey_id, str(file), "--session", "copy").exit_code == 0
    copied = asked.spotted.survey(survey_id).session("copy")
    assert [label.note for label in copied.labels()] == [label.note for label in session.labels()]


def test_the_result_lists_annotators_and_guarantees(named: Machine, survey_id: str) -> None:
    done = named.run("annotate", survey_id, "--oracle", "--trust", "verified", "--json")
    assert done.exit_code == 0, done.stderr
    document = json.loads(done.stdout)
    assert (document["individuals"], document["trust"], document["conflicts"]) == (4, "verified", 0)
    assert set(document["guarantees"]) == {"0.90", "0.95", "0.98"}
    (annotator,) = document["annotators"]
    assert annotator["annotator_id"] == "oracle"
    assert 0.0 <= annotator["false_same_rate"] < 0.5
    assert document["audit"] is None
    text = named.run("annotate", survey_id, "--oracle").stdout
    assert "0 questions answered" in text
    assert "false same" in text


def test_a_burst_is_answered_at_once(burst: Machine, survey_id: str) -> None:
    done = burst.run("annotate", survey_id, "--bursts", "--limit", "1", answers="y\n")
    assert done.exit_code == 0, done.stderr
    for line in ("frames of one burst", "[1] b0: no image", "[3] b2: no image"):
        assert line in done.stdout
    labels = burst.spotted.survey(survey_id).session("main").labels()
    pairs = [(label.first_detection_id, label.second_detection_id, label.answer) for label in labels]
    assert pairs == [("b0", "b1", Answer.SAME), ("b0", "b2", Answer.SAME)]


def test_a_burst_of_several_animals_is_asked_as_pairs(burst: Machine, survey_id: str) -> None:
    done = burst.run("annotate", survey_id, "--bursts", answers="n\nq\n")
    assert "asked as pairs" in done.stderr
    assert "1 question answered" in done.stdout
    assert burst.spotted.survey(survey_id).session("main").labels() == []
    assert "same (s)" in done.stderr


def test_a_burst_that_is_skipped_is_not_asked_again(burst: Machine, survey_id: str) -> None:
    done = burst.run("annotate", survey_id, "--bursts", answers="k\nq\n")
    assert "1 question answered" in done.stdout
    assert {label.answer for label in burst.spotted.survey(survey_id).session("main").labels()} == {
        Answer.SKIP
    }
    again = burst.run("annotate", survey_id, "--bursts", answers="q\n")
    assert "are they one animal?" in done.stdout
    assert "are they one animal?" not in again.stdout


@pytest.mark.parametrize(
    ("line", "indices"), [("1 3", {0, 2}), ("2,1", {0, 1}), ("", set()), ("0 99\n2", {1}), ("x\n1", {0})]
)
def test_a_gallery_is_answered_by_the_numbers_of_the_same_animal(
    asked: Machine, survey_id: str, line: str, indices: set[int]
) -> None:
    asked.spotted.survey(survey_id).create_session("main", strategy="greedy")
    done = asked.run("annotate", survey_id, "--galleries", "--limit", "1", answers=f"{line}\n")
    assert done.exit_code == 0, done.stderr
    assert "[3]" in done.stdout
    labels = asked.spotted.survey(survey_id).session("main").labels()
    same = {index for index, label in enumerate(labels) if label.answer is Answer.SAME}
    assert same == indices
    assert len({label.first_detection_id for label in labels}) == 1
    assert ("is not a list of numbers" in done.stderr) == ("\n" in line)


def test_a_gallery_may_be_skipped_or_left(asked: Machine, survey_id: str) -> None:
    asked.spotted.survey(survey_id).create_session("main", strategy="greedy")
    done = asked.run("annotate", survey_id, "--galleries", answers="k\nq\n")
    assert "1 question answered" in done.stdout
    assert {label.answer for label in asked.spotted.survey(survey_id).session("main").labels()} == {
        Answer.SKIP
    }


def test_random_pairs_are_asked_and_certify(named: Machine, survey_id: str) -> None:
    assert named.run("annotate", survey_id, "--oracle", "--limit", "1").exit_code == 0
    done = named.run("annotate", survey_id, "--audit", "--oracle", "--limit", "5")
    assert done.exit_code == 0, done.stderr
    assert "a random audit of" in done.stdout
    both = named.run("annotate", survey_id, "--audit", "--bursts")
    assert both.exit_code == 2
    assert "leave out" in both.stderr


def test_a_conflict_and_a_pending_decision_are_explained(asked: Machine, survey_id: str) -> None:
    asked.spotted.survey(survey_id).create_session("sure", trust=Trust.VERIFIED)
    done = asked.run("annotate", survey_id, "--session", "sure", "--limit", "1", answers="s\n")
    assert "not enough evidence yet" in done.stderr
    assert "wait for another answer" in done.stdout
    asked.spotted.survey(survey_id).create_session("main", strategy="greedy", trust=Trust.SINGLE)
    session = asked.spotted.survey(survey_id).session("main")
    session.next_pairs("anna")
    for answer in (Answer.SAME, Answer.DIFFERENT):
        session.submit_labels([Label("d00", "d01", answer, "anna")])
    shown = asked.run("session", "show", survey_id)
    assert "1 conflicts to look at" in shown.stdout
    assert "conflict: " in shown.stdout
    document = json.loads(asked.run("session", "show", survey_id, "--json").stdout)
    assert document["conflicts"] == len(document["conflict_messages"]) == 1


def test_the_last_answer_is_taken_back_again_and_again(burst: Machine, survey_id: str) -> None:
    opened = burst.run(
        "annotate", survey_id, "--annotator", "anna", "--bursts", "--limit", "2", answers="y\ns\n"
    )
    assert opened.exit_code == 0, opened.stderr
    session = burst.spotted.survey(survey_id).session("main")
    session.submit_labels([Label("s0", "s1", Answer.DIFFERENT, "ben")])
    assert len(session.labels()) == 4
    done = burst.run("annotate", survey_id, "--annotator", "anna", "--undo")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.count("taken back: ") == 1
    done = burst.run("annotate", survey_id, "--annotator", "anna", "--undo", "--json")
    # both labels of the burst
    assert len(json.loads(done.stdout)["taken_back"]) == 2
    assert [label.annotator_id for label in session.labels()] == ["ben"]
    done = burst.run("annotate", survey_id, "--annotator", "anna", "--undo")
    assert done.exit_code == 4
    assert "annotator 'anna' has no answer in session 'main'" in done.stderr


def test_u_takes_back_answer_after_answer_and_then_says_that_there_is_none(
    asked: Machine, survey_id: str
) -> None:
    done = asked.run("annotate", survey_id, "--annotator", "anna", answers="d\nd\nu\nu\nu\nd\nq\n")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.count("taken back: ") == 2
    assert "'anna' has no answer" in done.stderr
    assert "1 question answered" in done.stdout
    (label,) = asked.spotted.survey(survey_id).session("main").labels()
    assert label.answer is Answer.DIFFERENT


def test_photographs_that_are_no_files_are_named(asked: Machine, survey_id: str) -> None:
    done = asked.run("annotate", survey_id, "--open", answers="q\n")
    assert done.exit_code == 0, done.stderr
    assert done.stderr.count("no photograph at") == 2
