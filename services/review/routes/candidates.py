"""Candidates of one detection, and photographs to begin from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.review.forms.fields import Body
from services.review.forms.instants import number, word
from services.review.forms.labels import label_form
from services.review.forms.photos import Json, file_name
from services.review.routes.review import Review
from services.review.surveys.held import HeldSurvey, by_time
from spotted.client.values import Candidate, CandidateFilter
from spotted.errors import InvalidInputError

SURVEY = "/api/surveys/{survey}"
MOST_CANDIDATES, MOST_PHOTOS, MOST_OFFSET = 200, 500, 2**53


def candidate_routes(review: Review) -> list[Route]:
    """The routes of candidates."""
    matching = _Matching(review)
    return [
        Route(f"{SURVEY}/candidates", matching.candidates, methods=["GET"]),
        Route(f"{SURVEY}/photos", matching.photos, methods=["GET"]),
    ]


class _Matching:
    """The endpoints."""

    def __init__(self, review: Review) -> None:
        self._review = review

    async def candidates(self, request: Request) -> Response:
        """The best candidates of a detection."""
        query, held = Body.of_query(request), await self._review.held(request)
        detection = held.detection(query.required("detection"))
        found = self._review.survey(request).candidates(
            detection_ids=[detection.detection_id],
            top_k=query.whole("top_k", 20, least=1, most=MOST_CANDIDATES),
            only=filter_of(query, held.zone),
        )
        # one list for one detection
        (ranked,) = [one async for one in found]
        answered = await self._answered(request, query.text("session"), detection.detection_id)
        forms = [_candidate_form(one, held, answered) for one in ranked.candidates]
        excluded = [{"rule": word(rule), "detections": count} for rule, count in ranked.excluded.items()]
        return JSONResponse(
            {
                "detection": held.photo(detection),
                "compared": ranked.compared,
                "fallback": ranked.fallback,
                "excluded": excluded,
                "candidates": [form for form in forms if form],
            }
        )

    async def _answered(self, request: Request, session_id: str, detection_id: str) -> dict[str, list[Json]]:
        """The answers of a session about a detection, by the other one; none without a session."""
        found: defaultdict[str, list[Json]] = defaultdict(list)
        labels = await self._review.survey(request).session(session_id).labels() if session_id else []
        for label in labels:
            ends = {label.first_detection_id, label.second_detection_id}
            if detection_id in ends:
                (other,) = ends - {detection_id}
                found[other].append(label_form(label))
        return found

    async def photos(self, request: Request) -> Response:
        """Photographs by time, a page of them."""
        query, held = Body.of_query(request), await self._review.held(request)
        camera, text = query.text("camera"), query.text("text").casefold()
        passing = [
            one
            for one in sorted(held.detections.values(), key=by_time)
            if (not camera or one.camera_id == camera)
            and (text in one.detection_id.casefold() or text in file_name(one.image_uri).casefold())
        ]
        offset = query.whole("offset", 0, most=MOST_OFFSET)
        limit = query.whole("limit", 100, least=1, most=MOST_PHOTOS)
        cameras = sorted({one.camera_id for one in held.detections.values() if one.camera_id})
        shown = [held.photo(one) for one in passing[offset : offset + limit]]
        return JSONResponse({"total": len(passing), "photos": shown, "cameras": cameras})


def filter_of(query: Body, zone: ZoneInfo) -> CandidateFilter:
    """The filter of a request; days begin at midnight in the survey's zone."""
    return CandidateFilter(
        comparable_sides_only=query.text("sides") == "comparable",
        exclude_same_encounter=query.flag("other_encounters"),
        camera_ids=tuple(query.texts("cameras")),
        captured_from_s=_instant(query, "from", zone),
        captured_before_s=_instant(query, "before", zone),
        known_individuals_only=query.flag("known"),
    )


def _instant(query: Body, name: str, zone: ZoneInfo) -> float | None:
    text = query.text(name)
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInputError(f"{name} is {text!r}; write e.g. 2026-02-01", field=name) from None
    return (at if at.tzinfo else at.replace(tzinfo=zone)).timestamp()


def _candidate_form(
    candidate: Candidate, held: HeldSurvey, answered: Mapping[str, list[Json]]
) -> Json | None:
    """A candidate; None for one that was added since the survey was read. answered: by its id."""
    detection = held.detections.get(candidate.detection_id)
    if detection is None:
        return None
    return {
        "photo": held.photo(detection),
        "visual": candidate.visual,
        "feasibility": number(candidate.feasibility),
        "fused": candidate.fused,
        "reason": candidate.reason,
        "known_as": candidate.individual_id,
        "labels": answered.get(candidate.detection_id, []),
    }
