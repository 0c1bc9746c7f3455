from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from services.common.settings import Security
from services.common.store.store import Store
from services.sampler.catalogue.client import CatalogueClient
from spotted.errors import NotFoundError
from spotted.v1 import access_pb2
from tests.services.sampler.catalogue.world import HERE, THERE, World, world
from tests.services.scorer.catalogue.organisation import (
    animal,
    cameras,
    looks,
    organisation,
    photographs,
    plant,
)


@pytest.fixture
def made(store: Store) -> Iterator[World]:
    with world(store) as one:
        yield one


def test_members_are_read_as_detections_of_a_session(made: World) -> None:
    made.spotted.catalogue().add(HERE, [animal("", "d00", entry_id=made.entry(0))], "anna")
    members = made.catalogue_client.members(HERE, [THERE], with_embeddings=True)
    stored = {f"~{THERE}/{one.detection_id}": one for one in photographs(THERE) if one.individual_id}
    assert members.detections.keys() == stored.keys() == members.versions.keys()
    for detection_id, one in members.detections.items():
        was = stored[detection_id]
        assert (one.captured_at_s, one.side) == (was.captured_at_s, was.side)
        assert one.camera_id == (f"~{THERE}/{was.camera_id}" if was.camera_id else "")
        assert one.individual_id == made.entry(int(was.individual_id[-1]))
        assert (one.image_id, one.encounter_id) == ("", "")
    assert members.entry_of == {"d00": made.entry(0)}
    assert members.entry_names == {made.entry(n): f"animal-{n}" for n in range(6)}
    # the camera without a place stays without one
    assert members.cameras.keys() == {f"~{THERE}/{i}" for i in cameras(THERE) if i != "nowhere"}
    vectors = looks(THERE)[:23]
    assert members.embeddings is not None
    np.testing.assert_allclose(
        members.embeddings, vectors / np.linalg.norm(vectors, axis=1, keepdims=True), atol=2e-3
    )
    assert isinstance(made.catalogue_client, CatalogueClient)
    assert made.catalogue_client.members(HERE, [THERE]).digest == members.digest
    assert made.catalogue_client.members(HERE, ["elsewhere"]).detections == {}


def test_candidates_are_the_best_members_with_the_scores_of_a_match(made: World) -> None:
    found = made.catalogue_client.candidates(HERE, [THERE], comparable_sides_only=False)
    scores = dict(zip(zip(found.query, found.candidate, strict=True), found.fused, strict=True))
    for match in made.spotted.catalogue().match(HERE, top_k=20):
        for one in match.photographs:
            assert scores[match.detection_ids[0], f"~{THERE}/{one.detection_id}"] == one.fused
    sided = made.catalogue_client.candidates(HERE, [THERE], comparable_sides_only=True)
    assert 0 < len(sided.query) < len(found.query)


def test_errors_are_those_of_the_library(made: World) -> None:
    with pytest.raises(NotFoundError, match="'nowhere'"):
        made.catalogue_client.members("nowhere", [THERE])


def test_the_token_of_a_service_reads_for_the_organisation_of_the_survey(
    store: Store, tmp_path: Path
) -> None:
    with organisation(store) as wcs:
        client = wcs.client()
        for survey_id in (HERE, THERE):
            plant(client, survey_id)
        client.catalogue().add_known_names(THERE, "anna")
        file = tmp_path / "token"
        file.write_text(wcs.tokens.create(organisation="", role=access_pb2.ROLE_SERVICE)[1])
        file.chmod(0o600)
        catalogue = CatalogueClient(wcs.address, Security(token_file=file))
        members = catalogue.members(f"{wcs.name}/{HERE}", [THERE])
        assert len(members.detections) == 23
        assert all(i.startswith(f"~{THERE}/") for i in members.detections)
        assert catalogue.candidates(f"{wcs.name}/{HERE}", [THERE], comparable_sides_only=False).query
        catalogue.close()
