from __future__ import annotations

import pytest

from spotted.catalogue.additions import Addition, Additions, Source, unlike
from spotted.catalogue.entries import CatalogueView, is_entry_id
from spotted.catalogue.facts import Attribute, Change, Facts, Member, Membership
from spotted.errors import AlreadyExistsError, DigestMismatchError

SPEC, OTHER = "b", "c"


def additions(*, names_identify: bool = False, spec: str = SPEC) -> Additions:
    """Additions of a survey to a catalogue with the entries Sita and Gita of another one."""
    facts = Facts()
    facts.apply(
        Change(
            "1",
            {
                Member("2024", "d1"): Membership("cat-a", b""),
                Attribute("cat-a", "display_name"): "Sita",
                Member("2025", "d2"): Membership("cat-b", b""),
                Attribute("cat-b", "display_name"): "Gita",
            },
        )
    )
    source = Source("2025", {f"d{n}": b"%d" % n for n in range(9)}, spec)
    return Additions(CatalogueView(facts), {"2024": SPEC, "2025": SPEC}, source, names_identify)


def test_a_new_animal_has_its_members_with_their_images_and_its_attributes() -> None:
    made = additions()
    result = made.add(Addition("", ["d5", "d6"], {"display_name": "Mara", "sex": 1}))
    assert is_entry_id(result.entry_id)
    assert made.facts == {
        Member("2025", "d5"): Membership(result.entry_id, b"5"),
        Member("2025", "d6"): Membership(result.entry_id, b"6"),
        Attribute(result.entry_id, "display_name"): "Mara",
        Attribute(result.entry_id, "sex"): 1,
    }


def test_attributes_that_the_entry_has_stay() -> None:
    made = additions()
    made.add(Addition("cat-a", ["d5"], {"display_name": "Mara", "notes": "scar"}))
    assert made.facts == {
        Member("2025", "d5"): Membership("cat-a", b"5"),
        Attribute("cat-a", "notes"): "scar",
    }


def test_equal_names_join_only_if_they_identify() -> None:
    apart = additions().add(Addition("", ["d5"], {"display_name": "SITA"}))
    assert (apart.created, apart.same_name) == (True, ("cat-a",))
    joined = additions(names_identify=True).add(Addition("", ["d5"], {"display_name": "SITA"}))
    assert (joined.created, joined.entry_id) == (False, "cat-a")


def test_a_refusal_leaves_the_facts_as_they_were() -> None:
    made = additions(spec=OTHER)
    for wrong, error in (
        (Addition("cat-a", ["d5"], {}), DigestMismatchError),
        (Addition("cat-a", ["d2"], {}), AlreadyExistsError),
    ):
        with pytest.raises(error):
            made.add(wrong)
    assert made.facts == {}


def test_the_error_names_what_cannot_be_compared() -> None:
    assert "'cat-a'" in str(unlike("cat-a"))
