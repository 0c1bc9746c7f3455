from __future__ import annotations

import pytest

from spotted.errors import InvalidInputError
from spotted.sampling.rounds import Strategy
from spotted.sampling.strategies.by_name import DEFAULT_STRATEGY, KINDS, strategy
from spotted.sampling.strategies.linkage import MeanLinkage
from spotted.sampling.strategies.ranked import Greedy, Random
from spotted.sampling.strategies.spal import ConfSpal, Spal


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("random", Random()),
        ("greedy", Greedy()),
        ("greedy-visual", Greedy("visual")),
        ("mean-linkage", MeanLinkage()),
        ("spal", Spal()),
        ("confspal", ConfSpal()),
    ],
)
def test_kinds_name_their_strategies(kind: str, expected: Strategy) -> None:
    assert strategy(kind) == expected


def test_parameters_are_the_fields_of_the_strategy() -> None:
    assert strategy("confspal", eps=0.4, dry_below=3) == ConfSpal(eps=0.4, dry_below=3)


def test_the_default_is_a_known_strategy() -> None:
    assert DEFAULT_STRATEGY in KINDS


def test_an_unknown_kind_is_answered_with_the_known_ones() -> None:
    known = "random, greedy, greedy-visual, mean-linkage, spal, confspal"
    with pytest.raises(InvalidInputError, match=f"'best' is unknown; choose one of {known}"):
        strategy("best")


def test_an_unknown_parameter_is_named() -> None:
    with pytest.raises(InvalidInputError, match="radius"):
        strategy("spal", radius=1.0)
