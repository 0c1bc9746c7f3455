from __future__ import annotations

import itertools
import math
from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spotted.errors import InvalidInputError
from spotted.simulation.survey import SimulatedSurvey, SimulationParams, simulate_survey


def made(seed: int, **changed: float) -> SimulatedSurvey:
    params = SimulationParams(**{"animals": 12, "cameras": 9, "detections": 80, **changed})  # type: ignore[arg-type] # numbers
    return simulate_survey(params, np.random.default_rng(seed), survey_id="s")


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_no_animal_travels_faster_than_it_can(seed: int) -> None:
    survey = made(seed)
    journeys = defaultdict(list)
    for shot in survey.shots:
        detection = shot.detection
        camera = survey.survey.cameras[detection.camera_id]
        assert detection.captured_at_s is not None
        journeys[shot.animal].append((detection.captured_at_s, camera.x_m or 0.0, camera.y_m or 0.0))
    for journey in journeys.values():
        for (t, *here), (u, *there) in itertools.pairwise(journey):
            km = math.dist(here, there) / 1000
            # times are written to the second
            assert km <= SimulationParams().speed_kmh * (u - t + 1) / 3600


def test_equal_seeds_give_equal_surveys_and_other_seeds_others() -> None:
    assert made(3) == made(3)
    assert made(3) != made(4)


def test_there_are_the_detections_and_animals_asked_for() -> None:
    survey = made(1)
    assert 80 <= len(survey.shots) <= 80 + SimulationParams().most_frames + 1
    assert len({shot.animal for shot in survey.shots}) == 12
    ids = [shot.detection.detection_id for shot in survey.shots]
    assert len(set(ids)) == len(ids)


def test_detections_come_in_the_order_of_their_times_within_the_survey() -> None:
    survey = made(2)
    times = [shot.detection.captured_at_s or 0.0 for shot in survey.shots]
    assert times == sorted(times)
    assert survey.survey.start_s <= times[0] <= times[-1] <= survey.survey.end_s


def test_animals_that_share_an_image_are_two_at_one_camera_and_time() -> None:
    survey = made(5, company=0.5)
    shared = defaultdict(list)
    for shot in survey.shots:
        shared[shot.detection.image_id].append(shot)
    pairs = [shots for shots in shared.values() if len(shots) > 1]
    assert pairs
    for shots in pairs:
        assert len({shot.animal for shot in shots}) == len(shots)
        assert len({(s.detection.camera_id, s.detection.captured_at_s) for s in shots}) == 1


def test_numbers_of_photographs_have_a_long_tail() -> None:
    counts = Counter(shot.animal for shot in made(6, detections=300).shots)
    assert max(counts.values()) > 2 * float(np.median(list(counts.values())))


@pytest.mark.parametrize("wrong", ["animals", "cameras", "detections", "days", "most_frames"])
def test_a_survey_of_nothing_is_refused(wrong: str) -> None:
    with pytest.raises(InvalidInputError, match="each must be at least 1"):
        made(0, **{wrong: 0})


@pytest.mark.parametrize("wrong", ["width_km", "home_km", "speed_kmh"])
def test_no_width_home_or_speed_is_refused(wrong: str) -> None:
    with pytest.raises(InvalidInputError, match=f"{wrong} 0"):
        made(0, **{wrong: 0})


def test_a_survey_without_room_for_its_detections_is_refused_and_ends() -> None:
    # visits of one animal are an hour apart, so a day holds at most 24 of them, of three frames each
    with pytest.raises(InvalidInputError, match=r"full at \d+ of 200 detections"):
        made(0, animals=1, cameras=1, days=1, detections=200)
