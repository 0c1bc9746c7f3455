"""Surveys and sessions: the first screen."""

from __future__ import annotations

import asyncio
from functools import partial
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.review.forms.fields import Body
from services.review.forms.instants import instant
from services.review.forms.photos import Json
from services.review.forms.progress import session_form
from services.review.routes.review import Review
from spotted.client.aio import AsyncSessionHandle, AsyncSpotted, AsyncSurveyHandle
from spotted.client.values import SurveyInfo
from spotted.errors import AlreadyExistsError, NotFoundError, SpottedError
from spotted.formats.sources import Source, recall

READY, EMPTY = "ready", "empty"
IMPORT = "spotted import DIR"
PER_CENT = 100


def start_routes(review: Review) -> list[Route]:
    """The routes of the first screen."""
    start = _Start(review)
    return [
        Route("/api/start", start.surveys, methods=["GET"]),
        Route("/api/surveys/{survey}/sessions", start.open, methods=["POST"]),
        Route("/api/surveys/{survey}/sessions/{session}", start.session, methods=["GET"]),
    ]


class _Start:
    """The endpoints."""

    def __init__(self, review: Review) -> None:
        self._review = review
        self._counts = _Counts()

    async def surveys(self, request: Request) -> Response:
        """All surveys with their sessions."""
        spotted = self._review.spotted(request)
        surveys = [info async for info in spotted.surveys()]
        forms = [await self._survey_form(spotted, info) for info in surveys]
        empty = {"state": EMPTY, "message": "Nothing was imported yet.", "command": IMPORT}
        state = {"state": READY, "message": "", "command": ""} if forms else empty
        return JSONResponse({**state, "surveys": forms})

    async def open(self, request: Request) -> Response:
        """Create a session with default settings, or open the one that exists."""
        body = await Body.of(request)
        survey, session_id = self._review.survey(request), body.required("session_id")
        try:
            session = await survey.create_session(session_id, request_id=body.text("request_id"))
        except AlreadyExistsError:
            # it has other settings, which stay
            session = survey.session(session_id)
        return await self._session(survey, session)

    async def session(self, request: Request) -> Response:
        """A session; its progress takes longer to read, and questions do not wait for it."""
        return await self._session(self._review.survey(request), self._review.session(request))

    async def _session(self, survey: AsyncSurveyHandle, session: AsyncSessionHandle) -> Response:
        of, info = await asyncio.gather(survey.info(), session.info())
        return JSONResponse({"session": session_form(info, ZoneInfo(of.time_zone or "UTC"))})

    async def _survey_form(self, spotted: AsyncSpotted, info: SurveyInfo) -> Json:
        if info.damage:
            return {"survey_id": info.survey_id, "state": "damaged", "message": info.damage, "command": ""}
        zone = ZoneInfo(info.time_zone or "UTC")
        imported = await self._imported(info)
        sessions = [session_form(one, zone) async for one in spotted.survey(info.survey_id).sessions()]
        return {
            "survey_id": info.survey_id,
            "display_name": info.display_name,
            "cameras": info.camera_count,
            "detections": info.detection_count,
            "photographs": imported,
            "embedded_percent": _percent(info.detection_count, imported),
            "time_zone": info.time_zone,
            "start": instant(info.start_s, zone),
            "end": instant(info.end_s, zone),
            **survey_state(info, imported),
            "sessions": sessions,
        }

    async def _imported(self, info: SurveyInfo) -> int | None:
        """How many detections the survey's files have; None if that is not known, or not yet."""
        name = info.uid if self._review.settings.tokens else info.survey_id
        try:
            return self._counts.of(info.survey_id, recall(self._review.settings.directory, name))
        except NotFoundError:
            return None


class _Counts:
    """The number of detections in the files of each survey, counted while the page is used."""

    def __init__(self) -> None:
        self._counting: dict[str, asyncio.Task[int | None]] = {}

    def of(self, survey_id: str, source: Source) -> int | None:
        """The number if it is known by now."""
        key = repr(source)
        if key not in self._counting:
            read = partial(_count, survey_id, source)
            self._counting[key] = asyncio.create_task(asyncio.to_thread(read))
        task = self._counting[key]
        return task.result() if task.done() else None


def survey_state(info: SurveyInfo, imported: int | None) -> Json:
    """The step that a survey needs before questions can be asked, with its command."""
    command = f"spotted embed {info.survey_id}"
    if not info.detection_count:
        message = "The photographs were imported and not embedded yet."
        return {"state": "not_embedded", "message": message, "command": command}
    if imported is not None and info.detection_count < imported:
        message = (
            f"{imported - info.detection_count} photographs are not embedded yet and are not asked about."
        )
        return {"state": "partly_embedded", "message": message, "command": command}
    return {"state": READY, "message": "", "command": ""}


def _percent(stored: int, imported: int | None) -> int | None:
    return None if not imported else min(PER_CENT, PER_CENT * stored // imported)


def _count(survey_id: str, source: Source) -> int | None:
    try:
        return len(source.read(survey_id).pictures)
    except (SpottedError, OSError):
        # files that were moved are no reason not to show the survey
        return None
