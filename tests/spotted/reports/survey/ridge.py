"""A small survey of three animals at four cameras, for the tests of its report."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from spotted.reports.survey import FoundIndividual, SessionState, SurveyFacts
from spotted.survey import Camera, Detection, ImageBox, Side

DAY_S = 86_400.0
# Monday, 5 June 2023, 00:00 in Harare
START_S = 1_685_916_000.0
HARARE = ZoneInfo("Africa/Harare")
CAMERAS = [
    Camera("A1", 350_000.0, 9_870_000.0),
    Camera("A2", 353_000.0, 9_874_000.0),
    Camera("A3", 350_000.0, 9_874_000.0, end_s=START_S + 10 * DAY_S),
    Camera("A4"),
]


def seen(detection_id: str, camera_id: str, day: float | None, side: Side = Side.UNKNOWN) -> Detection:
    at_s = None if day is None else START_S + day * DAY_S
    box = ImageBox(0.25, 0.25, 0.5, 0.5)
    return Detection(detection_id, camera_id, at_s, side=side, image_uri=f"/{detection_id}.jpg", box=box)


SITA = FoundIndividual(
    "Sita",
    [
        seen("s3", "A2", 20.5, Side.LEFT),
        seen("s1", "A1", 1.5, Side.LEFT),
        seen("s2", "A2", 2.5, Side.RIGHT),
    ],
)
MVULA = FoundIndividual("Mvula", [seen("m1", "A1", 3.25, Side.LEFT), seen("m2", "A4", None)])
SINGLE = FoundIndividual("ind-x1", [seen("x1", "A3", 4.0, Side.RIGHT)])
INDIVIDUALS = (SINGLE, MVULA, SITA)
STATE = SessionState("main", answers=9, merges_left_at_most=1, questions_left=11.8, answers_per_minute=6.0)


def ridge(state: SessionState | None = STATE) -> SurveyFacts:
    """The survey; without individuals if there is no session."""
    return SurveyFacts(
        "ridge",
        CAMERAS,
        [d for one in INDIVIDUALS for d in one.detections],
        start_s=START_S,
        end_s=START_S + 28 * DAY_S,
        title="Ridge <2023>",
        zone=HARARE,
        zone_name="Africa/Harare",
        session=state,
        individuals=INDIVIDUALS if state else (),
    )
