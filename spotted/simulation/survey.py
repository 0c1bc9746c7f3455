"""Simulated surveys: home ranges, journeys at real speeds, bursts, two flanks, day and infrared light.

Nothing here is a real animal; results made from it must be called simulated. Sources
and choices: docs/research/provenance.md.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from dataclasses import dataclass, replace

import numpy as np

from spotted.arrays import Float64Array
from spotted.errors import InvalidInputError
from spotted.survey import Camera, Detection, Side, Survey

SECONDS_PER_HOUR = 3600.0
SECONDS_PER_DAY = 86_400.0
# 2026-06-01T00:00:00Z, any day would do
START_S = 1_780_272_000.0
SUNRISE_H, SUNSET_H = 6.0, 18.0
# how often an animal looks for another camera that it can reach in time
TRIES = 20
# the survey is full after this many animals in a row without room for one more visit
FULL = 1000


@dataclass(frozen=True, slots=True)
class SimulationParams:
    """Parameters of a simulated survey."""

    animals: int = 40
    cameras: int = 40
    detections: int = 300
    """Least number of detections; there may be up to one burst more."""
    days: int = 45
    width_km: float = 24.0
    """Edge of the square that the cameras cover."""
    home_km: float = 3.0
    """Spread of an animal's visits around its home."""
    speed_kmh: float = 3.0
    """Fastest travel."""
    tail: float = 0.8
    """Spread of the log-normal numbers of visits."""
    most_frames: int = 3
    """Longest burst."""
    company: float = 0.06
    """Share of visits with a second animal in the first image."""


@dataclass(frozen=True, slots=True)
class Shot:
    """A detection and its true animal; shots with one image_id share an image.

    >>> Shot(Detection("d1", "CAM01", START_S), animal=3, infrared=True).detection.camera_id
    'CAM01'
    """

    detection: Detection
    animal: int
    """Number of the individual."""
    infrared: bool
    """True if taken by night."""


@dataclass(frozen=True, slots=True)
class SimulatedSurvey:
    """A survey and its shots in the order of their times."""

    survey: Survey
    shots: tuple[Shot, ...]


@dataclass(frozen=True, slots=True)
class _Visit:
    """An animal at a camera: seconds since the start, camera, flank shown, frames taken.

    friend: the animal in whose image this one is seen, None if it is in its own.
    """

    time_s: float
    camera: int
    left: bool
    frames: int
    friend: int | None = None


def simulate_survey(params: SimulationParams, rng: np.random.Generator, *, survey_id: str) -> SimulatedSurvey:
    """A survey of animals that never travel faster than they can.

    Raises InvalidInputError if a parameter is out of range, or if the animals cannot visit often enough for
    the detections.

    >>> params = SimulationParams(animals=5, cameras=4, detections=40)
    >>> simulated = simulate_survey(params, np.random.default_rng(0), survey_id="simulated")
    >>> len(simulated.survey.cameras), len(simulated.shots) >= 40
    (4, True)
    >>> len({shot.animal for shot in simulated.shots})
    5
    """
    _check(params)
    position_m = _stations(params, rng)
    home_m = rng.uniform(0, params.width_km * 1000, (params.animals, 2))
    visits = _visits(params, position_m, home_m, rng)
    end_s = START_S + _span_s(params)
    cameras = {
        _camera_id(i): Camera(_camera_id(i), float(x), float(y), START_S, end_s)
        for i, (x, y) in enumerate(position_m)
    }
    survey = Survey(survey_id, START_S, end_s, "simulated", cameras)
    return SimulatedSurvey(survey, _numbered(_shots(visits, rng)))


def _check(params: SimulationParams) -> None:
    """Raise InvalidInputError if a parameter is out of range."""
    counts = (params.animals, params.cameras, params.detections, params.days, params.most_frames)
    if min(counts) < 1:
        raise InvalidInputError(
            f"{params.detections} detections of {params.animals} animals at {params.cameras} cameras, "
            f"{params.days} days and {params.most_frames} frames cannot be simulated; each must be at "
            "least 1"
        )
    if min(params.width_km, params.home_km, params.speed_kmh) <= 0 or params.tail < 0:
        raise InvalidInputError(
            f"width_km {params.width_km}, home_km {params.home_km}, speed_kmh {params.speed_kmh} and tail "
            f"{params.tail} cannot be simulated; the first three must be above 0, tail at least 0"
        )


def _span_s(params: SimulationParams) -> float:
    return params.days * SECONDS_PER_DAY


def _stations(params: SimulationParams, rng: np.random.Generator) -> Float64Array:
    """(cameras, 2) metres: a jittered grid, filled at random if it has more points than cameras."""
    edge = int(np.ceil(np.sqrt(params.cameras)))
    step_m = params.width_km * 1000 / edge
    grid = (np.stack(np.meshgrid(np.arange(edge), np.arange(edge)), axis=-1).reshape(-1, 2) + 0.5) * step_m
    chosen = rng.permutation(len(grid))[: params.cameras]
    return grid[np.sort(chosen)] + rng.normal(0, 0.2 * step_m, (params.cameras, 2))


