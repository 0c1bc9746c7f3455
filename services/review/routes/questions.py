"""Questions, answers, and taking back."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.review.forms.fields import Body
from services.review.forms.labels import (
    bursts_of,
    conflict_detections,
    labels_of,
    outcome_form,
    stored_together,
)
from services.review.forms.photos import Json
from services.review.forms.progress import annotator_form, progress_form
from services.review.forms.questions import question_forms
from services.review.routes.review import Review
from spotted.client.aio import AsyncSessionHandle
from spotted.client.values import QuestionKind
from spotted.errors import InvalidInputError

MOST_QUESTIONS, MOST_CANDIDATES, LONGEST_LEASE_S, MOST_OWN = 100, 30, 86_400, 1000
LEASE_S = 600
SESSION = "/api/surveys/{survey}/sessions/{session}"
KINDS = {"burst": QuestionKind.BURST, "gallery": QuestionKind.GALLERY}


def question_routes(review: Review) -> list[Route]:
    """The routes of questions."""
    asking = _Asking(review)
    return [
        Route(f"{SESSION}/next", asking.next, methods=["POST"]),
        Route(f"{SESSION}/answers", asking.answer, methods=["POST"]),
        Route(f"{SESSION}/answers", asking.own, methods=["GET"]),
        Route(f"{SESSION}/retract", asking.retract, methods=["POST"]),
        Route(f"{SESSION}/retract/preview", asking.preview, methods=["POST"]),
        Route(f"{SESSION}/leave", asking.leave, methods=["POST"]),
    ]


class _Asking:
    """The endpoints."""

    def __init__(self, review: Review) -> None:
        self._review = review

    async def next(self, request: Request) -> Response:
        """The next questions; waits while a round is planned."""
        body, annotator = await Body.of(request), self._review.caller(request).annotator
        held, session = await self._review.held(request), self._review.session(request)
        questions = await session.next_pairs(
            annotator,
            count=body.whole("count", 1, least=1, most=MOST_QUESTIONS),
            shows=_kinds(body),
            gallery_size=body.whole("gallery_size", 0, most=MOST_CANDIDATES),
            audit=body.flag("audit"),
            lease_s=body.whole("lease_s", LEASE_S, least=1, most=LONGEST_LEASE_S),
        )
        forms = question_forms(questions, held.photo, held.limit_kmh)
        state = "ready" if forms else "finished" if questions.finished else "leased"
        others = await _others(session, annotator) if state == "leased" else []
        return JSONResponse(
            {"state": state, "notice": questions.notice, "others": others, "questions": forms}
        )

    async def answer(self, request: Request) -> Response:
        """Store answers."""
        body, annotator = await Body.of(request), self._review.caller(request).annotator
        submitted = await self._review.session(request).submit_labels(
            labels_of(body, annotator),
            bursts=bursts_of(body, annotator),
            request_id=body.required("request_id"),
        )
        named = [i for one in submitted.outcomes if one.conflict for i in conflict_detections(one.conflict)]
        photos = await self._review.photos(request, named) if named else _no_photos
        return JSONResponse(
            {
                "outcomes": [outcome_form(one, photos) for one in submitted.outcomes],
                "progress": progress_form(submitted.progress),
                "notice": submitted.notice,
            }
        )

    async def retract(self, request: Request) -> Response:
        """Take answers back."""
        body, annotator = await Body.of(request), self._review.caller(request).annotator
        progress = await self._review.session(request).retract_labels(
            body.texts("label_ids"), annotator, request_id=body.required("request_id")
        )
        return JSONResponse({"progress": progress_form(progress)})

    async def preview(self, request: Request) -> Response:
        """The progress now, and as it would be without some answers."""
        body, annotator = await Body.of(request), self._review.caller(request).annotator
        session = self._review.session(request)
        after = await session.preview_retraction(body.texts("label_ids"), annotator)
        before = await session.progress()
        return JSONResponse({"before": progress_form(before), "after": progress_form(after)})

    async def leave(self, request: Request) -> Response:
        """Let others be asked the questions that the caller does not answer."""
        annotator = self._review.caller(request).annotator
        return JSONResponse({"released": await self._review.session(request).release_leases(annotator)})

    async def own(self, request: Request) -> Response:
        """The caller's last answers, for undo after a reload."""
        limit = Body.of_query(request).whole("limit", 50, least=1, most=MOST_OWN)
        annotator = self._review.caller(request).annotator
        labels = await self._review.session(request).labels()
        return JSONResponse({"answers": stored_together(labels, annotator, limit)})


def _kinds(body: Body) -> list[QuestionKind]:
    shows = body.texts("shows")
    for one in shows:
        if one not in KINDS:
            raise InvalidInputError(f"shows has {one!r}; use {' and '.join(KINDS)}", field="shows")
    return [KINDS[one] for one in shows]


async def _others(session: AsyncSessionHandle, annotator: str) -> list[Json]:
    """Who else answers, when all open questions are with others."""
    progress = await session.progress()
    return [annotator_form(one) for one in progress.annotators if one.annotator_id != annotator]


def _no_photos(_: object) -> Json:
    return {}
