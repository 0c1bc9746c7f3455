from __future__ import annotations

import pytest

from spotted.cli.individuals.text import change_document, describe, document, print_change
from spotted.client.values import Alias, Evidence, Individual, IndividualsChange, Label
from spotted.constraints.answers import Answer
from spotted.facts import Source
from spotted.individuals.attributes import Sex, Status

SITA = Individual(
    "ind-a",
    ("a", "b"),
    "Sita",
    Sex.FEMALE,
    Status.DEAD,
    0.0,
    "torn ear",
    ("ear",),
    (Alias("ind-b", "Gita"), Alias("ind-c", "")),
)


def test_an_individual_is_described_by_what_is_known() -> None:
    assert describe(SITA).splitlines() == [
        "Sita (ind-a)",
        "  sex: female",
        "  status: dead since 1970-01-01T00:00:00+00:00",
        "  notes: torn ear",
        "  tags: ear",
        "  includes ind-b (Gita)",
        "  includes ind-c",
        "  2 detections: a, b",
    ]
    assert describe(Individual("ind-c", ("c",))).splitlines() == ["ind-c", "  1 detection: c"]
    assert document(SITA)["sex"] == "female"


def test_the_answers_set_aside_are_shown_up_to_ten(capsys: pytest.CaptureFixture[str]) -> None:
    labels = tuple(Label("a", f"b{n}", Answer.SAME, "anna") for n in range(12))
    change = IndividualsChange(7, (SITA,), labels, 12)
    print_change(change, "ridge", undone=False)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [
        "Sita (ind-a): 2 detections",
        "12 answers against it no longer count:",
        "  a and b0 are one animal (anna)",
    ]
    assert lines[-2:] == ["  and 2 more", "to undo: spotted individuals undo ridge 7"]
    print_change(change, "ridge", undone=True)
    assert "12 answers against it count again:" in capsys.readouterr().out
    made = change_document(change)
    assert (made["change"], made["set_aside_count"]) == (7, 12)


def test_known_facts_set_aside_are_shown_with_what_they_say(capsys: pytest.CaptureFixture[str]) -> None:
    facts = (
        Evidence(Source.KNOWN, "a", "b", ("Mvula",)),
        Evidence(Source.KNOWN, "a", "c", ("Mvula", "Nandi")),
        Evidence(Source.ENCOUNTER, "a", "d", ("e5",)),
    )
    change = IndividualsChange(7, (), (), 0, facts, 12)
    print_change(change, "s", undone=False)
    assert capsys.readouterr().out.splitlines() == [
        "12 known facts against it no longer count:",
        "  a and b are both named Mvula",
        "  a and c are named Mvula and Nandi",
        "  a and d are of encounter e5",
        "  and 2 more",
        "to undo: spotted individuals undo s 7",
    ]
    print_change(IndividualsChange(8, (), (), 0, facts[:1], 1), "s", undone=True)
    assert capsys.readouterr().out.startswith("1 known fact against it counts again:")
    assert change_document(change)["set_aside_fact_count"] == 12
