"""Settings of a session that can change, and their checks."""

from __future__ import annotations

from services.common.rpc import checks
from services.common.store import keys
from spotted.errors import InvalidInputError
from spotted.v1 import sampler_pb2 as pb
from spotted.v1.session_facts_pb2 import (
    KNOWN_INDIVIDUALS_BELIEVED,
    KNOWN_INDIVIDUALS_UNSPECIFIED,
    KnownIndividuals,
)

# the settings that can change
MUTABLE = ("trust", "known_individuals", "filter", "ask_opposite_flanks")
# other surveys that a session draws on; a page of a thousand sessions fits into a message
MOST_SURVEYS = 30


def check_settings(session: pb.Session, prefix: str) -> None:
    """Raise InvalidInputError unless the settings that can change are valid. prefix: of their fields."""
    if session.trust not in pb.Trust.values():
        raise InvalidInputError(
            f"{prefix}trust is {session.trust}; use SINGLE, VERIFIED or leave it out", field=f"{prefix}trust"
        )
    if session.known_individuals not in KnownIndividuals.values():
        raise InvalidInputError(
            f"{prefix}known_individuals is {session.known_individuals}; use BELIEVED, SUGGESTED, IGNORED or "
            "leave it out",
            field=f"{prefix}known_individuals",
        )
    for name in ("captured_from", "captured_before"):
        checks.instant(getattr(session.filter, name), f"{prefix}filter.{name}")
    _check_catalogue(session, f"{prefix}catalogue_survey_ids")
    if session.filter.comparable_sides_only and session.ask_opposite_flanks:
        raise InvalidInputError(
            f"{prefix}filter.comparable_sides_only and {prefix}ask_opposite_flanks contradict each other; "
            "set one of them",
            field=f"{prefix}ask_opposite_flanks",
        )


def _check_catalogue(session: pb.Session, field: str) -> None:
    """Raise InvalidInputError unless a session can draw on these surveys."""
    ids = session.catalogue_survey_ids
    checks.between(len(ids), 0, MOST_SURVEYS, f"the number of {field}")
    checks.unique(ids, field)
    for each in ids:
        checks.slug(each, field)
        if each == session.survey_id.rpartition(keys.OF)[2]:
            raise InvalidInputError(f"{field} names the session's own survey; name others", field=field)
    if ids and session.known_individuals not in (KNOWN_INDIVIDUALS_UNSPECIFIED, KNOWN_INDIVIDUALS_BELIEVED):
        raise InvalidInputError(
            f"{field} needs known individuals that are believed, as those of the catalogue are; set "
            "known_individuals to BELIEVED, or leave the surveys out",
            field=field,
        )
