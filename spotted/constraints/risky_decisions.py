"""Accepted decisions that may be wrong, and the number of image pairs that would be wrong by them.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

import bisect
import heapq
from collections.abc import Iterator
from dataclasses import dataclass

from spotted.constraints.component_evidence import Evidence
from spotted.constraints.components import Pair
from spotted.constraints.graph_cuts import Bridge, Sums, bridges
from spotted.constraints.partition import Partition
from spotted.constraints.trust_settings import probability_of
from spotted.counting import pairs_within


@dataclass(frozen=True, slots=True)
class RiskyDecision:
    """A decision that may be wrong: the weakest link of a component, or a separation of two."""

    risk: float
    """P(wrong) times the image pairs between the two sides."""
    merged: bool
    """True for a link, False for a separation."""
    near: tuple[int, ...]
    """The items on one side."""
    far: tuple[int, ...]
    """The items on the other side."""


class RiskyDecisions:
    """The risky decisions of a partition, kept up to date as it changes.

    A component is examined again if its links changed. Separations are too many for that:
    `search_separations` examines all of them now and then.
    """

    def __init__(self, partition: Partition) -> None:
        self._partition = partition
        self._weakest: dict[int, RiskyDecision] = {}
        # by component, ascending: the riskiest link is the first
        self._links: list[tuple[float, int]] = []
        # by two components, ascending by the risk at the last search: the riskiest is the last
        self._separated: list[tuple[float, int, int]] = []

    def search_separations(self) -> None:
        """Search all separations for those worth an audit."""
        least = self._partition.settings.reopen_risk
        self._separated = sorted(
            (risk, ours, theirs)
            for ours, theirs, evidence in self._partition.separated()
            if (risk := _risk_of_loss(self._partition, ours, theirs, evidence)) >= least
        )

    def drop_settled(self) -> None:
        """Drop the riskiest separations that are no longer worth an audit."""
        while self._separated and not self._worth(*self._separated[-1][1:]):
            self._separated.pop()

    def riskiest(self) -> Iterator[RiskyDecision]:
        """The decisions that are worth an audit, the riskiest first; separations by the last search."""
        self._refresh()
        links = ((risk, self._weakest[component]) for risk, component in self._links)
        separated = ((-risk, self._separation(*pair)) for risk, *pair in reversed(self._separated))
        for _, decision in heapq.merge(links, separated, key=lambda entry: entry[0]):
            if decision:
                yield decision

    def _refresh(self) -> None:
        for component in self._partition.take_changed():
            before = self._weakest.pop(component, None)
            if before:
                del self._links[bisect.bisect_left(self._links, (-before.risk, component))]
            decision = weakest_link(self._partition, component)
            if decision and decision.risk >= self._partition.settings.audit_risk:
                self._weakest[component] = decision
                bisect.insort(self._links, (-decision.risk, component))

    def _worth(self, ours: int, theirs: int) -> float:
        """The risk of a separation; 0 if it is not worth an audit."""
        risk = separation_risk(self._partition, ours, theirs)
        return risk if risk >= self._partition.settings.reopen_risk else 0.0

    def _separation(self, ours: int, theirs: int) -> RiskyDecision | None:
        risk, members = self._worth(ours, theirs), self._partition.components.members
        return RiskyDecision(risk, False, members(ours), members(theirs)) if risk else None


def separation_risk(partition: Partition, ours: int, theirs: int) -> float:
    """Image pairs expected to be lost by a separation; 0 if all were asked, or one image shows both."""
    evidence = partition.separation(ours, theirs)
    return 0.0 if evidence is None else _risk_of_loss(partition, ours, theirs, evidence)


def _risk_of_loss(partition: Partition, ours: int, theirs: int, evidence: Evidence) -> float:
    image_pairs = partition.components.size(ours) * partition.components.size(theirs)
    if evidence.forbidden or evidence.asked >= image_pairs:
        return 0.0
    return image_pairs * probability_of(evidence.log_odds(partition.settings))


def weakest_link(partition: Partition, component: int) -> RiskyDecision | None:
    """The link of a component's strongest spanning tree that is expected to make most image pairs wrong.

    None for a component that is gone, or if every image pair in it was asked.
    """
    statements = partition.statements
    items = partition.components.members(component) if component in partition.components else ()
    links: dict[Pair, Sums] = {}
    inside = set(items)
    for item in items:
        for other in statements.near(item):
            pair = statements.of(item, other) if other in inside and other > item else None
            if pair:
                links[item, other] = (pair.weight, sum(pair.priors), len(pair.priors), 1.0, 0.0)
    if not links or len(links) == pairs_within([len(items)]):
        return None
    for item in items:
        for other, _ in partition.facts.joining(item):
            if other > item:
                asked = links.get((item, other), (0.0,) * 5)
                links[item, other] = (*asked[:4], 1.0)
    tree = bridges(items, partition.strengths(items), links)
    risk, _, weakest = max((_risk_of_link(partition, link, len(items)), link.side, link) for link in tree)
    near = tuple(item for item in items if item not in {*weakest.side})
    return RiskyDecision(risk, True, near, tuple(sorted(weakest.side)))


def _risk_of_link(partition: Partition, link: Bridge, items: int) -> float:
    """P(wrong) times image pairs; 0 if every image pair across was asked, or a fact joins both sides."""
    weight, prior, priors, asked, fixed = link.sums
    image_pairs = len(link.side) * (items - len(link.side))
    odds = weight + (prior / priors if priors else partition.settings.prior(None))
    return 0.0 if fixed or asked >= image_pairs else image_pairs * probability_of(-odds)
