from __future__ import annotations

import pytest

from spotted.errors import InvalidInputError
from spotted.formats.captures.history import build_capture_history
from spotted.formats.exports.placed import keep_placed
from spotted.survey import Camera, Detection, Survey

CAMERAS = {"A": Camera("A", 1.0, 2.0), "B": Camera("B")}
SURVEY = Survey("s", 0.0, 86_400.0, cameras=CAMERAS)
SEEN = [Detection("1", "A", 5.0), Detection("2", "B", 6.0)]


def test_stations_without_a_position_and_their_captures_are_left_out_and_counted() -> None:
    kept, notes = keep_placed(build_capture_history(SURVEY, SEEN, {"1": "x", "2": "y"}), "secr")
    assert [c.camera_id for c in kept.cameras] == ["A"]
    assert kept.usage.shape == kept.effort_days.shape == (1, 1)
    assert kept.individual_ids == ("x",)
    assert notes == ("secr: 1 station without a position left out, with 1 capture",)


def test_a_history_with_all_positions_stays_as_it_is() -> None:
    survey = Survey("s", 0.0, 86_400.0, cameras={"A": CAMERAS["A"]})
    history = build_capture_history(survey, SEEN[:1], {"1": "x"})
    kept, notes = keep_placed(history, "secr")
    assert (kept.captures, kept.cameras, notes) == (history.captures, history.cameras, ())


@pytest.mark.parametrize(
    ("individuals", "cameras", "why"),
    [
        ({"2": "y"}, CAMERAS, "no individual was photographed at a placed station"),
        ({"1": "x"}, {"A": Camera("A"), "B": Camera("B")}, "no station has a position"),
    ],
)
def test_nothing_to_model_in_space_is_refused_with_the_remedy(
    individuals: dict[str, str], cameras: dict[str, Camera], why: str
) -> None:
    history = build_capture_history(Survey("s", 0.0, 86_400.0, cameras=cameras), SEEN, individuals)
    with pytest.raises(InvalidInputError, match=f"oSCR needs captures .*{why}; give x_m"):
        keep_placed(history, "oSCR")
