"""Members of other surveys beside photographs of a survey, scored as in one survey that holds them all.

Vectors are read where they are: those of the members from the rows of their surveys.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from services.common.survey.periods import Period
from services.common.survey.places import place
from services.common.survey.state import Snapshot, vector_digest
from spotted import messages
from spotted.arrays import IntArray
from spotted.geodesy import FARTHEST_M, Plane
from spotted.outliers import largest_distance_m
from spotted.ranking.gallery import Gallery
from spotted.survey import (
    STATION_EXTENT_M,
    Camera,
    Detection,
    DetectionTable,
    Extent,
    Survey,
    detection_table,
)

# joins a survey and a camera of it; no survey's id contains it
OF = "/"
# no survey lies so long before another one
NEVER_S = 1e12
LOOKS_ONLY = "calibrated scores compare looks only"


@dataclass(frozen=True, slots=True)
class Part:
    """The members of one survey."""

    survey_id: str
    """Its id within the organisation."""
    snapshot: Snapshot | None
    """None if none of them can be compared."""
    rows: IntArray
    """(m,) the rows of those that compete, ordered by id."""
    entry_ids: Sequence[str]
    """(m,) the entry of each."""
    missing: int = 0
    """Number of members whose detection is gone, or has another image."""
    reason: str = ""
    """Why the feasibility of journeys to them is unknown; "" if positions are compared."""

    @property
    def detections(self) -> list[Detection]:
        """Those that compete."""
        return [] if self.snapshot is None else [self.snapshot.detections[row] for row in self.rows.tolist()]


@dataclass(frozen=True, slots=True)
class CatalogueGallery:
    """Members that compete, and photographs of a survey that are compared with them."""

    parts: Sequence[Part]
    """The surveys of the members, ordered by id."""
    members: Sequence[tuple[str, Detection, str]]
    """(m,) survey, detection and entry of each member that competes, in the order of the parts."""
    photographs: Sequence[Detection]
    """(n,) the photographs."""
    vectors: npt.NDArray[np.floating]
    """(m + n, D) vectors of the members, then of the photographs."""
    table: DetectionTable
    """(m + n) their columns."""
    extent: Extent
    """That of a survey with the cameras and the time of all surveys whose positions are compared."""
    stations: Sequence[str]
    """(m + n) the station of each, "" if its camera is one of its own or its position is not compared."""

    def beside(self, like: Gallery, photographs: IntArray) -> Gallery:
        """All members, followed by some of the photographs; scored with the settings of another gallery.

        Marks are known of pairs within one survey only: here those of every pair are unknown.
        """
        m = len(self.members)
        rows = np.concatenate([np.arange(m), m + photographs])
        table, vectors = self.table.at(rows), self.vectors[rows]
        order = np.arange(len(rows))
        return replace(like, embeddings=vectors, table=table, order=order, extent=self.extent, local=None)


def part_of(survey_id: str, snapshot: Snapshot, members: Mapping[str, tuple[str, bytes]]) -> Part:
    """The members of a survey that are still there. members: entry and image of each, by detection."""
    rows, entry_ids = [], []
    for detection_id in sorted(members):
        entry_id, image = members[detection_id]
        row = snapshot.find(detection_id)
        if row is not None and vector_digest(snapshot.base[row]).startswith(image):
            rows.append(row)
            entry_ids.append(entry_id)
    missing = len(members) - len(rows)
    return Part(survey_id, snapshot, np.array(rows, dtype=np.int64), entry_ids, missing)


def open_gallery(
    survey: Snapshot,
    photographs: IntArray,
    parts: Sequence[Part],
    vectors: npt.NDArray[np.floating],
    *,
    places: bool,
) -> CatalogueGallery:
    """Members beside photographs of a survey.

    photographs: (n,) rows of the survey. vectors: (m + n, D) of the members, then of the photographs.
    places: whether positions are compared at all.
    """
    parts = [
        replace(part, reason=part.reason or (_unplaced(survey, part) if places else LOOKS_ONLY))
        for part in parts
    ]
    placed = [(part.snapshot, part.survey_id) for part in parts if part.snapshot and not part.reason]
    cameras, extent = _one_survey([(survey, survey.survey.survey_id), *placed])
    own = [survey.detections[row] for row in photographs.tolist()]
    listed = [(part.survey_id, part.detections, part.reason) for part in parts]
    believed = {survey_id: Period.of(snapshot.survey) for snapshot, survey_id in placed}
    believed[survey.survey.survey_id] = Period.of(survey.survey)
    moved = [
        _moved(detection, survey_id, believed.get(survey_id))
        for survey_id, detections, _ in (*listed, (survey.survey.survey_id, own, ""))
        for detection in detections
    ]
    members = [
        (part.survey_id, *each)
        for part in parts
        for each in zip(part.detections, part.entry_ids, strict=True)
    ]
    table = detection_table(moved, cameras)
    stations = [cameras[d.camera_id].station if d.camera_id else "" for d in moved]
    return CatalogueGallery(parts, members, own, vectors, table, extent, stations)


def _moved(detection: Detection, survey_id: str, period: Period | None) -> Detection:
    """A detection as one of a survey of all; images of others are never its own.

    period: of its survey; None if its position is not compared. A time outside it stays outside all surveys.
    """
    camera_id = f"{survey_id}{OF}{detection.camera_id}" if period and detection.camera_id else ""
    time_s = detection.captured_at_s
    if period and time_s is not None and not period.start_s <= time_s <= period.end_s:
        time_s -= NEVER_S
    return replace(detection, camera_id=camera_id, image_id="", captured_at_s=time_s)


def _one_survey(surveys: Sequence[tuple[Snapshot, str]]) -> tuple[dict[str, Camera], Extent]:
    """The cameras of surveys on one plane, and the extent, as of one survey of all."""
    cameras = {
        named: replace(camera, camera_id=named, x_m=None, y_m=None)
        for snapshot, survey_id in surveys
        for camera_id, camera in snapshot.cameras.items()
        for named in [f"{survey_id}{OF}{camera_id}"]
    }
    # positions in metres are those of planes that nobody knows
    placed, _ = place(cameras)
    placed = _with_own_stations(placed)
    start_s = min(messages.seconds(snapshot.survey.start_time) for snapshot, _ in surveys)
    end_s = max(messages.seconds(snapshot.survey.end_time) for snapshot, _ in surveys)
    return placed, Survey("", start_s, end_s, cameras=placed).extent()


def _with_own_stations(cameras: Mapping[str, Camera]) -> dict[str, Camera]:
    """Stations of one name in several surveys are one station only if their cameras lie near one another."""
    places: dict[str, list[tuple[float, float]]] = {}
    for camera in cameras.values():
        if camera.station and camera.x_m is not None and camera.y_m is not None:
            places.setdefault(camera.station, []).append((camera.x_m, camera.y_m))
    wide = {one for one, own in places.items() if largest_distance_m(np.array(own)) > STATION_EXTENT_M}
    return {
        named: replace(camera, station=f"{named.partition(OF)[0]}{OF}{camera.station}")
        if camera.station in wide
        else camera
        for named, camera in cameras.items()
    }


def on_plane_of(survey: Snapshot, part: Part) -> dict[str, Camera]:
    """The cameras of a survey of members that have a position on the plane of another survey."""
    if part.snapshot is None or _unplaced(survey, part):
        return {}
    placed = {i: degrees for i, camera in part.snapshot.cameras.items() if (degrees := _degrees(camera))}
    positions_m = Plane.around(*_own_degrees(survey)).positions(*np.array([*placed.values()]).T)
    return {
        camera_id: replace(part.snapshot.cameras[camera_id], x_m=x_m, y_m=y_m)
        for camera_id, (x_m, y_m) in zip(placed, positions_m.tolist(), strict=True)
    }


def _unplaced(survey: Snapshot, part: Part) -> str:
    """Why positions of a survey cannot be compared with those of the photographs; "" if they can."""
    if part.snapshot is None:
        return "no member can be compared"
    own = _own_degrees(survey)
    theirs = np.array([degrees for c in part.snapshot.cameras.values() if (degrees := _degrees(c))])
    if not own.size:
        return "the survey of the photographs has no camera with latitude and longitude"
    if not len(theirs):
        return "it has no camera with latitude and longitude"
    if Plane.around(*own).sphere_distances_m(*theirs.T).max() > FARTHEST_M:
        return f"it has a camera more than {FARTHEST_M / 1000.0:.0f} km from those of the photographs"
    return ""


def _own_degrees(survey: Snapshot) -> npt.NDArray[np.float64]:
    """(2, c) latitude and longitude of the cameras that have them, in the order in which a plane is made."""
    ordered = (survey.cameras[camera_id] for camera_id in sorted(survey.cameras))
    return np.array([degrees for camera in ordered if (degrees := _degrees(camera))]).T


def _degrees(camera: Camera) -> tuple[float, float] | None:
    if camera.latitude_deg is None or camera.longitude_deg is None:
        return None
    return camera.latitude_deg, camera.longitude_deg
