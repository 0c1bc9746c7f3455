from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotted.errors import InvalidInputError
from spotted.formats.imported_survey import (
    ImportedSurvey,
    assemble,
    format_count,
    survey_slug,
    trust_clocks,
)
from spotted.formats.picture import Picture
from spotted.formats.timestamps import DAY_S
from spotted.scoring.geometry import time_outside
from spotted.survey import Camera, Detection, detection_table


def picture(detection_id: str, camera_id: str, time_s: float | None) -> Picture:
    return Picture(Detection(detection_id, camera_id, time_s), None)


@given(st.text())
def test_a_survey_id_can_always_be_made(text: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", survey_slug(text))


def test_a_good_survey_id_stays() -> None:
    assert survey_slug("Kruger_2024.1") == "Kruger_2024.1"
    assert survey_slug(" Kruger / north ") == "Kruger-north"


def test_counts_carry_their_noun() -> None:
    assert [format_count(n, "camera") for n in (0, 1, 2_000)] == ["0 cameras", "1 camera", "2,000 cameras"]


def test_the_survey_spans_periods_and_detections_of_trusted_clocks() -> None:
    cameras = {
        "a": Camera("a", 0.0, 0.0, start_s=100.0, end_s=200.0),
        "b": Camera("b", 0.0, 0.0),
        "c": Camera("c", 0.0, 0.0, clock_suspect=True),
    }
    pictures = [
        picture("1", "b", 50.0),
        picture("2", "b", 250.0),
        picture("3", "c", 9_999.0),
        picture("4", "", None),
    ]
    survey = assemble("s", "", cameras, {}, pictures, []).survey
    assert (survey.start_s, survey.end_s) == (50.0, 250.0)
    only_suspect = assemble("s", "", {"c": cameras["c"]}, {}, pictures[2:], []).survey
    assert only_suspect.start_s == 9_999.0


def test_a_survey_without_any_time_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="the survey has no date"):
        assemble("s", "", {"a": Camera("a")}, {}, [picture("1", "a", None)], [])


def test_fitted_periods_hold_all_detections_in_any_order() -> None:
    cameras = {"a": Camera("a", 0.0, 0.0, start_s=100.0, end_s=200.0)}
    pictures = [
        picture("1", "a", 80.0),
        picture("2", "a", 90.0),
        picture("3", "a", 230.0),
        picture("4", "a", 210.0),
    ]
    for order in (pictures, pictures[::-1]):
        camera = assemble("s", "", cameras, {}, order, []).survey.cameras["a"]
        assert (camera.start_s, camera.end_s) == (80.0, 230.0)


def test_a_camera_far_from_all_others_is_named_with_its_distance_and_remedy() -> None:
    cameras = {i: Camera(i, start_s=0.0, end_s=60.0) for i in ("a", "b", "c")}
    positions = {"a": (-24.5, 31.5), "b": (-24.52, 31.52), "c": (24.54, 31.54)}
    imported = assemble("s", "S", cameras, positions, [], [])
    (note,) = [note for note in imported.notes if "'c'" in note]
    assert re.match(r"camera 'c' lies 5,4\d\d km from all others \(latitude 24.54, longitude 31.54\)", note)
    assert "correct it and import again" in note
    assert imported.survey.extent().distance_m < 4000.0


def test_a_far_camera_in_metres_is_named_with_its_metres() -> None:
    cameras = {i: Camera(i, x, 0.0, start_s=0.0) for i, x in (("a", 0.0), ("b", 500.0), ("c", 1e6))}
    detection = Picture(Detection("d", "a", captured_at_s=50.0), path=None)
    imported = assemble("s", "S", cameras, {}, [detection], [])
    assert [note for note in imported.notes if note.startswith("camera 'c' lies 1,000 km from all others")]


START_S, END_S = 20_000 * DAY_S, 20_015 * DAY_S


def wrong_clock() -> ImportedSurvey:
    """Nine cameras of one season, and one whose clock was reset to the year 2000."""
    cameras = {f"c{n}": Camera(f"c{n}", 100.0 * n, 0.0, start_s=START_S, end_s=END_S) for n in range(10)}
    pictures = [picture(f"{i}-{n}", i, START_S + 5 * n * DAY_S) for i in cameras for n in range(4)]
    reset = [
        replace(
            p,
            detection=replace(p.detection, captured_at_s=(p.detection.captured_at_s or 0.0) - 9_000 * DAY_S),
        )
        if p.detection.camera_id == "c3"
        else p
        for p in pictures
    ]
    return assemble("s", "", cameras, {}, reset, ["read"])


def test_a_wrong_clock_keeps_its_times_which_count_neither_in_the_survey_nor_in_scores() -> None:
    imported = wrong_clock()
    survey = imported.survey
    assert (survey.start_s, survey.end_s) == (START_S, END_S)
    assert [i for i, c in survey.cameras.items() if c.clock_suspect] == ["c3"]
    assert all(d.captured_at_s is not None for d in imported.detections)
    table = detection_table(imported.detections, survey.cameras)
    outside = time_outside(table, np.arange(40), survey.extent())
    assert {imported.detections[row].camera_id for row in np.flatnonzero(outside)} == {"c3"}
    assert outside.sum() == 4
    (note,) = imported.clock_doubts.values()
    assert note in imported.notes
    assert "such as detection 'c3-0'" in note
    assert note.endswith("confirm the times with --trust-clock c3")


def test_a_confirmed_clock_counts_like_all_others_and_is_not_named() -> None:
    imported = trust_clocks(wrong_clock(), ["c3"])
    survey = imported.survey
    assert (survey.start_s, survey.end_s) == (START_S - 9_000 * DAY_S, END_S)
    assert not any(camera.clock_suspect for camera in survey.cameras.values())
    assert not any("clock" in note for note in imported.notes)
    assert imported.notes[0] == "read"
    with pytest.raises(InvalidInputError, match="--trust-clock c99: the files have no such camera"):
        trust_clocks(imported, ["c99"])
