from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotted.errors import AlreadyExistsError, InvalidInputError
from spotted.formats.captures.history import LEAST_DAYS, CaptureHistory, build_capture_history
from spotted.formats.captures.tables import write_capture_history
from spotted.formats.csv_survey import read_csv_survey
from spotted.formats.timestamps import utc_seconds
from spotted.survey import Camera, Detection, Survey

DAY = 86_400.0
CAMERAS = {
    "B": Camera("B", 10.0, 20.0, start_s=2 * DAY, end_s=3.5 * DAY),
    "A": Camera("A", 1.0, 2.0, start_s=0.0, end_s=10 * DAY - 1.0),
    "C": Camera("C"),
}
SURVEY = Survey("s", 0.0, 10 * DAY - 1.0, cameras=CAMERAS)


def seen_at(*times: tuple[str, str, float | None]) -> tuple[list[Detection], dict[str, str]]:
    """Detections and individuals from (individual, camera, time)."""
    detections = [Detection(f"d{n}", camera, time_s) for n, (_, camera, time_s) in enumerate(times)]
    return detections, {f"d{n}": individual for n, (individual, _, _) in enumerate(times)}


def history(*times: tuple[str, str, float | None], occasion_days: int = 1) -> CaptureHistory:
    detections, individuals = seen_at(*times)
    return build_capture_history(SURVEY, detections, individuals, occasion_days=occasion_days)


