from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from services.review.surveys.held import HeldSurvey
from services.review.surveys.moves import MOST_CAMERAS, Group, map_form
from spotted.client.aio import AsyncSpotted
from spotted.survey import Detection
from spotted.testing import fake_services
from spotted.v1 import scorer_pb2
from tests.services.review.images.test_places import INFO


def drawn(detections: list[Detection]) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """The map of cameras 1 km apart on a line, `nowhere` without a position, and the pairs asked for."""
    asked: list[tuple[str, str]] = []
    held = HeldSurvey(replace(INFO, end_s=1e6), {d.detection_id: d for d in detections})

    def explain(request: Any) -> scorer_pb2.ExplainPairResponse:  # noqa: ANN401 - a message
        pair = request.pair.first_detection_id, request.pair.second_detection_id
        asked.append(pair)
        first, second = (held.detections[one].camera_id for one in pair)
        answer = scorer_pb2.ExplainPairResponse()
        if "nowhere" not in {first, second}:
            answer.distance_m = 1000.0 * abs(int(first[1:]) - int(second[1:]))
            answer.station = "ford" if {first, second} == {"c0", "c2"} else ""
        return answer

    async def ask(address: str) -> dict[str, Any]:
        async with AsyncSpotted(embedder=address, scorer=address, sampler=address) as spotted:
            survey = spotted.survey("kruger")
            groups = [Group(detections[0].detection_id, detections)]
            shown = await map_form(survey, held, groups)
            # distances are asked for once
            assert await map_form(survey, held, groups) == shown
            return shown

    with fake_services({"ExplainPair": explain}) as blocking:
        return asyncio.run(ask(blocking.connection.scorer.address)), asked


def line(cameras: list[str], every_s: float = 3600.0) -> Iterator[Detection]:
    for n, camera in enumerate(cameras):
        yield Detection(f"d{n:02}", camera, n * every_s)


def test_legs_that_no_animal_makes_are_marked() -> None:
    shown, asked = drawn(list(line(["c0", "c2", "c2", "c99"])))
    (group,) = shown["groups"]
    assert [(leg["from"], leg["to"], leg["too_fast"]) for leg in group["legs"]] == [
        ("c0", "c2", False),
        ("c2", "c99", True),
    ]
    assert group["legs"][0]["journey"]["speed_kmh"] == 2.0
    assert (round(shown["width_m"]), shown["height"] < 0.01) == (99_000, True)
    assert len(asked) == 3


def test_a_leg_between_cameras_of_one_station_names_it() -> None:
    shown, _ = drawn(list(line(["c0", "c2", "c5"])))
    texts = [leg["journey"]["text"] for leg in shown["groups"][0]["legs"]]
    assert texts == ["same station ford, 1 hour later", "1 hour, 3 km apart, a steady walk"]


def test_a_time_outside_the_survey_makes_no_leg() -> None:
    odd = Detection("odd", "c9", 1e6 + 1.0)
    shown, _ = drawn([*line(["c0", "c2"]), odd])
    assert [leg["to"] for leg in shown["groups"][0]["legs"]] == ["c2"]
    assert len(shown["groups"][0]["sightings"]) == 3


def test_cameras_without_a_position_are_counted_and_not_drawn() -> None:
    shown, _ = drawn(list(line(["c0", "nowhere", "c3", ""])))
    assert [one["camera"] for one in shown["cameras"]] == ["c0", "c3"]
    assert shown["without_position"] == 1
    (group,) = shown["groups"]
    assert [leg["too_fast"] for leg in group["legs"]] == [False, False]
    assert group["legs"][0]["journey"]["distance_m"] is None


def test_one_camera_is_a_place_without_a_scale() -> None:
    shown, asked = drawn(list(line(["c5", "c5"])))
    assert (shown["cameras"], shown["scale_bar"], asked) == ([{"camera": "c5", "x": 0.0, "y": 0.0}], None, [])


def test_a_map_has_a_bound() -> None:
    shown, asked = drawn(list(line([f"c{n}" for n in range(MOST_CAMERAS + 4)])))
    assert len(shown["cameras"]) == MOST_CAMERAS
    assert len(asked) == MOST_CAMERAS * (MOST_CAMERAS - 1) / 2
