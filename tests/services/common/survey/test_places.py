from __future__ import annotations

import numpy as np
import pytest
from pyproj import CRS, Geod, Transformer

from services.common.survey.places import check_places, place
from spotted.errors import CoordinatesError
from spotted.survey import Camera

WGS84 = Geod(ellps="WGS84")
KRUGER = {
    "gate": Camera("gate", latitude_deg=-24.98, longitude_deg=31.59),
    "river": Camera("river", latitude_deg=-24.02, longitude_deg=31.77),
    "ridge": Camera("ridge", latitude_deg=-22.45, longitude_deg=31.04),
}


def test_cameras_in_metres_stay_where_they_are() -> None:
    cameras = {"a": Camera("a", 1.0, 2.0), "b": Camera("b")}
    check_places(cameras)
    assert place(cameras) == (cameras, "")


def test_cameras_in_degrees_stand_on_one_plane_and_keep_their_degrees() -> None:
    lost = Camera("lost")
    placed, plane = place({**KRUGER, "lost": lost})
    assert placed["lost"] == lost
    assert plane.startswith("+proj=aeqd +lat_0=-23.8")
    for one in KRUGER.values():
        assert placed[one.camera_id].latitude_deg == one.latitude_deg
        for other in KRUGER.values():
            a, b = placed[one.camera_id], placed[other.camera_id]
            apart_m = np.subtract((a.x_m, a.y_m), (b.x_m, b.y_m))  # type: ignore[arg-type] # they are known
            _, _, expected = WGS84.inv(
                one.longitude_deg, one.latitude_deg, other.longitude_deg, other.latitude_deg
            )
            assert np.hypot(*apart_m) == pytest.approx(expected, rel=1e-3, abs=1e-3)


def test_the_plane_is_the_one_that_its_text_says() -> None:
    placed, plane = place(KRUGER)
    transformer = Transformer.from_crs(CRS.from_epsg(4326), CRS.from_proj4(plane), always_xy=True)
    for camera in KRUGER.values():
        expected = transformer.transform(camera.longitude_deg, camera.latitude_deg)
        found = placed[camera.camera_id]
        assert (found.x_m, found.y_m) == pytest.approx(expected, abs=0.01)


def test_the_order_of_the_cameras_changes_nothing() -> None:
    turned = dict(reversed(KRUGER.items()))
    assert place(turned)[0] == place(KRUGER)[0]


def test_metres_and_degrees_in_one_survey_are_refused() -> None:
    with pytest.raises(CoordinatesError, match="'planar' has a position in metres and camera 'gate' in"):
        check_places({**KRUGER, "planar": Camera("planar", 0.0, 0.0)})


def test_cameras_too_far_apart_for_one_plane_are_refused_and_have_no_position() -> None:
    away = {**KRUGER, "oslo": Camera("oslo", latitude_deg=59.9, longitude_deg=10.7)}
    with pytest.raises(CoordinatesError, match=r"'oslo' is more than 492 km from the centre.*0\.1 %"):
        check_places(away)
    assert not place(away)[0]["oslo"].has_position
