"""Settings of a session that can change, and their checks."""

from __future__ import annotations

from services.common.rpc import checks
from spotted.errors import InvalidInputError
from spotted.v1 import sampler_pb2 as pb
from spotted.v1.session_facts_pb2 import KnownIndividuals

# the settings that can change
MUTABLE = ("trust", "known_individuals", "filter", "ask_opposite_flanks")


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
    if session.filter.comparable_sides_only and session.ask_opposite_flanks:
        raise InvalidInputError(
            f"{prefix}filter.comparable_sides_only and {prefix}ask_opposite_flanks contradict each other; "
            "set one of them",
            field=f"{prefix}ask_opposite_flanks",
        )
