"""The rpcs over a real channel; what a token that may access only some surveys sees."""

from __future__ import annotations

import ast
import inspect

import pytest

from services.scorer.catalogue import servicer
from services.scorer.catalogue.servicer import CatalogueServicer
from spotted.catalogue.facts import Member
from spotted.client import Credentials, Spotted
from spotted.client.calls import our_errors
from spotted.errors import InvalidInputError, NotFoundError, PermissionDeniedError
from spotted.v1 import access_pb2
from spotted.v1 import catalogue_pb2 as pb
from tests.services.scorer.catalogue.organisation import Organisation, animal, names, plant

RPCS = [method.name for method in pb.DESCRIPTOR.services_by_name["CatalogueService"].methods]
MOST_STATEMENTS = 6


@pytest.mark.parametrize("rpc", RPCS)
def test_every_rpc_of_the_contract_is_served(rpc: str) -> None:
    assert rpc in vars(CatalogueServicer)


def test_rpcs_decode_call_and_encode_and_no_more() -> None:
    (servant,) = (n for n in ast.parse(inspect.getsource(servicer)).body if isinstance(n, ast.ClassDef))
    rpcs = [n for n in servant.body if isinstance(n, ast.AsyncFunctionDef)]
    assert len(rpcs) == len(RPCS)
    for rpc in rpcs:
        assert len(rpc.body) - 1 <= MOST_STATEMENTS, rpc.name
        assert not [n for n in ast.walk(rpc) if isinstance(n, ast.Try)], rpc.name


@pytest.fixture
def everything(wcs: Organisation) -> Spotted:
    """A client that may access both surveys, which have members."""
    client = wcs.client()
    for survey_id in ("2024", "2025"):
        plant(client, survey_id)
    return client


def shown(client: Spotted) -> list[object]:
    """All that a client can read of the catalogue, without ids that are drawn at random."""
    catalogue, stub = client.catalogue(), client.connection.catalogue.stub
    entries = list(catalogue.entries())
    pages = []
    token = ""
    with our_errors("here"):
        while True:
            page = stub.ListCatalogueEntries(
                pb.ListCatalogueEntriesRequest(page_size=1, page_token=token), timeout=30.0
            )
            pages.append(len(page.entries))
            token = page.next_page_token
            if not token:
                break
    changes = [(c.kind, dict(c.members), c.annotator_id) for c in catalogue.changes()]
    matches = [
        (
            m.detection_ids,
            m.compared,
            m.surveys,
            [(p.survey_id, p.detection_id, p.fused) for p in m.photographs],
        )
        for m in catalogue.match("2025", top_k=100)
    ]
    return [entries, pages, len(changes), [kind for kind, *_ in changes], matches]


def test_surveys_that_a_token_may_not_read_change_nothing_that_it_sees(
    wcs: Organisation, everything: Spotted
) -> None:
    narrow = wcs.client(["2025"])
    everything.catalogue().add("2025", [animal("Sita", "d00", "d01"), animal("Gita", "d02")], "anna")
    before = shown(narrow)
    catalogue = everything.catalogue()
    entries = {entry.name: entry.entry_id for entry in catalogue.entries()}
    hidden = catalogue.add(
        "2024", [animal("Secret", "d00"), animal("Sita", "d01"), animal("Gita", "d02")], "anna"
    ).animals
    # an entry of its own, members of one that is seen, and an entry that one that is seen becomes part of
    catalogue.add("2024", [animal("", "d03", "d04", entry_id=entries["Sita"])], "anna")
    catalogue.merge(hidden[2].entry_id, [entries["Gita"]], "anna")
    assert shown(narrow) == before
    assert shown(everything) != before
    for request in ({"survey_id": "2024"}, {"survey_id": "2024", "detection_id": "d00"}):
        with pytest.raises(PermissionDeniedError, match="valid for 2025, but not for survey '2024'"):
            list(narrow.catalogue().entries(**request))
    assert list(narrow.catalogue().entries(display_name="Secret")) == []
    for entry_id in (hidden[0].entry_id, hidden[2].entry_id, "cat-0123456789abcdef"):
        with pytest.raises(NotFoundError, match=f"no entry '{entry_id}'"):
            narrow.catalogue().entry(entry_id)
        with pytest.raises(NotFoundError, match=f"no entry '{entry_id}'"):
            narrow.catalogue().merge(entries["Sita"], [entry_id], "eve")
    changes = {change.change_id for change in catalogue.changes()}
    for change_id in changes - {change.change_id for change in narrow.catalogue().changes()}:
        with pytest.raises(NotFoundError, match=f"has no change '{change_id}'"):
            narrow.catalogue().undo(change_id, "eve")


def test_a_new_name_tells_nothing_of_names_elsewhere(wcs: Organisation, everything: Spotted) -> None:
    narrow = wcs.client(["2025"])
    everything.catalogue().add("2024", [animal("Sita", "d00")], "anna")
    added = narrow.catalogue().add("2025", [animal("Sita", "d00")], "eve", names_identify=True).animals[0]
    assert (added.created, added.same_name, added.reason) == (True, (), "")
    with pytest.raises(PermissionDeniedError):
        narrow.catalogue().add("2024", [animal("Sita", "d01")], "eve")
    with pytest.raises(PermissionDeniedError):
        narrow.catalogue().remove([Member("2024", "d00")], "eve")


def test_what_a_narrow_token_splits_off_leaves_the_others_where_they_are(
    wcs: Organisation, everything: Spotted
) -> None:
    narrow, catalogue = wcs.client(["2025"]), everything.catalogue()
    (sita,) = catalogue.add("2025", [animal("Sita", "d00", "d01")], "anna").animals
    catalogue.add("2024", [animal("", "d05", entry_id=sita.entry_id)], "anna")
    split = narrow.catalogue().split(sita.entry_id, [Member("2025", "d00"), Member("2025", "d01")], "eve")
    assert {len(entry.members) for entry in split.entries} == {0, 2}
    assert names(catalogue)["Sita"] == ["2024/d05"]
    narrow.catalogue().undo(split.change_id, "eve")
    assert names(catalogue) == {"Sita": ["2024/d05", "2025/d00", "2025/d01"]}


def test_roles_read_or_change(wcs: Organisation, everything: Spotted) -> None:
    (sita,) = everything.catalogue().add("2025", [animal("Sita", "d00")], "anna").animals
    reader = wcs.client(role=access_pb2.ROLE_READ).catalogue()
    assert names(reader) == {"Sita": ["2025/d00"]}
    assert list(reader.match("2024", detection_ids=["d00"]))
    with pytest.raises(PermissionDeniedError, match="role annotate"):
        reader.update(sita.entry_id, "eve", notes="mine")
    wcs.client(role=access_pb2.ROLE_ANNOTATE).catalogue().update(sita.entry_id, "ben", notes="scar")


def test_a_service_of_all_organisations_changes_no_catalogue(wcs: Organisation, everything: Spotted) -> None:
    everything.catalogue().add("2025", [animal("Sita", "d00")], "anna")
    token = wcs.tokens.create(organisation="", role=access_pb2.ROLE_SERVICE)[1]
    service = wcs.opened.enter_context(
        Spotted(embedder=wcs.address, scorer=wcs.address, sampler=wcs.address, credentials=Credentials(token))
    )
    with pytest.raises(InvalidInputError, match="use a token of it"):
        service.catalogue().add(f"{wcs.name}/2025", [animal("Gita", "d01")], "anna")
    # but what it deletes leaves the catalogue of the organisation
    service.survey(f"{wcs.name}/2025").delete_detections(["d00"])
    assert names(everything.catalogue()) == {"Sita": []}
