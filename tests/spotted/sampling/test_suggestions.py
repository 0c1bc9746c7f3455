from __future__ import annotations

from spotted.constraints.answers import Answer, LabelledPair
from spotted.constraints.closure import Closure
from spotted.sampling.suggestions import Suggestions


def asked(suggestions: Suggestions, constraints: Closure) -> list[tuple[int, int]]:
    return [(query.first, query.second) for query in suggestions.open_pairs(constraints)]


def test_pairs_of_one_name_are_served_in_order_while_they_are_open() -> None:
    constraints = Closure(5)
    suggestions = Suggestions([(0, 1, "Mvula"), (1, 2, "Mvula"), (3, 4, "Nandi")])
    assert asked(suggestions, constraints) == [(0, 1), (1, 2), (3, 4)]
    constraints.apply(LabelledPair("a", 1, 2, Answer.SAME))
    assert asked(suggestions, constraints) == [(0, 1), (3, 4)]
    constraints.apply(LabelledPair("b", 0, 2, Answer.DIFFERENT))
    assert asked(suggestions, constraints) == [(3, 4)]
    (query,) = suggestions.open_pairs(constraints)
    assert (query.reason, query.score) == ("both are named 'Nandi'", 0.0)


def test_without_pairs_nothing_is_suggested() -> None:
    assert asked(Suggestions(), Closure(3)) == []
