from __future__ import annotations

import asyncio

import pytest

from services.sampler.individuals.watching import changes_since, watch_individuals
from spotted.errors import NotFoundError
from spotted.v1 import individuals_pb2 as pb
from tests.services.sampler.individuals.session import SESSION, OpenSession
from tests.waiting import PATIENCE_S


def since(session: OpenSession, cursor: str) -> pb.WatchIndividualsResponse:
    (response,) = session.view(lambda state: changes_since(state, cursor))
    return response


def test_a_watcher_begins_with_a_full_list(session: OpenSession) -> None:
    session.update("ind-d03", display_name="Sita")
    first = since(session, "")
    assert first.reset
    assert list(first.individuals) == sorted(session.listed(), key=lambda one: one.individual_id)
    again = since(session, first.cursor)
    assert (again.reset, again.cursor, len(again.individuals)) == (False, first.cursor, 0)


def test_only_what_changed_follows(session: OpenSession) -> None:
    cursor = since(session, "").cursor
    session.merge("ind-d02", "ind-d03")
    change = since(session, cursor)
    assert [one.individual_id for one in change.individuals] == ["ind-d02"]
    assert list(change.ended_individual_ids) == ["ind-d03"]
    session.split("ind-d02", "d03")
    change = since(session, change.cursor)
    assert [one.individual_id for one in change.individuals] == ["ind-d02", "ind-d03"]
    # both changes at once for one who was away: d03 has ended and is back
    change = since(session, cursor)
    assert [one.individual_id for one in change.individuals] == ["ind-d02", "ind-d03"]
    assert list(change.ended_individual_ids) == []


def test_a_label_that_changes_no_individual_moves_only_the_cursor(session: OpenSession) -> None:
    cursor = since(session, "").cursor
    session.label("d02", "d03", "SKIP")
    change = since(session, cursor)
    assert len(change.individuals) == 0
    assert change.cursor != cursor
    assert change.position == session.position


@pytest.mark.parametrize("cursor", ["x", "3", "3-", "3-0011223344556677", "99-00", "-1-00", "²-00", "0-"])
def test_a_cursor_of_another_journal_begins_again(session: OpenSession, cursor: str) -> None:
    response = since(session, cursor)
    assert response.reset
    assert len(response.individuals) == 12


def test_a_session_created_again_under_its_id_begins_again(session: OpenSession) -> None:
    cursor = since(session, "").cursor
    session.sampler.sessions.delete(session.survey_id, SESSION, "")
    session.sampler.create(session.survey_id)
    session.sampler.ask(session.survey_id)
    assert since(session, cursor).reset


def test_the_stream_sends_each_change_until_the_session_is_gone(session: OpenSession) -> None:
    request = pb.WatchIndividualsRequest(survey_id=session.survey_id, session_id=SESSION)

    async def watched() -> list[pb.WatchIndividualsResponse]:
        seen = []
        async for response in watch_individuals(session.sampler.sessions, request):
            seen.append(response)
            if len(seen) == 1:
                await asyncio.to_thread(session.merge, "ind-d02", "ind-d03")
            else:
                await asyncio.to_thread(
                    session.sampler.sessions.delete, session.survey_id, SESSION, "request"
                )
        return seen

    with pytest.raises(NotFoundError):
        asyncio.run(asyncio.wait_for(watched(), PATIENCE_S))
