from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from services.scorer.catalogue import changes
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
from spotted.survey import Detection
from tests.services.scorer.catalogue.organisation import SPEC, Organisation, animal, looks, names, plant


@pytest.fixture
def client(wcs: Organisation) -> Spotted:
    """A client of an organisation with two surveys."""
    made = wcs.client()
    for survey_id in ("2024", "2025"):
        plant(made, survey_id)
    return made


def refused(catalogue: CatalogueHandle, survey_id: str, *animals: object) -> list[str]:
    found = catalogue.add(survey_id, animals, "anna").animals  # type: ignore[arg-type] # animals
    return [one.reason for one in found]


def test_one_name_in_two_surveys_is_two_animals_until_somebody_says_otherwise(client: Spotted) -> None:
    catalogue = client.catalogue()
    (first,) = catalogue.add("2024", [animal("Sita", "d00", "d01")], "anna").animals
    (second,) = catalogue.add("2025", [animal("Sita", "d05")], "anna").animals
    assert second.created
    assert second.same_name == (first.entry_id,)
    assert len(list(catalogue.entries(display_name="sita"))) == 2
    merged = catalogue.merge(first.entry_id, [second.entry_id], "ben")
    assert names(catalogue) == {"Sita": ["2024/d00", "2024/d01", "2025/d05"]}
    assert [entry.entry_id for entry in merged.entries] == [first.entry_id]
    assert catalogue.entry(second.entry_id) == catalogue.entry(first.entry_id)
    catalogue.undo(merged.change_id, "ben")
    assert [entry.entry_id for entry in catalogue.entries(display_name="Sita")] == sorted(
        [first.entry_id, second.entry_id]
    )


def test_names_identify_animals_if_the_caller_says_so(client: Spotted) -> None:
    catalogue = client.catalogue()
    catalogue.add("2024", [animal("Sita", "d00"), animal("Gita", "d01")], "anna")
    # two parts of one animal, and one of a name that is new
    added = catalogue.add(
        "2025",
        [animal("sita", "d00"), animal("Mara", "d01"), animal("Mara", "d02")],
        "anna",
        names_identify=True,
        source=CatalogueSource.KNOWN_NAMES,
    ).animals
    assert [(one.created, one.same_name) for one in added] == [(False, ()), (True, ()), (False, ())]
    assert names(catalogue) == {
        "Gita": ["2024/d01"],
        "Mara": ["2025/d01", "2025/d02"],
        "Sita": ["2024/d00", "2025/d00"],
    }
    catalogue.add("2024", [animal("Mara", "d09")], "anna")
    again = catalogue.add("2025", [animal("Mara", "d10")], "anna", names_identify=True).animals[0]
    assert (again.reason, again.entry_id) == ("ALREADY_EXISTS", "")
    assert "several entries are named 'Mara'" in again.message


def test_an_animal_that_is_added_again_keeps_its_entry_and_its_typed_name(client: Spotted) -> None:
    catalogue = client.catalogue()
    (first,) = catalogue.add("2024", [animal("Sita", "d00", "d01")], "anna").animals
    (again,) = catalogue.add("2024", [animal("Another", "d01", "d02")], "ben").animals
    assert (again.entry_id, again.added, again.unchanged, again.created) == (first.entry_id, 1, 1, False)
    assert names(catalogue) == {"Sita": ["2024/d00", "2024/d01", "2024/d02"]}
    nothing = catalogue.add("2024", [animal("Sita", "d00")], "ben")
    assert (nothing.animals[0].unchanged, nothing.change_ids) == (1, ())


def test_each_addition_is_refused_by_itself(client: Spotted) -> None:
    catalogue = client.catalogue()
    sita, gita = catalogue.add("2024", [animal("Sita", "d00"), animal("Gita", "d01")], "anna").animals
    reasons = refused(
        catalogue,
        "2024",
        animal("Mara", "nobody"),
        animal("Both", "d00", "d01"),
        animal("Theirs", "d02", "d03", entry_id="cat-0123456789abcdef"),
        animal(" spaced ", "d04"),
        animal("Good", "d05"),
        animal("", "d06", entry_id=sita.entry_id),
    )
    assert reasons == ["NOT_FOUND", "ALREADY_EXISTS", "NOT_FOUND", "INVALID_INPUT", "", ""]
    (moved,) = catalogue.add("2024", [animal("", "d01", entry_id=sita.entry_id)], "anna").animals
    assert moved.reason == "ALREADY_EXISTS"
    assert gita.entry_id in moved.message
    assert names(catalogue) == {
        "Gita": ["2024/d01"],
        "Good": ["2024/d05"],
        "Sita": ["2024/d00", "2024/d06"],
    }


