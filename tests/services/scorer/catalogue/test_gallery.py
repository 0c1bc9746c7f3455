from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from services.common.process import now
from services.common.store.store import Store
from services.common.survey.heads import HeadStore
from services.common.survey.state import Snapshot, vector_digest
from services.scorer.catalogue.gallery import LOOKS_ONLY, Part, on_plane_of, open_gallery, part_of
from services.scorer.surveys import Surveys
from spotted.scoring.geometry import time_outside
from tests.services.scorer.catalogue.organisation import Organisation, plant
from tests.services.scorer.snapshots import planted_snapshot

SNAPSHOT = planted_snapshot(12)
MEMBERS = {
    d.detection_id: (f"cat-{row % 2}", vector_digest(SNAPSHOT.base[row])[:16])
    for row, d in enumerate(SNAPSHOT.detections)
}


def test_members_whose_detection_or_image_is_gone_do_not_compete() -> None:
    gone = {"nobody": ("cat-0", b"x"), "d0003": ("cat-1", b"another image")}
    part = part_of("2024", SNAPSHOT, MEMBERS | gone)
    ids = [detection.detection_id for detection in part.detections]
    assert ids == sorted(MEMBERS.keys() - {"d0003"})
    assert list(part.entry_ids) == [MEMBERS[i][0] for i in ids]
    assert part.missing == 2


def test_members_come_before_the_photographs_and_vectors_are_theirs() -> None:
    part = part_of("2024", SNAPSHOT, MEMBERS)
    rows = np.array([4, 2])
    vectors = np.concatenate([SNAPSHOT.base[part.rows], SNAPSHOT.base[rows]])
    gallery = open_gallery(SNAPSHOT, rows, [part], vectors, places=True)
    assert [survey_id for survey_id, *_ in gallery.members] == ["2024"] * 12
    assert list(gallery.photographs) == [SNAPSHOT.detections[4], SNAPSHOT.detections[2]]
    small = gallery.beside(SNAPSHOT.gallery, np.array([1]))
    assert len(small) == 13
    assert (small.embeddings[12] == SNAPSHOT.base[2]).all()
    assert (small.embeddings[:12] == SNAPSHOT.base[part.rows]).all()
    # images of other surveys are never those of a photograph
    assert (small.table.image == -1).all()


def test_positions_in_metres_are_compared_with_none() -> None:
    part = part_of("2024", SNAPSHOT, MEMBERS)
    rows = np.array([0])
    vectors = np.concatenate([SNAPSHOT.base[part.rows], SNAPSHOT.base[rows]])
    for places, reason in ((True, "latitude and longitude"), (False, LOOKS_ONLY)):
        gallery = open_gallery(SNAPSHOT, rows, [part], vectors, places=places)
        assert reason in gallery.parts[0].reason
        assert np.isnan(gallery.table.position_m).all()


def test_a_survey_that_cannot_be_read_has_no_members() -> None:
    part = Part("2024", None, np.empty(0, np.int64), (), 3, "the survey was deleted")
    gallery = open_gallery(SNAPSHOT, np.array([1]), [part], SNAPSHOT.base[[1]], places=True)
    assert (gallery.members, gallery.parts[0].reason) == ([], "the survey was deleted")


def test_cameras_are_placed_on_the_plane_of_the_photographs(wcs: Organisation, store: Store) -> None:
    client = wcs.client()
    for survey_id in ("2024", "2025", "plane"):
        plant(client, survey_id)
    surveys = Surveys(store, HeadStore(store), now=now)
    here, there, plane = (surveys.snapshot(f"{wcs.name}/{i}") for i in ("2025", "2024", "plane"))

    def part(snapshot: Snapshot) -> Part:
        return Part("s", snapshot, np.empty(0, np.int64), ())

    placed = on_plane_of(here, part(there))
    assert placed.keys() == {"c0", "c1", "c2"}
    for camera_id, camera in placed.items():
        own = here.cameras[camera_id]
        assert camera.x_m is not None
        assert camera.y_m is not None
        assert own.x_m is not None
        assert own.y_m is not None
        # a hundredth of a degree of latitude further north
        assert own.y_m - camera.y_m == pytest.approx(1112.0, rel=0.01)
        assert camera.x_m == pytest.approx(own.x_m, abs=5.0)
    assert on_plane_of(here, part(here)) == {i: c for i, c in here.cameras.items() if c.has_position}
    assert on_plane_of(here, part(plane)) == on_plane_of(plane, part(here)) == {}
    assert on_plane_of(here, Part("s", None, np.empty(0, np.int64), ())) == {}


def stationed(north_deg: float) -> Snapshot:
    """The survey with two of its cameras at one station, a few metres apart, further north."""
    cameras = {
        camera.camera_id: replace(
            camera,
            x_m=None,
            y_m=None,
            latitude_deg=north_deg + 0.00003 * n,
            longitude_deg=30.0,
            station="ford" if n < 2 else "",
        )
        for n, camera in enumerate(SNAPSHOT.cameras.values())
    }
    return replace(SNAPSHOT, cameras=cameras)


@pytest.mark.parametrize(("north_deg", "shared"), [(0.0001, True), (0.1, False)])
def test_stations_of_one_name_in_two_surveys_are_one_if_they_lie_near_one_another(
    north_deg: float, *, shared: bool
) -> None:
    here, there = stationed(0.0), stationed(north_deg)
    part, rows = part_of("2024", there, MEMBERS), np.arange(12)
    vectors = np.concatenate([SNAPSHOT.base[part.rows], SNAPSHOT.base[rows]])
    gallery = open_gallery(here, rows, [part], vectors, places=True)
    members, own = {*gallery.stations[:12]}, {*gallery.stations[12:]}
    assert ("ford" in members & own) is shared
    assert len(members - {""}) == len(own - {""}) == 1


def test_a_time_outside_its_own_survey_is_believed_in_none() -> None:
    detections = (replace(SNAPSHOT.detections[0], captured_at_s=-1e8), *SNAPSHOT.detections[1:])
    there = replace(stationed(0.0), detections=detections)
    part, rows = part_of("2024", there, MEMBERS), np.array([1])
    vectors = np.concatenate([SNAPSHOT.base[part.rows], SNAPSHOT.base[rows]])
    gallery = open_gallery(stationed(0.0), rows, [part], vectors, places=True)
    outside = time_outside(gallery.table, np.arange(13), gallery.extent)
    assert [gallery.members[row][1].detection_id for row in np.flatnonzero(outside).tolist()] == [
        SNAPSHOT.detections[0].detection_id
    ]
