from __future__ import annotations

import json

import pytest

from spotted.cli.individuals import find
from spotted.client.session_handle import SessionHandle
from spotted.client.values import Label
from spotted.constraints.answers import Answer
from spotted.errors import InvalidInputError, NotFoundError
from tests.spotted.cli.conftest import Machine
from tests.spotted.client.surveys import DETECTIONS, SPEC, survey, vectors


@pytest.fixture
def asked(machine: Machine, survey_id: str) -> Machine:
    """A session in which d00 and d04 are two animals by an answer."""
    handle = machine.spotted.create_survey(survey(survey_id))
    handle.add_detections(DETECTIONS, vectors(), SPEC)
    session = handle.create_session("main", strategy="greedy")
    session.next_pairs("anna")
    session.submit_labels([Label("d00", "d04", Answer.DIFFERENT, "anna")])
    return machine


def session_of(machine: Machine, survey_id: str) -> SessionHandle:
    return machine.spotted.survey(survey_id).session("main")


def run(machine: Machine, command: str, survey_id: str, *arguments: str) -> str:
    done = machine.run("individuals", command, survey_id, *arguments)
    assert done.exit_code == 0, done.stderr
    return done.stdout


def test_an_animal_is_named_merged_split_moved_and_each_change_undone(asked: Machine, survey_id: str) -> None:
    session = session_of(asked, survey_id)
    before = [(one.name, one.detection_ids) for one in session.individuals()]
    run(asked, "name", survey_id, "ind-d00", "Sita", "--sex", "female", "--tag", "ear", "--tag", "left")
    merged = run(asked, "merge", survey_id, "Sita", "ind-d04", "ind-d08", "--annotator", "carla")
    assert "Sita (ind-d00): 3 detections" in merged
    assert "1 answer against it no longer counts:\n  d00 and d04 are two animals (anna)" in merged
    assert f"to undo: spotted individuals undo {survey_id} " in merged
    run(asked, "split", survey_id, "sita", "d08")
    run(asked, "move", survey_id, "ind-d08", "d04")
    listed = run(asked, "list", survey_id)
    assert "12 individuals" not in listed
    shown = run(asked, "show", survey_id, "ind-d04")
    assert "ind-d08\n" in shown
    assert "moved by" in shown
    shown = json.loads(run(asked, "show", survey_id, "Sita", "--json"))
    assert (shown["sex"], shown["tags"], shown["detection_ids"]) == ("female", ["ear", "left"], ["d00"])
    assert [change["kind"] for change in shown["changes"]] == ["updated", "merged", "split"]
    for _ in range(3):
        run(asked, "undo", survey_id)
    assert "1 answer against it counts again" not in run(asked, "undo", survey_id)
    assert [(one.name, one.detection_ids) for one in session.individuals()] == before
    done = asked.run("individuals", "undo", survey_id)
    assert done.exit_code == 4
    assert "no change of individuals is left to undo" in done.stderr


def test_individuals_are_listed_by_name_and_detection(asked: Machine, survey_id: str) -> None:
    run(
        asked,
        "name",
        survey_id,
        "ind-d03",
        "Gita",
        "--status",
        "dead",
        "--dead-since",
        "2023-05-01T10:00:00Z",
    )
    found = json.loads(run(asked, "list", survey_id, "--name", "gita", "--json"))["individuals"]
    assert [(one["individual_id"], one["status"]) for one in found] == [("ind-d03", "dead")]
    assert "since 2023-05-01T10:00:00+00:00" in run(asked, "show", survey_id, "Gita")
    found = json.loads(run(asked, "list", survey_id, "--detection", "d05", "--json"))["individuals"]
    assert [one["individual_id"] for one in found] == ["ind-d05"]
    run(asked, "name", survey_id, "Gita", "")
    assert json.loads(run(asked, "list", survey_id, "--name", "gita", "--json"))["individuals"] == []


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("name", "ind-d00"), 2, "give a NAME"),
        (("name", "ind-d00", "--dead-since", "2023-05-01T10:00:00Z"), 2, "needs --status dead"),
        (("name", "ind-d00", "--status", "dead", "--dead-since", "May"), 2, "--dead-since"),
        (("show", "Rita"), 4, "no individual is named 'Rita'"),
        (("show", "ind-d99"), 4, "no individual 'ind-d99'"),
        (("split", "ind-d00", "d00"), 3, "leave at least one out"),
        (("merge", "ind-d00", "ind-d00"), 3, "named twice"),
        (("undo", "2"), 4, "no change of individuals at position 2"),
    ],
)
def test_what_cannot_be_done_says_why(
    asked: Machine, survey_id: str, arguments: tuple[str, ...], code: int, words: str
) -> None:
    command, *rest = arguments
    done = asked.run("individuals", command, survey_id, *rest)
    assert done.exit_code == code
    assert words in done.stderr


def test_a_name_of_several_individuals_is_not_guessed(asked: Machine, survey_id: str) -> None:
    session = session_of(asked, survey_id)
    session.individual("ind-d01").rename("Sita", "anna")
    session.individual("ind-d02").rename("Sita's cub", "anna")
    session.individual("ind-d02").merge(["ind-d01"], "anna")
    # two ways to one individual are no doubt
    assert find(session, "sita").individual_id == find(session, "sita's cub").individual_id == "ind-d02"
    session.individual("ind-d03").rename("Sita", "anna")
    with pytest.raises(InvalidInputError, match="give one of their ids: ind-d02, ind-d03"):
        find(session, "Sita")
    with pytest.raises(NotFoundError):
        find(session, "Gita")