def test_vectors_that_are_not_made_alike_are_in_no_entry_together(client: Spotted) -> None:
    plant(client, "plane", EmbeddingSpec("other" * 10, SPEC.preprocessing_digest, SPEC.dimension))
    catalogue = client.catalogue()
    (one,) = catalogue.add("2024", [animal("Sita", "d00")], "anna").animals
    (other,) = catalogue.add("plane", [animal("Sita", "d00")], "anna").animals
    assert refused(catalogue, "plane", animal("", "d01", entry_id=one.entry_id)) == ["DIGEST_MISMATCH"]
    with pytest.raises(DigestMismatchError, match="another backbone"):
        catalogue.merge(one.entry_id, [other.entry_id], "anna")
    with pytest.raises(DigestMismatchError, match="another backbone"):
        catalogue.split(other.entry_id, [Member("plane", "d00")], "anna", to_entry_id=one.entry_id)
    (match,) = catalogue.match("2025", detection_ids=["d00"])
    assert [(s.survey_id, s.members, bool(s.reason)) for s in match.surveys] == [
        ("2024", 1, False),
        ("plane", 0, True),
    ]


def test_attributes_are_set_and_removed(client: Spotted) -> None:
    catalogue = client.catalogue()
    (one,) = catalogue.add("2024", [animal("Sita", "d00")], "anna").animals
    catalogue.update(
        one.entry_id, "anna", sex=Sex.FEMALE, status=Status.DEAD, dead_since_s=5.0, tags=["ear"], notes="old"
    )
    entry = catalogue.entry(one.entry_id)
    assert (entry.sex, entry.status, entry.dead_since_s) == (Sex.FEMALE, Status.DEAD, 5.0)
    assert (entry.tags, entry.notes, entry.display_name) == (("ear",), "old", "Sita")
    done = catalogue.update(one.entry_id, "anna", display_name="", notes="", etag=entry.etag)
    assert (done.entries[0].display_name, done.entries[0].notes, done.entries[0].sex) == ("", "", Sex.FEMALE)
    with pytest.raises(ConcurrencyError, match="read it again"):
        catalogue.update(one.entry_id, "anna", notes="lost", etag=entry.etag)
    with pytest.raises(InvalidInputError, match="looks like an id"):
        catalogue.update(one.entry_id, "anna", display_name=one.entry_id)
    with pytest.raises(InvalidInputError, match="update_mask names no field"):
        catalogue.update(one.entry_id, "anna")


def test_a_name_that_is_removed_does_not_come_back_from_an_alias(client: Spotted) -> None:
    catalogue = client.catalogue()
    one, two = catalogue.add("2024", [animal("", "d00"), animal("Gita", "d01")], "anna").animals
    merged = catalogue.merge(one.entry_id, [two.entry_id], "anna").entries[0]
    assert (merged.display_name, merged.aliases[0].display_name) == ("Gita", "Gita")
    assert catalogue.update(one.entry_id, "anna", display_name="").entries[0].display_name == ""


def test_members_are_split_off_moved_and_removed(client: Spotted) -> None:
    catalogue = client.catalogue()
    one, two = catalogue.add(
        "2024", [animal("Sita", "d00", "d01", "d02"), animal("Gita", "d03")], "a"
    ).animals
    split = catalogue.split(one.entry_id, [Member("2024", "d01")], "ben")
    assert sorted(len(entry.members) for entry in split.entries) == [1, 2]
    catalogue.split(one.entry_id, [Member("2024", "d02")], "ben", to_entry_id=two.entry_id)
    removed = catalogue.remove([Member("2024", "d03")], "ben")
    assert names(catalogue)["Gita"] == ["2024/d02"]
    assert names(catalogue)["Sita"] == ["2024/d00"]
    catalogue.undo(removed.change_id, "ben")
    assert names(catalogue)["Gita"] == ["2024/d02", "2024/d03"]
    for wrong in (Member("2024", "d05"), Member("2025", "d00")):
        with pytest.raises(NotFoundError, match="is in no such entry"):
            catalogue.remove([wrong], "ben")
        with pytest.raises(NotFoundError, match="is in no such entry"):
            catalogue.split(one.entry_id, [wrong], "ben")
    with pytest.raises(InvalidInputError, match="name another entry"):
        catalogue.split(one.entry_id, [Member("2024", "d00")], "ben", to_entry_id=one.entry_id)
    with pytest.raises(InvalidInputError, match="are one already"):
        catalogue.merge(one.entry_id, [one.entry_id], "ben")


