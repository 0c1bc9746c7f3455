"""Labels that contradict others."""

from __future__ import annotations

from itertools import chain

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.review.forms.labels import conflict_detections, conflict_form
from services.review.routes.questions import SESSION
from services.review.routes.review import Review


def conflict_routes(review: Review) -> list[Route]:
    """The route of conflicts."""

    async def conflicts(request: Request) -> Response:
        """The conflicts of a session, oldest first."""
        found = [one async for one in review.session(request).conflicts()]
        photos = await review.photos(request, chain.from_iterable(map(conflict_detections, found)))
        return JSONResponse({"conflicts": [conflict_form(one, photos) for one in found]})

    return [Route(f"{SESSION}/conflicts", conflicts, methods=["GET"])]
