"""The catalogue fed from sessions and known names; the calls themselves are tested with the scorer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.common.store.store import Store
from spotted.catalogue.facts import Member
from spotted.client import Spotted
from spotted.client.catalogue.handle import CatalogueHandle
from spotted.client.values import CatalogueSource, Individual
from spotted.errors import NotFoundError, PreconditionError
from spotted.individuals.attributes import Sex
from tests.services.scorer.catalogue.organisation import photographs, plant
from tests.spotted.client.surveys import serving


@pytest.fixture
def spotted(store: Store) -> Iterator[Spotted]:
    """A client of a scorer and a sampler with two surveys, one of them with a session."""
    with serving(store) as made:
        for survey_id in ("2024", "2025"):
            plant(made, survey_id)
        made.survey("2025").create_session("main", strategy="greedy")
        made.survey("2025").session("main").next_pairs("anna")
        yield made


def named(spotted: Spotted) -> Individual:
    """An individual of the session, with a name and a sex."""
    session = spotted.survey("2025").session("main")
    one = next(iter(session.individuals(detection_id="d00")))
    handle = session.individual(one.individual_id)
    handle.update("anna", display_name="Sita", sex=Sex.FEMALE)
    return handle.get()


def catalogue_of(spotted: Spotted) -> CatalogueHandle:
    return spotted.catalogue()


def test_named_individuals_of_a_session_are_added_with_their_attributes(spotted: Spotted) -> None:
    one = named(spotted)
    (added,) = catalogue_of(spotted).add_session("2025", "main", "anna").animals
    entry = catalogue_of(spotted).entry(added.entry_id)
    assert (entry.display_name, entry.sex) == ("Sita", Sex.FEMALE)
    assert [member.detection_id for member in entry.members] == list(one.detection_ids)
    (change,) = catalogue_of(spotted).changes(entry.entry_id)
    assert (change.source, change.survey_id, change.session_id) == (CatalogueSource.SESSION, "2025", "main")
    again = catalogue_of(spotted).add_session("2025", "main", "anna")
    assert (again.animals[0].entry_id, again.change_ids) == (entry.entry_id, ())


def test_known_names_of_files_are_added_and_identify_animals_on_request(spotted: Spotted) -> None:
    catalogue = catalogue_of(spotted)
    for survey_id in ("2024", "2025"):
        added = catalogue.add_known_names(survey_id, "anna", names_identify=True)
        assert not [one for one in added.animals if one.reason]
    expected: dict[str, set[Member]] = {}
    for survey_id in ("2024", "2025"):
        for one in photographs(survey_id):
            if one.individual_id:
                expected.setdefault(one.individual_id, set()).add(Member(survey_id, one.detection_id))
    assert {entry.display_name: set(entry.members) for entry in catalogue.entries()} == expected
    assert {entry.survey_ids for entry in catalogue.entries()} == {("2024", "2025")}


def test_an_individual_gets_the_name_of_the_animal_that_it_is(spotted: Spotted) -> None:
    catalogue, session = catalogue_of(spotted), spotted.survey("2025").session("main")
    catalogue.add_known_names("2024", "anna")
    one = next(iter(session.individuals(detection_id="d00")))
    (match,) = catalogue.match("2025", detection_ids=one.detection_ids, as_one=True)
    best = match.animals[0]
    entry = catalogue.name_individual("2025", "main", one.individual_id, best.entry_id, "ben")
    assert {Member("2025", i) for i in one.detection_ids} <= set(entry.members)
    assert session.individual(one.individual_id).get().display_name == best.display_name
    assert {member.survey_id for member in entry.members} == {"2024", "2025"}
    # again, it is there already
    assert catalogue.name_individual("2025", "main", one.individual_id, best.entry_id, "ben") == entry
    (other,) = (a.entry_id for a in match.animals[1:2])
    with pytest.raises(PreconditionError, match="split them off first"):
        catalogue.name_individual("2025", "main", one.individual_id, other, "ben")
    with pytest.raises(NotFoundError, match="no entry"):
        catalogue.name_individual("2025", "main", one.individual_id, "cat-0123456789abcdef", "ben")
