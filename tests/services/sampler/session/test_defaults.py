from __future__ import annotations

import importlib.util

import pytest

from services.sampler.session.defaults import LEARNING, with_defaults
from spotted.errors import InvalidInputError, PreconditionError
from spotted.sampling.strategies.by_name import DEFAULT_STRATEGY, KINDS
from spotted.v1 import sampler_pb2 as pb


def session(**strategy: object) -> pb.Session:
    return pb.Session(session_id="main", strategy=pb.StrategySettings(**strategy))  # type: ignore[arg-type]


def test_what_was_left_open_is_written_out_and_the_rest_stays() -> None:
    asked = session()
    asked.seed = 7
    written = with_defaults(asked)
    assert (written.session_id, written.seed) == ("main", 7)
    assert (written.strategy.strategy_id, written.strategy.retrain) == (DEFAULT_STRATEGY, False)
    assert asked.strategy.strategy_id == ""


@pytest.mark.parametrize("kind", KINDS)
def test_only_strategies_that_learn_a_head_keep_retraining(kind: str) -> None:
    assert with_defaults(session(strategy_id=kind, retrain=True)).strategy.retrain == (kind in LEARNING)


def test_an_unknown_strategy_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="nosuch"):
        with_defaults(session(strategy_id="nosuch"))


def test_retraining_without_torch_is_refused_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(PreconditionError, match="extra `train`"):
        with_defaults(session(strategy_id="confspal", retrain=True))
