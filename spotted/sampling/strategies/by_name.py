"""Strategies by name, as a session is created with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from spotted.errors import InvalidInputError
from spotted.sampling.rounds import Strategy
from spotted.sampling.strategies.learned import Learned
from spotted.sampling.strategies.linkage import MeanLinkage
from spotted.sampling.strategies.ranked import Greedy, Random
from spotted.sampling.strategies.spal import ConfSpal, Spal

DEFAULT_STRATEGY = "learned"
KINDS: Mapping[str, Callable[..., Strategy]] = MappingProxyType(
    {
        "random": Random,
        "greedy": Greedy,
        "greedy-visual": partial(Greedy, score="visual"),
        "mean-linkage": MeanLinkage,
        "spal": Spal,
        "confspal": ConfSpal,
        "learned": Learned,
    }
)


def strategy(kind: str, **parameters: Any) -> Strategy:  # noqa: ANN401 - each strategy has its own
    """The strategy of this kind; parameters are the fields of its class.

    >>> strategy("greedy", round_size=50)
    Greedy(score='fused', round_size=50)

    Raises InvalidInputError for an unknown kind, naming the known ones, and for an unknown parameter.
    """
    if kind not in KINDS:
        raise InvalidInputError(
            f"strategy {kind!r} is unknown; choose one of {', '.join(KINDS)}", field="strategy"
        )
    try:
        return KINDS[kind](**parameters)
    except TypeError as error:
        raise InvalidInputError(f"strategy {kind!r}: {error}", field="strategy") from error
