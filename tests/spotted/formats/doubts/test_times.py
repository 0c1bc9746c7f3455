from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spotted.errors import InvalidInputError
from spotted.formats.doubts.timeline import Times
from spotted.formats.doubts.times import LONGEST_PERIOD_S, settle_times
from spotted.formats.picture import Picture
from spotted.survey import Camera, Detection

DAY_S = 86_400.0
# a whole day of 2023, so that ends of days are those of UTC
BASE_S = 19_500 * DAY_S


def at(day: float) -> float:
    return BASE_S + day * DAY_S


def camera(
    camera_id: str, first: float | None = 0.0, last: float | None = 60.0, *, clock_suspect: bool = False
) -> Camera:
    start_s, end_s = (None if day is None else at(day) for day in (first, last))
    return Camera(camera_id, 0.0, 0.0, start_s, end_s, clock_suspect=clock_suspect)


def photograph(camera_id: str, day: float, number: int = 0) -> Picture:
    name = f"{camera_id}-{day:g}-{number}"
    return Picture(Detection(name, camera_id, at(day)), None, source=f"m.csv row {name}")


def survey(count: int, *, with_periods: bool = True) -> tuple[dict[str, Camera], list[Picture]]:
    """Cameras of one season, five photographs each."""
    rng = np.random.default_rng(count)
    ids = [f"C{number:02}" for number in range(count)]
    cameras = {i: camera(i) if with_periods else Camera(i) for i in ids}
    pictures = [photograph(i, day, n) for i in ids for n, day in enumerate(rng.uniform(1.0, 59.0, 5))]
    return cameras, pictures


def undated(times: Times) -> list[str]:
    return [p.detection.camera_id for p in times.pictures if p.detection.captured_at_s is None]


def days(times: Times) -> tuple[float, float]:
    return round((times.start_s - BASE_S) / DAY_S, 3), round((times.end_s - BASE_S) / DAY_S, 3)


@pytest.mark.parametrize("count", [1, 2, 3, 8, 9, 30])
@pytest.mark.parametrize("with_periods", [True, False])
def test_a_clean_survey_stays_as_it_is(count: int, *, with_periods: bool) -> None:
    cameras, pictures = survey(count, with_periods=with_periods)
    times = settle_times(cameras, pictures)
    assert (times.cameras, times.pictures) == (cameras, pictures)
    assert times.doubts == times.notes == []
    instants = [p.detection.captured_at_s or 0.0 for p in pictures]
    expected = (at(0), at(60)) if with_periods else (min(instants), max(instants))
    assert (times.start_s, times.end_s) == expected


@pytest.mark.parametrize("count", [3, 12])
@pytest.mark.parametrize("day", [-8_500.0, 27_800.0, -200.0, 200.0])
def test_a_lone_photograph_far_outside_its_period_loses_its_time(count: int, day: float) -> None:
    cameras, pictures = survey(count)
    times = settle_times(cameras, [*pictures, photograph("C01", day)])
    assert undated(times) == ["C01"]
    assert times.cameras == cameras
    assert days(times) == (0.0, 60.0)
    (doubt,) = times.doubts
    assert doubt.startswith(f"m.csv row C01-{day:g}-0 was taken ")
    assert "its time is taken as unknown; correct one of the two" in doubt


@pytest.mark.parametrize("count", [3, 12])
@pytest.mark.parametrize("day", [-8_500.0, 27_800.0])
def test_without_periods_a_photograph_far_from_all_others_loses_its_time(count: int, day: float) -> None:
    cameras, pictures = survey(count, with_periods=False)
    times = settle_times(cameras, [*pictures, photograph("C01", day)])
    assert undated(times) == ["C01"]
    assert times.start_s > at(0)
    assert times.end_s < at(60)
    assert "lies far outside all other times of the survey" in times.doubts[0]


def test_few_photographs_on_few_days_are_all_believed() -> None:
    days_taken = [("A", 0.0), ("B", 0.1), ("A", 1.0), ("C", 20.0), ("C", 21.0), ("B", 90.0)]
    pictures = [photograph(*taken) for taken in days_taken]
    times = settle_times({i: Camera(i) for i in "ABC"}, pictures)
    assert times.pictures == pictures
    assert days(times) == (0.0, 90.0)
    assert not times.doubts


def test_a_photograph_slightly_outside_extends_the_period_and_is_named() -> None:
    cameras, pictures = survey(4)
    times = settle_times(cameras, [*pictures, photograph("C01", 63.0), photograph("C01", 64.0)])
    assert times.cameras["C01"].end_s == at(64.0)
    assert times.doubts[0].startswith("m.csv row C01-63-0 and 1 more: taken ")
    assert undated(times) == []


def test_an_end_at_midnight_may_be_the_day_that_begins_there() -> None:
    cameras, pictures = survey(4)
    times = settle_times(cameras, [*pictures, photograph("C01", 60.7)])
    assert times.doubts == []
    assert "the end is read as the end of that day" in times.notes[0]
    assert times.cameras["C01"].end_s == at(60.7)


def test_a_minute_of_rounding_extends_the_period_without_a_word() -> None:
    cameras, pictures = survey(4)
    times = settle_times(cameras, [*pictures, photograph("C01", -0.0005)])
    assert times.cameras["C01"].start_s == at(-0.0005)
    assert times.doubts == times.notes == []


