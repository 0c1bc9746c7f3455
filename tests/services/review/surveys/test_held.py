from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from services.review.surveys.held import MOST_SURVEYS, HeldSurveys
from spotted.client.aio import AsyncSpotted
from spotted.errors import NotFoundError
from spotted.survey import Survey
from tests.services.review.surveys_with_photographs import COUNT, Page


def test_detections_are_read_again_only_after_a_change(page: Page) -> None:
    of = page.spotted.connection
    stored = list(page.survey.detections())

    async def ask() -> None:
        async with AsyncSpotted(
            embedder=of.scorer.address, scorer=of.scorer.address, sampler=of.sampler.address
        ) as spotted:
            surveys, survey = HeldSurveys(), spotted.survey(page.survey_id)
            first, *others = await asyncio.gather(*(surveys.get(survey) for _ in range(4)))
            assert all(one is first for one in others)
            assert list(first.detections) == [d.detection_id for d in stored]
            await survey.update(display_name="another", time_zone="UTC")
            renamed = await surveys.get(survey)
            assert renamed.info.display_name == "another"
            await survey.update_detections([replace(stored[0], species="lion")], ["species"])
            changed = await surveys.get(survey)
            assert changed.detection(stored[0].detection_id).species == "lion"
            with pytest.raises(NotFoundError, match="nosuch"):
                changed.detection("nosuch")
            with pytest.raises(NotFoundError):
                await surveys.get(spotted.survey("nosuch"))
            for n in range(MOST_SURVEYS):
                await spotted.create_survey(Survey(f"{page.survey_id}-{n}", 0.0, 1.0))
                await surveys.get(spotted.survey(f"{page.survey_id}-{n}"))
            assert len(surveys._held) == MOST_SURVEYS

    asyncio.run(ask())


def test_the_other_animals_of_an_image_come_with_their_boxes(page: Page) -> None:
    query = {"text": f"d{COUNT - 1}"}
    (shown,) = page.browser().get(f"/api/surveys/{page.survey_id}/photos", params=query).json()["photos"]
    assert [one["detection_id"] for one in shown["others"]] == [f"cam/d{COUNT - 2}"]
    assert shown["others"][0]["box"]["width"] == 0.5
