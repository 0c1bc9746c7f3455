"""What a session is opened with where its caller left it open."""

from __future__ import annotations

import importlib.util

from spotted.errors import PreconditionError
from spotted.sampling.strategies.by_name import DEFAULT_STRATEGY, strategy
from spotted.v1 import sampler_pb2 as pb

LEARNING = frozenset({"spal", "confspal"})


def resolved(session: pb.Session) -> pb.Session:
    """A session with its defaults written out, so that its journal says all.

    Raises InvalidInputError for a strategy that there is none of, PreconditionError without torch.
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
    # written out, so that another default in a later version changes no session
    settings.retrain = settings.retrain and settings.strategy_id in LEARNING
    return written
