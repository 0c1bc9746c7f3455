"""The progress of a session, also as it changes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from services.review.forms.errors import form_of
from services.review.forms.photos import Json
from services.review.forms.progress import curve, progress_form
from services.review.routes.questions import SESSION
from services.review.routes.review import Review
from spotted.client.aio import AsyncSessionHandle
from spotted.errors import SpottedError

# proxies close connections that are silent for longer
HEARTBEAT_S = 15.0


def progress_routes(review: Review) -> list[Route]:
    """The routes of progress."""

    async def progress(request: Request) -> Response:
        """The progress now."""
        return JSONResponse(progress_form(await review.session(request).progress()))

    async def stream(request: Request) -> Response:
        """The progress as it changes."""
        session = review.session(request)
        # an error before the first event has a status
        await session.info()
        return StreamingResponse(events(session), media_type="text/event-stream")

    async def points(request: Request) -> Response:
        """Merges found against answers."""
        return JSONResponse({"points": curve(await review.session(request).labels())})

    return [
        Route(f"{SESSION}/progress", progress, methods=["GET"]),
        Route(f"{SESSION}/progress/stream", stream, methods=["GET"]),
        Route(f"{SESSION}/progress/curve", points, methods=["GET"]),
    ]


async def events(session: AsyncSessionHandle, *, heartbeat_s: float = HEARTBEAT_S) -> AsyncIterator[str]:
    """Server-sent events of a session's progress, until the services stop or the reader leaves."""
    changes: asyncio.Queue[str | None] = asyncio.Queue()

    async def watch() -> None:
        try:
            async for one in session.watch_progress():
                changes.put_nowait(_event("progress", progress_form(one)))
        except SpottedError as error:
            changes.put_nowait(_event("failed", form_of(error)))
        changes.put_nowait(None)

    watching = asyncio.create_task(watch())
    try:
        while True:
            try:
                event = await asyncio.wait_for(changes.get(), heartbeat_s)
            except TimeoutError:
                yield ": nothing new\n\n"
                continue
            if event is None:
                return
            yield event
    finally:
        watching.cancel()


def _event(kind: str, content: Json) -> str:
    return f"event: {kind}\ndata: {json.dumps(content)}\n\n"
