from __future__ import annotations

import pytest

from spotted.facts.kinds import UNKNOWN_NAMES, Fact, KnownIndividuals, Source, known_name
from spotted.v1 import session_facts_pb2 as pb


@pytest.mark.parametrize("text", sorted(UNKNOWN_NAMES))
def test_texts_that_mean_unknown_are_not_names(text: str) -> None:
    assert known_name(text) == known_name(f" {text.upper()} ") == known_name(text.title()) == ""


def test_a_name_stays_as_it_was_typed() -> None:
    assert known_name(" Old Unknown ") == "Old Unknown"
    assert known_name("Nonesuch") == "Nonesuch"
    assert known_name("") == ""


def test_one_name_and_one_encounter_say_same_and_two_names_and_one_image_do_not() -> None:
    assert Fact(Source.KNOWN, 0, 1, ("Mvula",)).same
    assert Fact(Source.ENCOUNTER, 0, 1, ("e5",)).same
    assert not Fact(Source.KNOWN, 0, 1, ("Mvula", "Chipembere")).same
    assert not Fact(Source.IMAGE, 0, 1).same


def test_values_are_those_of_the_contract() -> None:
    assert {f"EVIDENCE_SOURCE_{one.name}": one.value for one in Source}.items() < {*pb.EvidenceSource.items()}
    assert {f"KNOWN_INDIVIDUALS_{one.name}": one.value for one in KnownIndividuals}.items() < {
        *pb.KnownIndividuals.items()
    }
