"""The captures of one individual in the time of the survey, a lane for each side."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from itertools import pairwise

from spotted.journeys import duration_text
from spotted.reports.survey.facts import FoundIndividual
from spotted.reports.survey.instants import MONTHS, seen_text, short_day_text
from spotted.reports.survey.wording import counted
from spotted.survey import Side

# as wide as the screen of a phone, so that its letters are readable there
WIDTH, LEFT, RIGHT = 340.0, 52.0, 12.0
LANE, TOP, FOOT = 20.0, 14.0, 22.0
TICKS = 4
# a longer survey has months and years below its ticks
DAYS_WITHOUT_YEAR = 300
LANES = {Side.LEFT: "left", Side.RIGHT: "right"}
OTHER = "other"


@dataclass(frozen=True, slots=True)
class Capture:
    """A capture on the time line."""

    x: float
    y: float
    lane: str
    """Shape of the mark: "left", "right" or "other"."""


@dataclass(frozen=True, slots=True)
class TimeLine:
    """The time line of one individual; its units are pixels from the upper left corner."""

    captures: tuple[Capture, ...]
    lanes: tuple[tuple[str, float], ...]
    """Name and height of each lane that has captures."""
    ticks: tuple[tuple[float, str], ...]
    """Place and text of each tick."""
    height: float
    alt: str
    """The finding of the time line as a sentence."""


def draw_time_line(
    individual: FoundIndividual, start_s: float, end_s: float, zone: tzinfo
) -> TimeLine | None:
    """The time line of an individual; None if none of its captures has a time."""
    timed = [(d.captured_at_s, LANES.get(d.side, OTHER)) for d in individual.in_time()]
    known = [(at_s, lane) for at_s, lane in timed if at_s is not None]
    if not known:
        return None
    start_s, end_s = min(start_s, known[0][0]), max(end_s, known[-1][0])
    span_s = max(end_s - start_s, 1.0)

    def x(at_s: float) -> float:
        return LEFT + (at_s - start_s) / span_s * (WIDTH - LEFT - RIGHT)

    used = [lane for lane in (*LANES.values(), OTHER) if any(lane == one for _, one in known)]
    heights = {lane: TOP + LANE * index for index, lane in enumerate(used)}
    return TimeLine(
        captures=tuple(Capture(x(at_s), heights[lane], lane) for at_s, lane in known),
        lanes=tuple(heights.items()),
        ticks=tuple((x(at_s), text) for at_s, text in _ticks(start_s, end_s, zone)),
        height=TOP + LANE * len(used) + FOOT,
        alt=_alt(individual, known, zone),
    )


def _ticks(start_s: float, end_s: float, zone: tzinfo) -> list[tuple[float, str]]:
    """Local midnights, evenly spread over the time."""
    first = datetime.fromtimestamp(start_s, tz=zone).replace(hour=0, minute=0, second=0, microsecond=0)
    days = max(int((end_s - start_s) // 86_400), 1)
    step = max(-(-days // TICKS), 1)
    found = []
    for index in range(TICKS + 1):
        day = first + timedelta(days=step * index)
        at_s = day.timestamp()
        if start_s <= at_s <= end_s:
            long = days > DAYS_WITHOUT_YEAR
            found.append(
                (at_s, f"{MONTHS[day.month - 1]} {day.year}" if long else short_day_text(day.date()))
            )
    return found


def _alt(individual: FoundIndividual, known: list[tuple[float, str]], zone: tzinfo) -> str:
    gaps = [after - before for (before, _), (after, _) in pairwise(known)]
    longest = f", at most {duration_text(max(gaps))} between two of them" if gaps else ""
    return (
        f"Time line of {individual.name}: {counted(len(known), 'photograph')} from "
        f"{seen_text(known[0][0], zone)} to {seen_text(known[-1][0], zone)}{longest}."
    )
