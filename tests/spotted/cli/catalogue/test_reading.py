from __future__ import annotations

import json

from spotted.cli.catalogue.reading import COLUMNS
from tests.services.scorer.catalogue.organisation import animal
from tests.spotted.cli.catalogue.conftest import run
from tests.spotted.cli.conftest import Machine


def test_animals_are_listed_by_survey_and_by_name(planted: Machine) -> None:
    handle = planted.spotted.catalogue()
    handle.add("2024", [animal("Sita", "d00", "d01"), animal("Gita", "d02")], "anna")
    handle.add("2025", [animal("Mara", "d00")], "anna")
    text = run(planted, "list")
    assert "3 animals" in text
    assert all(column in text for column in COLUMNS)
    for arguments, names in (
        ((), ["Gita", "Mara", "Sita"]),
        (("--survey", "2024"), ["Gita", "Sita"]),
        (("--name", "sita"), ["Sita"]),
        (("--survey", "2025", "--name", "Sita"), []),
    ):
        listed = json.loads(run(planted, "list", *arguments, "--json"))["animals"]
        assert [one["display_name"] for one in listed] == names


def test_an_animal_is_shown_with_its_photographs_and_changes(planted: Machine) -> None:
    planted.spotted.catalogue().add("2024", [animal("Sita", "d00", "d01")], "anna")
    planted.spotted.survey("2024").delete_detections(["d01"])
    text = run(planted, "show", "sita")
    assert "2024: 1 photograph: d00" in text
    assert "added by anna, 2 photographs" in text
    assert "removed since photographs were deleted, 1 photograph" in text
    shown = json.loads(run(planted, "show", "Sita", "--json"))
    assert [change["kind"] for change in shown["changes"]] == ["added", "removed"]
    assert "no animal is named 'Rita'" in run(planted, "show", "Rita", code=4)