@given(
    st.lists(st.tuples(st.sampled_from("xyz"), st.sampled_from("AB"), st.floats(0.0, 10 * DAY - 1.0))),
    st.integers(1, 11),
)
def test_the_table_is_what_a_plain_loop_says(times: list[tuple[str, str, float]], days: int) -> None:
    made = history(*times, occasion_days=days)
    assert made.occasions == -(-10 // days)
    expected = {(individual, int(time_s // (days * DAY))) for individual, _, time_s in times}
    rows, columns = np.nonzero(made.seen())
    found = {(made.individual_ids[r], int(c)) for r, c in zip(rows, columns, strict=True)}
    assert found == expected
    assert sum(capture.detections for capture in made.captures) == len(times)
    assert list(made.individual_ids) == sorted({individual for individual, _, _ in times})


def test_captures_are_one_row_an_individual_occasion_and_camera() -> None:
    made = history(("x", "A", 0.0), ("x", "A", 5.0), ("x", "B", 2.5 * DAY), ("w", "A", DAY))
    assert [(c.individual_id, c.occasion, c.camera_id, c.detections) for c in made.captures] == [
        ("w", 2, "A", 1),
        ("x", 1, "A", 2),
        ("x", 3, "B", 1),
    ]


def test_cameras_are_used_on_the_occasions_of_their_period() -> None:
    made = build_capture_history(SURVEY, [], {})
    assert [camera.camera_id for camera in made.cameras] == ["A", "B", "C"]
    assert made.usage.astype(int).tolist() == [[1] * 10, [0, 0, 1, 1, 0, 0, 0, 0, 0, 0], [0] * 10]
    (note,) = made.notes
    assert note.startswith("1 camera without a period, such as 'C', count as operating from the first to the")


def test_a_station_that_took_a_photograph_outside_its_periods_was_used_for_a_short_time() -> None:
    made = history(("x", "B", 8.5 * DAY))
    assert made.usage[1].nonzero()[0].tolist() == [2, 3, 8]
    assert made.effort_days[1].tolist() == [0, 0, 1, 0.5, 0, 0, 0, 0, LEAST_DAYS, 0]


def test_what_is_left_out_is_counted() -> None:
    made = history(("", "A", 0.0), ("x", "A", None), ("x", "", 0.0), ("x", "A", -1.0), ("x", "A", 99 * DAY))
    assert made.captures == ()
    assert made.notes[:3] == (
        "2 detections left out: outside the period of the survey",
        "2 detections left out: without a time or a camera",
        "1 detection left out: without an individual",
    )


def occasions_of(texts: Iterable[str], start: str, end: str, **options: str | float) -> list[int]:
    survey = Survey("s", utc_seconds(start), utc_seconds(end), cameras=CAMERAS)
    detections = [Detection(f"d{n}", "A", utc_seconds(text)) for n, text in enumerate(texts)]
    individuals = {d.detection_id: d.detection_id for d in detections}
    made = build_capture_history(survey, detections, individuals, **options)  # type: ignore[arg-type] # typed by name
    return [capture.occasion for capture in made.captures]


def test_days_are_those_of_the_time_zone_also_when_clocks_change() -> None:
    texts = [
        "2024-03-30T23:30+01:00",
        "2024-03-31T00:30+01:00",
        "2024-03-31T23:30+02:00",
        "2024-04-01T00:30+02:00",
    ]
    start, end = "2024-03-30T12:00+01:00", "2024-04-02T12:00+02:00"
    assert occasions_of(texts, start, end, timezone="Europe/Berlin") == [1, 2, 2, 3]
    assert occasions_of(texts, start, end) == [1, 1, 2, 2]


def test_a_day_may_begin_at_noon_for_animals_of_the_night() -> None:
    texts = ["2024-06-01T13:00Z", "2024-06-02T03:00Z", "2024-06-02T13:00Z"]
    start, end = "2024-06-01T12:00Z", "2024-06-05T00:00Z"
    assert occasions_of(texts, start, end, day_starts_at_h=12.0) == [1, 1, 2]
    assert occasions_of(texts, start, end) == [1, 2, 2]


def test_the_files_hold_what_the_history_holds(tmp_path: Path) -> None:
    made = history(("x", "A", 0.0), ("y, junior", "B", 2.5 * DAY), ("x", "C", DAY), occasion_days=5)
    write_capture_history(made, tmp_path / "out")
    tables = {
        name: list(csv.reader((tmp_path / "out" / name).read_text().splitlines()))
        for name in ("capture_history.csv", "captures.csv", "capture_cameras.csv")
    }
    assert tables["capture_history.csv"] == [
        ["individual", "o1", "o2"],
        ["x", "1", "0"],
        ["y, junior", "1", "0"],
    ]
    assert tables["captures.csv"] == [
        ["session", "individual", "occasion", "camera", "x_m", "y_m", "detections"],
        ["s", "x", "1", "A", "1.000", "2.000", "1"],
        ["s", "x", "1", "C", "", "", "1"],
        ["s", "y, junior", "1", "B", "10.000", "20.000", "1"],
    ]
    assert tables["capture_cameras.csv"][1:] == [
        ["A", "1.000", "2.000", "1", "1"],
        ["B", "10.000", "20.000", "1", "0"],
        ["C", "", "", "1", "0"],
    ]
    with pytest.raises(AlreadyExistsError):
        write_capture_history(made, tmp_path / "out")


@pytest.mark.parametrize(
    "options", [{"occasion_days": 0}, {"day_starts_at_h": 24.0}, {"timezone": "Mars/Base"}]
)
def test_impossible_occasions_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(InvalidInputError):
        build_capture_history(SURVEY, [], {}, **options)  # type: ignore[arg-type] # wrong on purpose


def test_real_captures_span_the_published_days(real_files: Path) -> None:
    directory = real_files / "captures" / "nagarahole_tigers"
    zone = "Asia/Kolkata"
    imported = read_csv_survey(directory / "cameras.csv", directory / "detections.csv", timezone=zone)
    individuals = {d.detection_id: d.individual_id for d in imported.detections}
    made = build_capture_history(imported.survey, imported.detections, individuals, timezone=zone)
    assert made.first_day == date(2000, 1, 1)
    assert (len(made.individual_ids), made.occasions) == (86, 48)
    with (directory / "detections.csv").open(newline="") as handle:
        expected = {(row["individual_id"], int(row["day_index"]) + 1) for row in csv.DictReader(handle)}
    rows, columns = np.nonzero(made.seen())
    assert {(made.individual_ids[r], int(c) + 1) for r, c in zip(rows, columns, strict=True)} == expected


def test_a_camera_without_a_period_operated_from_its_first_to_its_last_detection() -> None:
    made = history(("x", "C", 3.5 * DAY), ("", "C", 5.5 * DAY), ("x", "C", 1.5 * DAY))
    assert made.usage[2].astype(int).tolist() == [0, 1, 1, 1, 1, 1, 0, 0, 0, 0]


def test_paired_cameras_and_periods_of_one_are_one_trap_with_the_effort_of_both() -> None:
    cameras = {
        "P1": Camera("P1", 0.0, 0.0, start_s=0.0, end_s=2 * DAY, station="P"),
        "P2": Camera("P2", 10.0, 20.0, start_s=5 * DAY, end_s=6 * DAY, station="P"),
        "Q": Camera("Q", 99.0, 0.0, start_s=0.0, end_s=6 * DAY),
    }
    survey = Survey("s", 0.0, 6 * DAY, cameras=cameras)
    detections, individuals = seen_at(("x", "P1", 0.5 * DAY), ("x", "P2", 0.6 * DAY), ("x", "P2", 5.5 * DAY))
    made = build_capture_history(survey, detections, individuals)
    assert [(c.camera_id, c.x_m, c.y_m) for c in made.cameras] == [("P", 5.0, 10.0), ("Q", 99.0, 0.0)]
    assert made.usage.astype(int).tolist() == [[1, 1, 0, 0, 0, 1], [1] * 6]
    assert [(c.occasion, c.camera_id, c.detections) for c in made.captures] == [(1, "P", 2), (6, "P", 1)]


def test_a_period_that_ends_at_midnight_has_no_part_of_the_next_day() -> None:
    cameras = {"A": Camera("A", start_s=0.0, end_s=2 * DAY), "B": Camera("B", start_s=0.0, end_s=4 * DAY)}
    survey = Survey("s", 0.0, 4 * DAY, cameras=cameras)
    detections, individuals = seen_at(("x", "B", 4 * DAY))
    made = build_capture_history(survey, detections, individuals)
    assert made.usage.astype(int).tolist() == [[1, 1, 0, 0], [1] * 4]
    assert [c.occasion for c in made.captures] == [4]


quarters = st.integers(0, 39)


@given(st.lists(st.tuples(quarters, quarters), min_size=1, max_size=4))
def test_effort_is_that_of_a_plain_loop_over_days(periods: list[tuple[int, int]]) -> None:
    cameras = {
        f"C{n}": Camera(f"C{n}", start_s=min(p) * DAY / 4, end_s=max(p) * DAY / 4, station="S")
        for n, p in enumerate(periods)
    }
    survey = Survey("s", 0.0, 10 * DAY, cameras=cameras)
    made = build_capture_history(survey, [], {})
    for day in range(10):
        touched = any(
            (c.start_s or 0.0) < (day + 1) * DAY
            and ((c.end_s or 0.0) > day * DAY or c.start_s == c.end_s == day * DAY)
            for c in cameras.values()
        )
        assert made.usage[0, day] == touched
