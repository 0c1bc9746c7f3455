"""Event-based observations spread over the images of their deployment and time.

An event may last for several images, and its observation names none. An image that
has observations of its own, or that several events may claim, is left out, because nobody knows which animal
it shows.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo

from spotted.formats.row import Row
from spotted.formats.timestamps import InstantError, utc_seconds

# separates observation and image in the id of a detection of an event
SEPARATOR = ":"
# instants of an event may be rounded to the second
_ROUNDING_S = 1.0
DESCRIBED = "event-based, its images have observations of their own"
WITHOUT_IMAGE = "event-based, without an image in the time of its deployment"
SHARED = "event-based, several in the same images; give each animal media-based observations"


@dataclass(frozen=True, slots=True)
class Spread:
    """Event-based observations by the images that show their animal."""

    media: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Media ids in the order of time, by observation id; without images an observation is skipped."""
    skipped: Mapping[str, str] = field(default_factory=dict)
    """Why an observation has no image, by observation id."""


def detection_id(observation_id: str, media_id: str) -> str:
    """The id of the detection of an event-based observation in one image."""
    return f"{observation_id}{SEPARATOR}{media_id}"


def observation_of(detection: str, observations: Iterable[str]) -> str:
    """The id of the observation of a detection, whether media-based or spread; "" without one.

    >>> observation_of("a:b:m1", {"a:b", "c"}), observation_of("c", {"a:b", "c"})
    ('a:b', 'c')
    """
    known = observations if isinstance(observations, set | frozenset) else set(observations)
    if detection in known:
        return detection
    cuts = (index for index, mark in enumerate(detection) if mark == SEPARATOR)
    return next((detection[:cut] for cut in cuts if detection[:cut] in known), "")


def spread_events(
    events: Sequence[Row],
    media_based: Iterable[Row],
    media_rows: Mapping[str, Row],
    zone: tzinfo | None,
) -> Spread:
    """The images of each event-based observation of an animal.

    media_based: all media-based observations, of animals or not.
    """
    if not events:
        return Spread()
    described, animals = set(), set()
    for row in media_based:
        described.add(row.text("mediaID"))
        if row.text("observationType").lower() == "animal":
            animals.add(row.text("mediaID"))
    timeline = _Timeline(media_rows, zone)
    claimed = {row.text("observationID"): timeline.within(row, zone) for row in events}
    claims = Counter(media_id for ids in claimed.values() for media_id in ids)
    media: dict[str, tuple[str, ...]] = {}
    skipped: dict[str, str] = {}
    for observation_id, ids in claimed.items():
        free = [media_id for media_id in ids if media_id not in described]
        own = tuple(media_id for media_id in free if claims[media_id] == 1)
        if animals & set(ids) or (ids and not free):
            skipped[observation_id] = DESCRIBED
        elif own:
            media[observation_id] = own
        else:
            skipped[observation_id] = SHARED if free else WITHOUT_IMAGE
    return Spread(media, skipped)


class _Timeline:
    """Images of each deployment in the order of their time."""

    def __init__(self, media_rows: Mapping[str, Row], zone: tzinfo | None) -> None:
        self._media_rows = media_rows
        self._taken: defaultdict[str, list[tuple[float, str]]] = defaultdict(list)
        for media_id, row in media_rows.items():
            try:
                # an image that no observation is about is not checked
                self._taken[row.text("deploymentID")].append(
                    (utc_seconds(row.text("timestamp"), zone), media_id)
                )
            except InstantError:
                continue
        for taken in self._taken.values():
            taken.sort()

    def within(self, event: Row, zone: tzinfo | None) -> list[str]:
        """Ids of the images of an event: those in its time, or the one that it names."""
        named = event.text("mediaID")
        if named:
            return [named] if named in self._media_rows else []
        start_s = event.instant("eventStart", zone)
        end_s = event.instant("eventEnd", zone)
        first_s, last_s = (start_s if end_s is None else end_s), (end_s if start_s is None else start_s)
        if first_s is None or last_s is None:
            return []
        taken = self._taken.get(event.text("deploymentID"), [])
        from_s, to_s = min(first_s, last_s) - _ROUNDING_S, max(first_s, last_s) + _ROUNDING_S
        low, high = bisect_left(taken, (from_s, "")), bisect_right(taken, (to_s, "\U0010ffff"))
        return [media_id for _, media_id in taken[low:high]]
