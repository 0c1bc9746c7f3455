"""Writers that create and delete surveys and sessions over and over, and what must hold of those."""

from __future__ import annotations

import itertools
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable

import redis

from services.common.store import keys
from spotted import messages
from spotted.client.survey_messages import embedding_spec
from spotted.errors import NotFoundError, PreconditionError
from spotted.survey import Survey
from spotted.v1 import sampler_pb2, scorer_pb2, survey_pb2
from tests.faults.load import CALL_S, CAMERAS, SPEC, AnswerT, Load, detection_of, vectors_of

# of the survey that comes and goes, and of the session that does in the lasting survey
CHURNED, ROWS = "churned", range(2)
# answers to request ids are kept for a day, and only for the survey or session that they were about
KEPT = b":request:"
# a survey that does not exist, or has no detections yet to ask about
REFUSALS = (NotFoundError, PreconditionError)


class Creations:
    """Three writers: of a survey, of sessions in it whether or not it exists, and of a session.

    faults: a sentence for everything that was inherited or not deleted. done: creations and deletions.
    """

    def __init__(self, load: Load) -> None:
        self.faults: list[str] = []
        self.done: Counter[str] = Counter()
        self.works = (self._survey, self._session_in_it, self._session)
        self.survey_id = f"{load.survey_id}-{CHURNED}"
        # nobody adds to it, so questions about it can be planned
        self._still_id = f"{load.survey_id}-still"
        self._load = load
        self._scorer = load.client.connection.scorer.stub
        self._sampler = load.client.connection.sampler.stub
        self._numbers = itertools.count()
        # when the creation of a session of the churned survey was acknowledged
        self._acknowledged_s: dict[str, float] = {}
        self._answered = 0
        self._lock = threading.Lock()

    def begin(self) -> None:
        """The survey that lasts."""
        survey = Survey(self._still_id, 0.0, 1e9, cameras=CAMERAS)
        handle = self._load.client.create_survey(survey)
        handle.add_detections([detection_of(row) for row in ROWS], vectors_of(ROWS), embedding_spec(SPEC))

    def until_answered(self, more: int) -> None:
        """Wait until a number of further calls has been answered."""
        goal = self._answered + more
        self._load.until(lambda: self._answered >= goal, f"{more} more calls of those who create and delete")

    def until_done(self) -> None:
        """Wait until each writer has done something."""
        self._load.until(lambda: len(self.done) == len(self.works), f"something of each kind: {self.done}")

    def check(self, store: redis.Redis) -> None:
        """Nothing was inherited, and nothing is left; call it when the writers have stopped."""
        listed = {survey.survey_id for survey in self._load.client.surveys()}
        self._expect(self.survey_id not in listed, "a deleted survey is listed")
        of_session = keys.session_journal(self._still_id, CHURNED).removesuffix("journal")
        for prefix in (keys.of_survey(self.survey_id), of_session):
            left = list(store.scan_iter(f"{prefix}*"))
            lasting = [name for name in left if KEPT not in name or store.ttl(name) < 0]
            self._expect(not lasting, f"keys are left of what was deleted: {lasting}")
        assert not self.faults, self.faults

    def _survey(self) -> None:
        """Create a survey, which must be empty, fill it, and delete it, of which nothing may remain."""
        start, end = messages.timestamp(0.0), messages.timestamp(1e6)
        survey = survey_pb2.Survey(survey_id=self.survey_id, start_time=start, end_time=end)
        create = scorer_pb2.CreateSurveyRequest(survey=survey, request_id=uuid.uuid4().hex)
        begun_s = time.monotonic()
        made = self._send(lambda: self._scorer.CreateSurvey(create, timeout=CALL_S)).survey
        self._expect(made.detection_count == 0, f"a new survey has {made.detection_count} detections")
        self._check_sessions(begun_s)
        handle = self._load.client.survey(self.survey_id)
        detections = [detection_of(row) for row in ROWS]
        self._send(lambda: handle.upsert_cameras(CAMERAS.values()))
        self._send(lambda: handle.add_detections(detections, vectors_of(ROWS), embedding_spec(SPEC)))
        listed = self._send(lambda: list(handle.detections()))
        self._expect(listed == detections, f"a survey of {len(detections)} detections lists {listed}")
        delete = scorer_pb2.DeleteSurveyRequest(survey_id=self.survey_id, request_id=uuid.uuid4().hex)
        self._send(lambda: self._scorer.DeleteSurvey(delete, timeout=CALL_S))
        self._expect(not self._exists(handle.info), "a survey exists after its deletion")
        self.done["surveys"] += 1

    def _check_sessions(self, begun_s: float) -> None:
        """Sessions of a survey whose creation began at `begun_s` were acknowledged later, or not yet."""
        listed = self._session_ids(self.survey_id)
        with self._lock:
            old = [name for name in listed if self._acknowledged_s.get(name, begun_s) < begun_s]
        self._expect(not old, f"a new survey has inherited the sessions {old}")

    def _session_in_it(self) -> None:
        """Create a session in the survey that comes and goes; it goes with the survey."""
        name = f"s{next(self._numbers)}"
        if self._exists(lambda: self._create_session(self.survey_id, name)):
            with self._lock:
                self._acknowledged_s[name] = time.monotonic()
            self.done["sessions of it"] += 1

    def _session(self) -> None:
        """Create a session in a lasting survey, label a pair, which must be its only label, and delete it."""
        survey_id = self._still_id
        position = self._send(lambda: self._create_session(survey_id, CHURNED))
        self._expect(position == 1, f"a new session has {position} events")
        session = self._load.client.survey(survey_id).session(CHURNED)
        # a session learns of detections when questions are planned
        self._send(lambda: session.next_pairs("ben"))
        submit = sampler_pb2.SubmitLabelsRequest(
            survey_id=survey_id, session_id=CHURNED, request_id=uuid.uuid4().hex
        )
        submit.labels.add(
            first_detection_id=detection_of(0).detection_id,
            second_detection_id=detection_of(1).detection_id,
            answer=sampler_pb2.ANSWER_DIFFERENT,
            annotator_id="ben",
        )
        self._send(lambda: self._sampler.SubmitLabels(submit, timeout=CALL_S))
        labels = self._send(session.labels)
        self._expect(len(labels) == 1, f"a session with one label has {len(labels)}")
        delete = sampler_pb2.DeleteSessionRequest(
            survey_id=survey_id, session_id=CHURNED, request_id=uuid.uuid4().hex
        )
        self._send(lambda: self._sampler.DeleteSession(delete, timeout=CALL_S))
        self._expect(CHURNED not in self._session_ids(survey_id), "a deleted session is listed")
        self.done["sessions"] += 1

    def _create_session(self, survey_id: str, session_id: str) -> int:
        """The position of a session that was created."""
        session = sampler_pb2.Session(survey_id=survey_id, session_id=session_id)
        request = sampler_pb2.CreateSessionRequest(session=session, request_id=uuid.uuid4().hex)
        made = self._send(lambda: self._sampler.CreateSession(request, timeout=CALL_S))
        return int(made.session.position)

    def _session_ids(self, survey_id: str) -> list[str]:
        request = sampler_pb2.ListSessionsRequest(survey_id=survey_id)
        listed = self._send(lambda: self._sampler.ListSessions(request, timeout=CALL_S))
        return [session.session_id for session in listed.sessions]

    def _exists(self, call: Callable[[], object]) -> bool:
        """Whether what a call is about exists."""
        try:
            self._send(call)
        except REFUSALS:
            return False
        return True

    def _send(self, call: Callable[[], AnswerT]) -> AnswerT:
        answer = self._load.sent(call, refusals=REFUSALS)
        with self._lock:
            self._answered += 1
        return answer

    def _expect(self, holds: bool, fault: str) -> None:  # noqa: FBT001 - reads as an assertion
        if not holds:
            self.faults.append(fault)
