"""Individuals by id, detection, name or change."""

from __future__ import annotations

from collections.abc import Collection

from services.common.rpc import checks
from services.sampler.session.state import SessionState
from spotted.errors import NotFoundError, PreconditionError
from spotted.individuals.founders import Founder
from spotted.v1 import individuals_pb2 as pb


def find_item(state: SessionState, individual_id: str) -> int:
    """A detection of the individual with this id or alias, as an item. Raises NotFoundError."""
    try:
        item = state.identity.register.find(state.roster.founder(individual_id))
    except KeyError:
        item = None
    if item is None:
        raise NotFoundError(
            f"session {state.session.session_id!r} has no individual {individual_id!r}; list the individuals "
            "to see their ids"
        )
    if not state.constraints.is_there(item):
        raise NotFoundError(
            f"every detection of individual {individual_id!r} was deleted from the survey; add one of them "
            "again, or list the individuals to see those that are left"
        )
    component = state.constraints.component_of(item)
    if state.roster.foreign.issuperset(state.constraints.members(component)):
        raise NotFoundError(
            f"{individual_id!r} is an animal of the catalogue that no detection of this survey shows yet; "
            "see it in the catalogue"
        )
    return item


def get_individual(state: SessionState, individual_id: str) -> pb.Individual:
    """An individual by its id or an alias. Raises NotFoundError, PreconditionError."""
    individuals = state.named_individuals
    message = individuals.message(individuals.of(find_item(state, individual_id)))
    if message.ByteSize() > checks.ANSWER_BYTES:
        raise PreconditionError(
            f"individual {individual_id!r} has {message.detection_count} detections, too many for one "
            "message; list the individuals with one of its detections instead"
        )
    return message


def list_individuals(
    state: SessionState, request: pb.ListIndividualsRequest
) -> tuple[list[pb.Individual], str]:
    """A page of the individuals that match the request, and the token of the next page.

    Raises NotFoundError for an unknown detection.
    """
    individuals = state.named_individuals
    parts = individuals.parts(_matching(state, request))
    arguments = (
        type(request).__name__,
        request.survey_id,
        request.session_id,
        request.detection_id,
        request.display_name,
        str(request.changed_since_position),
    )
    size = checks.page_size(request.page_size, default=1000, largest=10_000)
    return checks.message_page(parts, individuals.message, size, request.page_token, *arguments)


def _matching(state: SessionState, request: pb.ListIndividualsRequest) -> Collection[Founder] | None:
    """The identities of the individuals that match; None for all."""
    register = state.identity.register
    found: set[Founder] | None = None
    if request.detection_id:
        item = state.roster.item_of.get(request.detection_id)
        if item is None:
            raise NotFoundError(
                f"session {request.session_id!r} has no detection {request.detection_id!r}; it knows those "
                "of the rounds planned so far"
            )
        if item in state.roster.gone:
            raise NotFoundError(
                f"detection {request.detection_id!r} was deleted from the survey, so no individual shows it; "
                "add it again"
            )
        founder = register.individual(state.constraints, item).founder
        # an animal of the catalogue that the survey does not show is no individual of it
        found = {founder} if register.is_present(founder) else set()
    if request.changed_since_position:
        changed = set(register.changed_since(request.changed_since_position))
        found = changed if found is None else found & changed
    if request.display_name:
        named = _named(state, request.display_name.casefold())
        found = named if found is None else found & named
    return found


def _named(state: SessionState, wanted: str) -> set[Founder]:
    """The individuals with this display name, their own or of an alias, in lower case."""
    register = state.identity.register
    anchors = (
        register.founders.anchor(founder)
        for founder in register.founders.described()
        if register.attributes(founder).display_name.casefold() == wanted
    )
    constraints = state.constraints
    found = {register.individual(constraints, i).founder for i in anchors if constraints.is_there(i)}
    return set(filter(register.is_present, found))
