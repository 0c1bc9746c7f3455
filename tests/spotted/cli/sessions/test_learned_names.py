from __future__ import annotations

from itertools import pairwise

import pytest

from spotted.cli.sessions import learned_names
from spotted.cli.sessions.learned_names import choose_names, read_learned
from spotted.client import Label
from spotted.client.values import AnnotatorProgress, Individual
from spotted.constraints.answers import Answer
from spotted.errors import NotFoundError, PreconditionError
from spotted.heads.named import FEWEST_ANIMALS
from tests.spotted.cli.conftest import Machine
from tests.spotted.client.surveys import DETECTIONS, SPEC, survey, vectors


def same(chain: str, who: str = "ana") -> list[Label]:
    return [Label(first, second, Answer.SAME, who) for first, second in pairwise(chain)]


def test_names_are_those_of_individuals_and_ids_if_two_share_one() -> None:
    named = [
        Individual("i1", ("a", "b"), "Asha"),
        Individual("i2", ("c", "d"), "Tau"),
        Individual("i3", ("e", "f"), "Tau"),
        Individual("i4", ("g",)),
    ]
    names, left_out = choose_names(named, [*same("ab"), *same("cd"), *same("ef")], [])
    assert names == {"a": "Asha", "b": "Asha", "c": "i2", "d": "i2", "e": "i3", "f": "i3"}
    assert left_out == 0


def test_what_answers_contradict_or_annotators_often_get_wrong_is_left_out() -> None:
    labels = [*same("abcd"), Label("a", "d", Answer.DIFFERENT, "ana"), *same("efg", "ben")]
    ben = AnnotatorProgress("ben", 2, None, false_same_rate=0.4, false_different_rate=0.4)
    members = [Individual("i1", tuple("abcd")), Individual("i2", tuple("efg"))]
    names, left_out = choose_names(members, labels, [ben])
    # ben is right in 0.6 of his answers, so both neighbours of the middle stay
    assert (names, left_out) == ({"b": "i1", "c": "i1", "e": "i2", "f": "i2", "g": "i2"}, 2)
    names, left_out = choose_names([Individual("i2", tuple("defg"))], same("defg", "ben"), [ben])
    assert (names, left_out) == ({"d": "i2", "e": "i2", "f": "i2"}, 1)


def test_animals_of_other_surveys_are_not_learned_from() -> None:
    members = Individual("i1", ("a", "b", "~kenya-2024/d07"))
    assert set(choose_names([members], [], [])[0]) == {"a", "b"}


def test_a_session_names_the_animals_that_it_found(
    machine: Machine, survey_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = machine.spotted.create_survey(survey(survey_id))
    handle.add_detections(DETECTIONS, vectors(), SPEC)
    session = handle.create_session("main", strategy="greedy")
    with pytest.raises(
        PreconditionError, match=r"has 4 individuals .* learning needs at least 8: answer more with"
    ):
        read_learned(handle, "main")
    with pytest.raises(NotFoundError, match="nosuch"):
        read_learned(handle, "nosuch")
    monkeypatch.setattr(learned_names, "FEWEST_ANIMALS", 3)
    first = read_learned(handle, "main")
    assert first.names == {one.detection_id: first.names[one.detection_id] for one in DETECTIONS}
    assert first.individuals == 4 < FEWEST_ANIMALS
    assert first == read_learned(handle, "main")
    session.submit_labels([Label("d00", "d04", Answer.DIFFERENT, "ana")])
    second = read_learned(handle, "main")
    assert (second.left_out, second.answers) == (2, 1)
    assert second.answers_sha256 != first.answers_sha256
    assert any(note.startswith("2 detections left out") for note in second.notes())
