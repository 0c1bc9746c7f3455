"""The times of a survey while it is decided which of them are believed."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from spotted.arrays import Float64Array
from spotted.formats.picture import Picture
from spotted.survey import Camera

Interval = tuple[float, float]


@dataclass(slots=True)
class Times:
    """Cameras and pictures whose times agree, and the period of their survey."""

    cameras: dict[str, Camera]
    """With suspect clocks marked, and periods that contain their detections."""
    pictures: list[Picture]
    """Those whose time is not believed have none."""
    start_s: float = math.nan
    """Start of the survey, UTC seconds."""
    end_s: float = math.nan
    """End of the survey, UTC seconds."""
    notes: list[str] = field(default_factory=list)
    """How times were read."""
    doubts: list[str] = field(default_factory=list)
    """Times that are wrong unless a person says otherwise."""
    clocks: dict[str, str] = field(default_factory=dict)
    """The doubt by id of each camera whose clock is taken as wrong."""
    ignored: set[str] = field(default_factory=set)
    """Ids of the cameras whose period does not count in that of the survey."""

    def taken(self, *, trusted: bool = True) -> dict[str, list[int]]:
        """Indices of the pictures with a time, by camera; `trusted`: without those of suspect clocks."""
        taken: defaultdict[str, list[int]] = defaultdict(list)
        for index, picture in enumerate(self.pictures):
            camera = self.cameras.get(picture.detection.camera_id)
            if picture.detection.captured_at_s is not None and not (
                trusted and camera and camera.clock_suspect
            ):
                taken[picture.detection.camera_id].append(index)
        return taken

    def seen(self) -> dict[str, Interval]:
        """First and last trusted detection by camera."""
        return {
            camera_id: (min(instants), max(instants))
            for camera_id, indices in self.taken().items()
            for instants in ([instant_of(self.pictures[i]) for i in indices],)
        }

    def wholes(self) -> dict[str, Interval]:
        """Periods together with trusted detections by camera, of all cameras that count."""
        seen = self.seen()
        wholes: dict[str, Interval] = {}
        for camera_id in dict.fromkeys([*self.cameras, *seen]):
            camera = self.cameras.get(camera_id)
            bounds = [*seen.get(camera_id, ())]
            bounds += [s for s in (camera.start_s, camera.end_s) if s is not None] if camera else []
            if bounds and camera_id not in self.ignored:
                wholes[camera_id] = (min(bounds), max(bounds))
        return wholes


def instant_of(picture: Picture) -> float:
    """The time of a picture, NaN if unknown."""
    return math.nan if picture.detection.captured_at_s is None else picture.detection.captured_at_s


def starts_and_ends(intervals: Sequence[Interval]) -> tuple[Float64Array, Float64Array]:
    """The starts and the ends of intervals, (n,) each."""
    columns = np.array(intervals, dtype=np.float64).reshape(-1, 2)
    return columns[:, 0], columns[:, 1]
