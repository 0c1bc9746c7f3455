"""The report of a survey: a page that needs no network, and the same numbers as JSON."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import tzinfo

from spotted.reports.evaluation_figures import UNREACHABLE
from spotted.reports.page import fill_template
from spotted.reports.survey import instants
from spotted.reports.survey.facts import FoundIndividual, SurveyFacts
from spotted.reports.survey.movements import MovementMap, draw_movements
from spotted.reports.survey.pictures import best_photographs, cut_out
from spotted.reports.survey.time_line import TimeLine, draw_time_line
from spotted.reports.survey.weeks import WeekTable, count_by_week
from spotted.reports.survey.wording import Step, certainty, counted, finding, next_steps
from spotted.survey import Detection, Side

TEMPLATE = "survey.html.j2"
SIDES = {
    Side.LEFT: "left flank",
    Side.RIGHT: "right flank",
    Side.FRONT: "front",
    Side.BACK: "back",
    Side.UNKNOWN: "side unknown",
}
Read = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class Photograph:
    """A photograph of an individual."""

    caption: str
    alt: str
    source: str
    """The image as a data URI; "" if it cannot be read."""


@dataclass(frozen=True, slots=True)
class Card:
    """An individual as the page shows it."""

    individual: FoundIndividual
    photographs: tuple[Photograph, ...]
    map: MovementMap | None
    """None if no camera that saw it has a position."""
    line: TimeLine | None
    """None if no time is known."""


@dataclass(frozen=True, slots=True)
class SurveyReport:
    """Everything that the page of a survey says.

    >>> facts = SurveyFacts("ridge", cameras=[], detections=[])
    >>> describe(facts, lambda uri: b"", made_s=0.0).document()["next"]
    ['spotted embed ridge']
    """

    facts: SurveyFacts
    made: str
    """When it was made, in the zone of the survey."""
    finding: str
    certainty: tuple[str, ...]
    steps: tuple[Step, ...]
    weeks: WeekTable
    cards: tuple[Card, ...]
    """The individuals seen more than once, the one with most photographs first."""

    @property
    def unreadable(self) -> int:
        """Number of photographs that could not be read."""
        return sum(not photograph.source for card in self.cards for photograph in card.photographs)

    def document(self) -> dict[str, object]:
        """The numbers as JSON."""
        facts = self.facts
        return {
            "survey_id": facts.survey_id,
            "session_id": facts.session.session_id if facts.session else None,
            "finding": self.finding,
            "certainty": list(self.certainty),
            "next": [step.command for step in self.steps],
            "detections": len(facts.detections),
            "individuals": [_entry(one, facts.zone) for one in (*facts.seen_again(), *facts.singletons())],
            "conflicts": list(facts.session.conflicts) if facts.session else [],
            "weeks": {
                "begin": [day.isoformat() for day in self.weeks.columns],
                "weeks_each": self.weeks.weeks_each,
                "cameras": {row.camera_id: list(row.counts) for row in self.weeks.rows},
                "without_time": self.weeks.without_time,
            },
            "silent": [
                {key: str(value) for key, value in asdict(one).items()} | {"days": one.days}
                for one in self.weeks.silences
            ],
        }


def describe(facts: SurveyFacts, read: Read, *, made_s: float) -> SurveyReport:
    """The report of a survey.

    read: returns the encoded image at an `image_uri`; raises OSError or ValueError if it cannot.
    made_s: when the report is made, UTC seconds since 1970.
    """
    cameras = {camera.camera_id: camera for camera in facts.cameras}
    return SurveyReport(
        facts=facts,
        made=instants.time_text(made_s, facts.zone),
        finding=finding(facts),
        certainty=tuple(certainty(facts)),
        steps=tuple(next_steps(facts)),
        weeks=count_by_week(facts),
        cards=tuple(
            Card(
                one,
                tuple(_photograph(one, d, facts.zone, read) for d in best_photographs(one.detections)),
                draw_movements(one, cameras, facts.zone, limit_kmh=facts.limit_kmh),
                draw_time_line(one, facts.start_s, facts.end_s, facts.zone),
            )
            for one in facts.seen_again()
        ),
    )


def render(report: SurveyReport) -> str:
    """The page of a report."""
    zone = report.facts.zone
    page = {
        "report": report,
        "facts": report.facts,
        "counted": counted,
        "day": lambda seconds: instants.seen_text(seconds, zone),
        "moment": lambda seconds: instants.time_text(seconds, zone),
        "week": instants.short_day_text,
        "side": SIDES.__getitem__,
    }
    return fill_template(TEMPLATE, page)


def _photograph(individual: FoundIndividual, detection: Detection, zone: tzinfo, read: Read) -> Photograph:
    at = f"camera {detection.camera_id}" if detection.camera_id else "camera unknown"
    caption = f"{SIDES[detection.side]}, {at}, {instants.time_text(detection.captured_at_s, zone)}"
    try:
        content = cut_out(read(detection.image_uri), detection.box)
    except UNREACHABLE:
        return Photograph(caption, "", "")
    source = f"data:image/jpeg;base64,{base64.b64encode(content).decode()}"
    return Photograph(caption, f"{individual.name}: {caption}", source)


def _entry(one: FoundIndividual, zone: tzinfo) -> dict[str, object]:
    first, last = (
        None if seconds is None else instants.local_day(seconds, zone).isoformat()
        for seconds in (one.first_s, one.last_s)
    )
    return {
        "name": one.name,
        "detections": [d.detection_id for d in one.in_time()],
        "first_seen": first,
        "last_seen": last,
        "cameras": list(one.cameras),
        "sides": sorted(side.name.lower() for side in one.sides),
    }