@pytest.mark.parametrize("shift", [-8_500.0, 365.0])
def test_a_camera_most_of_whose_photographs_are_outside_has_a_suspect_clock(shift: float) -> None:
    cameras, pictures = survey(4)
    wrong = [
        replace(
            p, detection=replace(p.detection, captured_at_s=(p.detection.captured_at_s or 0) + shift * DAY_S)
        )
        if p.detection.camera_id == "C02"
        else p
        for p in pictures
    ]
    times = settle_times(cameras, wrong)
    assert times.pictures == wrong
    assert [i for i, c in times.cameras.items() if c.clock_suspect] == ["C02"]
    assert days(times) == (0.0, 60.0)
    assert "5 of 5 photographs of camera 'C02' lie outside its period" in times.doubts[0]
    assert times.cameras["C02"].start_s is None


def test_the_only_photograph_of_a_camera_far_outside_its_period_has_a_suspect_clock() -> None:
    cameras, pictures = survey(4)
    cameras["one"] = camera("one")
    times = settle_times(cameras, [*pictures, photograph("one", -8_500.0)])
    assert undated(times) == []
    assert [*times.clocks] == ["one"]
    assert days(times) == (0.0, 60.0)


@pytest.mark.parametrize("count", [3, 12])
@pytest.mark.parametrize("with_period", [True, False])
def test_a_camera_apart_from_all_others_in_time_has_a_suspect_clock(count: int, *, with_period: bool) -> None:
    cameras, pictures = survey(count)
    cameras["odd"] = camera("odd", -8_500.0, -8_450.0) if with_period else Camera("odd")
    odd = [photograph("odd", -8_490.0), photograph("odd", -8_480.0)]
    times = settle_times(cameras, [*pictures, *odd])
    assert [i for i, c in times.cameras.items() if c.clock_suspect] == ["odd"]
    assert days(times) == (0.0, 60.0)
    assert undated(times) == []
    (doubt,) = times.doubts
    assert doubt.startswith("camera 'odd' (")
    assert "such as m.csv row odd--8490-0" in doubt
    assert "its times count neither in scores nor in the period of the survey" in doubt
    assert times.clocks == {"odd": doubt}
    assert doubt.endswith("or confirm the times with --trust-clock odd")


@pytest.mark.parametrize(("count", "end"), [(3, 25_600.0), (12, 25_600.0), (12, 91.0)])
def test_a_period_that_no_detection_supports_does_not_count(count: int, end: float) -> None:
    cameras, pictures = survey(count)
    cameras["C01"] = camera("C01", 0.0, end)
    times = settle_times(cameras, pictures)
    assert days(times) == (0.0, 60.0)
    assert times.cameras == cameras
    assert times.ignored == {"C01"}
    assert "the period of camera 'C01' (" in times.doubts[0]


def test_a_longer_period_counts_if_a_detection_supports_it_or_it_is_not_much_longer() -> None:
    cameras, pictures = survey(12)
    cameras["C01"] = camera("C01", 0.0, 91.0)
    assert days(settle_times(cameras, [*pictures, photograph("C01", 85.0)])) == (0.0, 91.0)
    cameras["C01"] = camera("C01", 0.0, 85.0)
    assert days(settle_times(cameras, pictures)) == (0.0, 85.0)


def test_periods_of_decades_never_count_however_many() -> None:
    cameras, pictures = survey(4)
    decades = {i: camera(i, 0.0, LONGEST_PERIOD_S / DAY_S + 1.0) for i in cameras}
    instants = [p.detection.captured_at_s or 0.0 for p in pictures]
    times = settle_times(decades, pictures)
    assert (times.start_s, times.end_s) == (at(0), max(instants))


def test_of_a_period_wrong_at_both_ends_only_the_detections_count() -> None:
    cameras, pictures = survey(4)
    decades = {i: camera(i, -4_000.0, 25_000.0) for i in cameras}
    instants = [p.detection.captured_at_s or 0.0 for p in pictures]
    times = settle_times(decades, pictures)
    assert (times.start_s, times.end_s) == (min(instants), max(instants))
    early = settle_times({i: camera(i, -25_000.0, 60.0) for i in cameras}, pictures)
    assert (early.start_s, early.end_s) == (min(instants), at(60))


def test_a_wrong_end_does_not_hide_a_wrong_clock() -> None:
    cameras, pictures = survey(12)
    cameras["C01"] = camera("C01", 0.0, 25_600.0)
    odd = [photograph("odd", -8_490.0), photograph("odd", -8_480.0)]
    times = settle_times({**cameras, "odd": Camera("odd")}, [*pictures, *odd])
    assert days(times) == (0.0, 60.0)
    assert times.ignored == {"C01", "odd"}


def test_a_declared_suspect_clock_keeps_its_times_and_loses_its_period() -> None:
    cameras, pictures = survey(4)
    cameras["C01"] = camera("C01", clock_suspect=True)
    times = settle_times(cameras, [*pictures, photograph("C01", -8_500.0)])
    assert undated(times) == []
    assert times.cameras["C01"].start_s is None
    assert days(times) == (0.0, 60.0)
    assert "1 camera with images outside the period" in times.notes[0]


def test_the_order_of_photographs_changes_nothing() -> None:
    cameras, pictures = survey(9)
    pictures += [photograph("C01", -8_500.0), photograph("C02", 62.0), photograph("", 27_000.0)]
    first = settle_times(cameras, pictures)
    second = settle_times(cameras, pictures[::-1])
    assert (first.cameras, first.pictures) == (second.cameras, second.pictures[::-1])
    assert sorted(first.doubts) == sorted(second.doubts)
    assert (first.start_s, first.end_s) == (second.start_s, second.end_s)


def test_a_survey_without_any_time_is_refused_and_one_instant_lasts_a_day() -> None:
    with pytest.raises(InvalidInputError, match="the survey has no date"):
        settle_times({"A": Camera("A")}, [Picture(Detection("d", "A"), None)])
    only = settle_times({}, [photograph("", 5.0)])
    assert days(only) == (5.0, 6.0)
