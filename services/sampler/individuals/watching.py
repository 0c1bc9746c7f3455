"""Changes of individuals as a stream, which resumes at a cursor on any replica."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from services.common.rpc.filling import Filling
from services.sampler.session.sessions import Sessions
from services.sampler.session.state import SessionState
from spotted.v1 import individuals_pb2 as pb

# longest delay before a watcher sees a change made by another replica
WATCH_POLL_S = 0.5


async def watch_individuals(
    sessions: Sessions, request: pb.WatchIndividualsRequest
) -> AsyncIterator[pb.WatchIndividualsResponse]:
    """The individuals from a cursor on, then each change."""
    key, cursor = (request.survey_id, request.session_id), request.cursor
    sent = -1
    while True:
        if await asyncio.to_thread(sessions.length, *key) != sent:
            parts = await asyncio.to_thread(_read, sessions, key, cursor)
            cursor, sent = parts[-1].cursor, parts[-1].position
            for part in parts:
                yield part
        await asyncio.sleep(WATCH_POLL_S)


def changes_since(state: SessionState, cursor: str) -> list[pb.WatchIndividualsResponse]:
    """The changes after a cursor, in parts that fit into messages; the last one has the new cursor."""
    register, individuals = state.identity.register, state.named_individuals
    since = _position(state, cursor)
    reset = since is None
    first = pb.WatchIndividualsResponse(reset=reset, position=state.position)
    filling = Filling(first, lambda: pb.WatchIndividualsResponse(position=state.position))
    for founder in () if since is None else register.ended_since(since):
        ended = individuals.id_of(founder)
        filling.with_room(len(ended.encode())).ended_individual_ids.append(ended)
    changed = register.present() if since is None else register.changed_since(since)
    for founder in sorted(changed, key=individuals.id_of):
        for part in individuals.parts([founder]):
            message = individuals.message(part)
            filling.with_room(message.ByteSize()).individuals.append(message)
    responses = filling.messages
    responses[-1].cursor = f"{state.position}-{state.identity.mark(state.position)}"
    return responses


def _position(state: SessionState, cursor: str) -> int | None:
    """The position of a cursor of this journal; None for another one, or none."""
    position, _, mark = cursor.partition("-")
    if not (mark and position.isascii() and position.isdigit()):
        return None
    return int(position) if state.identity.mark(int(position)) == mark else None


def _read(sessions: Sessions, key: tuple[str, str], cursor: str) -> list[pb.WatchIndividualsResponse]:
    return sessions.folded(*key).view(lambda state, _: changes_since(state, cursor))
