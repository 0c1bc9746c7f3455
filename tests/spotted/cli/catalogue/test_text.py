from __future__ import annotations

import pytest

from spotted.catalogue.facts import Member
from spotted.cli.catalogue.text import (
    added_document,
    change_document,
    change_text,
    describe,
    document,
    photograph,
    print_added,
    print_result,
    result_document,
)
from spotted.client.values import (
    AddedAnimal,
    AddedAnimals,
    Alias,
    CatalogueChange,
    CatalogueChangeKind,
    CatalogueEntry,
    CatalogueResult,
)
from spotted.individuals.attributes import Sex, Status

ENTRY = CatalogueEntry(
    "cat-a", (Member("2024", "d1"), Member("2025", "d2")), "Sita", Sex.FEMALE, Status.DEAD, 5.0, "old",
    ("ear",), (Alias("cat-b", "Gita"),),
)  # fmt: skip
CHANGE = CatalogueChange(
    "x",
    5.0,
    "anna",
    CatalogueChangeKind.MERGED,
    None,
    "",
    "",
    "",
    {Member("2024", "d1"): "cat-a"},
    ("cat-a",),
)


def test_an_animal_is_described_one_fact_a_line() -> None:
    assert describe(ENTRY).splitlines() == [
        "Sita (cat-a)",
        "  sex: female",
        "  status: dead since 1970-01-01T00:00:05+00:00",
        "  notes: old",
        "  tags: ear",
        "  includes cat-b (Gita)",
        "  2024: 1 photograph: d1",
        "  2025: 1 photograph: d2",
    ]
    assert describe(CatalogueEntry("cat-a", ())) == "cat-a"
    assert document(ENTRY)["sex"] == "female"


def test_a_change_is_one_line_and_one_document() -> None:
    assert change_text(CHANGE) == "change x: merged by anna, 1 photograph"
    assert change_document(CHANGE)["members"] == {"2024/d1": "cat-a"}
    assert photograph(Member("2024", "d1")) == "2024/d1"


def test_results_say_how_they_are_undone(capsys: pytest.CaptureFixture[str]) -> None:
    result = CatalogueResult("x", (ENTRY, CatalogueEntry("cat-c", ())))
    print_result(result, undone=False)
    assert capsys.readouterr().out.splitlines() == [
        "Sita (cat-a): 2 photographs",
        "cat-c: 0 photographs",
        "to undo: spotted catalogue undo x",
    ]
    print_result(result, undone=True)
    assert "to undo" not in capsys.readouterr().out
    assert result_document(result)["change"] == "x"


def test_refusals_and_equal_names_are_shown_up_to_ten(capsys: pytest.CaptureFixture[str]) -> None:
    refused = [
        AddedAnimal(f"r{n}", "", 0, 0, created=False, reason="NOT_FOUND", message="why") for n in range(12)
    ]
    equal = [AddedAnimal("Sita", f"cat-{n}", 1, 0, created=True, same_name=("cat-x",)) for n in range(11)]
    print_added(AddedAnimals((*refused, *equal), ("x",)))
    shown = capsys.readouterr()
    assert shown.err.count("not added") == 10
    assert shown.out.count("spotted catalogue merge cat-x") == 10
    assert "and 3 more" in shown.out
    assert "11 animals: 11 new" in shown.out
    assert added_document(AddedAnimals((), ()))["animals"] == []