def _visits(
    params: SimulationParams, position_m: Float64Array, home_m: Float64Array, rng: np.random.Generator
) -> dict[int, list[_Visit]]:
    """Each animal's visits in the order of their times, until there are enough detections.

    Raises InvalidInputError if there is no room for them.
    """
    weight = np.exp(rng.normal(0, params.tail, params.animals))
    visits: defaultdict[int, list[_Visit]] = defaultdict(list)
    frames = missed = 0
    waiting = [*range(params.animals)]
    while waiting or frames < params.detections:
        # everyone comes once, then as often as the long tail has it
        animal = waiting.pop() if waiting else int(rng.choice(params.animals, p=weight / weight.sum()))
        visit = _visit(params, position_m, home_m[animal], visits[animal], rng)
        missed = 0 if visit else missed + 1
        if missed == FULL:
            raise InvalidInputError(
                f"the survey is full at {frames} of {params.detections} detections; lower `detections`, or "
                "raise `days` or `animals`"
            )
        if visit is None:
            continue
        insort(visits[animal], visit, key=_time)
        frames += visit.frames
        friend = _nearest(home_m, animal)
        joined = replace(visit, frames=1, friend=animal)
        apart = _reachable(joined, visits[friend], position_m, params.speed_kmh)
        if rng.random() < params.company and apart:
            insort(visits[friend], joined, key=_time)
            frames += 1
    return visits


def _nearest(home_m: Float64Array, animal: int) -> int:
    """The animal whose home is nearest; the animal itself if there is no other."""
    distance_m = np.hypot(*(home_m - home_m[animal]).T)
    distance_m[animal] = np.inf if len(home_m) > 1 else 0.0
    return int(np.argmin(distance_m))


def _visit(
    params: SimulationParams,
    position_m: Float64Array,
    home_m: Float64Array,
    known: list[_Visit],
    rng: np.random.Generator,
) -> _Visit | None:
    """A visit that fits between the animal's other ones; None if none was found."""
    distance_m = np.hypot(*(position_m - home_m).T)
    chance = np.exp(-0.5 * (distance_m / (params.home_km * 1000)) ** 2) + 1e-6
    for _ in range(TRIES):
        visit = _Visit(
            # the last minutes are left for the frames of a burst
            float(rng.uniform(0, _span_s(params) - SECONDS_PER_HOUR)),
            int(rng.choice(len(position_m), p=chance / chance.sum())),
            bool(rng.random() < 0.5),  # noqa: PLR2004 - both flanks are equally likely
            int(rng.integers(1, params.most_frames + 1)),
        )
        if _reachable(visit, known, position_m, params.speed_kmh):
            return visit
    return None


def _reachable(visit: _Visit, known: list[_Visit], position_m: Float64Array, speed_kmh: float) -> bool:
    """True if the journeys from the visit before and to the visit after are slow enough."""
    index = bisect_left(known, visit.time_s, key=_time)
    for other in known[max(0, index - 1) : index + 1]:
        km = float(np.hypot(*(position_m[visit.camera] - position_m[other.camera]))) / 1000
        # two visits of one animal are at least an hour apart, so that their bursts do not mix
        hours = abs(visit.time_s - other.time_s) / SECONDS_PER_HOUR
        if hours < max(1.0, km / speed_kmh + 0.1):
            return False
    return True


def _shots(visits: dict[int, list[_Visit]], rng: np.random.Generator) -> list[Shot]:
    """All shots of all visits, in the order of their times."""
    shots = []
    for animal, known in visits.items():
        for visit in known:
            shots += _burst(animal, visit, rng)
    return sorted(shots, key=lambda shot: (shot.detection.captured_at_s, shot.animal))


def _burst(animal: int, visit: _Visit, rng: np.random.Generator) -> list[Shot]:
    """The frames of a visit, seconds apart; a friend is in the other animal's first one."""
    hour = visit.time_s % SECONDS_PER_DAY / SECONDS_PER_HOUR
    host = animal if visit.friend is None else visit.friend
    encounter = f"E{visit.camera + 1:02}-{round(visit.time_s)}"
    times_s = visit.time_s + np.cumsum([0.0, *rng.uniform(2, 20, visit.frames - 1)])
    return [
        Shot(
            Detection(
                "",
                camera_id=_camera_id(visit.camera),
                captured_at_s=START_S + round(float(time_s)),
                image_id=f"{encounter}-{host}-{frame}",
                side=Side.LEFT if visit.left else Side.RIGHT,
                encounter_id=f"{encounter}-{animal}",
                individual_id=f"animal-{animal + 1:02}",
            ),
            animal,
            infrared=not SUNRISE_H <= hour < SUNSET_H,
        )
        for frame, time_s in enumerate(times_s)
    ]


def _numbered(shots: list[Shot]) -> tuple[Shot, ...]:
    return tuple(
        replace(shot, detection=replace(shot.detection, detection_id=f"D{number:05}"))
        for number, shot in enumerate(shots, start=1)
    )


def _camera_id(camera: int) -> str:
    return f"CAM{camera + 1:02}"


def _time(visit: _Visit) -> float:
    return visit.time_s
