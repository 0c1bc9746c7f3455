from __future__ import annotations

import asyncio

from spotted.client import Label, Spotted, SurveyHandle
from spotted.client.aio.handles import AsyncSurveyHandle
from spotted.client.aio.spotted import AsyncSpotted
from spotted.constraints.answers import Answer
from spotted.facts import KnownIndividuals


def test_a_session_on_real_services_is_asked_answered_watched_and_undone(
    spotted: Spotted, handle: SurveyHandle
) -> None:
    async def answer(survey: AsyncSurveyHandle) -> None:
        session = await survey.create_session("main", known_individuals=KnownIndividuals.IGNORED)
        (pair,) = (await session.next_pairs("anna")).pairs
        label = Label(pair.first.detection_id, pair.second.detection_id, Answer.SAME, "anna")
        (outcome,) = (await session.submit_labels([label])).outcomes
        async for progress in session.watch_progress():
            assert progress.same == 1
            break
        sizes = [len(one.detection_ids) async for one in session.individuals()]
        assert sizes[0] == 2
        await session.individual((await anext(session.individuals())).individual_id).rename("Sita", "anna")
        assert [one.label_id for one in await session.labels()] == [outcome.label.label_id]
        assert (await session.retract_labels([outcome.label.label_id], "anna")).same == 0
        assert repr(session) == f"AsyncSessionHandle({handle.survey_id!r}, 'main')"

    async def main() -> None:
        of = spotted.connection
        async with AsyncSpotted(
            embedder=of.embedder.address, scorer=of.scorer.address, sampler=of.sampler.address
        ) as waiting:
            survey = waiting.survey(handle.survey_id)
            assert await survey.info() == handle.info()
            assert [one async for one in survey.cameras()] == list(handle.cameras())
            lists = [one async for one in survey.candidates(top_k=2)]
            assert lists == list(handle.candidates(top_k=2))
            await answer(survey)
            kinds = [event.kind async for event in survey.session("main").events()]
            assert kinds == [event.kind for event in handle.session("main").events()]

    asyncio.run(main())
