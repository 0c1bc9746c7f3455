"""The calls of a platform, drawn at random by their shares: candidates, sessions and imports."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from grpc import aio

from benchmarks.load.access import AnswerT, Call, Lines, RequestT
from benchmarks.load.sessions import Sessions
from benchmarks.load.surveys import SPEC, LoadSurvey, blocks, popularity
from spotted import messages
from spotted.arrays import Float32Array
from spotted.survey import Detection
from spotted.v1 import embedder_pb2, scorer_pb2, survey_pb2

# of 100 calls: 80 candidates, 15 sessions, 5 imports
SHARES = {
    "GetCandidates": 35,
    "GetCandidates of few": 15,
    "QueryCandidates": 20,
    "ScorePairs": 6,
    "ExplainPair": 4,
    "sessions": 15,
    "AddDetections": 2,
    "Embed": 3,
}
CLASSES = {
    "candidates": ("GetCandidates", "GetCandidates of few", "QueryCandidates", "ScorePairs", "ExplainPair"),
    "sessions": ("NextPairs", "SubmitLabels", "GetProgress"),
    "imports": ("AddDetections", "DeleteDetections", "Embed"),
    # an annotator who opens a session expects to wait, so these do not count in the whole
    "openings": ("OpenSession", "DeleteSession"),
}
CLASS_OF = {name: kind for kind, names in CLASSES.items() for name in names}
TOP_K = 50
MOST_FEW = 8
PAIRS = 20
IMPORTED = 20
# blocks that an import survey keeps; the oldest makes room, so that surveys do not grow for ever
KEPT_BLOCKS = 3
MOST_CROPS = 4
LOOK_NOISE = 0.02


@dataclass(frozen=True, slots=True)
class Plan:
    """The work of one client. clients: number of clients; number: index of this one, from 0.

    session_surveys: the most popular surveys, which have sessions; imports go to the others.
    """

    surveys: Sequence[LoadSurvey]
    session_surveys: int
    crops: Sequence[bytes]
    number: int = 0
    clients: int = 1


class Mix:
    """Draws the calls of one client."""

    def __init__(self, lines: Lines, plan: Plan) -> None:
        self._lines, self._plan = lines, plan
        self._chance = random.Random(plan.number)
        self._noise = np.random.default_rng(plan.number)
        self._weights = popularity(len(plan.surveys)).tolist()
        mine = plan.surveys[: plan.session_surveys][plan.number :: plan.clients]
        self._sessions = Sessions(lines, mine, plan.number, self._chance)
        self._blocks: dict[str, deque[list[str]]] = {}
        self._imports = 0
        self._draws: dict[str, Callable[[], Call]] = {
            "GetCandidates": partial(self._candidates, 1),
            "GetCandidates of few": self._candidates_of_few,
            "QueryCandidates": self._strangers,
            "ScorePairs": self._scores,
            "ExplainPair": self._explained,
            "sessions": self._sessions.draw,
            "AddDetections": self._import,
            "Embed": self._embedded,
        }

    async def prepare(self) -> None:
        """Open the sessions, and touch every survey often enough that each scorer has loaded it."""
        await self._sessions.open()
        for survey in self._plan.surveys[self._plan.number :: self._plan.clients]:
            for _ in range(4):
                await self._candidates(1, survey).work()

    def draw(self, only: str = "") -> Call:
        """The next call; only: the one part of the mix that it is drawn from."""
        part = only or self._chance.choices(list(SHARES), list(SHARES.values()))[0]
        return self._draws[part]()

    def _survey(self) -> LoadSurvey:
        return self._chance.choices(self._plan.surveys, self._weights)[0]

    def _candidates_of_few(self) -> Call:
        return self._candidates(self._chance.randint(2, MOST_FEW))

    def _candidates(self, count: int, survey: LoadSurvey | None = None) -> Call:
        survey = survey or self._survey()
        asked = self._chance.sample(survey.detection_ids, count)
        request = scorer_pb2.GetCandidatesRequest(
            survey_id=survey.survey_id, detection_ids=asked, top_k=TOP_K
        )

        async def work() -> None:
            await self._lines.answers(self._lines.scorer.GetCandidates, request)

        return Call("GetCandidates" if count == 1 else "GetCandidates of few", work)

    def _strangers(self) -> Call:
        survey = self._survey()
        request = scorer_pb2.QueryCandidatesRequest(
            survey_id=survey.survey_id,
            detection=messages.detection_message(self._detection(survey, "")),
            embedding=messages.tensor(self._looks(survey, 1)[0]),
            spec=SPEC,
            top_k=TOP_K,
        )
        return self._unary("QueryCandidates", self._lines.scorer.QueryCandidates, request)

    def _scores(self) -> Call:
        survey = self._survey()
        request = scorer_pb2.ScorePairsRequest(
            survey_id=survey.survey_id, pairs=[self._pair(survey) for _ in range(PAIRS)]
        )
        return self._unary("ScorePairs", self._lines.scorer.ScorePairs, request)

    def _explained(self) -> Call:
        survey = self._survey()
        request = scorer_pb2.ExplainPairRequest(survey_id=survey.survey_id, pair=self._pair(survey))
        return self._unary("ExplainPair", self._lines.scorer.ExplainPair, request)

    def _embedded(self) -> Call:
        crops = self._chance.choices(self._plan.crops, k=self._chance.randint(1, MOST_CROPS))
        request = embedder_pb2.EmbedRequest(
            crops=[embedder_pb2.Crop(image=crop) for crop in crops], survey_id=self._survey().survey_id
        )
        return self._unary("Embed", self._lines.embedder.Embed, request)

    def _import(self) -> Call:
        """New detections for a survey without sessions, or the oldest of them taken out again."""
        survey = self._chance.choice(self._plan.surveys[self._plan.session_surveys :])
        kept = self._blocks.setdefault(survey.survey_id, deque())
        if len(kept) >= KEPT_BLOCKS:
            removal = scorer_pb2.DeleteDetectionsRequest(
                survey_id=survey.survey_id, detection_ids=kept.popleft()
            )
            return self._unary("DeleteDetections", self._lines.scorer.DeleteDetections, removal)
        self._imports += 1
        ids = [f"import-{self._plan.number}-{self._imports}-{i}" for i in range(IMPORTED)]
        brought = list(
            blocks(
                survey.survey_id,
                [self._detection(survey, one) for one in ids],
                self._looks(survey, IMPORTED),
            )
        )

        async def work() -> None:
            added = await self._lines.sent(self._lines.scorer.AddDetections, brought)
            if added.rejected:
                raise RuntimeError(f"a detection was rejected: {added.rejected[0].error.reason}")
            kept.append(ids)

        return Call("AddDetections", work)

    def _unary(
        self, name: str, method: aio.UnaryUnaryMultiCallable[RequestT, AnswerT], request: RequestT
    ) -> Call:
        async def work() -> None:
            await self._lines.answer(method, request)

        return Call(name, work)

    def _detection(self, survey: LoadSurvey, detection_id: str) -> Detection:
        captured_at_s = float(round(self._chance.uniform(survey.start_s, survey.end_s)))
        camera_id = self._chance.choice(survey.camera_ids)
        return Detection(detection_id=detection_id, camera_id=camera_id, captured_at_s=captured_at_s)

    def _looks(self, survey: LoadSurvey, count: int) -> Float32Array:
        rows = survey.looks[self._noise.integers(len(survey.looks), size=count)]
        noisy = rows + self._noise.normal(0.0, LOOK_NOISE, rows.shape)
        return np.asarray(noisy / np.linalg.norm(noisy, axis=1, keepdims=True), np.float32)

    def _pair(self, survey: LoadSurvey) -> survey_pb2.Pair:
        first, second = self._chance.sample(survey.detection_ids, 2)
        return survey_pb2.Pair(first_detection_id=first, second_detection_id=second)
