from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from spotted.cli.asking.question_text import describe, describe_group, print_effects
from spotted.client import Label, QuestionKind
from spotted.client.values import Conflict, GroupQuery, PairQuery, StoredLabel
from spotted.constraints.answers import Answer, LabelEffect
from spotted.survey import Detection, Side

LABEL = Label("a", "b", Answer.SAME, "anna")


def query(
    *, distance_m: float | None = None, gap_s: float | None = None, needed_speed_kmh: float | None = None
) -> PairQuery:
    return PairQuery(
        first=Detection("d1", "CAM1", 1_700_000_000.0, image_uri="/photos/a.jpg"),
        second=Detection("d2"),
        reason="most alike",
        score=0.5,
        distance_m=distance_m,
        gap_s=gap_s,
        needed_speed_kmh=needed_speed_kmh,
        lease_expires_at_s=None,
    )


def test_a_question_shows_photographs_cameras_times_and_the_journey() -> None:
    text = describe(query(distance_m=12_340.0, gap_s=7200.0, needed_speed_kmh=6.17), 3)
    for part in ("Question 3: most alike", "d1: /photos/a.jpg", "CAM1", "2023-11-14 22:13:20 UTC"):
        assert part in text
    assert "2 hours, 12 km apart, a run" in text


def test_times_are_shown_in_the_zone_of_the_survey() -> None:
    shown = {zone: describe(query(), 1, ZoneInfo(zone)) for zone in ("Africa/Harare", "Europe/Oslo")}
    assert "2023-11-15 00:13:20 CAT" in shown["Africa/Harare"]
    assert "2023-11-14 23:13:20 CET" in shown["Europe/Oslo"]


def test_sides_are_shown_and_opposite_ones_named() -> None:
    left = replace(query().first, side=Side.LEFT)
    right = replace(query().second, side=Side.RIGHT)
    text = describe(replace(query(), first=left, second=right), 1)
    for part in ("left side", "right side", "opposite sides"):
        assert part in text
    assert "side" not in describe(query(), 1)


def test_unknown_values_are_called_unknown() -> None:
    text = describe(query(), 1)
    for part in ("d2: no image", "camera unknown", "time unknown", "distance and time unknown"):
        assert part in text


def test_the_candidates_of_a_gallery_are_numbered_after_their_anchor() -> None:
    anchor, *shown = (Detection(i) for i in ("d5", "d3", "d4"))
    group = GroupQuery(QuestionKind.GALLERY, anchor, tuple(shown), "which of these?", (0.9, 0.5), None)
    lines = [line for line in describe_group(group, 7).splitlines() if "image" in line]
    assert describe_group(group, 7).startswith("\nQuestion 7: which of these?")
    assert [line.strip() for line in lines] == ["d5: no image", "[1] d3: no image", "[2] d4: no image"]


def test_effects_are_printed_once_and_only_if_they_matter(capsys: pytest.CaptureFixture[str]) -> None:
    conflict = Conflict(LABEL, (), (), "[a] was said to be [b]")
    effects = [
        (LabelEffect.MERGED, None),
        (LabelEffect.PENDING, None),
        (LabelEffect.PENDING, None),
        (LabelEffect.CONFLICT, conflict),
        (LabelEffect.SPLIT, None),
        (LabelEffect.REOPENED, None),
        (LabelEffect.GONE, None),
    ]
    print_effects(StoredLabel(LABEL, effect, 0, contradicted) for effect, contradicted in effects)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 5
    assert "not enough evidence yet" in lines[0]
    assert lines[1] == "kept as a conflict: [a] was said to be [b]"
    assert "split" in lines[2]
    assert "asked again" in lines[3]
    assert "deleted or replaced before your answer came" in lines[4]
