"""Contests: a DIFFERENT answer inside a component, and the cheapest cut that would settle it.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

from dataclasses import dataclass

from spotted.constraints.component_evidence import Evidence
from spotted.constraints.components import Components, Pair, ordered
from spotted.constraints.graph_cuts import Strengths, minimum_cut
from spotted.constraints.statements import Statements
from spotted.constraints.trust_settings import TrustSettings


@dataclass(frozen=True, slots=True)
class Contest:
    """An unsettled DIFFERENT inside a component, and the cheapest cut between its two items."""

    pair: Pair
    """The items answered DIFFERENT."""
    near: tuple[int, ...]
    """The items on the side of the first, ascending."""
    far: tuple[int, ...]
    """The items on the other side, ascending."""
    log_odds: float
    """Log-odds that both sides are one animal."""
    cheapest: Pair
    """The weakest image pair across the cut that was answered SAME."""


def find_contest(
    components: Components,
    statements: Statements,
    settings: TrustSettings,
    pair: Pair,
    strengths: Strengths,
) -> Contest:
    """The cheapest cut between two items of one component. strengths: between its items."""
    members = components.members(components.of(pair[0]))
    near = minimum_cut(strengths, *pair)
    across, cheapest = Evidence(), (float("inf"), pair)
    for item in sorted(near):
        for other in statements.near(item):
            answered = statements.of(item, other)
            if answered is None or other in near or components.of(other) != components.of(item):
                continue
            across.add_pair(answered)
            if answered.any_same:
                strength = answered.weight + answered.prior(settings)
                cheapest = min(cheapest, (strength, ordered(item, other)))
    far = tuple(item for item in members if item not in near)
    return Contest(pair, tuple(sorted(near)), far, across.log_odds(settings), cheapest[1])
