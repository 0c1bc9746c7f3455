"""Each test runs against the fake and against a real scorer and sampler."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from services.common.store.store import Store
from spotted.catalogue.facts import Member
from spotted.client import EmbeddingSpec, Spotted
from spotted.client.catalogue import CatalogueHandle
from spotted.client.values import CatalogueChangeKind, CatalogueSource
from spotted.errors import (
    ConcurrencyError,
    DigestMismatchError,
    InvalidInputError,
    NotFoundError,
    PreconditionError,
)
from spotted.individuals.attributes import Sex, Status
from spotted.testing import FakeScorer, fake_services
from spotted.testing.fake_catalogue import FakeCatalogue
from tests.services.scorer.catalogue.organisation import SPEC, animal, looks, names, plant
from tests.spotted.client.surveys import serving


@pytest.fixture(params=["fake", "real"])
def client(request: pytest.FixtureRequest, store: Store) -> Iterator[Spotted]:
    with fake_services() if request.param == "fake" else serving(store) as spotted:
        for survey_id in ("2024", "2025"):
            plant(spotted, survey_id)
        yield spotted


@pytest.fixture
def catalogue(client: Spotted) -> CatalogueHandle:
    return client.catalogue()


def test_animals_are_added_refused_and_found_by_name(catalogue: CatalogueHandle) -> None:
    sita, mara = catalogue.add("2024", [animal("Sita", "d00", "d01"), animal("Mara", "d02")], "anna").animals
    added = catalogue.add(
        "2024",
        [
            animal("Other", "d01", "d03"),
            animal("Both", "d00", "d02"),
            animal("", "nobody"),
            animal("", "d04", entry_id="cat-0123456789abcdef"),
        ],
        "ben",
    ).animals
    assert [one.reason for one in added] == ["", "ALREADY_EXISTS", "NOT_FOUND", "NOT_FOUND"]
    assert (added[0].entry_id, added[0].added, added[0].unchanged) == (sita.entry_id, 1, 1)
    namesake = catalogue.add("2025", [animal("sita", "d05")], "ben").animals[0]
    assert (namesake.created, namesake.same_name) == (True, (sita.entry_id,))
    joined = catalogue.add("2025", [animal("MARA", "d06")], "ben", names_identify=True).animals[0]
    assert (joined.created, joined.entry_id) == (False, mara.entry_id)
    assert len(list(catalogue.entries(display_name="SITA"))) == 2
    assert [one.name for one in catalogue.entries(survey_id="2025")] == ["Mara", "sita"]
    assert [one.name for one in catalogue.entries(survey_id="2025", detection_id="d06")] == ["Mara"]
    with pytest.raises(NotFoundError, match="'nosuch'"):
        catalogue.add("nosuch", [animal("Sita", "d00")], "anna")
    with pytest.raises(NotFoundError, match="no entry 'cat-x'"):
        catalogue.entry("cat-x")


def test_every_change_undone_from_the_last_on_restores_the_state_before_it(
    catalogue: CatalogueHandle,
) -> None:
    states: list[Sequence[object]] = []

    def note() -> None:
        states.append([(e.entry_id, e.members, e.name, e.sex, e.aliases) for e in catalogue.entries()])

    note()
    one, two = catalogue.add("2024", [animal("Sita", "d00", "d01"), animal("Gita", "d03")], "anna").animals
    note()
    catalogue.update(one.entry_id, "anna", sex=Sex.FEMALE, status=Status.DEAD, dead_since_s=5.0, tags=["ear"])
    assert catalogue.entry(one.entry_id).dead_since_s == 5.0
    note()
    merged = catalogue.merge(two.entry_id, [one.entry_id], "anna")
    assert merged.entries == (catalogue.entry(one.entry_id),)
    note()
    catalogue.split(one.entry_id, [Member("2024", "d00")], "anna")
    note()
    catalogue.remove([Member("2024", "d01")], "anna")
    made = list(catalogue.changes())
    assert [change.kind.name for change in made] == ["ADDED", "UPDATED", "MERGED", "SPLIT", "REMOVED"]
    assert made[0].entry_ids == tuple(sorted([one.entry_id, two.entry_id]))
    assert list(catalogue.changes(two.entry_id)) == made
    with pytest.raises(PreconditionError, match="undo the later one first"):
        catalogue.undo(made[0].change_id, "ben")
    for change, before in zip(reversed(made), reversed(states), strict=True):
        catalogue.undo(change.change_id, "ben")
        assert [(e.entry_id, e.members, e.name, e.sex, e.aliases) for e in catalogue.entries()] == before
    undone = list(catalogue.changes())[-1]
    assert (undone.kind, undone.undone_change_id) == (CatalogueChangeKind.UNDONE, made[0].change_id)
    with pytest.raises(NotFoundError, match="has no change 'none'"):
        catalogue.undo("none", "ben")


def test_wrong_changes_are_refused(client: Spotted, catalogue: CatalogueHandle) -> None:
    plant(client, "plane", EmbeddingSpec("other" * 10, SPEC.preprocessing_digest, SPEC.dimension))
    (one,) = catalogue.add("2024", [animal("Sita", "d00", "d01")], "anna").animals
    (other,) = catalogue.add("plane", [animal("Sita", "d00")], "anna").animals
    with pytest.raises(DigestMismatchError, match="another backbone"):
        catalogue.merge(one.entry_id, [other.entry_id], "anna")
    with pytest.raises(InvalidInputError, match="are one already"):
        catalogue.merge(one.entry_id, [one.entry_id], "anna")
    with pytest.raises(InvalidInputError, match="name another entry"):
        catalogue.split(one.entry_id, [Member("2024", "d00")], "anna", to_entry_id=one.entry_id)
    with pytest.raises(NotFoundError, match="in no such entry"):
        catalogue.remove([Member("2024", "d09")], "anna")
    with pytest.raises(InvalidInputError):
        catalogue.remove([], "anna")
    with pytest.raises(InvalidInputError):
        catalogue.update(one.entry_id, "anna")
    etag = catalogue.entry(one.entry_id).etag
    catalogue.update(one.entry_id, "anna", notes="old", etag=etag)
    with pytest.raises(ConcurrencyError, match="read it again"):
        catalogue.update(one.entry_id, "anna", notes="lost", etag=etag)


def test_deleted_photographs_leave_with_an_event(client: Spotted, catalogue: CatalogueHandle) -> None:
    catalogue.add("2024", [animal("Sita", "d00", "d01")], "anna")
    client.survey("2024").delete_detections(["d00"])
    assert names(catalogue) == {"Sita": ["2024/d01"]}
    assert list(catalogue.changes())[-1].source is CatalogueSource.DELETION


def test_photographs_are_matched_with_animals_of_other_surveys(catalogue: CatalogueHandle) -> None:
    catalogue.add("2024", [animal("Sita", "d00", "d06"), animal("Gita", "d01")], "anna")
    catalogue.add("2025", [animal("Mara", "d00")], "anna")
    (match,) = catalogue.match("2025", detection_ids=["d00", "d06"], as_one=True)
    assert match.compared == 3
    assert {one.entry_id: one.best.detection_id for one in match.animals}.keys() == {
        entry.entry_id for entry in catalogue.entries(survey_id="2024")
    }
    unit = {s: looks(s) / (looks(s) ** 2).sum(axis=1, keepdims=True) ** 0.5 for s in ("2024", "2025")}
    for one in match.photographs:
        own, other = (int(i[1:]) for i in (one.query_detection_id, one.detection_id))
        assert one.visual == pytest.approx(max(0.0, float(unit["2025"][own] @ unit["2024"][other])), abs=2e-3)
    assert [one.encounter_id for one in catalogue.match("2025", each_encounter=True)] == [
        "e0", "e1", "e2", "e3"
    ]  # fmt: skip
    with pytest.raises(NotFoundError, match="'nosuch'"):
        list(catalogue.match("2025", encounter_ids=["nosuch"]))


def test_the_fake_answers_all_calls_of_the_service() -> None:
    assert len(FakeCatalogue(FakeScorer()).replies()) == 12


def test_a_watch_begins_with_all_and_resumes_at_its_cursor(catalogue: CatalogueHandle) -> None:
    one, two = catalogue.add("2024", [animal("Sita", "d00", "d01"), animal("Gita", "d03")], "anna").animals
    first = next(catalogue.watch())
    assert (first.reset, {entry.name for entry in first.entries}) == (True, {"Sita", "Gita"})
    catalogue.merge(one.entry_id, [two.entry_id], "anna")
    change = next(catalogue.watch(first.cursor))
    assert (change.reset, change.ended) == (False, (two.entry_id,))
    assert change.entries == (catalogue.entry(one.entry_id),)
    nothing = next(catalogue.watch(change.cursor))
    assert (nothing.reset, nothing.ended, nothing.entries) == (False, (), ())
    assert next(catalogue.watch("other")).reset
