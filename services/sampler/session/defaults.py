"""Defaults for the fields of a session that its creator left unset."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

from services.common.rpc import checks
from spotted.errors import InvalidInputError, PreconditionError
from spotted.sampling.strategies.by_name import DEFAULT_STRATEGY, strategy
from spotted.v1 import sampler_pb2 as pb
from spotted.v1.session_facts_pb2 import KNOWN_INDIVIDUALS_BELIEVED, KnownIndividuals

# the settings that can change
MUTABLE = ("trust", "known_individuals", "filter", "ask_opposite_flanks")
LEARNING = frozenset({"spal", "confspal"})


def with_defaults(session: pb.Session) -> pb.Session:
    """A copy of the session with its defaults filled in, so that its journal is complete.

    Raises InvalidInputError for an unknown strategy, PreconditionError for retraining without torch.
    """
    written = with_settings(session)
    settings = written.strategy
    settings.strategy_id = settings.strategy_id or DEFAULT_STRATEGY
    strategy(settings.strategy_id, **({"eps": settings.eps} if settings.HasField("eps") else {}))
    if settings.retrain and importlib.util.find_spec("torch") is None:
        raise PreconditionError(
            "retraining needs torch, which this sampler does not have; install the extra `train`, or set "
            "retrain to false"
        )
    # filled in, so that a later version with another default changes no existing session
    settings.retrain = settings.retrain and settings.strategy_id in LEARNING
    return written


def with_settings(session: pb.Session) -> pb.Session:
    """A copy of the session with the settings filled in that can change later."""
    written = pb.Session()
    written.CopyFrom(session)
    written.trust = written.trust or pb.TRUST_SINGLE
    written.known_individuals = written.known_individuals or KNOWN_INDIVIDUALS_BELIEVED
    return written


def set_settings(session: pb.Session, changes: pb.Session, paths: Sequence[str] = MUTABLE) -> None:
    """Set the settings that paths name."""
    for path in paths:
        match path:
            case "trust":
                session.trust = changes.trust
            case "known_individuals":
                session.known_individuals = changes.known_individuals
            case "filter":
                session.filter.CopyFrom(changes.filter)
            case "ask_opposite_flanks":
                session.ask_opposite_flanks = changes.ask_opposite_flanks


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
