from __future__ import annotations

import json

import click
import pytest

from spotted.cli.catalogue.changing import merge, name_entry, remove, split, undo
from tests.services.scorer.catalogue.organisation import animal
from tests.spotted.cli.catalogue.conftest import run
from tests.spotted.cli.conftest import Machine


def names(machine: Machine) -> list[tuple[str, int]]:
    return [(entry.display_name, len(entry.members)) for entry in machine.spotted.catalogue().entries()]


def test_animals_are_named_merged_split_and_removed_and_each_change_undone(planted: Machine) -> None:
    planted.spotted.catalogue().add("2024", [animal("Sita", "d00", "d01"), animal("Gita", "d02")], "anna")
    before = names(planted)
    assert "Mara (cat-" in run(planted, "name", "Sita", "Mara", "--sex", "female", "--tag", "ear")
    merged = run(planted, "merge", "Gita", "Mara", "--annotator", "ben")
    assert ": 3 photographs" in merged
    run(planted, "split", "Gita", "2024/d00")
    run(planted, "remove", "2024/d01")
    shown = json.loads(run(planted, "show", "Gita", "--json"))
    assert (shown["sex"], [m["detection_id"] for m in shown["members"]]) == ("female", ["d02"])
    assert names(planted) == [("Gita", 1), ("", 1)]
    for _ in range(4):
        assert "to undo" not in run(planted, "undo")
    assert names(planted) == before
    run(planted, "undo")
    assert names(planted) == []
    assert "no change of the catalogue is left to undo" in run(planted, "undo", code=4)


def test_photographs_go_to_the_animal_that_is_named(planted: Machine) -> None:
    planted.spotted.catalogue().add("2024", [animal("Sita", "d00", "d01"), animal("Gita", "d02")], "anna")
    run(planted, "split", "Sita", "2024/d01", "--to", "Gita")
    assert names(planted) == [("Gita", 2), ("Sita", 1)]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("name", "Sita"), 2, "give a NAME"),
        (("split", "Sita", "d00"), 2, "write SURVEY/DETECTION"),
        (("merge", "Sita", "Rita"), 4, "no animal is named 'Rita'"),
        (("remove", "2024/d05"), 4, "is in no such entry"),
        (("undo", "nothing"), 4, "has no change 'nothing'"),
    ],
)
def test_what_cannot_be_done_says_why(
    planted: Machine, arguments: tuple[str, ...], code: int, words: str
) -> None:
    planted.spotted.catalogue().add("2024", [animal("Sita", "d00")], "anna")
    assert words in run(planted, *arguments, code=code)


@pytest.mark.parametrize("command", [merge, name_entry, remove, split, undo])
def test_every_change_has_an_author(command: click.Command) -> None:
    assert any("--annotator" in parameter.opts for parameter in command.params)
