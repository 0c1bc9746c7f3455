from __future__ import annotations

import pytest

from spotted import messages
from spotted.cli.question_text import describe, describe_group, tell
from spotted.survey import Detection
from spotted.v1 import sampler_pb2 as pb


def query(
    *, distance_m: float | None = None, gap_s: float | None = None, needed_speed_kmh: float | None = None
) -> pb.PairQuery:
    first = Detection("d1", "CAM1", 1_700_000_000.0, image_uri="/photos/a.jpg")
    return pb.PairQuery(
        first=messages.detection_message(first),
        second=messages.detection_message(Detection("d2")),
        reason="most alike",
        distance_m=distance_m,
        gap_s=gap_s,
        needed_speed_kmh=needed_speed_kmh,
    )


def test_a_question_shows_photographs_cameras_times_and_the_journey() -> None:
    told = describe(query(distance_m=12_340.0, gap_s=7200.0, needed_speed_kmh=6.17), 3)
    for part in ("Question 3: most alike", "d1: /photos/a.jpg", "CAM1", "2023-11-14 22:13:20 UTC"):
        assert part in told
    assert "12.3 km apart within 2.0 h, needs 6.2 km/h" in told


@pytest.mark.parametrize(("gap_s", "words"), [(90.0, "2 min"), (5400.0, "1.5 h"), (86_400.0 * 5, "5.0 days")])
def test_a_gap_is_told_in_a_unit_that_fits(gap_s: float, words: str) -> None:
    assert f"within {words}" in describe(query(distance_m=1.0, gap_s=gap_s, needed_speed_kmh=1.0), 1)


def test_what_is_unknown_is_told_to_be_unknown() -> None:
    told = describe(query(), 1)
    for part in ("d2: no image", "camera unknown", "time unknown", "distance or time unknown"):
        assert part in told


def test_the_candidates_of_a_gallery_are_numbered_after_their_anchor() -> None:
    found = [messages.detection_message(Detection(i)) for i in ("d5", "d3", "d4")]
    group = pb.GroupQuery(anchor=found[0], detections=found[1:], reason="which of these?")
    lines = [line for line in describe_group(group, 7).splitlines() if "image" in line]
    assert describe_group(group, 7).startswith("\nQuestion 7: which of these?")
    assert [line.strip() for line in lines] == ["d5: no image", "[1] d3: no image", "[2] d4: no image"]


def test_what_an_answer_did_is_told_once_and_only_where_it_matters(
    capsys: pytest.CaptureFixture[str],
) -> None:
    conflict = pb.Conflict(message="[a] was said to be [b]")
    tell(
        [
            pb.LabelOutcome(effect=pb.LABEL_EFFECT_MERGED),
            pb.LabelOutcome(effect=pb.LABEL_EFFECT_PENDING),
            pb.LabelOutcome(effect=pb.LABEL_EFFECT_PENDING),
            pb.LabelOutcome(effect=pb.LABEL_EFFECT_CONFLICT, conflict=conflict),
            pb.LabelOutcome(effect=pb.LABEL_EFFECT_SPLIT),
            pb.LabelOutcome(effect=pb.LABEL_EFFECT_REOPENED),
        ]
    )
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 4
    assert "does not suffice" in told[0]
    assert told[1] == "kept as a conflict: [a] was said to be [b]"
    assert "split" in told[2]
    assert "asked again" in told[3]
