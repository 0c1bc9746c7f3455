from __future__ import annotations

import click
import pytest

from spotted.catalogue.facts import Member
from spotted.cli.catalogue.group import find, read_members
from spotted.errors import InvalidInputError, NotFoundError
from tests.services.scorer.catalogue.organisation import animal
from tests.spotted.cli.conftest import Machine


def test_an_animal_is_found_by_id_alias_or_name(planted: Machine) -> None:
    handle = planted.spotted.catalogue()
    added = handle.add("2024", [animal("Sita", "d00"), animal("Gita", "d01"), animal("Sita", "d02")], "anna")
    sita, gita, other = (one.entry_id for one in added.animals)
    assert find(handle, gita).entry_id == find(handle, "gita").entry_id == gita
    with pytest.raises(InvalidInputError, match="several animals are named 'Sita'"):
        find(handle, "Sita")
    handle.merge(sita, [other], "anna")
    assert find(handle, "Sita").entry_id == find(handle, other).entry_id == sita
    with pytest.raises(NotFoundError, match="no animal is named 'Rita'"):
        find(handle, "Rita")


def test_photographs_are_a_survey_and_a_detection() -> None:
    assert read_members(["2024/d0/1"]) == [Member("2024", "d0/1")]
    for wrong in ("d01", "/d01", "2024/"):
        with pytest.raises(click.UsageError, match="write SURVEY/DETECTION"):
            read_members([wrong])
