"""Times of photographs and periods of cameras that contradict each other or the rest of the survey.

A single photograph far from its camera's other times loses its time, a camera apart from all others has a
suspect clock, whose times outside the survey do not count in scores (`Extent.start_s`), and a period that no
detection supports does not count in the length of the survey. All else stays as given: an unknown time costs
more than one that is slightly wrong.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from spotted.errors import InvalidInputError
from spotted.formats.doubts.phrases import format_period, format_utc, picture_name, side_of_period
from spotted.formats.doubts.timeline import Interval, Times, instant_of, starts_and_ends
from spotted.formats.picture import Picture
from spotted.formats.timestamps import DAY_S, PERIOD_TOLERANCE_S
from spotted.period_outliers import STRETCH, outlying_periods
from spotted.survey import Camera

# no camera of a survey runs longer than this without a detection
LONGEST_PERIOD_S = 10 * 365.25 * DAY_S
# the other end of a period that is too long is believed if a detection lies this near
LONGEST_SILENCE_S = 365.25 * DAY_S
# ends at a full quarter of an hour may be days that a spreadsheet wrote as midnight
_QUARTER_S = 900.0
_REMEDY = "correct one of the two, or mark the clock of the camera as suspect"
_NOTHING: Interval = (math.nan, math.nan)


def settle_times(cameras: Mapping[str, Camera], pictures: Sequence[Picture]) -> Times:
    """Decide which times are believed.

    Raises InvalidInputError if there is no instant at all.
    """
    times = Times(dict(cameras), list(pictures))
    _settle_against_periods(times)
    _settle_lone_photographs(times)
    # a wrong period may hide a wrong clock
    for _ in range(2):
        _settle_clocks(times)
        _ignore_periods(times)
    times.start_s, times.end_s = _extent(times)
    times.notes += _fit(times)
    return times


def _settle_against_periods(times: Times) -> None:
    """Photographs outside the period of their camera: far ones lose their time, unless most are outside."""
    for camera_id, indices in times.taken().items():
        camera = times.cameras.get(camera_id)
        if camera is None or (camera.start_s is None and camera.end_s is None):
            continue
        outside_s = {i: _outside_s(camera, instant_of(times.pictures[i])) for i in indices}
        outside = [i for i in indices if outside_s[i] > PERIOD_TOLERANCE_S]
        inside = [instant_of(times.pictures[i]) for i in indices if i not in set(outside)]
        bounds = [s for s in (camera.start_s, camera.end_s, *inside) if s is not None]
        limit_s = max(DAY_S, (STRETCH - 1.0) * (max(bounds) - min(bounds)))
        far = [i for i in outside if outside_s[i] >= limit_s]
        # an only photograph, too: an unknown time would cost more than one that is doubted
        if far and (len(outside) > max(1, len(indices) / 2) or len(indices) == 1):
            _suspect(times, camera, outside, len(indices))
            continue
        for index in far:
            _unset(times, index, f"was {side_of_period(camera, times.pictures[index])}", _REMEDY)
        near = [i for i in outside if outside_s[i] < limit_s]
        late = [i for i in near if camera.end_s is not None and instant_of(times.pictures[i]) > camera.end_s]
        _widen(times, camera, [i for i in near if i not in set(late)])
        _widen(times, camera, late)


def _suspect(times: Times, camera: Camera, outside: Sequence[int], count: int) -> None:
    times.cameras[camera.camera_id] = replace(camera, clock_suspect=True)
    first = times.pictures[outside[0]]
    _doubt_clock(
        times,
        camera.camera_id,
        f"{len(outside):,} of {count:,} photographs of camera {camera.camera_id!r} lie outside its period, "
        f"such as {picture_name(first)}, {side_of_period(camera, first)}; its clock is taken as "
        "suspect, and times outside the survey do not count in scores; correct the times or the period",
    )


def _doubt_clock(times: Times, camera_id: str, found: str) -> None:
    """Record that a clock is taken as wrong until a person corrects or confirms it."""
    doubt = f"{found} and import again, or confirm the times with --trust-clock {camera_id}"
    times.clocks[camera_id] = doubt
    times.doubts.append(doubt)


def _widen(times: Times, camera: Camera, outside: Sequence[int]) -> None:
    if not outside:
        return
    first = times.pictures[outside[0]]
    more = f" and {len(outside) - 1:,} more" if len(outside) > 1 else ""
    if all(_is_on_last_day(camera, instant_of(times.pictures[i])) for i in outside):
        times.notes.append(
            f"{picture_name(first)}{more}: taken on the day on which camera {camera.camera_id!r} ended "
            f"({format_utc(camera.end_s or 0.0)}); the end is read as the end of that day"
        )
        return
    times.doubts.append(
        f"{picture_name(first)}{more}: {side_of_period(camera, first)}; the period is extended; {_REMEDY}"
    )


def _is_on_last_day(camera: Camera, time_s: float) -> bool:
    """Whether an instant lies within a day after an end that may be a day, written as its midnight."""
    end_s = camera.end_s
    return end_s is not None and end_s % _QUARTER_S == 0.0 and end_s < time_s < end_s + DAY_S


def _unset(times: Times, index: int, why: str, remedy: str) -> None:
    """Take away the time of a picture that is not believed."""
    picture = times.pictures[index]
    times.pictures[index] = replace(picture, detection=replace(picture.detection, captured_at_s=None))
    times.doubts.append(f"{picture_name(picture)} {why}; its time is taken as unknown; {remedy}")


def _settle_lone_photographs(times: Times) -> None:
    """Photographs without the period of a camera, far outside all other times, lose their time."""
    taken = times.taken()
    loose = [
        index
        for camera_id, indices in taken.items()
        if not _has_period(times.cameras.get(camera_id)) and (len(indices) > 1 or not camera_id)
        for index in indices
    ]
    fixed = [w for i, w in times.wholes().items() if _has_period(times.cameras.get(i)) or len(taken[i]) == 1]
    instants = [(t, t) for t in (instant_of(times.pictures[i]) for i in loose)]
    whole = starts_and_ends([*instants, *fixed])
    supported = starts_and_ends([*(_NOTHING for _ in loose), *fixed])
    others = sum(1 for camera_id in times.wholes() if camera_id) - 1
    outlying = outlying_periods(whole, supported, others=others)[: len(loose)]
    found = [index for index, is_outlying in zip(loose, outlying, strict=True) if is_outlying]
    for index in found:
        camera_id = times.pictures[index].detection.camera_id
        # a camera all of whose times lie apart has a wrong clock, and its own gaps are right
        if not camera_id or not set(taken[camera_id]) <= set(found):
            taken_at = format_utc(instant_of(times.pictures[index]))
            why = f"(taken {taken_at}) lies far outside all other times of the survey"
            _unset(times, index, why, "correct it and import again")


def _settle_clocks(times: Times) -> None:
    """A camera whose times all lie apart from those of all others, and stretch the survey, is suspect."""
    wholes = times.wholes()
    nothing = starts_and_ends([_NOTHING for _ in wholes])
    for camera_id, outlying in zip(
        wholes, outlying_periods(starts_and_ends(list(wholes.values())), nothing, disjoint=True), strict=True
    ):
        if not outlying or camera_id not in times.cameras:
            continue
        times.ignored.add(camera_id)
        if not times.cameras[camera_id].clock_suspect:
            times.cameras[camera_id] = replace(times.cameras[camera_id], clock_suspect=True)
            indices = times.taken(trusted=False).get(camera_id)
            first = f", such as {picture_name(times.pictures[indices[0]])}" if indices else ""
            _doubt_clock(
                times,
                camera_id,
                f"camera {camera_id!r} ({format_period(wholes[camera_id])}{first}) lies apart from all "
                "others in time; its clock is taken as suspect, and its times count neither in scores nor in "
                "the period of the survey; correct them",
            )


def _ignore_periods(times: Times) -> None:
    """Periods that no detection supports and that stretch the survey do not count in its length."""
    wholes, seen = times.wholes(), times.seen()
    outlying = outlying_periods(
        starts_and_ends(list(wholes.values())), starts_and_ends([seen.get(i, _NOTHING) for i in wholes])
    )
    for (camera_id, whole), stretches in zip(wholes.items(), outlying, strict=True):
        first, last = seen.get(camera_id, _NOTHING)
        endless = whole[1] - whole[0] > LONGEST_PERIOD_S and not last - first > LONGEST_PERIOD_S / 2
        if camera_id and (stretches or endless):
            times.ignored.add(camera_id)
            times.doubts.append(
                f"the period of camera {camera_id!r} ({format_period(whole)}) is far longer than detections "
                "support; it does not count in the period of the survey; if it is wrong, correct it and "
                "import again"
            )


def _has_period(camera: Camera | None) -> bool:
    return camera is not None and (camera.start_s is not None or camera.end_s is not None)


def _supported(camera: Camera, seen: Interval) -> Interval:
    """The part of a period that detections support: to its start or end if one of them lies near."""
    first = seen[0] if camera.start_s is None else min(seen[0], camera.start_s)
    last = seen[1] if camera.end_s is None else max(seen[1], camera.end_s)
    starts_near, ends_near = seen[0] - first <= LONGEST_SILENCE_S, last - seen[1] <= LONGEST_SILENCE_S
    if starts_near == ends_near:
        return seen
    return (first, seen[1]) if starts_near else (seen[0], last)


def _extent(times: Times) -> Interval:
    wholes, seen = times.wholes(), times.seen()
    supported = [_supported(times.cameras[i], seen[i]) for i in times.ignored if i in seen]
    intervals = [*wholes.values(), *supported]
    if not intervals:
        every = [
            instant_of(times.pictures[i]) for indices in times.taken(trusted=False).values() for i in indices
        ]
        intervals = [(instant, instant) for instant in every]
    if not intervals:
        raise InvalidInputError(
            "the survey has no date: give the period of a camera or the time of a detection"
        )
    start_s, end_s = min(first for first, _ in intervals), max(last for _, last in intervals)
    # time gaps are normalised by the span of the survey, which must not be zero; one instant gets a day
    return start_s, end_s if end_s > start_s else start_s + DAY_S


def _fit(times: Times) -> Iterator[str]:
    """Make the periods of cameras contain their detections.

    A period is extended; with a suspect clock it is removed, since its times prove nothing.
    """
    opened = []
    for camera_id, indices in times.taken(trusted=False).items():
        camera = times.cameras.get(camera_id)
        if camera is None:
            continue
        instants = [instant_of(times.pictures[i]) for i in indices]
        start_s = camera.start_s if camera.start_s is None else min(camera.start_s, *instants)
        end_s = camera.end_s if camera.end_s is None else max(camera.end_s, *instants)
        if (start_s, end_s) != (camera.start_s, camera.end_s) and camera.clock_suspect:
            start_s, end_s = None, None
            opened.append(camera_id)
        times.cameras[camera_id] = replace(camera, start_s=start_s, end_s=end_s)
    if opened:
        cameras = "1 camera" if len(opened) == 1 else f"{len(opened):,} cameras"
        yield (f"{cameras} with images outside the period, such as {min(opened)!r}; the period is ignored")


def _outside_s(camera: Camera, time_s: float) -> float:
    early_s = 0.0 if camera.start_s is None else camera.start_s - time_s
    late_s = 0.0 if camera.end_s is None else time_s - camera.end_s
    return max(0.0, early_s, late_s)