def test_every_change_undone_from_the_last_on_restores_the_state_before_it(client: Spotted) -> None:
    catalogue = client.catalogue()
    states: list[Sequence[object]] = []

    def note() -> None:
        states.append([(e.entry_id, e.members, e.name, e.sex, e.aliases) for e in catalogue.entries()])

    note()
    one, two = catalogue.add("2024", [animal("Sita", "d00", "d01"), animal("Gita", "d03")], "anna").animals
    note()
    catalogue.update(one.entry_id, "anna", sex=Sex.FEMALE, display_name="Mara")
    note()
    catalogue.merge(two.entry_id, [one.entry_id], "anna")
    note()
    catalogue.split(one.entry_id, [Member("2024", "d00")], "anna")
    note()
    catalogue.remove([Member("2024", "d01")], "anna")
    made = list(catalogue.changes())
    assert [change.kind.name for change in made] == ["ADDED", "UPDATED", "MERGED", "SPLIT", "REMOVED"]
    assert {change.annotator_id for change in made} == {"anna"}
    with pytest.raises(PreconditionError, match="undo the later one first"):
        catalogue.undo(made[0].change_id, "ben")
    for change, before in zip(reversed(made), reversed(states), strict=True):
        catalogue.undo(change.change_id, "ben")
        assert [(e.entry_id, e.members, e.name, e.sex, e.aliases) for e in catalogue.entries()] == before
    undone = list(catalogue.changes())[-1]
    assert (undone.kind, undone.undone_change_id) == (CatalogueChangeKind.UNDONE, made[0].change_id)
    with pytest.raises(NotFoundError, match="has no change 'none'"):
        catalogue.undo("none", "ben")


def test_deleted_and_replaced_photographs_leave_with_an_event(client: Spotted) -> None:
    catalogue = client.catalogue()
    catalogue.add("2024", [animal("Sita", "d00", "d01", "d02")], "anna")
    catalogue.add("2025", [animal("Gita", "d00")], "anna")
    client.survey("2024").delete_detections(["d00", "d09"])
    assert names(catalogue) == {"Gita": ["2025/d00"], "Sita": ["2024/d01", "2024/d02"]}
    # another image under the id is another photograph; the same vector sent again is not
    client.survey("2024").update_detections(
        [Detection("d01"), Detection("d02")],
        ["image_uri"],
        embeddings=np.stack([looks("2024")[9], looks("2024")[2]]),
        spec=SPEC,
    )
    assert names(catalogue) == {"Gita": ["2025/d00"], "Sita": ["2024/d02"]}
    client.survey("2024").delete()
    assert names(catalogue) == {"Gita": ["2025/d00"], "Sita": []}
    removals = [change for change in catalogue.changes() if change.kind is CatalogueChangeKind.REMOVED]
    assert [list(change.members.values()) for change in removals] == [[""], [""], [""]]
    assert {(change.annotator_id, change.source) for change in removals} == {("", CatalogueSource.DELETION)}


def test_a_member_that_a_crash_left_behind_is_no_candidate(
    client: Spotted, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue = client.catalogue()
    catalogue.add("2024", [animal("Sita", "d00", "d01")], "anna")
    monkeypatch.setattr(changes.CatalogueChanges, "forget", lambda *_: None)
    client.survey("2024").delete_detections(["d00"])
    (match,) = catalogue.match("2025", detection_ids=["d00"])
    assert [c.detection_id for c in match.photographs] == ["d01"]
    assert [(s.members, s.missing) for s in match.surveys] == [(1, 1)]
    client.survey("2024").delete()
    (match,) = catalogue.match("2025", detection_ids=["d00"])
    assert [(s.members, s.missing, s.reason) for s in match.surveys] == [(0, 2, "the survey was deleted")]


def test_a_survey_that_is_created_again_has_its_members_only_if_its_photographs_are_the_same(
    client: Spotted, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue = client.catalogue()
    catalogue.add("2024", [animal("Sita", "d00", "d01")], "anna")
    with monkeypatch.context() as patched:
        patched.setattr(changes.CatalogueChanges, "forget", lambda *_: None)
        client.survey("2024").delete()
    plant(client, "2024")
    (match,) = catalogue.match("2025", detection_ids=["d00"])
    assert [(s.members, s.missing) for s in match.surveys] == [(2, 0)]
