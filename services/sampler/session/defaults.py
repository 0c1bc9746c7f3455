"""Defaults for the fields of a session that its creator left unset."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

from services.common.session.settings import MUTABLE
from spotted.errors import AlreadyExistsError, PreconditionError
from spotted.sampling.strategies.by_name import DEFAULT_STRATEGY, strategy
from spotted.v1 import sampler_pb2 as pb
from spotted.v1.session_facts_pb2 import KNOWN_INDIVIDUALS_BELIEVED

LEARNING = frozenset({"spal", "confspal"})
# the settings by which two sessions with one id differ
SETTINGS = ("strategy", "seed", "catalogue_survey_ids", *MUTABLE)


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


def require_equal(created: pb.Session, stored: pb.Session) -> None:
    """Raise AlreadyExistsError unless a session that exists has the settings of the one to create."""
    other = [name for name in SETTINGS if getattr(created, name) != getattr(stored, name)]
    if other:
        raise AlreadyExistsError(
            f"session {stored.session_id!r} of survey {stored.survey_id!r} already exists with another "
            f"{' and '.join(other)}; use another session id, or delete that session first"
        )
