from __future__ import annotations

import json

import click
import pytest

from spotted.cli.catalogue.adding import add, identify
from tests.spotted.cli.catalogue.conftest import run
from tests.spotted.cli.conftest import Machine


def test_names_of_files_are_added_and_equal_names_named(planted: Machine) -> None:
    assert "6 animals: 6 new, 0 known before; 23 photographs added" in run(
        planted, "add", "2024", "--known-names"
    )
    text = run(planted, "add", "2025", "--known-names")
    assert "6 new" in text
    assert "animal-0 (cat-" in text
    assert "if they are one animal, spotted catalogue merge cat-" in text
    run(planted, "undo")
    text = run(planted, "add", "2025", "--known-names", "--names-identify")
    assert "6 animals: 0 new, 6 known before; 23 photographs added" in text
    assert "to undo: spotted catalogue undo " in text


def test_individuals_of_a_session_are_added_and_identified(planted: Machine) -> None:
    run(planted, "add", "2024", "--known-names")
    session = planted.spotted.survey("2025").session("main")
    one, other = list(session.individuals())[:2]
    session.individual(one.individual_id).rename("Sita", "anna")
    assert "1 animal: 1 new" in run(planted, "add", "2025", "--session", "main")
    text = run(planted, "identify", "2025", other.individual_id, "animal-3", "--annotator", "ben")
    assert text.startswith("animal-3 (cat-")
    assert "2024: " in text
    assert "2025: " in text
    assert session.individual(other.individual_id).get().display_name == "animal-3"


def test_a_person_adds_photographs_of_one_animal(planted: Machine) -> None:
    run(planted, "add", "2024", "d00", "d01", "--name", "Sita")
    run(planted, "add", "2025", "d00", "--animal", "Sita")
    shown = json.loads(run(planted, "show", "Sita", "--json"))
    assert [m["survey_id"] for m in shown["members"]] == ["2024", "2024", "2025"]
    assert "is not in survey '2024'" in run(planted, "add", "2024", "nobody", code=1)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "give one of"),
        (("d00", "--session", "main"), "give one of"),
        (("--session", "main", "--known-names"), "give one of"),
        (("--known-names", "--name", "Sita"), "need DETECTIONS"),
    ],
)
def test_one_source_at_a_time(planted: Machine, arguments: tuple[str, ...], words: str) -> None:
    assert words in run(planted, "add", "2024", *arguments, code=2)


@pytest.mark.parametrize("command", [add, identify])
def test_every_change_has_an_author(command: click.Command) -> None:
    assert any("--annotator" in parameter.opts for parameter in command.params)
