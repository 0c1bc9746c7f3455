"""The catalogue: individuals as cards and pages, and what people decide about them."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.review.forms.fields import Body
from services.review.forms.labels import label_form
from services.review.forms.photos import Json
from services.review.routes.questions import SESSION
from services.review.routes.review import Review
from services.review.surveys.cards import ORDERS, card_form, change_form, details_form
from services.review.surveys.moves import Group, map_form
from spotted.client.aio import AsyncIndividualHandle
from spotted.client.values import Individual, IndividualsChange, Label
from spotted.constraints.answers import Answer
from spotted.errors import InvalidInputError, PreconditionError
from spotted.individuals.attributes import Sex, Status

MOST_CARDS, MOST_POSITION = 500, 2**53
# answers that keep others apart from an individual, and how many of them its page shows
APART, MOST_APART = frozenset({Answer.DIFFERENT, Answer.NOT_COMPARABLE}), 60
# an id may hold the path of a file
ONE = f"{SESSION}/individuals/{{individual:path}}"


def individual_routes(review: Review) -> list[Route]:
    """The routes of the catalogue."""
    catalogue = _Catalogue(review)
    return [
        Route(f"{SESSION}/individuals", catalogue.cards, methods=["GET"]),
        Route(f"{ONE}/merge", catalogue.merge, methods=["POST"]),
        Route(f"{ONE}/split", catalogue.split, methods=["POST"]),
        Route(f"{ONE}/move", catalogue.move, methods=["POST"]),
        Route(ONE, catalogue.page, methods=["GET"]),
        Route(ONE, catalogue.update, methods=["POST"]),
        Route(f"{SESSION}/changes/{{position:int}}/undo", catalogue.undo, methods=["POST"]),
    ]


class _Catalogue:
    """The endpoints."""

    def __init__(self, review: Review) -> None:
        self._review = review

    async def cards(self, request: Request) -> Response:
        """The individuals that pass the filter, in order, a page of them."""
        query, held = Body.of_query(request), await self._review.held(request)
        order = query.text("sort") or "size"
        if order not in ORDERS:
            raise InvalidInputError(f"sort is {order!r}; use one of {', '.join(ORDERS)}", field="sort")
        listed = [one async for one in self._review.session(request).individuals()]
        passing = [card for one in listed if _passes(query, one, card := card_form(one, held))]
        # what was seen last comes first
        cards = sorted(passing, key=ORDERS[order], reverse=order == "last_seen")
        offset = query.whole("offset", 0, most=MOST_POSITION)
        limit = query.whole("limit", 60, least=1, most=MOST_CARDS)
        return JSONResponse({"total": len(cards), "individuals": cards[offset : offset + limit]})

    async def page(self, request: Request) -> Response:
        """One individual with all that is known of it."""
        held, session = await self._review.held(request), self._review.session(request)
        individual = await self._whole(request)
        shown = held.found(individual.detection_ids)
        ids = set(individual.detection_ids)
        within, apart = _labels_of(ids, await session.labels())
        elsewhere = {i for label in apart for i in _ends(label)} - ids
        photos = await self._review.photos(request, elsewhere)
        groups = [Group(shown[0].detection_id, shown)] if shown else []
        return JSONResponse(
            {
                **card_form(individual, held),
                **details_form(individual),
                "photos": [held.photo(one) for one in shown],
                "labels": [label_form(label) for label in within],
                "apart": [label_form(label) for label in apart],
                "apart_photos": photos(elsewhere),
                "map": await map_form(self._review.survey(request), held, groups),
            }
        )

    async def update(self, request: Request) -> Response:
        """Set the attributes that are given."""
        body = await Body.of(request)
        change = await self._individual(request).update(
            self._review.caller(request).annotator,
            display_name=body.text("display_name") if body.has("display_name") else None,
            sex=body.chosen("sex", Sex) if body.has("sex") else None,
            status=body.chosen("status", Status) if body.has("status") else None,
            notes=body.text("notes") if body.has("notes") else None,
            tags=body.texts("tags") if body.has("tags") else None,
            as_of=_as_of(body),
            request_id=body.required("request_id"),
        )
        return await self._changed(request, change)

    async def merge(self, request: Request) -> Response:
        """Make other individuals part of this one."""
        body = await Body.of(request)
        change = await self._individual(request).merge(
            body.texts("others"),
            self._review.caller(request).annotator,
            as_of=_as_of(body),
            request_id=body.required("request_id"),
        )
        return await self._changed(request, change)

    async def split(self, request: Request) -> Response:
        """Make some of its photographs another individual."""
        body = await Body.of(request)
        change = await self._individual(request).split(
            body.texts("detections"),
            self._review.caller(request).annotator,
            as_of=_as_of(body),
            request_id=body.required("request_id"),
        )
        return await self._changed(request, change)

    async def move(self, request: Request) -> Response:
        """Move photographs of others here."""
        body = await Body.of(request)
        change = await self._individual(request).move_here(
            body.texts("detections"),
            self._review.caller(request).annotator,
            as_of=_as_of(body),
            request_id=body.required("request_id"),
        )
        return await self._changed(request, change)

    async def undo(self, request: Request) -> Response:
        """Undo such a change."""
        body = await Body.of(request)
        change = await self._review.session(request).undo_change(
            request.path_params["position"],
            self._review.caller(request).annotator,
            request_id=body.required("request_id"),
        )
        return await self._changed(request, change)

    def _individual(self, request: Request) -> AsyncIndividualHandle:
        return self._review.session(request).individual(request.path_params["individual"])

    async def _whole(self, request: Request) -> Individual:
        """The individual of the path, however many detections it has."""
        try:
            return await self._individual(request).get()
        except PreconditionError:
            # more detections than one message holds: a list has them in parts
            wanted = request.path_params["individual"]
            async for one in self._review.session(request).individuals():
                if wanted in {one.individual_id, *(alias.individual_id for alias in one.aliases)}:
                    return one
            raise

    async def _changed(self, request: Request, change: IndividualsChange) -> Response:
        return JSONResponse(change_form(change, await self._review.held(request)))


def _ends(label: Label) -> set[str]:
    return {label.first_detection_id, label.second_detection_id}


def _labels_of(ids: set[str], labels: Sequence[Label]) -> tuple[list[Label], list[Label]]:
    """The labels between these detections, and the last ones that keep others apart, newest first."""
    within = [label for label in labels if _ends(label) <= ids]
    apart = [label for label in labels if label.answer in APART and len(_ends(label) & ids) == 1]
    return within, apart[: -MOST_APART - 1 : -1]


def _passes(query: Body, individual: Individual, card: Json) -> bool:
    """Whether an individual passes the filter of a request."""
    camera, side, name = query.text("camera"), query.text("side"), query.text("name").casefold()
    single = len(individual.detection_ids) == 1
    names = [individual.name, individual.individual_id, *(a.display_name for a in individual.aliases)]
    return (
        (not camera or camera in _texts(card["cameras"]))
        and (not side or side in _texts(card["sides"]))
        and (not query.has("singletons") or query.flag("singletons") == single)
        and any(name in one.casefold() for one in names)
    )


def _texts(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _as_of(body: Body) -> int:
    return body.whole("as_of", 0, most=MOST_POSITION)
