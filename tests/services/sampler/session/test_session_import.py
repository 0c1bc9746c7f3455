"""Journals that arrive: whole and right, or refused with nothing stored."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import AsyncIterator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

import pytest

from services.common.store import keys
from services.common.store.store import Store
from services.sampler.session.progress import full_progress
from services.sampler.session.session_import import MOST_EVENTS, import_session
from services.sampler.session.state import SessionState
from spotted.errors import AlreadyExistsError, InvalidInputError, NotFoundError
from spotted.v1 import sampler_pb2 as pb
from tests.services.sampler.journals import DAMAGES, journal_of, toy_scorer
from tests.services.sampler.surveys import Sampler, plant_survey

LAST = pb.ImportSessionRequest(complete=True)


@pytest.fixture
def sampler(store: Store) -> Sampler:
    return Sampler(store, toy_scorer())


@pytest.fixture
def journal(sampler: Sampler, survey_id: str) -> list[pb.SessionEvent]:
    return journal_of(sampler, survey_id)


def bring(
    sampler: Sampler, survey_id: str, session_id: str, messages: Iterable[Sequence[pb.SessionEvent]]
) -> None:
    """Import messages of events."""

    parts = (pb.ImportSessionRequest(events=events) for events in messages)
    first = pb.ImportSessionRequest(survey_id=survey_id, session_id=session_id)
    send(sampler, chain([first], parts, [LAST]))


def send(sampler: Sampler, messages: Iterable[pb.ImportSessionRequest]) -> None:
    """Import a stream."""

    async def stream() -> AsyncIterator[pb.ImportSessionRequest]:
        for message in messages:
            yield message

    asyncio.run(import_session(sampler.sessions.begin_import, stream()))


def all_of(sampler: Sampler, survey_id: str, session_id: str) -> tuple[object, ...]:
    """The contents of a session, except its ids."""

    def look(state: SessionState, position: int) -> tuple[object, ...]:
        return (
            full_progress(state, position),
            [i.SerializeToString() for i in state.named_individuals.messages()],
            state.outcomes,
            state.labels,
            state.detection_ids,
            state.bursts,
            state.mixed_bursts,
            state.audit,
            state.trust,
            list(state.queue.open_pairs()),
            (state.session.seed, state.session.create_time, state.session.strategy),
        )

    return sampler.sessions.folded(survey_id, session_id).view(look)


def stored(store: Store, survey_id: str, session_id: str) -> list[str]:
    """The keys of a session, and whether it is listed."""
    prefix = f"{keys.of_survey(survey_id)}session:{session_id}:"
    listed = [session_id] if session_id in store.members(keys.sessions(survey_id)) else []
    return store.names(prefix) + listed


def test_an_imported_session_is_as_it_was_and_asks_the_same_next(
    sampler: Sampler, store: Store, survey_id: str, journal: list[pb.SessionEvent]
) -> None:
    bring(sampler, survey_id, "copy", [journal[:3], [], journal[3:]])
    other = Sampler(store, toy_scorer())
    assert all_of(other, survey_id, "copy") == all_of(sampler, survey_id, "main")
    asked = [other.planner.plan(survey_id, name, frozenset()) for name in ("main", "copy")]
    assert asked[0] is not None
    assert asked[0] == asked[1]
    moved = other.sessions.events(survey_id, "copy")
    for event in moved:
        event.ClearField("import_id")
    moved[0].created.session_id = "main"
    assert moved == journal
    copy = other.sessions.get(survey_id, "copy")
    assert (copy.session_id, copy.survey_id, copy.position) == ("copy", survey_id, len(journal))
    assert other.sessions.list_ids(survey_id) == ["copy", "main"]


def test_an_imported_session_goes_on(
    sampler: Sampler, survey_id: str, journal: list[pb.SessionEvent]
) -> None:
    bring(sampler, survey_id, "copy", [journal])
    said = pb.Label(
        first_detection_id="d00",
        second_detection_id="d15",
        answer=pb.ANSWER_DIFFERENT,
        annotator_id="dora",
    )
    given = pb.LabelsGiven(labels=[said])
    (outcome,), _ = sampler.sessions.submit(survey_id, "copy", given, "", full_progress)
    assert outcome.label.label_id == f"{len(journal) + 1}-1"


def test_a_journal_imports_into_another_survey_with_its_detections(
    sampler: Sampler, survey_id: str, journal: list[pb.SessionEvent]
) -> None:
    plant_survey(sampler.store, f"{survey_id}-2")
    bring(sampler, f"{survey_id}-2", "main", [journal])
    assert all_of(sampler, f"{survey_id}-2", "main") == all_of(sampler, survey_id, "main")
    assert sampler.sessions.get(f"{survey_id}-2", "main").survey_id == f"{survey_id}-2"


def test_an_equal_journal_that_is_there_is_a_success_and_another_is_not(
    sampler: Sampler, store: Store, survey_id: str, journal: list[pb.SessionEvent]
) -> None:
    bring(sampler, survey_id, "main", [journal])
    assert sampler.sessions.events(survey_id, "main") == journal
    bring(sampler, survey_id, "copy", [journal])
    before = sampler.sessions.events(survey_id, "copy")
    bring(sampler, survey_id, "copy", [before])
    assert sampler.sessions.events(survey_id, "copy") == before
    with pytest.raises(AlreadyExistsError, match="another journal"):
        bring(sampler, survey_id, "copy", [journal[:-1]])
    assert sampler.sessions.events(survey_id, "copy") == before
    assert len(stored(store, survey_id, "copy")) == 3


def test_a_replica_that_knew_more_of_a_deleted_session_reads_the_imported_one(
    sampler: Sampler, store: Store, survey_id: str, journal: list[pb.SessionEvent]
) -> None:
    replica = Sampler(store, toy_scorer())
    pair = sampler.ask(survey_id, "dora")[0]
    sampler.answer(survey_id, pair, pb.ANSWER_SAME, "dora")
    assert all_of(replica, survey_id, "main") == all_of(sampler, survey_id, "main")
    sampler.sessions.delete(survey_id, "main", "")
    bring(sampler, survey_id, "main", [journal])
    while (
        len(sampler.sessions.events(survey_id, "main"))
        < replica.sessions.folded(survey_id, "main").peek().position
    ):
        sampler.answer(survey_id, pair, pb.ANSWER_DIFFERENT, "dora")
    assert all_of(replica, survey_id, "main") == all_of(sampler, survey_id, "main")


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_journal_is_refused_at_its_event_and_nothing_is_stored(
    sampler: Sampler, store: Store, survey_id: str, journal: list[pb.SessionEvent], damage: str
) -> None:
    break_it, words = DAMAGES[damage]
    break_it(journal)
    with pytest.raises(InvalidInputError, match=words) as caught:
        bring(sampler, survey_id, "copy", ([event] for event in journal))
    number = re.match(r"event (\d+): ", str(caught.value))
    assert number is not None
    assert caught.value.field == f"events[{int(number[1]) - 1}]"
    assert stored(store, survey_id, "copy") == []


def test_a_stream_that_is_not_a_journal_is_refused(
    sampler: Sampler, store: Store, survey_id: str, journal: list[pb.SessionEvent]
) -> None:
    wrong: list[tuple[str, str, list[list[pb.SessionEvent]], str]] = [
        (survey_id, "copy", [], "no event"),
        (survey_id, "a b", [journal], "session_id"),
        ("a b", "copy", [journal], "survey_id"),
        (survey_id, "copy", [journal[:1] * (MOST_EVENTS + 1)], "use 0 to 1000"),
    ]
    for in_survey, session_id, messages, words in wrong:
        with pytest.raises(InvalidInputError, match=words):
            bring(sampler, in_survey, session_id, messages)
    with pytest.raises(NotFoundError):
        bring(sampler, "nosuch", "copy", [journal])
    assert stored(store, survey_id, "copy") == []


def test_a_stream_without_its_last_message_broke_off_and_stores_nothing(
    sampler: Sampler, store: Store, survey_id: str, journal: list[pb.SessionEvent]
) -> None:
    # what is left of a journal that broke off between two events is a journal too
    most = pb.ImportSessionRequest(survey_id=survey_id, session_id="copy", events=journal[:-1])
    rest = pb.ImportSessionRequest(events=journal[-1:])
    for messages, words in (
        ([], "without a message that has complete set"),
        ([most], "without a message that has complete set"),
        ([most, rest], "without a message that has complete set"),
        ([most, LAST, rest], "follows the one with complete set"),
        ([most, LAST, LAST], "follows the one with complete set"),
    ):
        with pytest.raises(InvalidInputError, match=words) as caught:
            send(sampler, messages)
        assert caught.value.field == "complete"
        assert stored(store, survey_id, "copy") == []


class Killed(BaseException):
    """The end of a stream in the middle."""


def test_a_stream_that_is_killed_half_way_leaves_nothing(
    sampler: Sampler, store: Store, survey_id: str, journal: list[pb.SessionEvent]
) -> None:
    seen: list[list[str]] = []

    def cut() -> Iterable[list[pb.SessionEvent]]:
        yield journal[:4]
        seen.append(stored(store, survey_id, "copy"))
        raise Killed

    with pytest.raises(Killed):
        bring(sampler, survey_id, "copy", cut())
    (half,) = seen[0]
    assert ":upload:" in half
    assert stored(store, survey_id, "copy") == []
    with pytest.raises(NotFoundError):
        sampler.sessions.get(survey_id, "copy")


def test_a_stream_that_is_cancelled_while_it_is_ended_leaves_nothing(
    sampler: Sampler, store: Store, survey_id: str, journal: list[pb.SessionEvent]
) -> None:
    part = pb.ImportSessionRequest(survey_id=survey_id, session_id="copy", events=journal[:4])

    async def cut_off() -> None:
        loop, free = asyncio.get_running_loop(), threading.Event()
        loop.set_default_executor(ThreadPoolExecutor(1))
        broken = asyncio.Event()

        async def stream() -> AsyncIterator[pb.ImportSessionRequest]:
            yield part
            # no thread is free from now on
            loop.run_in_executor(None, free.wait)
            broken.set()

        importing = asyncio.create_task(import_session(sampler.sessions.begin_import, stream()))
        await broken.wait()
        assert len(stored(store, survey_id, "copy")) == 1
        importing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await importing
        free.set()
        # after what waited before it
        await asyncio.to_thread(lambda: None)

    asyncio.run(cut_off())
    assert stored(store, survey_id, "copy") == []


def test_what_a_sampler_left_that_died_is_forgotten_and_in_nobodys_way(
    sampler: Sampler, store: Store, survey_id: str, journal: list[pb.SessionEvent]
) -> None:
    sampler.sessions.begin_import(survey_id, "copy").append(journal[:4])
    (half,) = stored(store, survey_id, "copy")
    expires = store.script("return redis.call('TTL', KEYS[1])", writes=False)
    assert 0 < int(str(expires([half], []))) <= 3600
    bring(sampler, survey_id, "copy", [journal])
    opened = keys.session_journal(survey_id, "copy")
    assert expires([opened], []) == -1
    assert stored(store, survey_id, "copy") == [*sorted([half, opened, opened + keys.LENGTH]), "copy"]


def test_a_part_that_comes_after_the_end_is_not_stored(
    sampler: Sampler, store: Store, survey_id: str, journal: list[pb.SessionEvent]
) -> None:
    upload = sampler.sessions.begin_import(survey_id, "copy")
    upload.discard()
    upload.append(journal[:4])
    assert stored(store, survey_id, "copy") == []
