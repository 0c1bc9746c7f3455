"""The sampler's rpcs: decode, call, encode."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

from services.common.rpc import checks
from services.sampler import wire
from services.sampler.questions.next_questions import NextQuestions
from services.sampler.session.progress import full_progress, quick_progress
from services.sampler.session.session_import import import_session
from services.sampler.session.sessions import Sessions
from services.sampler.session.state import SessionState
from spotted.v1 import sampler_pb2 as pb
from spotted.v1 import sampler_pb2_grpc

# longest delay before a watcher sees a change made by another replica
WATCH_POLL_S = 0.5

ViewT = TypeVar("ViewT")


class SamplerServicer(sampler_pb2_grpc.SamplerServiceServicer):
    """spotted.v1.SamplerService."""

    def __init__(self, sessions: Sessions, questions: NextQuestions) -> None:
        self._sessions = sessions
        self._questions = questions

    async def CreateSession(self, request: pb.CreateSessionRequest, _: object) -> pb.CreateSessionResponse:
        """Create a session."""
        session = wire.new_session(request)
        stored = await asyncio.to_thread(self._sessions.create, session, request.request_id)
        return pb.CreateSessionResponse(session=stored)

    async def GetSession(self, request: pb.GetSessionRequest, _: object) -> pb.GetSessionResponse:
        """Read a session."""
        stored = await asyncio.to_thread(self._sessions.get, request.survey_id, request.session_id)
        return pb.GetSessionResponse(session=stored)

    async def ListSessions(self, request: pb.ListSessionsRequest, _: object) -> pb.ListSessionsResponse:
        """List the sessions of a survey."""
        ids = await asyncio.to_thread(self._sessions.list_ids, request.survey_id)
        size = checks.page_size(request.page_size, default=100, largest=1000)
        page, token = checks.page(ids, size, request.page_token, "sessions", request.survey_id)
        sessions = await asyncio.to_thread(self._sessions.existing, request.survey_id, page)
        return pb.ListSessionsResponse(sessions=sessions, next_page_token=token)

    async def DeleteSession(self, request: pb.DeleteSessionRequest, _: object) -> pb.DeleteSessionResponse:
        """Delete a session."""
        ids = request.survey_id, request.session_id
        await asyncio.to_thread(self._sessions.delete, *ids, request.request_id)
        return pb.DeleteSessionResponse()

    async def NextPairs(self, request: pb.NextPairsRequest, _: object) -> pb.NextPairsResponse:
        """Lease the next questions to an annotator."""
        wanted = wire.question_request(request)
        ids = request.survey_id, request.session_id
        batch = await asyncio.to_thread(self._questions.next_pairs, *ids, wanted)
        return wire.next_pairs_response(batch)

    async def SubmitLabels(self, request: pb.SubmitLabelsRequest, _: object) -> pb.SubmitLabelsResponse:
        """Store answers."""
        labels = wire.labels_to_store(request)
        outcomes, progress = await asyncio.to_thread(
            self._sessions.submit,
            request.survey_id,
            request.session_id,
            labels,
            request.request_id,
            quick_progress,
        )
        return pb.SubmitLabelsResponse(outcomes=outcomes, progress=progress)

    async def RetractLabels(self, request: pb.RetractLabelsRequest, _: object) -> pb.RetractLabelsResponse:
        """Retract labels."""
        labels = wire.labels_to_retract(request)
        progress = await asyncio.to_thread(
            self._sessions.retract,
            request.survey_id,
            request.session_id,
            labels,
            request.request_id,
            quick_progress,
        )
        return pb.RetractLabelsResponse(progress=progress)

    async def ListConflicts(self, request: pb.ListConflictsRequest, _: object) -> pb.ListConflictsResponse:
        """List the labels that contradict earlier ones."""
        ids = request.survey_id, request.session_id
        conflicts = await self._view(*ids, lambda state, _: state.conflicts())
        size = checks.page_size(request.page_size, default=100, largest=1000)
        arguments = request.page_token, *wire.page_arguments(request)
        page, token = checks.message_page(conflicts, lambda conflict: conflict, size, *arguments)
        return pb.ListConflictsResponse(conflicts=page, next_page_token=token)

    async def GetProgress(self, request: pb.GetProgressRequest, _: object) -> pb.GetProgressResponse:
        """Return the progress of a session."""
        progress = await self._view(request.survey_id, request.session_id, full_progress)
        return pb.GetProgressResponse(progress=progress)

    async def WatchProgress(
        self, request: pb.WatchProgressRequest, _: object
    ) -> AsyncIterator[pb.WatchProgressResponse]:
        """Stream progress: the current state, then each change."""
        sent_position = -1
        ids = request.survey_id, request.session_id
        while True:
            await asyncio.to_thread(self._sessions.follow, *ids)
            if await asyncio.to_thread(self._sessions.folded(*ids).journal.length) != sent_position:
                progress = await self._view(*ids, full_progress)
                sent_position = progress.position
                yield pb.WatchProgressResponse(progress=progress)
            await asyncio.sleep(WATCH_POLL_S)

    async def ListIndividuals(
        self, request: pb.ListIndividualsRequest, _: object
    ) -> pb.ListIndividualsResponse:
        """List the individuals according to the labels."""
        ids = request.survey_id, request.session_id
        individuals = await self._view(*ids, lambda state, _: state.individuals())
        size = checks.page_size(request.page_size, default=1000, largest=10_000)
        arguments = request.page_token, *wire.page_arguments(request)
        page, token = checks.message_page(individuals, lambda individual: individual, size, *arguments)
        return pb.ListIndividualsResponse(individuals=page, next_page_token=token)

    async def ListEvents(self, request: pb.ListEventsRequest, _: object) -> pb.ListEventsResponse:
        """List the session's journal."""
        ids, arguments = (request.survey_id, request.session_id), wire.page_arguments(request)
        start = checks.page_start(request.page_token, arguments)
        size = checks.page_size(request.page_size, default=100, largest=1000)
        events, more = await asyncio.to_thread(self._sessions.events_page, *ids, start, size)
        token = checks.page_token(start + len(events), arguments) if more else ""
        return pb.ListEventsResponse(events=events, next_page_token=token)

    async def ImportSession(
        self, request_iterator: AsyncIterator[pb.ImportSessionRequest], _: object
    ) -> pb.ImportSessionResponse:
        """Create a session from a journal."""
        ids = await import_session(self._sessions.begin_import, request_iterator)
        stored = await asyncio.to_thread(self._sessions.get, *ids)
        return pb.ImportSessionResponse(session=stored)

    async def _view(
        self, survey_id: str, session_id: str, look: Callable[[SessionState, int], ViewT]
    ) -> ViewT:
        """`look` of a session, without detections that left the survey."""
        await asyncio.to_thread(self._sessions.follow, survey_id, session_id)
        return await asyncio.to_thread(self._sessions.folded(survey_id, session_id).view, look)
