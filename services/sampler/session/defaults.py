"""Defaults for the fields of a session that its creator left unset."""

from __future__ import annotations

import importlib.util

from spotted.errors import PreconditionError
from spotted.sampling.strategies.by_name import DEFAULT_STRATEGY, strategy
from spotted.v1 import sampler_pb2 as pb

LEARNING = frozenset({"spal", "confspal"})


def with_defaults(session: pb.Session) -> pb.Session:
    """A copy of the session with its defaults filled in, so that its journal is complete.

    Raises InvalidInputError for an unknown strategy, PreconditionError for retraining without torch.
    """
    written = pb.Session()
    written.CopyFrom(session)
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
