from __future__ import annotations

from spotted.formats.captures.by_side import build_by_side, side_note
from spotted.formats.captures.history import build_capture_history
from spotted.survey import Camera, Detection, Side, Survey

SURVEY = Survey("s", 0.0, 86_400.0 * 3 - 1, cameras={"C": Camera("C")})
DETECTIONS = [
    Detection("1", "C", 10.0, side=Side.LEFT),
    Detection("2", "C", 90_000.0, side=Side.RIGHT),
    Detection("3", "C", 90_001.0, side=Side.LEFT),
    Detection("4", "C", 180_000.0),
]
NAMES = {"1": "Asha", "2": "Tau", "3": "Both", "4": "Both"}


def test_each_side_is_the_history_of_its_photographs_with_the_effort_of_all() -> None:
    histories = build_by_side(SURVEY, DETECTIONS, NAMES)
    whole = build_capture_history(SURVEY, DETECTIONS, NAMES)
    for name, side in (("left", Side.LEFT), ("right", Side.RIGHT)):
        own = {d.detection_id: NAMES[d.detection_id] for d in DETECTIONS if d.side is side}
        assert histories[name].captures == build_capture_history(SURVEY, DETECTIONS, own).captures
        # the camera has no period: it operated from the first to the last photograph of any side
        assert histories[name].effort_days.tolist() == whole.effort_days.tolist()
    assert histories["left"].individual_ids == ("Asha", "Both")
    assert histories["right"].individual_ids == ("Tau",)


def test_animals_of_one_side_only_are_named_if_they_may_be_the_same() -> None:
    assert side_note(DETECTIONS, NAMES) == (
        "1 individual seen only from the left and 1 only from the right may be the same animals; count one "
        "side (`--for jags`), or compare opposite flanks"
    )
    assert side_note(DETECTIONS, {"1": "Asha", "2": "Asha"}) == ""
    assert side_note(DETECTIONS, {"1": "Asha", "4": "Both"}) == ""
