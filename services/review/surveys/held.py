"""The detections of a survey, held while their revision stands.

Who may read a survey is decided by the scorer at each request, which asks for its revision with the caller's
own token. What is held is the same for everyone who may read it: detections have no coordinates.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from zoneinfo import ZoneInfo

from services.review.forms.photos import Json, photo_form
from spotted.client.aio import AsyncSurveyHandle
from spotted.client.values import SurveyInfo
from spotted.errors import NotFoundError
from spotted.survey import Detection

# surveys whose detections are held at most
MOST_SURVEYS = 8


@dataclass(frozen=True)
class HeldSurvey:
    """The detections of a survey at one revision."""

    info: SurveyInfo
    """The survey."""
    detections: dict[str, Detection]
    """By id, in the order in which they were added."""
    distances_m: dict[tuple[str, str], float | None] = field(default_factory=dict)
    """Between two cameras, as far as they were asked for; None if unknown."""
    stations: dict[tuple[str, str], str] = field(default_factory=dict)
    """The station that two cameras share, as far as they were asked for; "" if none."""

    @cached_property
    def by_image(self) -> Mapping[str, list[Detection]]:
        """The detections of each image."""
        return _grouped(self.detections.values(), lambda one: one.image_id)

    @cached_property
    def by_encounter(self) -> Mapping[str, list[Detection]]:
        """The detections of each encounter."""
        return _grouped(self.detections.values(), lambda one: one.encounter_id)

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which its times are shown."""
        return ZoneInfo(self.info.time_zone or "UTC")

    @property
    def limit_kmh(self) -> float | None:
        """The highest speed that it allows; None without a limit."""
        return self.info.feasibility.max_speed_kmh

    def has_believed_time(self, detection: Detection) -> bool:
        """Whether a detection has a time within the survey; one outside is that of a wrong clock."""
        time_s = detection.captured_at_s
        return time_s is not None and self.info.start_s <= time_s <= self.info.end_s

    def detection(self, detection_id: str) -> Detection:
        """A detection. Raises NotFoundError."""
        try:
            return self.detections[detection_id]
        except KeyError:
            raise NotFoundError(
                f"survey {self.info.survey_id!r} has no detection {detection_id!r}; reload the page"
            ) from None

    def found(self, detection_ids: Iterable[str]) -> list[Detection]:
        """The detections of these ids that the survey still has, by time."""
        held = [self.detections[one] for one in detection_ids if one in self.detections]
        return sorted(held, key=by_time)

    def encounter(self, detection: Detection) -> list[Detection]:
        """The other frames of a detection's encounter, by time."""
        frames = self.by_encounter.get(detection.encounter_id, ()) if detection.encounter_id else ()
        return sorted((d for d in frames if d != detection), key=by_time)

    def photo(self, detection: Detection) -> Json:
        """A detection as a photograph."""
        same_image = self.by_image.get(detection.image_id, ()) if detection.image_id else ()
        others = [d for d in same_image if d.detection_id != detection.detection_id]
        return photo_form(detection, self.zone, others)

    def photos(self, detection_ids: Iterable[str]) -> Json:
        """The photographs of these ids that the survey still has, by id."""
        ids = dict.fromkeys(detection_ids)
        return {one: self.photo(self.detections[one]) for one in ids if one in self.detections}


class HeldSurveys:
    """The surveys that were asked for last."""

    def __init__(self) -> None:
        self._held: OrderedDict[str, HeldSurvey] = OrderedDict()
        self._reading: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def get(self, survey: AsyncSurveyHandle) -> HeldSurvey:
        """The survey as it is now, if the caller may read it. Raises NotFoundError."""
        info = await survey.info()
        async with self._reading[info.uid]:
            held = self._held.get(info.uid)
            if held is None or held.info.revision != info.revision:
                held = HeldSurvey(info, {d.detection_id: d async for d in survey.detections()})
            elif held.info != info:
                # another name or time zone: the detections stay
                held = HeldSurvey(info, held.detections, held.distances_m)
            self._held[info.uid] = held
            self._held.move_to_end(info.uid)
            while len(self._held) > MOST_SURVEYS:
                left, _ = self._held.popitem(last=False)
                self._reading.pop(left, None)
            return held


def by_time(detection: Detection) -> tuple[bool, float, str]:
    """Order by time, detections without one last."""
    at = detection.captured_at_s
    return at is None, at or 0.0, detection.detection_id


def _grouped(
    detections: Iterable[Detection], key: Callable[[Detection], str]
) -> Mapping[str, list[Detection]]:
    groups: defaultdict[str, list[Detection]] = defaultdict(list)
    for detection in detections:
        groups[key(detection)].append(detection)
    return dict(groups)
