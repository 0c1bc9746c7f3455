from __future__ import annotations

import pytest

from services.common.rpc import checks
from services.common.rpc.message_sizes import MAX_MESSAGE_BYTES
from services.scorer.catalogue.members import IMAGE_BYTES
from spotted.catalogue.facts import Member
from spotted.client import Credentials, Spotted
from spotted.client.values import MemberPhotograph
from spotted.errors import InvalidInputError, PermissionDeniedError
from spotted.v1 import access_pb2
from spotted.v1 import catalogue_pb2 as pb
from tests.services.scorer.catalogue.organisation import Organisation, animal, photographs, plant


@pytest.fixture
def everything(wcs: Organisation) -> Spotted:
    """A client that may access all surveys, which have members."""
    client = wcs.client()
    for survey_id in ("2024", "2025", "plane"):
        plant(client, survey_id)
        client.catalogue().add_known_names(survey_id, "anna", names_identify=True)
    return client


def read(client: Spotted, survey_id: str, *survey_ids: str) -> list[MemberPhotograph]:
    return list(client.catalogue().members_beside(survey_id, survey_ids))


def test_members_are_those_of_other_surveys_with_their_entries_and_places(everything: Spotted) -> None:
    entry_of = {m: e.entry_id for e in everything.catalogue().entries() for m in e.members}
    found = read(everything, "2025")
    assert [(one.survey_id, one.detection.detection_id) for one in found] == [
        (survey_id, one.detection_id)
        for survey_id in ("2024", "plane")
        for one in photographs(survey_id)
        if one.individual_id
    ]
    for one in found:
        assert entry_of[Member(one.survey_id, one.detection.detection_id)] == one.entry_id
        placed = one.survey_id == "2024" and one.detection.camera_id not in {"", "nowhere"}
        assert (one.camera is not None) is placed
    assert {one.survey_id for one in read(everything, "2025", "plane")} == {"plane"}
    assert read(everything, "2025", "nowhere") == []
    with pytest.raises(InvalidInputError, match="1 to 64 letters"):
        read(everything, "2025", "a/b")


def test_a_narrow_token_reads_only_its_surveys_and_no_positions(
    wcs: Organisation, everything: Spotted
) -> None:
    assert {one.survey_id for one in read(wcs.client(["2025", "plane"]), "2025")} == {"plane"}
    with pytest.raises(PermissionDeniedError, match="not for survey '2024'"):
        read(wcs.client(["2025"]), "2025", "2024")
    reader = read(wcs.client(role=access_pb2.ROLE_READ), "2025", "2024")
    assert [one.camera for one in reader if one.camera is not None and one.camera.has_position] == []
    assert read(everything, "2025", "2024")


def test_a_service_reads_for_the_organisation_of_the_survey(wcs: Organisation, everything: Spotted) -> None:
    token = wcs.tokens.create(organisation="", role=access_pb2.ROLE_SERVICE)[1]
    address = wcs.address
    service = wcs.opened.enter_context(
        Spotted(embedder=address, scorer=address, sampler=address, credentials=Credentials(token))
    )
    assert read(service, f"{wcs.name}/2025", "2024") == read(everything, "2025", "2024")
    matches = service.catalogue().match(f"{wcs.name}/2025", detection_ids=["d00"])
    assert [m.photographs for m in matches] == [
        m.photographs for m in everything.catalogue().match("2025", detection_ids=["d00"])
    ]


def test_parts_fit_into_messages_and_have_their_vectors(
    everything: Spotted, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything.catalogue().add("2025", [animal("Gita", "d23")], "anna")
    catalogue = everything.connection.catalogue
    request = pb.ReadCatalogueMembersRequest(survey_id="2025", include_embeddings=True)
    whole = [one for one in catalogue.stub.ReadCatalogueMembers(request, timeout=30.0) if one.members]
    assert [len(one.members) for one in whole] == [23, 23]
    assert {tuple(one.embeddings.shape) for one in whole} == {(23, 8)}
    assert max(one.ByteSize() for one in whole) < MAX_MESSAGE_BYTES
    monkeypatch.setattr(checks, "PAGE_BYTES", 1500)
    parts = list(catalogue.stub.ReadCatalogueMembers(request, timeout=30.0))
    split = [one for one in parts if one.members]
    assert len(split) > 2
    assert [m for one in split for m in one.members] == [m for one in whole for m in one.members]
    assert b"".join(one.embeddings.content for one in split) == b"".join(
        one.embeddings.content for one in whole
    )
    assert {one.detection_id for part in parts for one in part.known} == {f"d{n:02}" for n in range(24)}
    # the number of a vector is of its digest
    assert all(one.image < 256**IMAGE_BYTES for part in whole for one in part.members)
    assert len({one.image for part in whole for one in part.members}) > 40
