"""The application: routes, files of the page, errors."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from services.review.access import Cookies, Guard, login_routes, read_secret
from services.review.forms.errors import answer_error, error_form
from services.review.images.cache import PictureCache
from services.review.images.pictures import Pictures
from services.review.images.places import Places
from services.review.routes.candidates import candidate_routes
from services.review.routes.conflicts import conflict_routes
from services.review.routes.evidence import evidence_routes
from services.review.routes.export import export_routes
from services.review.routes.images import image_routes
from services.review.routes.individuals import individual_routes
from services.review.routes.progress import progress_routes
from services.review.routes.questions import question_routes
from services.review.routes.review import Review
from services.review.routes.start import start_routes
from services.review.settings import MIB, ReviewSettings
from services.review.surveys.held import HeldSurveys
from spotted.client.aio import AsyncSpotted
from spotted.client.credentials import Credentials
from spotted.errors import SpottedError

STATIC = Path(__file__).parent / "static"
PICTURES = Path("review", "pictures")
# their names change with their content
FOR_EVER = "public, max-age=31536000, immutable"


def application(settings: ReviewSettings, *, static: Path = STATIC) -> Starlette:
    """The review page. static: folder of the built page. Raises InvalidInputError for a wrong secret."""
    cookies = Cookies(settings, read_secret(settings.directory, settings.secret_file))
    places = Places(settings.directory, by_uid=settings.tokens, hosts=settings.image_hosts)
    cache = PictureCache(settings.directory / PICTURES, most_bytes=settings.cache_mib * MIB)
    review = Review(settings, cookies, HeldSurveys(), places, Pictures(places, cache))

    @asynccontextmanager
    async def connected(_: Starlette) -> AsyncIterator[None]:
        async with AsyncSpotted(
            embedder=settings.embedder,
            scorer=settings.scorer,
            sampler=settings.sampler,
            credentials=Credentials(ca=settings.ca),
        ) as review.connected:
            yield
        review.connected = None

    return Starlette(
        routes=[*login_routes(settings, cookies, review.client), *_routes(review), *_page(static)],
        middleware=[Middleware(Guard, settings=settings)],
        exception_handlers={SpottedError: answer_error, 404: _no_such_path, 405: _no_such_path},
        lifespan=connected,
    )


def _routes(review: Review) -> list[Route]:
    return [
        *start_routes(review),
        *question_routes(review),
        *evidence_routes(review),
        *conflict_routes(review),
        *individual_routes(review),
        *progress_routes(review),
        *candidate_routes(review),
        *export_routes(review),
        *image_routes(review),
    ]


def _page(static: Path) -> list[BaseRoute]:
    """The files of the page, and the health of the process."""

    async def page(_: Request) -> Response:
        return FileResponse(static / "index.html", headers={"cache-control": "no-cache"})

    async def healthy(_: Request) -> Response:
        return PlainTextResponse("ok")

    return [
        Route("/", page, methods=["GET"]),
        Route("/healthz", healthy, methods=["GET"]),
        Mount("/assets", _Assets(directory=static / "assets", check_dir=False)),
    ]


class _Assets(StaticFiles):
    """Files whose names change with their content."""

    def file_response(self, *args: object, **kwargs: object) -> Response:
        """A file with its headers."""
        response = super().file_response(*args, **kwargs)  # type: ignore[arg-type] # passed on as they came
        response.headers["cache-control"] = FOR_EVER
        return response


async def _no_such_path(request: Request, error: Exception) -> Response:
    status = int(getattr(error, "status_code", 404))
    return JSONResponse(error_form("NOT_FOUND", f"the page has no path {request.url.path}"), status)
