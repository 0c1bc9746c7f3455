"""Annotators who know every animal, and the sessions that they answer."""

from __future__ import annotations

import random
import uuid
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from benchmarks.load.access import Call, Lines
from benchmarks.load.surveys import LoadSurvey, popularity
from spotted.v1 import sampler_pb2 as pb
from spotted.v1.session_facts_pb2 import KNOWN_INDIVIDUALS_IGNORED

ANNOTATORS = 4
# then the session is closed and another opened, so that what the services hold does not grow for ever
ANSWERS_A_SESSION = 100
# of the calls to a session; the others ask and answer in turn
PROGRESS_SHARE = 0.2


@dataclass(slots=True)
class OpenSession:
    """A session as its annotators see it. waiting: what each was asked and has not answered.

    free: annotators with no call under way. calls: how many are under way. spent: nothing is left to ask.
    """

    survey: LoadSurvey
    session_id: str
    animal_of: dict[str, int]
    waiting: dict[str, pb.PairQuery] = field(default_factory=dict)
    free: deque[str] = field(default_factory=lambda: deque(f"annotator-{i}" for i in range(ANNOTATORS)))
    calls: int = 0
    answered: int = 0
    spent: bool = False
    renewing: bool = False


class Sessions:
    """The sessions that one client's annotators work on, one for each of some surveys."""

    def __init__(
        self, lines: Lines, surveys: Sequence[LoadSurvey], client: int, chance: random.Random
    ) -> None:
        self._lines, self._surveys, self._client, self._chance = lines, surveys, client, chance
        self._weights = popularity(len(surveys)).tolist()
        self._open: list[OpenSession] = []
        self._retired: deque[OpenSession] = deque()
        self._opened = 0

    async def open(self) -> None:
        """Open a session on every survey and give the answers of one that was looked at at any time.

        A session that few ask of takes half an hour to its end: without these answers, all of them together
        would grow for as long.
        """
        for survey in self._surveys:
            session = self._new(survey)
            await self._create(session)
            await self._advance(session, self._chance.randrange(ANSWERS_A_SESSION))
            self._open.append(session)

    def draw(self) -> Call:
        """A call that an annotator, or who opens and closes sessions, makes now."""
        if self._retired and not self._retired[0].calls:
            return Call("DeleteSession", partial(self._delete, self._retired.popleft()))
        place = self._chance.choices(range(len(self._open)), self._weights)[0]
        session = self._open[place]
        if session.spent and not session.renewing:
            return self._renewal(place)
        session.calls += 1
        if not session.free or self._chance.random() < PROGRESS_SHARE:
            return Call("GetProgress", partial(self._progress, session), partial(_done, session))
        annotator = session.free.popleft()
        done = partial(_done, session, annotator)
        question = session.waiting.pop(annotator, None)
        if question is None:
            return Call("NextPairs", partial(self._ask, session, annotator), done)
        request = _answer(session, annotator, question)
        return Call("SubmitLabels", partial(self._submit, session, request), done)

    def _renewal(self, place: int) -> Call:
        old, new = self._open[place], self._new(self._open[place].survey)
        old.renewing = True

        def done() -> None:
            old.renewing = False

        async def renew() -> None:
            await self._create(new)
            self._open[place] = new
            self._retired.append(old)

        return Call("OpenSession", renew, done)

    def _new(self, survey: LoadSurvey) -> OpenSession:
        self._opened += 1
        session_id = f"client-{self._client}-{self._opened}"
        return OpenSession(survey, session_id, dict(zip(survey.detection_ids, survey.animals, strict=True)))

    async def _create(self, session: OpenSession) -> None:
        """Open a session and plan its first round. May be repeated."""
        opened = pb.Session(
            survey_id=session.survey.survey_id,
            session_id=session.session_id,
            known_individuals=KNOWN_INDIVIDUALS_IGNORED,
        )
        wanted = pb.CreateSessionRequest(session=opened)
        await self._lines.answer(self._lines.sampler.CreateSession, wanted)
        await self._ask(session, "annotator-0")

    async def _ask(self, session: OpenSession, annotator: str) -> None:
        request = pb.NextPairsRequest(
            survey_id=session.survey.survey_id, session_id=session.session_id, annotator_id=annotator
        )
        answer = await self._lines.answer(self._lines.sampler.NextPairs, request)
        if answer.pairs:
            session.waiting[annotator] = answer.pairs[0]
        session.spent = session.spent or answer.finished

    async def _advance(self, session: OpenSession, count: int) -> None:
        """Answer questions, fewer if no more are asked."""
        for place in range(count):
            annotator = f"annotator-{place % ANNOTATORS}"
            if annotator not in session.waiting:
                await self._ask(session, annotator)
            question = session.waiting.pop(annotator, None)
            if question is None:
                return
            await self._submit(session, _answer(session, annotator, question))

    async def _submit(self, session: OpenSession, request: pb.SubmitLabelsRequest) -> None:
        await self._lines.answer(self._lines.sampler.SubmitLabels, request)
        session.answered += 1
        session.spent = session.spent or session.answered >= ANSWERS_A_SESSION

    async def _progress(self, session: OpenSession) -> None:
        request = pb.GetProgressRequest(survey_id=session.survey.survey_id, session_id=session.session_id)
        await self._lines.answer(self._lines.sampler.GetProgress, request)

    async def _delete(self, session: OpenSession) -> None:
        request = pb.DeleteSessionRequest(survey_id=session.survey.survey_id, session_id=session.session_id)
        await self._lines.answer(self._lines.sampler.DeleteSession, request)


def _done(session: OpenSession, annotator: str = "") -> None:
    session.calls -= 1
    if annotator:
        session.free.append(annotator)


def _answer(session: OpenSession, annotator: str, question: pb.PairQuery) -> pb.SubmitLabelsRequest:
    first, second = question.first.detection_id, question.second.detection_id
    same = session.animal_of[first] == session.animal_of[second]
    label = pb.Label(
        first_detection_id=first,
        second_detection_id=second,
        answer=pb.ANSWER_SAME if same else pb.ANSWER_DIFFERENT,
        annotator_id=annotator,
    )
    return pb.SubmitLabelsRequest(
        survey_id=session.survey.survey_id,
        session_id=session.session_id,
        labels=[label],
        request_id=str(uuid.uuid4()),
    )
