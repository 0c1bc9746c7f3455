from __future__ import annotations

import math

from spotted.formats.doubts.timeline import Times, instant_of, starts_and_ends
from spotted.formats.picture import Picture
from spotted.survey import Camera, Detection


def picture(camera_id: str, time_s: float | None) -> Picture:
    return Picture(Detection(f"{camera_id}-{time_s}", camera_id, time_s), None)


TIMES = Times(
    {
        "a": Camera("a", start_s=0.0, end_s=10.0),
        "idle": Camera("idle", end_s=5.0),
        "odd": Camera("odd", clock_suspect=True),
        "left out": Camera("left out", start_s=-99.0),
    },
    [picture("a", 12.0), picture("a", None), picture("odd", 7.0), picture("", 3.0), picture("a", 1.0)],
    ignored={"left out"},
)


def test_trusted_times_are_those_of_clocks_that_are_not_suspect() -> None:
    assert TIMES.taken() == {"a": [0, 4], "": [3]}
    assert TIMES.taken(trusted=False) == {"a": [0, 4], "odd": [2], "": [3]}
    assert TIMES.seen() == {"a": (1.0, 12.0), "": (3.0, 3.0)}


def test_the_whole_of_a_camera_is_its_period_and_its_trusted_times() -> None:
    assert TIMES.wholes() == {"a": (0.0, 12.0), "idle": (5.0, 5.0), "": (3.0, 3.0)}
    starts, ends = starts_and_ends(list(TIMES.wholes().values()))
    assert (starts.tolist(), ends.tolist()) == ([0.0, 5.0, 3.0], [12.0, 5.0, 3.0])


def test_an_unknown_time_is_no_number() -> None:
    assert [instant_of(one) for one in TIMES.pictures[:1]] == [12.0]
    assert math.isnan(instant_of(TIMES.pictures[1]))
