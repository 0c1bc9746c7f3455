"""The sampler's rpcs: decode, call, encode."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial

from services.common.rpc import checks
from services.sampler import wire
from services.sampler.individuals import requests
from services.sampler.individuals.changes import IndividualChanges
from services.sampler.individuals.listing import get_individual, list_individuals
from services.sampler.individuals.watching import WATCH_POLL_S, watch_individuals
from services.sampler.questions.next_questions import NextQuestions
from services.sampler.session.notices import progress_and_notice
from services.sampler.session.progress import full_progress, preview_retraction, quick_progress
from services.sampler.session.session_import import import_session
from services.sampler.session.sessions import Sessions
from services.sampler.session.settings_change import update_session
from spotted.v1 import individuals_pb2 as ind
from spotted.v1 import sampler_pb2 as pb
from spotted.v1 import sampler_pb2_grpc


class SamplerServicer(sampler_pb2_grpc.SamplerServiceServicer):
    """spotted.v1.SamplerService."""

    def __init__(self, sessions: Sessions, questions: NextQuestions) -> None:
        self._sessions = sessions
        self._questions = questions
        self._changes = IndividualChanges(sessions)

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

    async def UpdateSession(self, request: pb.UpdateSessionRequest, _: object) -> pb.UpdateSessionResponse:
        """Change the settings of a session."""
        changes, paths = wire.changed_session(request)
        stored, progress = await asyncio.to_thread(
            update_session, self._sessions, changes, paths, request.request_id, quick_progress
        )
        return pb.UpdateSessionResponse(session=stored, progress=progress)

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

    async def ReleaseLeases(self, request: pb.ReleaseLeasesRequest, _: object) -> pb.ReleaseLeasesResponse:
        """End the leases of an annotator."""
        ids, annotator_id = (request.survey_id, request.session_id), wire.releasing(request)
        released = await asyncio.to_thread(self._questions.release, *ids, annotator_id)
        return pb.ReleaseLeasesResponse(released=released)

    async def SubmitLabels(self, request: pb.SubmitLabelsRequest, _: object) -> pb.SubmitLabelsResponse:
        """Store answers."""
        labels = wire.labels_to_store(request)
        outcomes, (progress, notice) = await asyncio.to_thread(
            self._sessions.submit,
            request.survey_id,
            request.session_id,
            labels,
            request.request_id,
            progress_and_notice(labels),
        )
        return pb.SubmitLabelsResponse(outcomes=outcomes, progress=progress, notice=notice)

    async def RetractLabels(self, request: pb.RetractLabelsRequest, _: object) -> pb.RetractLabelsResponse:
        """Retract labels, or only say what would follow."""
        labels, ids = wire.labels_to_retract(request), (request.survey_id, request.session_id)
        retract = partial(self._sessions.retract, *ids, labels, request.request_id, quick_progress)
        preview = partial(preview_retraction, self._sessions, *ids, labels)
        progress = await asyncio.to_thread(preview if request.validate_only else retract)
        return pb.RetractLabelsResponse(progress=progress)

    async def ListConflicts(self, request: pb.ListConflictsRequest, _: object) -> pb.ListConflictsResponse:
        """List the labels that contradict earlier ones."""
        folded = await asyncio.to_thread(self._sessions.current, request.survey_id, request.session_id)
        conflicts = await asyncio.to_thread(folded.view, lambda state, _: state.conflicts())
        size = checks.page_size(request.page_size, default=100, largest=1000)
        arguments = request.page_token, *wire.page_arguments(request)
        page, token = checks.message_page(conflicts, lambda conflict: conflict, size, *arguments)
        return pb.ListConflictsResponse(conflicts=page, next_page_token=token)

    async def GetProgress(self, request: pb.GetProgressRequest, _: object) -> pb.GetProgressResponse:
        """Return the progress of a session."""
        progress = await self._progress(request.survey_id, request.session_id)
        return pb.GetProgressResponse(progress=progress)

    async def WatchProgress(
        self, request: pb.WatchProgressRequest, _: object
    ) -> AsyncIterator[pb.WatchProgressResponse]:
        """Stream progress: the current state, then each change."""
        ids, sent_position = (request.survey_id, request.session_id), -1
        while True:
            if await asyncio.to_thread(self._sessions.length, *ids) != sent_position:
                progress = await self._progress(request.survey_id, request.session_id)
                sent_position = progress.position
                yield pb.WatchProgressResponse(progress=progress)
            await asyncio.sleep(WATCH_POLL_S)

    async def ListIndividuals(
        self, request: ind.ListIndividualsRequest, _: object
    ) -> ind.ListIndividualsResponse:
        """List the individuals according to the labels and to what people decided."""
        folded = await asyncio.to_thread(self._sessions.current, request.survey_id, request.session_id)
        page, token = await asyncio.to_thread(folded.view, lambda state, _: list_individuals(state, request))
        return ind.ListIndividualsResponse(individuals=page, next_page_token=token)

    async def GetIndividual(self, request: ind.GetIndividualRequest, _: object) -> ind.GetIndividualResponse:
        """Read an individual."""
        folded = await asyncio.to_thread(self._sessions.current, request.survey_id, request.session_id)
        wanted = request.individual_id
        found = await asyncio.to_thread(folded.view, lambda state, _: get_individual(state, wanted))
        return ind.GetIndividualResponse(individual=found)

    async def UpdateIndividual(
        self, request: ind.UpdateIndividualRequest, _: object
    ) -> ind.UpdateIndividualResponse:
        """Set attributes of an individual."""
        result = await asyncio.to_thread(self._changes.update, requests.update(request))
        return ind.UpdateIndividualResponse(result=result)

    async def MergeIndividuals(
        self, request: ind.MergeIndividualsRequest, _: object
    ) -> ind.MergeIndividualsResponse:
        """Make individuals one."""
        result = await asyncio.to_thread(self._changes.merge, requests.merge(request))
        return ind.MergeIndividualsResponse(result=result)

    async def SplitIndividual(
        self, request: ind.SplitIndividualRequest, _: object
    ) -> ind.SplitIndividualResponse:
        """Split detections off an individual."""
        result = await asyncio.to_thread(self._changes.split, requests.split(request))
        return ind.SplitIndividualResponse(result=result)

    async def MoveDetections(
        self, request: ind.MoveDetectionsRequest, _: object
    ) -> ind.MoveDetectionsResponse:
        """Move detections to an individual."""
        result = await asyncio.to_thread(self._changes.move, requests.move(request))
        return ind.MoveDetectionsResponse(result=result)

    async def UndoChange(self, request: ind.UndoChangeRequest, _: object) -> ind.UndoChangeResponse:
        """Undo a change of individuals."""
        result = await asyncio.to_thread(self._changes.undo, requests.undo(request))
        return ind.UndoChangeResponse(result=result)

    async def WatchIndividuals(
        self, request: ind.WatchIndividualsRequest, _: object
    ) -> AsyncIterator[ind.WatchIndividualsResponse]:
        """Stream the individuals, then each change of them."""
        async for response in watch_individuals(self._sessions, request):
            yield response

    async def ListEvents(self, request: pb.ListEventsRequest, _: object) -> pb.ListEventsResponse:
        """List the session's journal."""
        ids, arguments = (request.survey_id, request.session_id), wire.page_arguments(request)
        start = checks.page_start(request.page_token, arguments)
        size = checks.page_size(request.page_size, default=100, largest=1000)
        page = await asyncio.to_thread(self._sessions.events_page, *ids, start, size)
        token = "" if page.next_start is None else checks.page_token(page.next_start, arguments)
        return pb.ListEventsResponse(events=page.events, next_page_token=token)

    async def ImportSession(
        self, request_iterator: AsyncIterator[pb.ImportSessionRequest], _: object
    ) -> pb.ImportSessionResponse:
        """Create a session from a journal."""
        ids = await import_session(self._sessions.begin_import, request_iterator)
        stored = await asyncio.to_thread(self._sessions.get, *ids)
        return pb.ImportSessionResponse(session=stored)

    async def _progress(self, survey_id: str, session_id: str) -> pb.Progress:
        folded = await asyncio.to_thread(self._sessions.current, survey_id, session_id)
        return await asyncio.to_thread(folded.view, full_progress)
