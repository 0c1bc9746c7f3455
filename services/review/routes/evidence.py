"""Help for an answer: other photographs of the animal, the scores of a pair, and the map."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.review.forms.fields import Body
from services.review.forms.photos import Json
from services.review.forms.questions import explanation_form
from services.review.routes.questions import SESSION
from services.review.routes.review import Review
from services.review.surveys.held import HeldSurvey, by_time
from services.review.surveys.moves import Group, map_form
from spotted.client.aio import AsyncSessionHandle
from spotted.client.values import Individual
from spotted.survey import Detection

MOST_OF_GROUP = 12


def evidence_routes(review: Review) -> list[Route]:
    """The routes of evidence."""
    evidence = _Evidence(review)
    return [
        Route(f"{SESSION}/context", evidence.context, methods=["GET"]),
        Route(f"{SESSION}/explain", evidence.explain, methods=["GET"]),
        Route(f"{SESSION}/map", evidence.map, methods=["GET"]),
    ]


class _Evidence:
    """The endpoints."""

    def __init__(self, review: Review) -> None:
        self._review = review

    async def context(self, request: Request) -> Response:
        """The individual of a detection, its other photographs, and the frames of the encounter."""
        held = await self._review.held(request)
        detection = held.detection(Body.of_query(request).required("detection"))
        individual = await individual_of(self._review.session(request), detection)
        return JSONResponse(
            {
                "individual": _individual_form(individual),
                "group": [held.photo(one) for one in _others(held, detection, individual)],
                "encounter": [held.photo(one) for one in held.encounter(detection)],
            }
        )

    async def explain(self, request: Request) -> Response:
        """Everything known about a pair."""
        query, survey = Body.of_query(request), self._review.survey(request)
        explained = await survey.explain_pair(query.required("first"), query.required("second"))
        return JSONResponse(explanation_form(explained, await survey.info()))

    async def map(self, request: Request) -> Response:
        """The cameras and movements of the individuals of two detections."""
        held, query = await self._review.held(request), Body.of_query(request)
        shown = [held.detection(query.required(name)) for name in ("first", "second")]
        session = self._review.session(request)
        groups = [await self._group(session, held, detection) for detection in shown]
        return JSONResponse(await map_form(self._review.survey(request), held, groups))

    async def _group(self, session: AsyncSessionHandle, held: HeldSurvey, detection: Detection) -> Group:
        individual = await individual_of(session, detection)
        ids = individual.detection_ids if individual else (detection.detection_id,)
        return Group(detection.detection_id, held.found(ids))


async def individual_of(session: AsyncSessionHandle, detection: Detection) -> Individual | None:
    """The individual of a detection; None before the session has read it from the survey."""
    async for individual in session.individuals(detection_id=detection.detection_id):
        return individual
    return None


def _individual_form(individual: Individual | None) -> Json | None:
    if individual is None:
        return None
    return {
        "individual_id": individual.individual_id,
        "name": individual.name,
        "photographs": len(individual.detection_ids),
    }


def _others(held: HeldSurvey, detection: Detection, individual: Individual | None) -> list[Detection]:
    """Up to twelve other photographs of an individual, those of the same side first."""
    ids = individual.detection_ids if individual else ()
    others = [one for one in held.found(ids) if one.detection_id != detection.detection_id]
    return sorted(others, key=lambda one: (one.side != detection.side, by_time(one)))[:MOST_OF_GROUP]
