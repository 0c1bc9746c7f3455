"""Pictures and tiles of detections, and where photographs were moved."""

from __future__ import annotations

import asyncio
from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.review.forms.fields import Body
from services.review.forms.photos import box_form
from services.review.images.pictures import WIDTHS
from services.review.images.tiles import TILE, Pyramid, Tile
from services.review.routes.review import Review
from services.review.surveys.held import HeldSurvey
from spotted.catalogue.foreign_ids import read_foreign_id
from spotted.errors import InvalidInputError, PermissionDeniedError
from spotted.survey import Detection

# an id may be the path of a file
IMAGE = "/img/{survey}/{detection:path}"
CACHED = "private, max-age=86400, immutable"
CROPS = ("image", "box")


def image_routes(review: Review) -> list[Route]:
    """The routes of images."""
    images = _Images(review)
    return [
        Route(f"{IMAGE}/info", images.info, methods=["GET"]),
        Route(f"{IMAGE}/tiles/{{level:int}}/{{column:int}}/{{row:int}}", images.tile, methods=["GET"]),
        Route(IMAGE, images.picture, methods=["GET"]),
        Route("/api/surveys/{survey}/photographs", images.move, methods=["POST"]),
    ]


class _Images:
    """The endpoints."""

    def __init__(self, review: Review) -> None:
        self._review = review

    async def picture(self, request: Request) -> Response:
        """A picture of a detection."""
        query = Body.of_query(request)
        width, crop = query.text("w") or "1600", query.text("crop") or "image"
        if width not in WIDTHS or crop not in CROPS:
            raise InvalidInputError(
                f"w is {width!r} and crop {crop!r}; use w=320, 1600 or full, and crop=image or box", field="w"
            )
        held, detection = await self._shown(request)
        known = request.headers.get("if-none-match", "").strip('"')
        digest, content = await self._review.pictures.picture(
            held.info, detection, width=width, crop=crop == "box", masked=self._masked(query), known=known
        )
        return _answer(digest, content)

    async def info(self, request: Request) -> Response:
        """The size of a photograph, and how it is cut into tiles."""
        held, detection = await self._shown(request)
        shown = await self._review.pictures.shown(held.info, detection)
        return JSONResponse(
            {
                **asdict(shown.size),
                "whole": {width: asdict(size) for width, size in shown.whole.items()},
                "tile_size": TILE,
                "max_level": Pyramid(shown.size).highest,
                "box": box_form(shown.box),
            }
        )

    async def tile(self, request: Request) -> Response:
        """A tile of a photograph."""
        held, detection = await self._shown(request)
        at = Tile(*(int(request.path_params[one]) for one in ("level", "column", "row")))
        masked = self._masked(Body.of_query(request))
        return _answer(*await self._review.pictures.tile(held.info, detection, at, masked=masked))

    async def move(self, request: Request) -> Response:
        """Take another folder for the photographs of a survey; on one's own machine only."""
        if self._review.settings.tokens:
            raise PermissionDeniedError("folders are chosen on the machine of the page; ask its operator")
        held, body = await self._review.held(request), await Body.of(request)
        self._review.caller(request)
        found, missing = await asyncio.to_thread(
            self._review.places.move, held.info, body.required("folder"), list(held.detections.values())
        )
        return JSONResponse({"found": found, "missing": missing})

    def _masked(self, query: Body) -> bool:
        """Whether strips of cameras are hidden: by the person, or for everyone."""
        return self._review.settings.hide_strips or query.flag("mask")

    async def _shown(self, request: Request) -> tuple[HeldSurvey, Detection]:
        detection_id = request.path_params["detection"]
        other = read_foreign_id(detection_id)
        if other is None:
            held = await self._review.held(request)
            return held, held.detection(detection_id)
        # of a session that draws on another survey, which the person's own token must be valid for
        held = await self._review.surveys.get(self._review.spotted(request).survey(other.survey_id))
        return held, held.detection(other.detection_id)


def _answer(digest: str, content: bytes | None) -> Response:
    headers = {"etag": f'"{digest}"', "cache-control": CACHED}
    if content is None:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type="image/jpeg", headers=headers)
