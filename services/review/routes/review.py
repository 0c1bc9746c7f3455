"""The things that every path works with: the caller, the caller's client, the survey and the session."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace

from starlette.requests import Request

from services.review.access.caller import Caller, Cookies
from services.review.forms.photos import Json, photo_form
from services.review.images.pictures import Pictures
from services.review.images.places import Places
from services.review.settings import ReviewSettings
from services.review.surveys.held import HeldSurvey, HeldSurveys
from spotted.catalogue.foreign_ids import read_foreign_id
from spotted.client.aio import AsyncSessionHandle, AsyncSpotted, AsyncSurveyHandle
from spotted.errors import NotFoundError, UnavailableError


@dataclass(slots=True)
class Review:
    """The collaborators of one process."""

    settings: ReviewSettings
    """How it runs."""
    cookies: Cookies
    """Who asks."""
    surveys: HeldSurveys
    """The surveys that were asked for."""
    places: Places
    """Where photographs lie."""
    pictures: Pictures
    """How photographs are shown."""
    connected: AsyncSpotted | None = None
    """The client while the process serves."""

    def client(self) -> AsyncSpotted:
        """The client without a person's token."""
        if self.connected is None:
            raise UnavailableError("the review page is starting or stopping; try again in a moment")
        return self.connected

    def caller(self, request: Request) -> Caller:
        """The person who asks. Raises UnauthenticatedError."""
        return self.cookies.caller(request)

    def spotted(self, request: Request) -> AsyncSpotted:
        """The services, asked with the person's own token."""
        token = self.caller(request).token
        return self.client().as_caller(token) if token else self.client()

    def survey(self, request: Request) -> AsyncSurveyHandle:
        """The survey of the path."""
        return self.spotted(request).survey(request.path_params["survey"])

    def session(self, request: Request) -> AsyncSessionHandle:
        """The session of the path."""
        return self.survey(request).session(request.path_params["session"])

    async def held(self, request: Request) -> HeldSurvey:
        """The detections of the path's survey. Raises NotFoundError."""
        return await self.surveys.get(self.survey(request))

    async def photos(self, request: Request, wanted: Iterable[str]) -> Callable[[Iterable[str]], Json]:
        """The forms of photographs by id: of the path's survey, and of those that its session draws on.

        wanted: all ids that will be asked for. Photographs that are no longer there are left out.
        """
        held, elsewhere = await self.held(request), {i: one for i in wanted if (one := read_foreign_id(i))}
        others: dict[str, HeldSurvey] = {}
        for survey_id in sorted({one.survey_id for one in elsewhere.values()}):
            # deleted since the answer
            with suppress(NotFoundError):
                others[survey_id] = await self.surveys.get(self.spotted(request).survey(survey_id))
        forms: dict[str, object] = {}
        for detection_id, one in elsewhere.items():
            for found in others[one.survey_id].found([one.detection_id]) if one.survey_id in others else ():
                forms[detection_id] = photo_form(replace(found, detection_id=detection_id), held.zone)

        def photos(ids: Iterable[str]) -> Json:
            listed = list(ids)
            return held.photos(listed) | {i: forms[i] for i in listed if i in forms}

        return photos
