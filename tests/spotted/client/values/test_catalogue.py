from __future__ import annotations

from spotted.catalogue.facts import Member
from spotted.client.values.catalogue import CatalogueChangeKind, CatalogueEntry, CatalogueSource
from spotted.v1 import catalogue_pb2 as pb


def test_an_entry_is_called_by_its_name_or_else_its_id() -> None:
    assert CatalogueEntry("cat-a", (), "Sita").name == "Sita"
    assert CatalogueEntry("cat-a", ()).name == "cat-a"


def test_the_surveys_of_an_entry_are_those_of_its_members() -> None:
    entry = CatalogueEntry("cat-a", (Member("b", "1"), Member("a", "2"), Member("b", "3")))
    assert entry.survey_ids == ("a", "b")


def test_enums_have_the_values_of_the_contract() -> None:
    sources = {f"CATALOGUE_SOURCE_{one.name}": one.value for one in CatalogueSource}
    kinds = {f"CATALOGUE_CHANGE_KIND_{one.name}": one.value for one in CatalogueChangeKind}
    assert sources == {name: value for name, value in pb.CatalogueSource.items() if value}
    assert kinds == {name: value for name, value in pb.CatalogueChangeKind.items() if value}
