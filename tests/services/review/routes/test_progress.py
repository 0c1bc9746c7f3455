from __future__ import annotations

import asyncio
import json

from services.review.routes.progress import events
from spotted.client import Label
from spotted.client.aio import AsyncSpotted
from spotted.constraints import Answer
from tests.services.review.routes.test_evidence import merged
from tests.services.review.surveys_with_photographs import Page


def test_progress_has_advice_and_a_curve(page: Page) -> None:
    merged(page, ["cam/d03", "cam/d04", "cam/d06"])
    browser = page.browser()
    shown = browser.get(f"{page.session}/progress").json()
    assert (shown["same"], shown["trust"]) == (2, "single")
    assert [one["annotator"] for one in shown["annotators"]] == ["anna"]
    assert shown["advice"]
    points = browser.get(f"{page.session}/progress/curve").json()["points"]
    assert points == [{"answers": n, "merges": n} for n in range(3)]


def test_changes_are_sent_as_they_happen_with_heartbeats_between(page: Page) -> None:
    of = page.spotted.connection
    label = Label("cam/d03", "cam/d04", Answer.DIFFERENT, "ben")

    async def read() -> list[str]:
        async with AsyncSpotted(
            embedder=of.scorer.address, scorer=of.scorer.address, sampler=of.sampler.address
        ) as spotted:
            session = spotted.survey(page.survey_id).session("main")
            await session.next_pairs("ben")
            stream = events(session, heartbeat_s=0.05)
            seen = [await anext(stream)]
            while (beat := await anext(stream)) != ": nothing new\n\n":
                seen.append(beat)
            await session.submit_labels([label])
            while not (event := await anext(stream)).startswith("event"):
                pass
            await stream.aclose()  # type: ignore[attr-defined] # an asynchronous generator has it
            return [seen[0], event]

    first, second = asyncio.run(read())
    before, after = (json.loads(one.split("data: ")[1]) for one in (first, second))
    assert (before["different"], after["different"]) == (0, 1)


def test_a_stream_of_an_unknown_session_has_a_status(page: Page) -> None:
    path = f"/api/surveys/{page.survey_id}/sessions/nosuch/progress/stream"
    assert page.browser().get(path).status_code == 404
